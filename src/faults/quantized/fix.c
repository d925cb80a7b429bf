/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB of what is stored as integers, so that the Target stays quantised: another scale and zero point where the integers are
 * right, else the Source's numbers quantised anew; for an activation, a scale that fits the Source's values. */
#include "faults/quantized/quantized.h"
#include "fetafix/examine.h"
#include "faults/strategy.h"

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
    if (w->at_scale < 0)
        return FF_OK;
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

/* Scales for the numbers wanted, by channel: as wide as the numbers are. What is symmetric stays so, and a bias in the
 * unit of its layer. */
static void choose_scales(const ff_quantized *w, const ff_tensor *wanted, const double *unit, double *scale,
                          double *zero)
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
        scale[c] = unit ? unit[c] : ff_quantized_scale(w, c);
        if (unit || w->at_scale < 0)
            continue;
        bool symmetric = w->low < 0 && zero[c] == 0;
        double fine = symmetric ? fmax(-low[c], high[c]) / w->high : (high[c] - low[c]) / (w->high - w->low);
        if (!((float)fine > 0))
            continue;
        scale[c] = (float)fine;
        if (!symmetric)
            zero[c] = fmin(fmax(rint(w->low - low[c] / scale[c]), w->low), w->high);
    }
    free(low);
    free(high);
}

