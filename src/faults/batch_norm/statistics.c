/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WB: the constants of a batch normalisation differ. Folded into the layer before it they change its weight and its bias at
 * once, which the comparison of weights sees as two differences; it is one, and where both sides keep the normalisation as
 * a node, it is known which of its constants it is.
 */
#include "faults/batch_norm/batch_norm.h"
#include "faults/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ff_norm_of(const ff_canon *c, const ff_cnode *n, ff_norm *out)
{
    *out = (ff_norm){0};
    for (int i = 0; i < n->n_origins; i++) {
        const ff_node *x = n->origins[i];
        if (*x->domain || strcmp(x->op, "BatchNormalization") != 0 || x->n_inputs < 1 + FF_NORM_CONSTANTS)
            continue;
        if (out->node)
            return false;
        out->node = x;
    }
    if (!out->node)
        return false;
    out->epsilon = ff_node_float(out->node, "epsilon", 1e-5f);
    for (int k = 0; k < FF_NORM_CONSTANTS; k++) {
        const ff_value *v = out->node->inputs[k + 1];
        out->constants[k] = v ? ff_plan_constant(c->plan, v) : NULL;
        if (!out->constants[k] || out->constants[k]->count != out->constants[0]->count)
            return false;
    }
    return true;
}

bool ff_norm_params(const ff_cnode *n, const ff_cparam **scale, const ff_cparam **shift)
{
    *scale = ff_cnode_param(n, "weight");
    *shift = ff_cnode_param(n, "bias");
    if (strcmp(n->op, "Affine") == 0) {
        *scale = ff_cnode_param(n, "scale");
        *shift = ff_cnode_param(n, "shift");
    } else if (strcmp(n->op, "Conv") != 0 && strcmp(n->op, "Gemm") != 0) {
        return false;
    }
    return *scale && *shift && (*scale)->tensor->dtype == FF_FLOAT && (*shift)->tensor->dtype == FF_FLOAT;
}

bool ff_norm_same_stored(const ff_subject *s, const ff_cparam *a, const ff_cparam *b)
{
    const ff_tensor *x = a->original ? ff_plan_constant(s->source.canon->plan, a->original) : NULL;
    const ff_tensor *y = b->original ? ff_plan_constant(s->target.canon->plan, b->original) : NULL;
    ff_tensor *p = NULL, *q = NULL;
    if (!x || !y || x->dtype != FF_FLOAT || y->dtype != FF_FLOAT || x->count != y->count)
        return false;
    bool same = ff_layout_apply(&a->layout, x, a->tensor->rank, a->tensor->dims, &p) == FF_OK &&
                ff_layout_apply(&b->layout, y, b->tensor->rank, b->tensor->dims, &q) == FF_OK && p->bytes == q->bytes &&
                memcmp(p->data, q->data, p->bytes) == 0;
    ff_tensor_unref(p);
    ff_tensor_unref(q);
    return same;
}

bool ff_norm_both(const ff_subject *s, const ff_cnode *source, const ff_cnode *target, ff_norm *a, ff_norm *b)
{
    const ff_cparam *x, *y, *unused;
    if (!ff_norm_of(s->source.canon, source, a) || !ff_norm_of(s->target.canon, target, b) ||
        !ff_norm_params(source, &x, &unused) || !ff_norm_params(target, &y, &unused) || a->epsilon != b->epsilon ||
        a->constants[0]->count != b->constants[0]->count)
        return false;
    /* By itself it is all that the node stands for. */
    return strcmp(source->op, "Affine") == 0 ? source->n_origins == 1 && target->n_origins == 1
                                             : ff_norm_same_stored(s, x, y);
}

/* What is said about the constants that differ. */
typedef struct account {
    int n;
    ff_cause_id cause; /* of all of them, else FF_CAUSE_NORMALISATION */
    double relative;
    int64_t different, count;
    ff_buf names; /* "mean, variance" */
} account;

static bool is_rounding(ff_cause_id cause)
{
    return cause == FF_CAUSE_FLOAT16 || cause == FF_CAUSE_BFLOAT16 || cause == FF_CAUSE_INT8_PER_TENSOR ||
           cause == FF_CAUSE_INT8_PER_CHANNEL;
}

static int compare_constants(const ff_norm *a, const ff_norm *b, account *out)
{
    static const char *const names[FF_NORM_CONSTANTS] = {"scale", "shift", "mean", "variance"};
    for (int k = 0; k < FF_NORM_CONSTANTS; k++) {
        ff_weight_change c;
        int rc = ff_weight_compare(a->constants[k], b->constants[k], NULL, false, &c);
        if (rc != FF_OK)
            return rc;
        if (strcmp(c.cause, "equal") == 0 || strcmp(c.cause, "rounding") == 0)
            continue;
        ff_buf_printf(&out->names, "%s%s", out->n ? ", " : "", names[k]);
        ff_cause_id cause = ff_cause_of_change(&c);
        bool same = !out->n || out->cause == cause;
        out->cause = same && is_rounding(cause) ? cause : FF_CAUSE_NORMALISATION;
        out->relative = fmax(out->relative, c.relative);
        out->different += c.n_different;
        out->count += c.n;
        out->n++;
    }
    return FF_OK;
}

