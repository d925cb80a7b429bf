/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LH: attributes of aligned layers that differ. Where a Pad node of the Target's decides the padding, it is
 * the graph that is wrong, not an attribute: CG. */
#include "faults/detect.h"
#include "fetafix/examine.h"

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
        json_array_append_new(list, a->type == FF_CATTR_INTS ? json_integer(a->ints[i]) : ff_json_real(a->reals[i]));
    if (a->n != 1)
        return list;
    json_t *single = json_incref(json_array_get(list, 0));
    json_decref(list);
    return single;
}

static ff_cause_id cause_of(const ff_cattr *a, const ff_cattr *b, bool pad)
{
    if (pad)
        return strcmp((a ? a : b)->name, "pads") == 0 ? FF_CAUSE_PAD_AMOUNTS : FF_CAUSE_PAD_COUNTED;
    if (!b)
        return FF_CAUSE_ATTRIBUTE_MISSING;
    if (!a)
        return FF_CAUSE_ATTRIBUTE_ADDED;
    const char *name = a->name;
    static const struct {
        const char *attr;
        ff_cause_id cause;
    } known[] = {
        {"pads", FF_CAUSE_PADS_DIFFER},
        {"strides", FF_CAUSE_STRIDES_DIFFER},
        {"dilations", FF_CAUSE_DILATIONS_DIFFER},
        {"group", FF_CAUSE_GROUP_DIFFERS},
        {"axis", FF_CAUSE_AXIS_DIFFERS},
        {"axes", FF_CAUSE_AXIS_DIFFERS},
        {"min", FF_CAUSE_BOUNDS_DIFFER},
        {"max", FF_CAUSE_BOUNDS_DIFFER},
        {"ceil_mode", FF_CAUSE_CEIL_MODE_DIFFERS},
        {"epsilon", FF_CAUSE_EPSILON_DIFFERS},
        {"kernel_shape", FF_CAUSE_KERNEL_DIFFERS},
        {"count_include_pad", FF_CAUSE_COUNT_INCLUDE_PAD_DIFFERS},
    };
    for (size_t i = 0; i < FF_COUNT(known); i++)
        if (strcmp(known[i].attr, name) == 0)
            return known[i].cause;
    return FF_CAUSE_ATTRIBUTE_DIFFERS;
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
    bool counted = strcmp(name, "count_include_pad") == 0;
    bool pad = a && b && b->node && strcmp(b->node->op, "Pad") == 0 && (counted || strcmp(name, "pads") == 0);
    char *label = ff_pair_label(s, pair), *target = ff_cnode_label(s->target.canon, p->target);
    char *what = ff_asprintf("%s/%s", label, name), *x = shown(a), *y = shown(b);
    ff_finding *f = ff_detection_add(d, cause_of(a, b, pad), what);
    ff_finding_set_nodes(s, f, p->source, p->target);
    f->pair = pair;
    f->hint->source_attr = a;
    f->hint->target_attr = b;
    f->hint->node = b && b->node ? b->node : s->target.canon->nodes[p->target].primary;
    char *node = ff_visible(f->hint->node ? f->hint->node->label : target);
    f->summary = pad && counted
                     ? ff_asprintf("the average of '%s' counts the zeros of Pad '%s', the Source's does not count "
                                   "its padding",
                                   target, node)
                 : pad ? ff_asprintf("Pad '%s' pads %s where the Source pads %s", node, y, x)
                       : ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, node, x, y);
    if (pad && counted)
        f->explanation = ff_asprintf(
            "An average over a window that hangs over the border divides by the number of pixels in the picture, in the "
            "Source. In the Target a separate Pad node puts zeros around, which are pixels like any other to '%s'. The "
            "repair lets the layer pad by itself, without counting.",
            target);
    else if (pad)
        f->explanation = ff_asprintf(
            "A separate Pad node of the Target does the padding of '%s', by other amounts or on other sides than the "
            "Source's layer. The repair corrects the amounts of the Pad.",
            target);
    else if (strcmp(name, "pads") == 0)
        f->explanation = ff_asprintf(
            "The window of '%s' starts at another place than the Source's. Frameworks put the odd pixel of "
            "'same' padding at different ends, and converters drop or mirror it. The repair sets the pads to %s.",
            target, x);
    else
        f->explanation = ff_asprintf(
            "With %s = %s instead of %s the layer computes something else. Defaults that differ between frameworks "
            "and operator versions are the usual reason. The repair sets the Source's value.",
            name, y, x);
    ff_finding_set_difference(f, name, value(a), value(b));
    free(label);
    free(target);
    free(what);
    free(node);
    free(x);
    free(y);
}

