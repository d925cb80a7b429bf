/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Affine is one scale and one shift per channel (axis 1): what BatchNormalization at inference,
 * Mul, Add, Sub and Div by constants are. Affines merge, and go into the convolution or dense layer
 * before them (after them only where padding does not see the shift).
 */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

static const double *reals(const cg_value *v)
{
    return v->constant->data;
}

static bool all(const cg_value *v, double c)
{
    const double *d = reals(v);
    for (int64_t i = 0; i < v->constant->count; i++)
        if (d[i] != c)
            return false;
    return true;
}

static double rounding(double exact)
{
    float f = (float)exact;
    return exact == 0 || !isfinite(exact) ? 0 : fabs((f - exact) / exact);
}

static void provenance(cg_value *v, const cg_value *from, bool folded)
{
    v->original = from->original;
    v->reader = from->reader;
    v->reader_input = from->reader_input;
    v->layout = from->layout;
    v->folded = folded || from->folded;
}

/* n becomes Affine(x, scale, shift). */
static void become_affine(cg_graph *g, cg_node *n, cg_value *x, cg_value *scale, cg_value *shift)
{
    cg_become(g, n, "Affine", 3, (cg_value *const[]){x, scale, shift});
}

static cg_value *filled(cg_graph *g, int64_t n, double c, const ff_node *reader)
{
    ff_tensor *t = cg_reals_new(g, 1, &n);
    if (!t)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        ((double *)t->data)[i] = c;
    cg_value *v = cg_constant(g, t, NULL);
    v->reader = reader;
    return v;
}

/* Formula: ONNX BatchNormalization, y = (x - mean) / sqrt(var + epsilon) * scale + B. */
static bool batchnorm(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "BatchNormalization") || n->n_in < 5 || cg_int(n, "training_mode", 0) != 0 ||
        cg_int(n, "spatial", 1) != 1 || n->in[0]->shape.rank < 2)
        return false;
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && (n->primary->opset < 14 || cg_used(n->out[i]))) /* asked for more than Y it trains */
            return false;
    int64_t channels = n->in[0]->shape.dims[1];
    for (int i = 1; i < 5; i++)
        if (!n->in[i] || !n->in[i]->constant || n->in[i]->constant->count != channels)
            return false;
    double epsilon = cg_real(n, "epsilon", (double)1e-5f);
    ff_tensor *s = cg_reals_new(g, 1, &channels), *t = cg_reals_new(g, 1, &channels);
    if (!s || !t)
        return ff_tensor_unref(s), ff_tensor_unref(t), false;
    double *scale = s->data, *shift = t->data, deviation = 0;
    for (int64_t i = 0; i < channels; i++) {
        double gamma = ff_tensor_get_real(n->in[1]->constant, i), beta = ff_tensor_get_real(n->in[2]->constant, i);
        double mean = ff_tensor_get_real(n->in[3]->constant, i), var = ff_tensor_get_real(n->in[4]->constant, i);
        scale[i] = gamma / sqrt(var + epsilon);
        shift[i] = beta - mean * scale[i];
        deviation = fmax(deviation, rounding(scale[i]));
    }
    cg_value *vs = cg_constant(g, s, NULL), *vt = cg_constant(g, t, NULL);
    provenance(vs, n->in[1], true);
    provenance(vt, n->in[2], true);
    become_affine(g, n, n->in[0], vs, vt);
    cg_record_rule(g, self, n, NULL, deviation);
    return true;
}

static bool real_type(const cg_value *v)
{
    return ff_dtype_is_float(v->shape.dtype);
}

/* A number for each column of a dense layer over a sequence is its bias, even where all are alike and would do for any
 * axis. */
static bool along_columns(const cg_node *n, const cg_value *c, const cg_value *x)
{
    const cg_node *p = x->producer;
    return cg_is(n, "Add") && p && cg_is(p, "Gemm") && x->shape.rank > 2 && c->shape.rank > 0 &&
           c->constant->count > 1 && c->constant->count == c->shape.dims[c->shape.rank - 1] &&
           c->constant->count == x->shape.dims[x->shape.rank - 1];
}