static int quantize_anew(const ff_plan *plan, ff_patch *patch, const ff_quantized *w, const ff_tensor *wanted,
                         const double *unit, double *scale, double *zero, const char *stem)
{
    ff_tensor *q;
    choose_scales(w, wanted, unit, scale, zero);
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

/* The integers of a bias in units of the scales of both operands, x and w (one or one a channel), where it was so: as
 * runtimes take for granted that make one operator of DequantizeLinear, Conv and QuantizeLinear. */
static int restate_bias(ff_proposing *p, int source_cnode, const ff_node *layer, double old_x, double x,
                        const ff_tensor *w, const double *w_scale, ff_patch *patch)
{
    const ff_plan *plan = p->subject->target.canon->plan;
    const ff_integer_layer *linear = ff_integer_layer_of(layer);
    int at = linear ? linear->bias : 2;
    const ff_node *n = layer;
    const ff_cparam *wanted =
        source_cnode < 0 ? NULL : ff_cnode_param(&p->subject->source.canon->nodes[source_cnode], "bias");
    if (!wanted || at < 0 || layer->n_inputs <= at || !layer->inputs[at])
        return FF_OK;
    if (!linear) {
        n = layer->inputs[at]->producer;
        at = 0;
        if (!n || strcmp(n->op, "DequantizeLinear") != 0 || n->n_inputs < 2)
            return FF_OK;
    }
    const ff_tensor *old = ff_plan_constant(plan, n->inputs[at]);
    const ff_tensor *unit = linear ? NULL : ff_plan_constant(plan, n->inputs[1]);
    if (!old || old->dtype != FF_INT32 || old->count != wanted->tensor->count || (!linear && !unit))
        return FF_OK;
    ff_tensor *bias, *scale = NULL;
    for (int64_t c = 0; unit && c < unit->count; c++) {
        double was = old_x * ff_tensor_get_real(w, w->count == 1 ? 0 : c % w->count);
        if (unit->count < w->count || !(fabs(ff_tensor_get_real(unit, c) - was) <= 1e-5 * was))
            return FF_OK;
    }
    int rc = ff_tensor_create(old->dtype, old->rank, old->dims, &bias);
    if (rc == FF_OK && unit)
        rc = ff_tensor_create(unit->dtype, unit->rank, unit->dims, &scale);
    for (int64_t c = 0; rc == FF_OK && c < bias->count; c++) {
        double step = (float)(x * w_scale[w->count == 1 ? 0 : c % w->count]);
        double v = rint(ff_tensor_get_real(wanted->tensor, c) / step);
        ff_tensor_set_real(bias, c, fmin(fmax(v, INT32_MIN), INT32_MAX));
        if (scale && c < scale->count)
            ff_tensor_set_real(scale, c, step);
    }
    char *name = ff_asprintf("%s_bias_repaired", ff_node_address(layer));
    if (rc == FF_OK)
        rc = ff_write_constant(plan, patch, n, at, bias, name);
    if (rc == FF_OK && scale)
        rc = ff_write_constant(plan, patch, n, 1, scale, name);
    free(name);
    ff_tensor_unref(bias);
    ff_tensor_unref(scale);
    return rc;
}

/* Of a layer over integers, when the scale of its weights changes. A bias with a scale of its own is a finding of its own. */
static int fix_stored_bias(ff_proposing *p, const ff_finding *f, ff_patch *patch, const ff_quantized *w,
                           const double *scale)
{
    const ff_integer_layer *layer = ff_integer_layer_of(w->node);
    const ff_tensor *x = layer && w->input == layer->weight
                             ? ff_plan_constant(p->subject->target.canon->plan, w->node->inputs[1])
                             : NULL;
    if (!x || x->count != 1)
        return FF_OK;
    double step = ff_tensor_get_real(x, 0);
    return restate_bias(p, f->hint->source_cnode, w->node, step, step, w->scale, scale, patch);
}

static int fix_weight(ff_proposing *p, const ff_finding *f, const ff_quantized *w)
{
    const ff_plan *plan = p->subject->target.canon->plan;
    const ff_cparam *mine = f->hint->target_param;
    ff_tensor *wanted;
    int rc = ff_quantized_places(plan, w, mine, f->hint->source_param->tensor, &wanted);
    if (rc != FF_OK)
        return rc;
    int64_t n = ff_quantized_channels(w);
    double *scale = ff_alloc_array((size_t)n, sizeof *scale), *zero = ff_alloc_array((size_t)n, sizeof *zero);
    double *units = ff_alloc_array((size_t)n, sizeof *units);
    const double *unit =
        ff_quantized_unit(p->subject, f->hint->source_cnode, f->hint->target_cnode, w, false, units) ? units : NULL;
    ff_cause_id cause = ff_quantized_cause(w, wanted, unit, scale, zero);
    char *stem = ff_asprintf("%s_repaired", mine->original->name), *label = ff_visible(mine->node->label);
    ff_patch *patch = ff_patch_create();
    if (cause == FF_CAUSE_QUANTIZED) {
        /* Nothing better can be stored in these integers. */
    } else if (cause != FF_NO_CAUSE) {
        rc = write_scales(plan, patch, w, scale, zero, stem);
        if (rc == FF_OK)
            rc = fix_stored_bias(p, f, patch, w, scale);
        if (rc == FF_OK) {
            ff_proposing_add(p, f, "scale", patch,
                             ff_asprintf("set the quantisation %s of the %s of '%s' to fit the Source's",
                                         cause == FF_CAUSE_QUANTIZATION_SCALE ? "scale" : "zero point", mine->role,
                                         label));
            patch = NULL;
        }
    } else {
        rc = quantize_anew(plan, patch, w, wanted, unit, scale, zero, stem);
        if (rc == FF_OK)
            rc = fix_stored_bias(p, f, patch, w, scale);
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
    free(units);
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

/* Everybody who reads the integers reads them with the new scale. */
static int set_reader(ff_proposing *p, const ff_cnode *reader, double old_scale, double scale, double zero,
                      ff_patch *patch)
{
    const ff_subject *s = p->subject;
    const ff_canon *c = s->target.canon;
    char *stem = ff_asprintf("%s_dequantize", reader->primary->label);
    int input, rc = set_activation(c->plan, patch, reader, scale, zero, stem);
    free(stem);
    const ff_node *at = operand(reader, 0, &input);
    bool linear = ff_integer_layer_of(at) != NULL;
    const ff_cvalue *v = &c->values[reader->outputs[0]];
    for (int i = 0; i < v->n_users && rc == FF_OK; i++) {
        const ff_cnode *layer = &c->nodes[v->users[i]];
        int pair = s->alignment->of_target[layer->id];
        const ff_cparam *w = ff_cnode_param(layer, "weight");
        ff_quantized q;
        if (!w || layer->n_inputs < 1 || layer->inputs[0] != reader->outputs[0] || pair < 0 ||
            (linear && layer->primary != at) || !ff_quantized_find(c->plan, w, &q) || q.layer->n_inputs < 1)
            continue;
        int64_t n = ff_quantized_channels(&q);
        double *scales = ff_alloc_array((size_t)n, sizeof *scales);
        for (int64_t k = 0; k < n; k++)
            scales[k] = ff_quantized_scale(&q, k);
        rc = restate_bias(p, s->alignment->pairs[pair].source, q.layer, old_scale, scale, q.scale, scales, patch);
        free(scales);
    }
    return rc;
}

static int fix_activation(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_canon *c = s->target.canon;
    int nodes[3], n = ff_region_nodes(s, false, f->hint->exit, nodes, 3);
    ff_quantized_activation a;
    if (!ff_quantized_activation_find(s, nodes, n, &a))
        return FF_OK;
    double scale = f->hint->numbers[0], zero = f->hint->numbers[1];
    ff_patch *patch = ff_patch_create();
    char *q = ff_asprintf("%s_quantize", a.quantize->primary->label);
    int rc = FF_OK;
    if (scale != a.scale || zero != a.zero)
        rc = set_activation(c->plan, patch, a.quantize, scale, zero, q);
    const ff_cvalue *v = &c->values[a.quantize->outputs[0]];
    for (int i = 0; i < v->n_users && rc == FF_OK; i++) {
        const ff_cnode *reader = &c->nodes[v->users[i]];
        if (strcmp(reader->op, "DequantizeLinear") == 0 && reader->n_inputs == 1 && reader->n_params > 0 &&
            reader->params[0].tensor->count == 1)
            rc = set_reader(p, reader, ff_tensor_get_real(reader->params[0].tensor, 0), scale, zero, patch);
    }
    if (rc == FF_OK) {
        ff_proposing_add(p, f, "scale", patch,
                         ff_caused_by(f, FF_CAUSE_ACTIVATION_ZERO_POINT)
                             ? ff_asprintf("quantise around the zero point %.0f, for what the Source has: [%.4g, %.4g]",
                                           zero, f->hint->low, f->hint->high)
                             : ff_asprintf("quantise in steps of %.4g, for what the Source has: [%.4g, %.4g]", scale,
                                           f->hint->low, f->hint->high));
        patch = NULL;
    }
    ff_patch_destroy(patch);
    free(q);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}

int ff_fix_quantized(ff_proposing *p, const ff_finding *f)
{
    ff_quantized w;
    if (ff_caused_by(f, FF_CAUSE_ACTIVATION_SCALE) || ff_caused_by(f, FF_CAUSE_ACTIVATION_ZERO_POINT)) {
        int rc = fix_activation(p, f);
        return rc == FF_OK && !ff_subject_options_of(p->subject)->keep_quantized ? ff_fix_region(p, f) : rc;
    }
    if (!f->hint->source_param || !f->hint->target_param ||
        f->hint->source_param->tensor->count != f->hint->target_param->tensor->count ||
        !ff_quantized_find(p->subject->target.canon->plan, f->hint->target_param, &w))
        return FF_OK;
    return fix_weight(p, f, &w);
}