/* ---------------------------------------------------------------------------- what is padded with */

static bool same_text(const ff_cattr *a, const ff_cattr *b)
{
    return !a || !b ? a == b : equal_attr(a, b);
}

static char *padding_words(const ff_cnode *n)
{
    const ff_cattr *mode = ff_cnode_attr(n, "pad_mode"), *value = ff_cnode_attr(n, "pad_value");
    if (mode)
        return ff_asprintf("in mode '%s'", mode->text);
    if (value)
        return ff_asprintf("with %.6g", value->reals[0]);
    return ff_strdup(strcmp(n->op, "MaxPool") == 0 ? "with nothing that could be the largest" : "with zeros");
}

/* Mirrored pixels in place of zeros, zeros in place of minus infinity: it is a Pad node that does so. */
static void report_padding(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b)
{
    const ff_subject *s = d->subject;
    const ff_cattr *mode_a = ff_cnode_attr(a, "pad_mode"), *mode_b = ff_cnode_attr(b, "pad_mode"),
                   *value_a = ff_cnode_attr(a, "pad_value"), *value_b = ff_cnode_attr(b, "pad_value");
    if (same_text(mode_a, mode_b) && same_text(value_a, value_b))
        return;
    char *label = ff_pair_label(s, pair), *target = ff_cnode_label(s->target.canon, b->id);
    char *what = ff_asprintf("%s/padding", label), *x = padding_words(a), *y = padding_words(b);
    ff_finding *f = ff_detection_add(d, mode_a || mode_b ? FF_CAUSE_PAD_MODE : FF_CAUSE_PAD_VALUE, what);
    ff_finding_set_nodes(s, f, a->id, b->id);
    f->pair = pair;
    f->hint->source_attr = mode_a ? mode_a : value_a;
    f->hint->target_attr = mode_b ? mode_b : value_b;
    const ff_cattr *by = f->hint->target_attr;
    f->hint->node = by && by->node ? by->node : b->primary;
    char *node = ff_visible(f->hint->node ? f->hint->node->label : target);
    f->summary = ff_asprintf("'%s' pads %s where the Source pads %s", node, y, x);
    f->explanation = ff_asprintf(
        "What is put around the picture before '%s' is something else than in the Source: frameworks that pad in a node of "
        "its own fill in zeros, where a maximum pads with minus infinity, or mirror the border. The amounts are another "
        "matter. The repair makes the Target pad %s.",
        target, x);
    ff_finding_set_difference(f, "padding", json_string(x), json_string(y));
    free(label);
    free(target);
    free(what);
    free(node);
    free(x);
    free(y);
}

/* ------------------------------------------------------------------------------------- slices */

static const char *const of_slice[] = {"axes", "starts", "ends", "steps", NULL};

/* "axes [2,3], starts [1,1], ends [8,8]" */
static char *slice_words(const ff_cnode *n)
{
    ff_buf b = {0};
    for (int i = 0; of_slice[i]; i++) {
        const ff_cattr *a = ff_cnode_attr(n, of_slice[i]);
        char *text = a ? ff_cattr_format(a) : NULL;
        if (text)
            ff_buf_printf(&b, "%s%s %s", b.len ? ", " : "", of_slice[i], text);
        free(text);
    }
    return ff_buf_steal(&b);
}

