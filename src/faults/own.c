/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A person's own edits of one layer. They are written by the strategies that repair findings, so an attribute ends up
 * where the Target keeps it (attribute or input, Pad node, bounds of Min and Max), and so does a weight. */
#include "faults/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBERS = 32 };

typedef struct numbers {
    int n;
    double reals[MAX_NUMBERS];
    int64_t ints[MAX_NUMBERS];
} numbers;

/* The nodes of the pair; FF_ERR_USAGE when the Target has none. */
static int nodes_of(const ff_subject *s, int pair, const ff_cnode **source, const ff_cnode **target)
{
    const ff_alignment *a = s->alignment;
    if (!a)
        return ff_fail(FF_ERR_USAGE, "the models are not aligned");
    if (pair < 0 || pair >= a->n_pairs)
        return ff_fail(FF_ERR_USAGE, "there is no pair %d", pair);
    const ff_pair *p = &a->pairs[pair];
    *source = p->source >= 0 ? &a->source->nodes[p->source] : NULL;
    *target = p->target >= 0 ? &a->target->nodes[p->target] : NULL;
    return *target && (*target)->primary ? FF_OK : ff_fail(FF_ERR_USAGE, "the Target has no node there");
}

/* "0,0,1,1", "[0,0,1,1]" or "0 0 1 1". False: something else is in it, or too much. */
static bool parse_numbers(const char *text, bool whole, numbers *out)
{
    out->n = 0;
    while (*text) {
        size_t skip = strspn(text, "[], "), n = strcspn(text + skip, "[], ");
        text += skip;
        if (!n)
            continue;
        if (out->n == MAX_NUMBERS)
            return false;
        char *word = ff_strndup(text, n);
        bool fits = whole ? ff_parse_int(word, &out->ints[out->n]) : ff_parse_real(word, &out->reals[out->n]);
        if (!whole && !fits && (strcmp(word, "inf") == 0 || strcmp(word, "-inf") == 0)) {
            out->reals[out->n] = *word == '-' ? -INFINITY : INFINITY;
            fits = true;
        }
        free(word);
        if (!fits)
            return false;
        out->n++;
        text += n;
    }
    return out->n > 0;
}

/* Type and number of elements (0: any) that the attribute takes. */
static int kind_of(const ff_cnode *source, const ff_cnode *target, const char *name, ff_cattr *out, int *count)
{
    const ff_cattr *known = ff_cnode_attr(target, name);
    if (!known && source)
        known = ff_cnode_attr(source, name);
    if (known) {
        out->type = known->type;
        *count = known->n;
        return FF_OK;
    }
    const struct ff_attr_fact *fact = ff_node_attr_fact(target->primary, name);
    *count = 0;
    if (fact && (fact->type == FF_ATTR_INT || fact->type == FF_ATTR_INTS))
        out->type = FF_CATTR_INTS;
    else if (fact && (fact->type == FF_ATTR_FLOAT || fact->type == FF_ATTR_FLOATS))
        out->type = FF_CATTR_REALS;
    else if (fact && fact->type == FF_ATTR_STRING)
        out->type = FF_CATTR_TEXT;
    else
        return ff_fail(FF_ERR_USAGE, "'%s' (%s) has no attribute '%s' that could be set", target->primary->label,
                       target->op, name);
    return FF_OK;
}

static int parse_value(const char *name, const char *value, int count, numbers *v, ff_cattr *out)
{
    out->name = name;
    if (out->type == FF_CATTR_TEXT) {
        out->text = value;
        return FF_OK;
    }
    bool whole = out->type == FF_CATTR_INTS;
    if (!parse_numbers(value, whole, v))
        return ff_fail(FF_ERR_USAGE, "%s takes %s, not '%s'", name, whole ? "whole numbers" : "numbers", value);
    if (v->n == 1 && count > 1 && count <= MAX_NUMBERS) { /* one for all */
        for (int i = 1; i < count; i++) {
            v->ints[i] = v->ints[0];
            v->reals[i] = v->reals[0];
        }
        v->n = count;
    }
    if (count > 0 && v->n != count)
        return ff_fail(FF_ERR_USAGE, "%s takes %d numbers, not %d", name, count, v->n);
    out->n = v->n;
    out->ints = v->ints;
    out->reals = v->reals;
    return FF_OK;
}

