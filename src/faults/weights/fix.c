/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB: the Source's effective values, in the form in which the Target keeps its own. Where batch normalisation or
 * the like is folded in the canonical view, the stored constant is chosen so that the effective one comes out. */
#include "faults/quantized/quantized.h"
#include "fetafix/examine.h"
#include "faults/weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

/* float32 copy that may be written. */
int ff_tensor_writable(const ff_tensor *t, ff_tensor **out)
{
    ff_tensor *f;
    int rc = ff_tensor_convert(t, FF_FLOAT, &f);
    if (rc != FF_OK)
        return rc;
    rc = ff_tensor_create(FF_FLOAT, t->rank, t->dims, out);
    if (rc == FF_OK)
        memcpy((*out)->data, f->data, f->bytes);
    ff_tensor_unref(f);
    return rc;
}

/* The Source's values (zeros when it has none) with the dims of the Target's. */
static int wanted_values(const ff_put *j, ff_tensor **out)
{
    if (!j->wanted)
        return ff_tensor_create(FF_FLOAT, j->mine->tensor->rank, j->mine->tensor->dims, out);
    if (!j->mine)
        return ff_tensor_writable(j->wanted->tensor, out);
    if (j->wanted->tensor->count != j->mine->tensor->count)
        return ff_fail(FF_ERR_GRAPH, "other shape");
    ff_tensor *seen;
    int rc = ff_tensor_reshape(j->wanted->tensor, j->mine->tensor->rank, j->mine->tensor->dims, &seen);
    if (rc != FF_OK)
        return rc;
    rc = ff_tensor_writable(seen, out);
    ff_tensor_unref(seen);
    return rc;
}

static int write_back(ff_put *j, const ff_cparam *at, const ff_tensor *canonical)
{
    const ff_tensor *old = ff_plan_constant(j->plan, at->original);
    ff_tensor *value, *flat;
    int rc = ff_cparam_to_original(at, canonical, &flat);
    if (rc != FF_OK)
        return rc;
    /* Layouts leave axes of size 1 out. */
    rc = old ? ff_tensor_reshape(flat, old->rank, old->dims, &value) : ff_fail(FF_ERR_GRAPH, "no constant");
    ff_tensor_unref(flat);
    if (rc != FF_OK)
        return rc;
    rc = ff_write_constant(j->plan, j->patch, at->node, at->input, value, j->stem);
    ff_tensor_unref(value);
    j->made = rc == FF_OK;
    return rc;
}

/* The stored constant of a folded parameter in canonical form. */
static int stored(const ff_put *j, const ff_cparam *at, ff_tensor **out)
{
    const ff_tensor *t = at->original ? ff_plan_constant(j->plan, at->original) : NULL;
    if (!t)
        return ff_fail(FF_ERR_GRAPH, "no constant");
    ff_tensor *moved;
    int rc = ff_layout_apply(&at->layout, t, at->tensor->rank, at->tensor->dims, &moved);
    if (rc != FF_OK)
        return rc;
    rc = ff_tensor_writable(moved, out);
    ff_tensor_unref(moved);
    return rc;
}

/* effective = factor[c] * stored for channel c (axis 0). NULL: it is not so. */
static double *channel_factors(const ff_put *j, const ff_cparam *weight)
{
    ff_tensor *raw;
    if (!weight || stored(j, weight, &raw) != FF_OK)
        return NULL;
    const ff_tensor *t = weight->tensor;
    int64_t channels = t->rank ? t->dims[0] : 1, n = channels ? t->count / channels : 0;
    double *factor = ff_alloc_array((size_t)channels + 1, sizeof *factor);
    const float *r = raw->data;
    bool fits = true;
    for (int64_t c = 0; c < channels && fits; c++) {
        double dot = 0, norm = 0;
        for (int64_t i = c * n; i < (c + 1) * n; i++) {
            double v = ff_tensor_get_real(t, i);
            dot += v * r[i];
            norm += (double)r[i] * r[i];
        }
        factor[c] = norm > 0 ? dot / norm : NAN;
        for (int64_t i = c * n; i < (c + 1) * n && fits && norm > 0; i++) {
            double v = ff_tensor_get_real(t, i);
            fits = fabs(v - factor[c] * r[i]) <= 1e-5 * fabs(v) + 1e-6 * sqrt(norm / (double)n) * fabs(factor[c]);
        }
    }
    ff_tensor_unref(raw);
    if (!fits) {
        free(factor);
        return NULL;
    }
    return factor;
}