/* What a slice takes is one thing, however many attributes say it; and so are the parts of one Split. */
static void report_slice(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b)
{
    int k = 0;
    while (of_slice[k] && same_text(ff_cnode_attr(a, of_slice[k]), ff_cnode_attr(b, of_slice[k])))
        k++;
    if (!of_slice[k])
        return;
    for (int i = 0; i < d->findings->count; i++)
        if (ff_caused_by(&d->findings->at[i], FF_CAUSE_SLICE_DIFFERS) && d->findings->at[i].hint->node == b->primary)
            return;
    char *label = ff_pair_label(d->subject, pair), *target = ff_cnode_label(d->subject->target.canon, b->id);
    char *what = ff_asprintf("%s/slice", label), *x = slice_words(a), *y = slice_words(b);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_SLICE_DIFFERS, what);
    ff_finding_set_nodes(d->subject, f, a->id, b->id);
    f->pair = pair;
    f->hint->source_attr = ff_cnode_attr(a, of_slice[k]);
    f->hint->target_attr = ff_cnode_attr(b, of_slice[k]);
    f->hint->node = b->primary;
    f->summary = ff_asprintf("'%s' takes another part: %s in the Source, %s in the Target", target, x, y);
    f->explanation =
        ff_asprintf("Both sides take a part of a tensor at '%s', but not the same one: where it begins, ends or "
                    "steps was lost or counted otherwise, or the parts were swapped. The repair puts the "
                    "Source's in.",
                    target);
    ff_finding_set_difference(f, "slice", json_string(x), json_string(y));
    free(label);
    free(target);
    free(what);
    free(x);
    free(y);
}

/* ----------------------------------------------------------------------------------- windows */

static bool same_attribute(const ff_cnode *a, const ff_cnode *b, const char *name)
{
    const ff_cattr *x = ff_cnode_attr(a, name), *y = ff_cnode_attr(b, name);
    return x && y && equal_attr(x, y);
}

static int64_t one_of(const ff_cattr *a, int i)
{
    return a && i < a->n ? a->ints[i] : 0;
}

/* Do the windows of both lie on the same pixels, whatever is said of where they end? A padding that no window reaches
 * does not count, nor does it how the number of windows comes about: rounded up, or padded at the end. */
static bool same_windows(const ff_subject *s, const ff_cnode *a, const ff_cnode *b)
{
    static const char *const names[] = {"kernel_shape", "strides", "dilations"};
    bool average = strcmp(a->op, "AveragePool") == 0;
    if (!average && strcmp(a->op, "MaxPool") != 0 && strcmp(a->op, "Conv") != 0 && strcmp(a->op, "ConvTranspose") != 0)
        return false;
    for (size_t i = 0; i < FF_COUNT(names); i++)
        if (!same_attribute(a, b, names[i]))
            return false;
    const ff_shape *in = &s->source.canon->values[a->inputs[0]].shape,
                   *in_b = &s->target.canon->values[b->inputs[0]].shape,
                   *out = &s->source.canon->values[a->outputs[0]].shape,
                   *out_b = &s->target.canon->values[b->outputs[0]].shape;
    const ff_cattr *p = ff_cnode_attr(a, "pads"), *q = ff_cnode_attr(b, "pads"), *k = ff_cnode_attr(a, "kernel_shape"),
                   *step = ff_cnode_attr(a, "strides"), *far = ff_cnode_attr(a, "dilations");
    if (!p || !q || p->n != q->n || p->n != 2 * k->n || in->rank != k->n + 2 || in_b->rank != in->rank ||
        out->rank != in->rank || out_b->rank != in->rank)
        return false;
    bool counts = average && one_of(ff_cnode_attr(a, "count_include_pad"), 0) != 0;
    if (average && !same_attribute(a, b, "count_include_pad"))
        return false;
    for (int i = 0; i < k->n; i++) {
        if (in->dims[i + 2] < 1 || in->dims[i + 2] != in_b->dims[i + 2] || out->dims[i + 2] < 1 ||
            out->dims[i + 2] != out_b->dims[i + 2] || p->ints[i] != q->ints[i])
            return false;
        int64_t reach =
            (out->dims[i + 2] - 1) * step->ints[i] + (k->ints[i] - 1) * far->ints[i] + 1 - in->dims[i + 2] - p->ints[i];
        int64_t x = p->ints[i + k->n], y = q->ints[i + k->n];
        if (counts && (x < reach ? x : reach) != (y < reach ? y : reach))
            return false;
    }
    return true;
}

