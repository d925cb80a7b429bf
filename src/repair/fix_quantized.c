/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB of what is stored as integers, so that the Target stays quantised: another scale and zero point where the integers are
 * right, else the Source's numbers quantised anew; for an activation, a scale that fits the Source's values. */
#include "localize/quantized.h"
#include "localize/region.h"
#include "localize/runners.h"
#include "repair/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The constant of one input with other numbers, in its own type. */
static int write(const ff_plan *plan, ff_patch *patch, const ff_node *node, int input, const ff_tensor *like,
                 const double *values, int64_t n, const char *stem)
{
    ff_tensor *t;
    int rc = like->rank && like->count == n ? ff_tensor_create(like->dtype, like->rank, like->dims, &t)
                                            : ff_tensor_create(like->dtype, n == 1 ? 0 : 1, &n, &t);
    if (rc != FF_OK)
        return rc;
    for (int64_t i = 0; i < n; i++)
        ff_tensor_set_real(t, i, values[i]);
    rc = ff_write_constant(plan, patch, node, input, t, stem);
    ff_tensor_unref(t);
    return rc;
}

static int write_scales(const ff_plan *plan, ff_patch *patch, const ff_quantized *w, const double *scale,
                        const double *zero, const char *stem)
{
    int64_t n = ff_quantized_channels(w);
    bool moved = false;
    for (int64_t c = 0; c < n; c++)
        moved = moved || zero[c] != ff_quantized_zero(w, c);
    char *name = ff_asprintf("%s_scale", stem);
    int rc = write(plan, patch, w->node, w->at_scale, w->scale, scale, n, name);
    free(name);
    if (rc != FF_OK || !moved)
        return rc;
    const ff_tensor *like = w->zero ? w->zero : w->q;
    name = ff_asprintf("%s_zero_point", stem);
    rc = write(plan, patch, w->node, w->at_zero, like, zero, n, name);
    free(name);
    return rc;
}

/* Scales for the numbers wanted, by channel: as wide as the numbers are. What is symmetric stays so. */
static void choose_scales(const ff_quantized *w, const ff_tensor *wanted, double *scale, double *zero)
{
    int64_t n = ff_quantized_channels(w);
    double *low = ff_alloc_array((size_t)n, sizeof *low), *high = ff_alloc_array((size_t)n, sizeof *high);
    for (int64_t i = 0; i < wanted->count; i++) {
        int64_t c = ff_quantized_channel(w, i);
        double v = ff_tensor_get_real(wanted, i);
        low[c] = fmin(low[c], v);
        high[c] = fmax(high[c], v);
    }
    for (int64_t c = 0; c < n; c++) {
        zero[c] = ff_quantized_zero(w, c);
        bool symmetric = w->low < 0 && zero[c] == 0;
        scale[c] = symmetric ? fmax(-low[c], high[c]) / w->high : (high[c] - low[c]) / (w->high - w->low);
        scale[c] = (float)scale[c];
        if (!(scale[c] > 0))
            scale[c] = ff_quantized_scale(w, c);
        else if (!symmetric)
            zero[c] = fmin(fmax(rint(w->low - low[c] / scale[c]), w->low), w->high);
    }
    free(low);
    free(high);
}

static int quantize_anew(const ff_plan *plan, ff_patch *patch, const ff_quantized *w, const ff_tensor *wanted,
                         double *scale, double *zero, const char *stem)
{
    ff_tensor *q;
    choose_scales(w, wanted, scale, zero);
    int rc = ff_tensor_create(w->q->dtype, w->q->rank, w->q->dims, &q);
    if (rc != FF_OK)
        return rc;
    for (int64_t i = 0; i < q->count; i++) {
        int64_t c = ff_quantized_channel(w, i);
        double v = rint(ff_tensor_get_real(wanted, i) / scale[c]) + zero[c];
        ff_tensor_set_real(q, i, fmin(fmax(v, w->low), w->high));
    }
    rc = ff_write_constant(plan, patch, w->node, w->at_q, q, stem);
    ff_tensor_unref(q);
    return rc == FF_OK ? write_scales(plan, patch, w, scale, zero, stem) : rc;
}

/* The bias of QLinearConv is stored in units of the scales of both operands: in new units it is the Source's. */
static int fix_stored_bias(ff_proposing *p, const ff_finding *f, ff_patch *patch, const ff_quantized *w,
                           const double *scale, const char *stem)
{
    const ff_subject *s = p->subject;
    const ff_plan *plan = s->target.canon->plan;
    const ff_node *n = w->node;
    if (strcmp(n->op, "QLinearConv") != 0 || n->n_inputs < 9 || !n->inputs[8] || f->hint->source_cnode < 0)
        return FF_OK;
    const ff_cparam *wanted = ff_cnode_param(&s->source.canon->nodes[f->hint->source_cnode], "bias");
    const ff_tensor *old = ff_plan_constant(plan, n->inputs[8]), *x = ff_plan_constant(plan, n->inputs[1]);
    int64_t channels = ff_quantized_channels(w);
    if (!wanted || !old || !x || x->count != 1 || old->count != wanted->tensor->count)
        return FF_OK;
    ff_tensor *bias;
    int rc = ff_tensor_create(old->dtype, old->rank, old->dims, &bias);
    if (rc != FF_OK)
        return rc;
    for (int64_t c = 0; c < bias->count; c++) {
        double unit = ff_tensor_get_real(x, 0) * scale[channels == bias->count ? c : 0];
        double v = rint(ff_tensor_get_real(wanted->tensor, c) / unit);
        ff_tensor_set_real(bias, c, fmin(fmax(v, INT32_MIN), INT32_MAX));
    }
    char *name = ff_asprintf("%s_bias", stem);
    rc = ff_write_constant(plan, patch, n, 8, bias, name);
    free(name);
    ff_tensor_unref(bias);
    return rc;
}