/* Runs a strategy on a made-up finding and joins what it proposes to the list. */
static int propose(ff_proposing *p, int (*strategy)(ff_proposing *, const ff_finding *), ff_fault_type type, int pair,
                   ff_hint *hint)
{
    const ff_finding f = {.id = (char *)"what-if", .type = type, .pair = pair, .hint = hint};
    return strategy(p, &f);
}

/* The proposals as one that repairs no finding. Takes the list over. */
static int conclude(ff_proposals *list, int rc, char *summary, const char *cannot, ff_proposal *out)
{
    if (rc == FF_OK && list->count == 0)
        rc = ff_fail(FF_ERR_USAGE, "%s", cannot);
    if (rc == FF_OK) {
        ff_proposal *first = &list->at[0];
        for (int i = 1; i < list->count; i++)
            ff_patch_append(first->patch, list->at[i].patch);
        for (int i = 0; i < first->n_findings; i++)
            free(first->findings[i]);
        first->n_findings = 0;
        if (summary) {
            free(first->summary);
            first->summary = summary;
            summary = NULL;
        }
        *out = *first;
        *first = (ff_proposal){0};
    }
    free(summary);
    ff_proposals_destroy(list);
    return rc;
}

int ff_own_attribute(const ff_subject *s, int pair, const char *name, const char *value, ff_proposal *out)
{
    const ff_cnode *source, *target;
    numbers v = {0};
    ff_cattr wanted = {0};
    int count, rc = nodes_of(s, pair, &source, &target);
    if (rc == FF_OK)
        rc = kind_of(source, target, name, &wanted, &count);
    if (rc == FF_OK)
        rc = parse_value(name, value, count, &v, &wanted);
    if (rc != FF_OK)
        return rc;
    ff_hint hint = {.target_cnode = target->id, .source_cnode = source ? source->id : -1, .source_attr = &wanted};
    hint.target_attr = ff_cnode_attr(target, name);
    hint.node = hint.target_attr ? hint.target_attr->node : NULL;
    ff_proposing p = {.subject = s, .list = ff_alloc(sizeof(ff_proposals))};
    char *label = ff_visible(target->primary->label);
    char *cannot = ff_asprintf("%s of '%s' is not written in one place of the Target: it cannot be set", name, label);
    rc = propose(&p, ff_fix_hyper, FF_LH, pair, &hint);
    rc = conclude(p.list, rc, NULL, cannot, out);
    free(cannot);
    free(label);
    return rc;
}

int ff_own_weights(const ff_subject *s, int pair, ff_proposal *out)
{
    const ff_cnode *source, *target;
    int rc = nodes_of(s, pair, &source, &target);
    if (rc != FF_OK)
        return rc;
    if (!source)
        return ff_fail(FF_ERR_USAGE, "the Source has no node there whose weights could be taken");
    ff_proposing p = {.subject = s, .list = ff_alloc(sizeof(ff_proposals))};
    char *label = ff_visible(target->primary->label);
    for (int i = 0; i < target->n_params && rc == FF_OK; i++) {
        ff_hint hint = {.target_cnode = target->id, .source_cnode = source->id};
        hint.target_param = &target->params[i];
        hint.source_param = ff_cnode_param(source, hint.target_param->role);
        if (hint.source_param)
            rc = propose(&p, ff_fix_weights, FF_WB, pair, &hint);
    }
    char *cannot = ff_asprintf("'%s' has no weights that the Source's could replace", label);
    rc = conclude(p.list, rc, ff_asprintf("take the Source's weights for '%s'", label), cannot, out);
    free(cannot);
    free(label);
    return rc;
}