static bool arithmetic(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool mul = cg_is(n, "Mul"), add = cg_is(n, "Add"), sub = cg_is(n, "Sub"), div = cg_is(n, "Div");
    if ((!mul && !add && !sub && !div) || n->n_in != 2 || !n->in[1] || !cg_shape_static(&n->out[0]->shape))
        return false;
    int k = n->in[1]->constant ? 1 : 0; /* the constant */
    cg_value *c = n->in[k], *x = n->in[1 - k];
    if (!c->constant || x->constant || !real_type(x) || (div && k == 0) || !cg_shape_same(&x->shape, &n->out[0]->shape))
        return false;
    ff_tensor *t = along_columns(n, c, x) ? NULL : cg_per_channel(g, c, &x->shape);
    if (!t)
        return false;
    double *d = t->data;
    bool exact = mul || add;
    for (int64_t i = 0; i < t->count; i++) {
        if (div)
            d[i] = 1 / d[i];
        else if (sub && k == 1)
            d[i] = -d[i];
    }
    int64_t channels = t->count;
    bool uniform = c->constant->count != channels;
    cg_value *v = cg_constant(g, t, NULL);
    provenance(v, c, uniform || (!exact && !(sub && k == 0)));
    if (v->original && !uniform && !cg_layout_reshape(&v->layout, c->shape.rank, c->shape.dims, 1, &channels))
        v->original = NULL;
    bool scales = mul || div;
    cg_value *other = filled(g, channels, scales ? 0 : sub && k == 0 ? -1 : 1, n->primary);
    if (!other)
        return false;
    become_affine(g, n, x, scales ? v : other, scales ? other : v);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool negation(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Neg") || n->n_in != 1 || !real_type(n->in[0]) || n->in[0]->shape.rank < 2 ||
        n->in[0]->shape.dims[1] < 1)
        return false;
    int64_t channels = n->in[0]->shape.dims[1];
    cg_value *scale = filled(g, channels, -1, n->primary), *shift = filled(g, channels, 0, n->primary);
    if (!scale || !shift)
        return false;
    become_affine(g, n, n->in[0], scale, shift);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Affine(Affine(x)): s = s1 s2, t = t1 s2 + t2. */
static bool merge(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Affine") ? cg_feeder(n, 0, "Affine") : NULL;
    if (!p)
        return false;
    int64_t channels = n->in[1]->constant->count;
    ff_tensor *s = cg_reals_new(g, 1, &channels), *t = cg_reals_new(g, 1, &channels);
    if (!s || !t)
        return ff_tensor_unref(s), ff_tensor_unref(t), false;
    const double *s1 = reals(p->in[1]), *t1 = reals(p->in[2]), *s2 = reals(n->in[1]), *t2 = reals(n->in[2]);
    for (int64_t i = 0; i < channels; i++) {
        ((double *)s->data)[i] = s1[i] * s2[i];
        ((double *)t->data)[i] = t1[i] * s2[i] + t2[i];
    }
    cg_value *vs = cg_constant(g, s, NULL), *vt = cg_constant(g, t, NULL);
    if (all(p->in[1], 1))
        provenance(vs, n->in[1], false);
    else
        provenance(vs, p->in[1], !all(n->in[1], 1));
    if (all(p->in[2], 0))
        provenance(vt, n->in[2], false);
    else
        provenance(vt, p->in[2], !all(n->in[1], 1) || !all(n->in[2], 0));
    cg_value *x = p->in[0];
    cg_record_rule(g, self, n, p, 0);
    become_affine(g, n, x, vs, vt);
    const ff_node *primary = p->primary;
    cg_remove(g, p, n);
    n->primary = primary;
    return true;
}

/* Affine of nothing: s = 1, t = 0. */
static bool unit(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Affine") || !all(n->in[1], 1) || !all(n->in[2], 0))
        return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, n->out[0], n->in[0]);
    cg_remove(g, n, NULL);
    return true;
}