/* Of numbers that are stored as integers. */
static bool of_storage(const ff_finding *f)
{
    return ff_caused_by(f, FF_CAUSE_QUANTIZED) || ff_caused_by(f, FF_CAUSE_QUANTIZATION_SCALE) ||
           ff_caused_by(f, FF_CAUSE_QUANTIZATION_ZERO_POINT);
}

/* All findings from number `from` on are of the numbers of the two parameters; *both: each has one, and the first's are the
 * Source's times a factor for each channel. */
static bool of_params(const ff_detection *d, int from, const ff_cparam *scale, const ff_cparam *shift, bool *both)
{
    bool of_scale = false, of_shift = false, by_channel = strcmp(scale->role, "scale") == 0;
    for (int i = from; i < d->findings->count; i++) {
        const ff_finding *f = &d->findings->at[i];
        const ff_cparam *p = f->hint->target_param;
        if (f->type != FF_WB || (p != scale && p != shift) || of_storage(f))
            return false;
        of_scale |= p == scale;
        of_shift |= p == shift;
        by_channel |= p == scale && ff_caused_by(f, FF_CAUSE_SCALED);
    }
    *both = of_scale && of_shift && by_channel;
    return true;
}

int ff_detect_statistics(ff_detection *d, int pair, int from)
{
    const ff_subject *s = d->subject;
    const ff_pair *p = &s->alignment->pairs[pair];
    const ff_cnode *source = &s->source.canon->nodes[p->source], *target = &s->target.canon->nodes[p->target];
    const ff_cparam *scale, *shift;
    ff_norm a, b;
    bool both;
    account of = {.cause = FF_CAUSE_NORMALISATION};
    int rc = FF_OK;
    if (!ff_norm_params(target, &scale, &shift) || !of_params(d, from, scale, shift, &both))
        goto out;
    if (ff_norm_both(s, source, target, &a, &b))
        rc = compare_constants(&a, &b, &of);
    if (rc != FF_OK || (!of.n && !both))
        goto out;
    for (int i = from; i < d->findings->count && !of.n; i++)
        of.relative = fmax(of.relative, d->findings->at[i].magnitude);
    ff_detection_drop(d, from);

    char *label = ff_pair_label(s, pair), *what = ff_asprintf("%s/normalisation", label);
    char *shown = ff_visible((of.n ? b.node : target->primary)->label);
    ff_finding *f = ff_detection_add(d, of.cause, what);
    ff_finding_set_nodes(s, f, p->source, p->target);
    f->pair = pair;
    f->magnitude = isfinite(of.relative) ? of.relative : 1e6;
    f->hint->source_param = ff_cnode_param(source, scale->role);
    f->hint->target_param = scale;
    f->hint->normalisation = true;
    const double percent = 100 * fmin(of.relative, 1e6);
    const bool alone = strcmp(target->op, "Affine") == 0;
    f->summary =
        of.n ? ff_asprintf("%s of the batch normalisation '%s' %s (%.3g%% off)", of.names.data, shown,
                           of.n > 1 ? "differ" : "differs", percent)
             : ff_asprintf("'%s' %s (%.3g%% off)", shown,
                           alone ? "multiplies and adds other numbers" : "has another batch normalisation folded in",
                           percent);
    f->explanation = ff_strdup(
        of.n
            ? "The layer's own weights are the Source's, the constants of its batch normalisation are not: they are of "
              "another checkpoint, were rounded, or the running mean and variance were lost in the conversion. The repair "
              "puts the Source's in."
        : alone
            ? "A batch normalisation of other statistics, as a node or written as a product and a sum. The repair makes "
              "both the Source's, in the form in which the Target keeps them."
            : "The channels of the Target's weights are multiples of the Source's, and its bias differs with them: the "
              "layer was joined with a batch normalisation of other statistics, or with one that has been changed since. "
              "The repair makes both the Source's, in the form in which the Target keeps them.");
    json_t *j = json_object();
    if (of.n) {
        json_object_set_new(j, "role", json_string(of.names.data));
        json_object_set_new(j, "different", json_integer(of.different));
        json_object_set_new(j, "count", json_integer(of.count));
    }
    json_object_set_new(j, "relative", ff_json_real(of.relative));
    ff_finding_set_details(f, j);
    free(label);
    free(what);
    free(shown);
out:
    ff_buf_finish(&of.names);
    return rc;
}