static int fix_weight(ff_proposing *p, const ff_finding *f, const ff_quantized *w)
{
    const ff_plan *plan = p->subject->target.canon->plan;
    const ff_cparam *mine = f->hint->target_param;
    ff_tensor *wanted;
    int rc = ff_layout_invert(&mine->layout, f->hint->source_param->tensor, w->q->rank, w->q->dims, &wanted);
    if (rc != FF_OK)
        return rc;
    int64_t n = ff_quantized_channels(w);
    double *scale = ff_alloc_array((size_t)n, sizeof *scale), *zero = ff_alloc_array((size_t)n, sizeof *zero);
    const char *cause = ff_quantized_cause(w, wanted, scale, zero);
    char *stem = ff_asprintf("%s_repaired", mine->original->name), *label = ff_visible(mine->node->label);
    ff_patch *patch = ff_patch_create();
    if (cause && strcmp(cause, "grid") == 0) {
        /* Nothing better can be stored in these integers. */
    } else if (cause) {
        rc = write_scales(plan, patch, w, scale, zero, stem);
        if (rc == FF_OK)
            rc = fix_stored_bias(p, f, patch, w, scale, stem);
        if (rc == FF_OK) {
            ff_proposing_add(p, f, "scale", patch,
                             ff_asprintf("set the quantisation %s of the %s of '%s' to fit the Source's",
                                         strcmp(cause, "quantization-scale") == 0 ? "scale" : "zero point", mine->role,
                                         label));
            patch = NULL;
        }
    } else {
        rc = quantize_anew(plan, patch, w, wanted, scale, zero, stem);
        if (rc == FF_OK)
            rc = fix_stored_bias(p, f, patch, w, scale, stem);
        if (rc == FF_OK) {
            ff_proposing_add(p, f, "quantized", patch,
                             ff_asprintf("quantise the Source's %s of '%s' anew", mine->role, label));
            patch = NULL;
        }
    }
    ff_patch_destroy(patch);
    free(label);
    free(stem);
    free(scale);
    free(zero);
    ff_tensor_unref(wanted);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}

/* The original node that takes the scale at the place of a canonical operand, and the input; NULL: there is none. */
static const ff_node *operand(const ff_cnode *n, int place, int *input)
{
    if (place >= n->n_params || !n->params[place].node)
        return NULL;
    *input = n->params[place].input;
    return n->params[place].node;
}

static int set_activation(const ff_plan *plan, ff_patch *patch, const ff_cnode *n, double scale, double zero,
                          const char *stem)
{
    const double values[] = {scale, zero};
    static const char *const names[] = {"scale", "zero_point"};
    int rc = FF_OK;
    for (int k = 0; k < 2 && k < n->n_params && rc == FF_OK; k++) {
        int input;
        const ff_node *node = operand(n, k, &input);
        const ff_tensor *old = node ? ff_plan_constant(plan, node->inputs[input]) : NULL;
        if (!old)
            return ff_fail(FF_ERR_GRAPH, "the %s is no constant", names[k]);
        char *name = ff_asprintf("%s_%s", stem, names[k]);
        rc = write(plan, patch, node, input, old, &values[k], 1, name);
        free(name);
    }
    return rc;
}

static int fix_activation(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_plan *plan = s->target.canon->plan;
    int nodes[3], n = ff_region_nodes(s, false, f->hint->exit, nodes, 3);
    ff_quantized_activation a;
    if (!ff_quantized_activation_find(s, nodes, n, &a))
        return FF_OK;
    double scale, zero;
    ff_quantized_fit(&a, f->hint->low, f->hint->high, &scale, &zero);
    ff_patch *patch = ff_patch_create();
    char *q = ff_asprintf("%s_quantize", a.quantize->primary->label),
         *d = ff_asprintf("%s_dequantize", a.dequantize->primary->label);
    int rc = set_activation(plan, patch, a.quantize, scale, zero, q);
    if (rc == FF_OK)
        rc = set_activation(plan, patch, a.dequantize, scale, zero, d);
    if (rc == FF_OK) {
        ff_proposing_add(p, f, "scale", patch,
                         ff_asprintf("quantise in steps of %.4g, for what the Source has: [%.4g, %.4g]", scale,
                                     f->hint->low, f->hint->high));
        patch = NULL;
    }
    ff_patch_destroy(patch);
    free(q);
    free(d);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}

int ff_fix_quantized(ff_proposing *p, const ff_finding *f)
{
    ff_quantized w;
    if (strcmp(f->cause, "activation-scale") == 0) {
        int rc = fix_activation(p, f);
        return rc == FF_OK && !ff_subject_options_of(p->subject)->keep_quantized ? ff_fix_region(p, f) : rc;
    }
    if (!f->hint->source_param || !f->hint->target_param ||
        f->hint->source_param->tensor->count != f->hint->target_param->tensor->count ||
        !ff_quantized_find(p->subject->target.canon->plan, f->hint->target_param, &w))
        return FF_OK;
    return fix_weight(p, f, &w);
}