/* The weights times `factor` of their output channel (input channel when `inputs`), as float32. */
static cg_value *scaled_weight(cg_graph *g, const cg_node *layer, const double *factor, bool inputs, double *deviation)
{
    const cg_value *w = layer->in[1];
    const ff_tensor *t = w->constant;
    ff_tensor *r = NULL;
    if ((g->code = ff_tensor_create(FF_FLOAT, t->rank, t->dims, &r)))
        return NULL;
    int64_t group = cg_is(layer, "Gemm") ? 1 : cg_int(layer, "group", 1);
    bool transposed = cg_is(layer, "ConvTranspose"); /* [I, O/group, ...] */
    int64_t first = t->dims[0], second = t->dims[1], rest = t->count / (first * second);
    float *out = r->data;
    for (int64_t a = 0, i = 0; a < first; a++) {
        for (int64_t b = 0; b < second; b++) {
            int64_t channel = inputs == transposed ? a : a / (first / group) * second + b;
            for (int64_t k = 0; k < rest; k++, i++) {
                double exact = ff_tensor_get_real(t, i) * factor[channel];
                out[i] = (float)exact;
                *deviation = fmax(*deviation, rounding(exact));
            }
        }
    }
    cg_value *v = cg_constant(g, r, w);
    v->folded = true;
    return v;
}

static bool is_layer(const cg_node *n)
{
    return (cg_is(n, "Conv") || cg_is(n, "ConvTranspose") || (cg_is(n, "Gemm") && n->formed)) && n->n_in == 3 &&
           n->in[1] && n->in[1]->constant && n->in[2] && n->in[2]->constant;
}

static bool fold_back(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Affine") || !n->in[0]->producer || !cg_only_user(n->in[0]))
        return false;
    cg_node *layer = n->in[0]->producer, *next = cg_only_user(n->out[0]);
    if (!is_layer(layer) || (cg_is(layer, "Gemm") && n->in[0]->shape.rank != 2))
        return false;
    if (next && cg_is(next, "Affine"))
        return false; /* they merge first: one rounding instead of two */
    cg_value *s = n->in[1], *t = n->in[2], *b = layer->in[2];
    int64_t channels = s->constant->count;
    if (b->constant->count != channels)
        return false;
    double deviation = 0;
    bool scales = !all(s, 1), shifts = !all(t, 0);
    if (scales) {
        cg_value *w = scaled_weight(g, layer, reals(s), false, &deviation);
        if (!w)
            return false;
        cg_set_in(layer, 1, w);
    }
    double zero = 1;
    bool no_bias = cg_uniform(b, &zero) && zero == 0;
    ff_tensor *bias = cg_reals_new(g, 1, &channels);
    if (!bias)
        return false;
    for (int64_t i = 0; i < channels; i++)
        ((double *)bias->data)[i] = ff_tensor_get_real(b->constant, i) * reals(s)[i] + reals(t)[i];
    cg_value *v = cg_constant(g, bias, NULL);
    if (no_bias && (shifts || t->original)) /* zeros that somebody wrote down have a place */
        provenance(v, t, false);
    else
        provenance(v, b, !no_bias && (scales || shifts));
    cg_set_in(layer, 2, v);
    cg_record_rule(g, self, layer, n, deviation);
    cg_value *out = n->out[0];
    cg_remove(g, n, layer);
    cg_set_out(g, layer, 0, out);
    return true;
}

static bool pads_nothing(const cg_node *conv)
{
    const ff_cattr *p = cg_attr(conv, "pads");
    for (int i = 0; p && i < p->n; i++)
        if (p->ints[i] != 0)
            return false;
    return p != NULL;
}

/* A graph input, or its channels in another order. */
static bool is_input(const cg_value *v)
{
    while (v->producer && cg_is(v->producer, "Gather") && !v->producer->in[0]->constant)
        v = v->producer->in[0];
    return !v->producer;
}

/* Conv(Affine(x)): where nothing is padded, or there is no shift. An Affine on a graph input is
 * preprocessing and stays. */