/* stored' = wanted / factor */
static int fix_folded_weight(ff_put *j)
{
    double *factor = channel_factors(j, j->mine);
    if (!factor)
        return FF_OK;
    ff_tensor *value;
    int rc = wanted_values(j, &value);
    if (rc != FF_OK) {
        free(factor);
        return rc;
    }
    float *v = value->data;
    int64_t channels = value->dims[0], n = value->count / channels;
    bool possible = true;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = c * n; i < (c + 1) * n; i++) {
            if (v[i] == 0)
                continue;
            possible = possible && isfinite(factor[c]) && factor[c] != 0;
            v[i] = possible ? (float)(v[i] / factor[c]) : 0;
        }
    rc = possible ? write_back(j, j->mine, value) : FF_OK;
    ff_tensor_unref(value);
    free(factor);
    return rc;
}

/* Either zero is zero: sums may have made one of the other. */
static bool same_row(const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i] && memcmp(&a[i], &b[i], sizeof a[i]) != 0)
            return false;
    return true;
}

/* Puts the rows `wanted` where those of `mine` are in the whole. */
static void put_rows(ff_tensor *whole, const ff_tensor *mine, const ff_tensor *wanted)
{
    int64_t width = mine->count / mine->dims[0], at = 0, rows = whole->count / width;
    float *to = whole->data;
    const float *old = mine->data, *new = wanted->data;
    for (int64_t i = 0; i < mine->dims[0]; i++) {
        int64_t tried = 0;
        while (tried < rows && !same_row(to + at * width, old + i * width, width)) {
            at = (at + 1) % rows;
            tried++;
        }
        if (tried == rows)
            return;
        memcpy(to + at * width, new + i *width, (size_t)width * sizeof *to);
        at = (at + 1) % rows;
    }
}

/* One constant that several layers of the view have rows of: all of them get the Source's. */
static int fix_part(ff_put *j)
{
    const ff_subject *s = j->s;
    const ff_tensor *old = ff_plan_constant(j->plan, j->mine->original), *t = j->mine->tensor;
    int64_t dims[2] = {old->count / (t->count / t->dims[0]), t->count / t->dims[0]};
    ff_tensor *whole, *filled, *back;
    int rc = ff_layout_apply(&j->mine->layout, old, t->rank, dims, &whole);
    if (rc != FF_OK)
        return rc;
    rc = ff_tensor_writable(whole, &filled);
    ff_tensor_unref(whole);
    if (rc != FF_OK)
        return rc;
    for (int i = 0; i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source < 0 || p->target < 0)
            continue;
        const ff_cparam *mine = ff_cnode_param(&s->target.canon->nodes[p->target], j->mine->role),
                        *wanted = ff_cnode_param(&s->source.canon->nodes[p->source], j->mine->role);
        if (mine && wanted && mine->original == j->mine->original && mine->node == j->mine->node &&
            mine->tensor->dtype == FF_FLOAT && wanted->tensor->dtype == FF_FLOAT &&
            mine->tensor->count == wanted->tensor->count)
            put_rows(filled, mine->tensor, wanted->tensor);
    }
    rc = ff_layout_invert(&j->mine->layout, filled, old->rank, old->dims, &back);
    ff_tensor_unref(filled);
    if (rc != FF_OK)
        return rc;
    rc = ff_write_constant(j->plan, j->patch, j->mine->node, j->mine->input, back, j->stem);
    ff_tensor_unref(back);
    j->made = rc == FF_OK;
    return rc;
}

static bool takes_bias(const ff_node *n)
{
    return is(n, "Conv") || is(n, "ConvTranspose") || is(n, "Gemm");
}

/* The last node among the origins that adds a constant for each channel: batch normalisation's B or an Add. */
static const ff_node *last_shift(const ff_put *j, int *input)
{
    for (int i = j->node->n_origins - 1; i >= 0; i--) {
        const ff_node *n = j->node->origins[i];
        if (is(n, "BatchNormalization") && n->n_inputs >= 5) {
            *input = 2;
            return n;
        }
        if (is(n, "Add") && n->n_inputs == 2)
            for (int k = 0; k < 2; k++)
                if (ff_plan_constant(j->plan, n->inputs[k])) {
                    *input = k;
                    return n;
                }
    }
    return NULL;
}