/* Attributes that other attributes make void, or that were spoken of. */
static bool passed_over(const ff_cnode *a, const ff_cnode *b, const char *name, bool windows)
{
    static const char *const of_pad[] = {"pad_mode", "pad_value", NULL};
    static const char *const of_windows[] = {"pads", "ceil_mode", "output_padding", NULL};
    static const char *const of_mode[] = {"nearest_mode", "antialias", "cubic_coeff_a", "exclude_outside", NULL};
    bool other_mode = strcmp(a->op, "Resize") == 0 && !same_attribute(a, b, "mode");
    return ff_any_of(name, of_pad) || (strcmp(a->op, "Slice") == 0 && ff_any_of(name, of_slice)) ||
           (windows && ff_any_of(name, of_windows)) || (other_mode && ff_any_of(name, of_mode));
}

static void add_windows(ff_detection *d, const ff_cnode *a, const ff_cnode *b)
{
    static const char *const names[] = {"pads", "ceil_mode", "output_padding"};
    bool differ = false;
    for (size_t i = 0; i < FF_COUNT(names); i++) {
        const ff_cattr *x = ff_cnode_attr(a, names[i]), *y = ff_cnode_attr(b, names[i]);
        differ = differ || !same_text(x, y);
    }
    if (!differ)
        return;
    ff_same *same =
        ff_detection_add_same(d, "same-windows", "windows on the same pixels, whatever is said of their end", 0);
    same->source_nodes = ff_nodes_copy(a->origins, same->n_source_nodes = a->n_origins);
    same->target_nodes = ff_nodes_copy(b->origins, same->n_target_nodes = b->n_origins);
}

static bool is_default(const ff_cattr *a)
{
    static const char *const zeros[] = {"pads", "ceil_mode", "count_include_pad", "output_padding", NULL};
    int64_t usual = ff_any_of(a->name, zeros) ? 0 : 1;
    if (strcmp(a->name, "kernel_shape") == 0) /* that of the weights */
        return true;
    for (int i = 0; i < a->n; i++)
        if (a->type != FF_CATTR_INTS || a->ints[i] != usual)
            return false;
    return true;
}

/* Attributes that could not be brought to one form, behind the place where the Target breaks: those that the view has
 * dropped on the other side, those left out which the Source has as everybody does, padding of a Pad node before the
 * layer or by sizes that are not known, and how a Resize comes from one size that is not known to another. */
static bool untold(const ff_subject *s, const ff_cnode *b, const ff_cattr *source, const char *name)
{
    const ff_canon *c = s->target.canon;
    if (!b->n_inputs || ff_region_computed(s, b->inputs[0]))
        return false;
    if (!source || (!ff_cnode_attr(b, name) && is_default(source)) ||
        (strcmp(b->op, "Resize") == 0 && strcmp(name, "mode") != 0))
        return true;
    int before = c->values[b->inputs[0]].producer;
    bool padding = strcmp(name, "pads") == 0 || strcmp(name, "auto_pad") == 0;
    return padding && (ff_cnode_attr(b, "auto_pad") || (before >= 0 && strcmp(c->nodes[before].op, "Pad") == 0));
}

/* "dilations, pads" and "[2,2], [2,2]" for a node with several attributes that differ. */
static void list_attributes(const ff_hint *h, ff_buf *names, ff_buf *source, ff_buf *target, json_t *x, json_t *y)
{
    for (int i = 0; h; i++, h = h->next) {
        const char *name = (h->source_attr ? h->source_attr : h->target_attr)->name, *gap = i ? ", " : "";
        char *from = shown(h->source_attr), *to = shown(h->target_attr);
        ff_buf_printf(names, "%s%s", gap, name);
        ff_buf_printf(source, "%s%s", gap, from);
        ff_buf_printf(target, "%s%s", gap, to);
        json_object_set_new(x, name, value(h->source_attr));
        json_object_set_new(y, name, value(h->target_attr));
        free(from);
        free(to);
    }
}