static bool fold_forward(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Conv") || (cg_is(n, "Gemm") && n->in[0]->shape.rank == 2) ? cg_feeder(n, 0, "Affine") : NULL;
    if (!p || !is_layer(n) || is_input(p->in[0]))
        return false;
    cg_value *s = p->in[1], *t = p->in[2], *w = n->in[1], *b = n->in[2];
    bool shifts = !all(t, 0);
    if (shifts && !cg_is(n, "Gemm") && !pads_nothing(n))
        return false;
    int64_t group = cg_is(n, "Gemm") ? 1 : cg_int(n, "group", 1), outputs = w->constant->dims[0];
    int64_t inputs = w->constant->dims[1], rest = w->constant->count / (outputs * inputs);
    if (s->constant->count != inputs * group || b->constant->count != outputs)
        return false;
    double deviation = 0;
    cg_value *scaled = scaled_weight(g, n, reals(s), true, &deviation);
    ff_tensor *bias = scaled ? cg_reals_new(g, 1, &outputs) : NULL;
    if (!bias)
        return false;
    for (int64_t o = 0; o < outputs; o++) {
        double sum = ff_tensor_get_real(b->constant, o);
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t k = 0; k < rest; k++)
                sum += ff_tensor_get_real(w->constant, (o * inputs + i) * rest + k) *
                       reals(t)[o / (outputs / group) * inputs + i];
        ((double *)bias->data)[o] = sum;
    }
    cg_value *v = cg_constant(g, bias, b);
    v->folded = v->folded || shifts;
    cg_set_in(n, 1, scaled);
    cg_set_in(n, 2, v);
    cg_record_rule(g, self, n, p, deviation);
    cg_set_in(n, 0, p->in[0]);
    cg_remove(g, p, n);
    return true;
}

/* The Slice of channels behind v, and the Affine between them or NULL. */
static cg_node *channel_slice(const cg_value *v, cg_node **affine)
{
    cg_node *p = v->producer;
    *affine = NULL;
    if (p && cg_is(p, "Affine") && cg_only_user(v)) {
        *affine = p;
        p = cg_only_user(p->in[0]) ? p->in[0]->producer : NULL;
    }
    const ff_cattr *axes = p && cg_is(p, "Slice") && p->n_in == 1 ? cg_attr(p, "axes") : NULL;
    return axes && axes->n == 1 && axes->ints[0] == 1 && cg_int(p, "steps", 0) == 1 ? p : NULL;
}

/* Concat of all channels of x in their order, each scaled and shifted on its own: Affine(x). */
static bool split_channels(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Concat") || n->n_in < 2 || cg_int(n, "axis", 0) != 1 || n->out[0]->shape.rank < 2)
        return false;
    cg_value *x = NULL;
    int64_t at = 0, channels = n->out[0]->shape.dims[1];
    cg_node *affine, *slice;
    for (int i = 0; i < n->n_in; i++) {
        slice = n->in[i] && !n->in[i]->constant ? channel_slice(n->in[i], &affine) : NULL;
        if (!slice || cg_int(slice, "starts", -1) != at || (x && x != slice->in[0]))
            return false;
        x = slice->in[0];
        at = cg_int(slice, "ends", -1);
    }
    if (at != channels || !cg_shape_same(&x->shape, &n->out[0]->shape))
        return false;
    cg_value *scale = filled(g, channels, 1, n->primary), *shift = filled(g, channels, 0, n->primary);
    if (!scale || !shift)
        return false;
    cg_value *old[FF_MAX_RANK * 4];
    int count = n->n_in;
    if (count > (int)FF_COUNT(old))
        return false;
    memcpy(old, n->in, (size_t)count * sizeof old[0]);
    for (int i = 0; i < count; i++) {
        slice = channel_slice(old[i], &affine);
        int64_t first = cg_int(slice, "starts", 0), size = cg_int(slice, "ends", 0) - first;
        for (int64_t k = 0; affine && k < size; k++) {
            ((double *)scale->constant->data)[first + k] = reals(affine->in[1])[k];
            ((double *)shift->constant->data)[first + k] = reals(affine->in[2])[k];
        }
    }
    scale->folded = shift->folded = true;
    become_affine(g, n, x, scale, shift);
    for (int i = 0; i < count; i++)
        cg_remove_unread(g, old[i], n);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_affine_rules[] = {
    {"batchnorm-affine", "batch normalisation at inference is a scale and a shift per channel", batchnorm},
    {"arithmetic-affine", "Mul, Add, Sub or Div by a constant per channel is a scale or a shift", arithmetic},
    {"negation-affine", "a change of sign is a scale of minus one", negation},
    {"affine-merge", "two scales and shifts in a row are one", merge},
    {"split-channels", "channels scaled and shifted one by one and put together again", split_channels},
    {"batchnorm-fold", "a scale and shift after a layer is in its weights and bias", fold_back},
    {"affine-unit", "a scale of one and a shift of zero", unit},
    {"affine-forward", "a scale and shift before a layer is in its weights and bias", fold_forward},
    {NULL, NULL, NULL},
};