/* What is added by `shift` is multiplied by the nodes behind it: delta[c], wanted at the end, is divided by that. */
static void undo_scales(const ff_put *j, const ff_node *shift, double *delta, int64_t channels)
{
    bool behind = false;
    for (int i = 0; i < j->node->n_origins; i++) {
        const ff_node *n = j->node->origins[i];
        bool mul = is(n, "Mul"), div = is(n, "Div"), neg = is(n, "Neg");
        const ff_tensor *t = NULL;
        for (int k = 0; behind && (mul || div) && k < n->n_inputs; k++)
            t = t ? t : ff_plan_constant(j->plan, n->inputs[k]);
        bool fits = t && (t->count == channels || t->count == 1);
        for (int64_t c = 0; behind && (neg || fits) && c < channels; c++) {
            double by = neg ? -1 : ff_tensor_get_real(t, t->count == 1 ? 0 : c);
            delta[c] = div ? delta[c] * by : by != 0 ? delta[c] / by : 0;
        }
        behind |= n == shift;
    }
}

/* Adds delta[c] to the constant at input `input` of `node`, which holds one number a channel, or one for all. */
static int shift_constant(ff_put *j, const ff_node *node, int input, const double *delta, int64_t channels)
{
    const ff_tensor *old = ff_plan_constant(j->plan, node->inputs[input]);
    if (!old || old->count != channels)
        return FF_OK;
    ff_tensor *value;
    int rc = ff_tensor_writable(old, &value);
    if (rc != FF_OK)
        return rc;
    float *v = value->data;
    for (int64_t c = 0; c < channels; c++)
        v[c] = (float)(v[c] + delta[c]);
    rc = ff_write_constant(j->plan, j->patch, node, input, value, j->stem);
    ff_tensor_unref(value);
    j->made = rc == FF_OK;
    return rc;
}

int ff_put_behind(ff_put *p, const ff_value *y, const char *op, const ff_tensor *constant)
{
    const ff_graph *g = ff_model_graph(p->s->target.model);
    char *name = ff_model_fresh_name(p->s->target.model, p->stem), *stem = ff_asprintf("%s_%s", p->stem, op);
    char *out = ff_model_fresh_name(p->s->target.model, stem);
    const char *inputs[] = {y->name, name};
    ff_patch_set_initializer(p->patch, name, constant);
    ff_patch_insert_node(p->patch,
                         &(ff_node_spec){.name = out,
                                         .op = op,
                                         .domain = "",
                                         .n_inputs = 2,
                                         .n_outputs = 1,
                                         .inputs = inputs,
                                         .outputs = (const char *const *)&out},
                         NULL);
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_inputs; k++)
            if (g->nodes[i]->inputs[k] == y)
                ff_patch_set_node_input(p->patch, ff_node_address(g->nodes[i]), k, out);
    p->made = true;
    free(name);
    free(stem);
    free(out);
    return FF_OK;
}

/* A product has no bias of its own: an Add behind it. */
static int add_behind(ff_put *j, const ff_node *product, const double *delta, int64_t n)
{
    const ff_value *y = product->outputs[0];
    const ff_shape *shape = ff_plan_shape(j->plan, y);
    if (y->is_output || shape->rank < 1 || shape->dims[shape->rank - 1] != n)
        return FF_OK;
    ff_tensor *bias;
    int rc = ff_tensor_create(FF_FLOAT, 1, &n, &bias);
    if (rc != FF_OK)
        return rc;
    for (int64_t c = 0; c < n; c++)
        ((float *)bias->data)[c] = (float)delta[c];
    rc = ff_put_behind(j, y, "Add", bias);
    ff_tensor_unref(bias);
    return rc;
}