static ff_cause_id joint_cause(const ff_hint *h)
{
    static const char *const window[] = {"kernel_shape",   "strides",   "dilations", "pads",
                                         "output_padding", "ceil_mode", "auto_pad",  NULL},
                             *const bounds[] = {"min", "max", NULL};
    bool of_window = true, of_bounds = true;
    for (; h; h = h->next) {
        const char *name = (h->source_attr ? h->source_attr : h->target_attr)->name;
        of_window = of_window && ff_any_of(name, window);
        of_bounds = of_bounds && ff_any_of(name, bounds);
    }
    return of_window ? FF_CAUSE_WINDOW_DIFFERS : of_bounds ? FF_CAUSE_BOUNDS_DIFFER : FF_CAUSE_ATTRIBUTES_DIFFER;
}

/* Findings from number `from` on that one node has by several attributes are one: a window that was dilated is padded
 * otherwise as well, and a node that was written anew has lost all that it had. */
void ff_detection_join_attributes(ff_detection *d, int from)
{
    for (int i = from; i < d->findings->count; i++) {
        ff_hint *last = d->findings->at[i].hint;
        for (int k = i + 1; k < d->findings->count; k++) {
            ff_finding *f = &d->findings->at[k];
            if (d->findings->at[i].type != FF_LH || f->type != FF_LH || f->hint->node != last->node || !f->hint->node ||
                ff_caused_by(f, FF_CAUSE_SLICE_DIFFERS))
                continue;
            last = last->next = f->hint;
            f->hint = NULL;
            ff_detection_remove(d, k--);
        }
        ff_finding *f = &d->findings->at[i];
        if (!f->hint->next)
            continue;
        ff_buf names = {0}, source = {0}, target = {0};
        json_t *x = json_object(), *y = json_object();
        list_attributes(f->hint, &names, &source, &target, x, y);
        char *node = ff_visible(f->hint->node->label);
        free(f->summary);
        free(f->explanation);
        f->cause = ff_cause_at((int)joint_cause(f->hint));
        f->summary =
            ff_asprintf("%s of '%s': %s in the Source, %s in the Target", names.data, node, source.data, target.data);
        f->explanation =
            ff_asprintf("With %s = %s instead of %s the layer computes something else. They belong together: "
                        "one alone may not even fit what is around it. The repair sets the Source's values.",
                        names.data, target.data, source.data);
        ff_finding_set_difference(f, names.data, x, y);
        free(node);
        ff_buf_finish(&names);
        ff_buf_finish(&source);
        ff_buf_finish(&target);
    }
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
        if (strcmp(a->op, b->op) != 0 || ff_reduction_found(d, false, &b->id, 1) ||
            ff_dense_found(d, i, (const char *const[]){"transA", "transB", "alpha", "beta", NULL}))
            continue; /* another operator: the graph differs */
        /* What a wrong order of axes is made of is said by the detectors of structure. */
        if (strcmp(a->op, "Transpose") == 0 || strcmp(a->op, "Reshape") == 0)
            continue;
        bool windows = a->n_inputs > 0 && b->n_inputs > 0 && same_windows(s, a, b);
        if (windows)
            add_windows(d, a, b);
        int before = d->findings->count;
        report_padding(d, i, a, b);
        if (strcmp(a->op, "Slice") == 0)
            report_slice(d, i, a, b);
        for (int k = 0; k < a->n_attrs; k++) {
            const ff_cattr *other = ff_cnode_attr(b, a->attrs[k].name);
            if ((!other || !equal_attr(&a->attrs[k], other)) && !passed_over(a, b, a->attrs[k].name, windows) &&
                !untold(s, b, &a->attrs[k], a->attrs[k].name))
                report(d, i, &a->attrs[k], other);
        }
        for (int k = 0; k < b->n_attrs; k++)
            if (!ff_cnode_attr(a, b->attrs[k].name) && !passed_over(a, b, b->attrs[k].name, windows) &&
                !untold(s, b, NULL, b->attrs[k].name))
                report(d, i, NULL, &b->attrs[k]);
        ff_detection_join_attributes(d, before);
    }
    return FF_OK;
}
