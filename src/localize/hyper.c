/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LH: attributes of aligned layers that differ. Where a Pad node of the Target's decides the padding, it is
 * the graph that is wrong, not an attribute: CG. */
#include "localize/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool equal_attr(const ff_cattr *a, const ff_cattr *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == FF_CATTR_TEXT)
        return strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        if (a->type == FF_CATTR_INTS && a->ints[i] != b->ints[i])
            return false;
        if (a->type == FF_CATTR_REALS && a->reals[i] != b->reals[i] &&
            (isinf(a->reals[i]) || isinf(b->reals[i]) ||
             !(fabs(a->reals[i] - b->reals[i]) <= 1e-6 * fmax(fabs(a->reals[i]), fabs(b->reals[i])))))
            return false;
    }
    return true;
}

static json_t *value(const ff_cattr *a)
{
    if (!a)
        return json_null();
    if (a->type == FF_CATTR_TEXT)
        return json_string(a->text ? a->text : "");
    json_t *list = json_array();
    for (int i = 0; i < a->n; i++)
        json_array_append_new(list, a->type == FF_CATTR_INTS ? json_integer(a->ints[i])
                                                             : ff_json_real(a->reals[i]));
    if (a->n != 1)
        return list;
    json_t *single = json_incref(json_array_get(list, 0));
    json_decref(list);
    return single;
}

static const char *cause_of(const ff_cattr *a, const ff_cattr *b, bool pad)
{
    if (pad)
        return "pad-amounts";
    if (!b)
        return "attribute-missing";
    if (!a)
        return "attribute-added";
    const char *name = a->name;
    static const struct {
        const char *attr, *cause;
    } known[] = {
        {"pads", "pads-differ"},       {"strides", "strides-differ"}, {"dilations", "dilations-differ"},
        {"group", "group-differs"},    {"axis", "axis-differs"},      {"axes", "axis-differs"},
        {"min", "bounds-differ"},      {"max", "bounds-differ"},      {"ceil_mode", "ceil-mode-differs"},
        {"epsilon", "epsilon-differs"}, {"kernel_shape", "kernel-differs"},
        {"count_include_pad", "count-include-pad-differs"},
    };
    for (size_t i = 0; i < FF_COUNT(known); i++)
        if (strcmp(known[i].attr, name) == 0)
            return known[i].cause;
    return "attribute-differs";
}

static char *shown(const ff_cattr *a)
{
    return a ? ff_cattr_format(a) : ff_strdup("absent");
}

static void report(ff_detection *d, int pair, const ff_cattr *a, const ff_cattr *b)
{
    const ff_subject *s = d->subject;
    const ff_pair *p = &s->alignment->pairs[pair];
    const char *name = (a ? a : b)->name;
    bool pad = a && b && b->node && strcmp(b->node->op, "Pad") == 0 && strcmp(name, "pads") == 0;
    char *label = ff_pair_label(s, pair), *target = ff_cnode_label(s->target.canon, p->target);
    char *what = ff_asprintf("%s/%s", label, name), *x = shown(a), *y = shown(b);
    ff_finding *f = ff_detection_add(d, pad ? FF_CG : FF_LH, cause_of(a, b, pad), what);
    ff_finding_set_nodes(s, f, p->source, p->target);
    f->pair = pair;
    f->hint->source_attr = a;
    f->hint->target_attr = b;
    f->hint->node = b && b->node ? b->node : s->target.canon->nodes[p->target].primary;
    char *node = ff_visible(f->hint->node ? f->hint->node->label : target);
    f->summary = pad ? ff_asprintf("Pad '%s' pads %s where the Source pads %s", node, y, x)
                     : ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, node, x, y);
    if (pad)
        f->explanation = ff_asprintf(
            "A separate Pad node of the Target does the padding of '%s', by other amounts or on other sides than the "
            "Source's layer. The repair corrects the amounts of the Pad.", target);
    else if (strcmp(name, "pads") == 0)
        f->explanation = ff_asprintf(
            "The window of '%s' starts at another place than the Source's. Frameworks put the odd pixel of "
            "'same' padding at different ends, and converters drop or mirror it. The repair sets the pads to %s.",
            target, x);
    else
        f->explanation = ff_asprintf(
            "With %s = %s instead of %s the layer computes something else. Defaults that differ between frameworks "
            "and operator versions are the usual reason. The repair sets the Source's value.", name, y, x);
    json_t *j = json_object();
    json_object_set_new(j, "attribute", json_string(name));
    json_object_set_new(j, "source", value(a));
    json_object_set_new(j, "target", value(b));
    ff_finding_set_details(f, j);
    free(label);
    free(target);
    free(what);
    free(node);
    free(x);
    free(y);
}

int ff_detect_hyper(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!s->alignment)
        return FF_OK;
    for (int i = 0; i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source < 0 || p->target < 0)
            continue;
        const ff_cnode *a = &s->source.canon->nodes[p->source], *b = &s->target.canon->nodes[p->target];
        if (strcmp(a->op, b->op) != 0)
            continue; /* another operator: the graph differs */
        /* What a wrong order of axes is made of is said by the detectors of structure. */
        if (strcmp(a->op, "Transpose") == 0 || strcmp(a->op, "Reshape") == 0)
            continue;
        for (int k = 0; k < a->n_attrs; k++) {
            const ff_cattr *other = ff_cnode_attr(b, a->attrs[k].name);
            if (!other || !equal_attr(&a->attrs[k], other))
                report(d, i, &a->attrs[k], other);
        }
        for (int k = 0; k < b->n_attrs; k++)
            if (!ff_cnode_attr(a, b->attrs[k].name))
                report(d, i, NULL, &b->attrs[k]);
    }
    return FF_OK;
}