/* A bias whose effective value is off by delta: corrected where the last shift is made, else at the layer. */
static int fix_folded_bias(ff_put *j)
{
    ff_tensor *value;
    int rc = wanted_values(j, &value);
    if (rc != FF_OK)
        return rc;
    int64_t n = value->count;
    double *delta = ff_alloc_array((size_t)n + 1, sizeof *delta);
    for (int64_t c = 0; c < n; c++)
        delta[c] = (double)((const float *)value->data)[c] - (j->mine ? ff_tensor_get_real(j->mine->tensor, c) : 0);
    ff_tensor_unref(value);
    int input;
    const ff_node *last = last_shift(j, &input);
    if (last) {
        undo_scales(j, last, delta, n);
        rc = shift_constant(j, last, input, delta, n);
    }
    if (rc == FF_OK && !j->made && j->node->primary && takes_bias(j->node->primary)) {
        const ff_node *layer = j->node->primary;
        const ff_cparam *weight = ff_cnode_param(j->node, "weight");
        double *factor = weight && weight->folded ? channel_factors(j, weight) : NULL;
        /* A Gemm multiplies its weight by alpha, its bias by beta. */
        bool gemm = is(layer, "Gemm");
        double alpha = gemm ? ff_node_float(layer, "alpha", 1) : 1, beta = gemm ? ff_node_float(layer, "beta", 1) : 1;
        for (int64_t c = 0; c < n; c++) {
            double by = (factor ? factor[c] / alpha : 1) * beta;
            delta[c] = isfinite(by) && by != 0 ? delta[c] / by : 0;
        }
        if (!weight || !weight->folded || factor) {
            if (layer->n_inputs > 2 && layer->inputs[2]) {
                rc = shift_constant(j, layer, 2, delta, n);
            } else {
                ff_tensor *bias;
                rc = ff_tensor_create(FF_FLOAT, 1, &n, &bias);
                if (rc == FF_OK) {
                    for (int64_t c = 0; c < n; c++)
                        ((float *)bias->data)[c] = (float)delta[c];
                    rc = ff_write_constant(j->plan, j->patch, layer, 2, bias, j->stem);
                    ff_tensor_unref(bias);
                    j->made = rc == FF_OK;
                }
            }
        }
        free(factor);
    }
    if (rc == FF_OK && !j->made && j->node->primary && is(j->node->primary, "MatMul"))
        rc = add_behind(j, j->node->primary, delta, n);
    free(delta);
    return rc;
}

int ff_put_weights(ff_put *j)
{
    const ff_cparam *at = j->mine;
    const ff_node *primary = j->node->primary;
    const char *role = (at ? at : j->wanted)->role;
    if (at && at->folded && primary && is(primary, "BatchNormalization"))
        return strcmp(role, "scale") == 0 ? ff_put_norm(j, primary, j->wanted, NULL)
                                          : ff_put_norm(j, primary, NULL, j->wanted);
    if (at && at->folded && strcmp(j->node->op, "Affine") == 0)
        return strcmp(role, "scale") == 0 ? ff_put_affine(j, j->wanted, NULL) : ff_put_affine(j, NULL, j->wanted);
    if (ff_cparam_is_part(j->s->target.canon, at))
        return fix_part(j);
    if (at && at->original && !at->folded) {
        ff_tensor *value;
        int rc = wanted_values(j, &value);
        if (rc == FF_OK) {
            rc = write_back(j, at, value);
            ff_tensor_unref(value);
        }
        return rc;
    }
    if (strcmp(role, "bias") == 0)
        return fix_folded_bias(j);
    if (at && at->original && strcmp(role, "weight") == 0 && strcmp(j->node->op, "ConvTranspose") != 0)
        return fix_folded_weight(j);
    return FF_OK;
}

char *ff_put_stem(const ff_put *j)
{
    if (j->mine && j->mine->original)
        return ff_asprintf("%s_repaired", j->mine->original->name);
    return ff_asprintf("%s_%s_repaired", ff_node_address(j->node->primary), (j->mine ? j->mine : j->wanted)->role);
}

int ff_fix_weights(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    if (f->hint->normalisation || f->hint->target_cnode < 0 || (!f->hint->target_param && !f->hint->source_param))
        return FF_OK;
    ff_quantized q;
    if (f->hint->target_param && ff_quantized_find(s->target.canon->plan, f->hint->target_param, &q) &&
        (ff_subject_options_of(s)->keep_quantized || strcmp(q.node->op, "DequantizeLinear") != 0))
        return FF_OK; /* floats cannot or must not take the integers' place */
    const ff_cparam *mine = f->hint->target_param;
    ff_put put = {.s = s,
                  .plan = s->target.canon->plan,
                  .node = &s->target.canon->nodes[f->hint->target_cnode],
                  .mine = mine,
                  .wanted = f->hint->source_param,
                  .patch = ff_patch_create()};
    const char *role = (mine ? mine : put.wanted)->role;
    put.stem = ff_put_stem(&put);
    int rc = ff_put_weights(&put);
    if (rc == FF_OK && put.made) {
        char *label = ff_visible(put.node->primary->label);
        ff_proposing_add(p, f, NULL, put.patch, ff_asprintf("replace the %s of '%s' by the Source's", role, label));
        put.patch = NULL;
        free(label);
    }
    ff_patch_destroy(put.patch);
    free(put.stem);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}
