/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "faults/quantized/quantized.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A value may lie a little more than half a step away, where the scale was rounded to float32; one that is chosen here
 * keeps away from that bound. */
#define HALF_STEP   0.51
#define CHOSEN_STEP 0.505
/* What float32 keeps of a number that is divided by a scale and multiplied again, relative to it: integers of 32 bits
 * can be finer. */
#define FLOAT_SLACK 4e-7
/* A scale is right for as wide a range as this times its own: calibration does not meet every value. */
#define WIDER 1.02

static bool is(const ff_node *n, const char *op)
{
    return n && !*n->domain && strcmp(n->op, op) == 0;
}

static bool is_any(const ff_node *n, const char *const *ops)
{
    return n && !*n->domain && ff_any_of(n->op, ops);
}

const ff_integer_layer *ff_integer_layer_of(const ff_node *n)
{
    static const ff_integer_layer layers[] = {
        {"QLinearConv", 3, 8, 6}, {"QLinearMatMul", 3, -1, 6}, {"QGemm", 3, 6, 7}};
    for (size_t i = 0; n && i < FF_COUNT(layers); i++)
        if (strcmp(layers[i].op, n->op) == 0 && (!*n->domain || strcmp(n->domain, FF_CONTRIB) == 0))
            return &layers[i];
    return NULL;
}

/* The axis of its constant operand that is the channels of the result. */
static int channel_axis(const ff_node *n)
{
    return strcmp(n->op, "QLinearConv") != 0 && !ff_node_int(n, "transB", 0);
}

static bool integer_range(ff_dtype type, double *low, double *high)
{
    int64_t bits = 8 * (int64_t)ff_dtype_size(type);
    bool is_signed = type == FF_INT8 || type == FF_INT16 || type == FF_INT32;
    if (!is_signed && type != FF_UINT8 && type != FF_UINT16)
        return false;
    *low = is_signed ? -ldexp(1, (int)bits - 1) : 0;
    *high = ldexp(1, (int)(is_signed ? bits - 1 : bits)) - 1;
    return true;
}

static const ff_tensor *constant_input(const ff_plan *plan, const ff_node *n, int i)
{
    return i < n->n_inputs && n->inputs[i] ? ff_plan_constant(plan, n->inputs[i]) : NULL;
}

int64_t ff_quantized_channels(const ff_quantized *w)
{
    return w->axis < 0 ? 1 : w->q->dims[w->axis];
}

int64_t ff_quantized_channel(const ff_quantized *w, int64_t element)
{
    int64_t inner = 1;
    if (w->axis < 0)
        return 0;
    for (int i = w->axis + 1; i < w->q->rank; i++)
        inner *= w->q->dims[i];
    return element / inner % w->q->dims[w->axis];
}

double ff_quantized_scale(const ff_quantized *w, int64_t channel)
{
    double times = w->times ? ff_tensor_get_real(w->times, 0) : 1;
    return times * ff_tensor_get_real(w->scale, w->scale->count == 1 ? 0 : channel);
}

double ff_quantized_zero(const ff_quantized *w, int64_t channel)
{
    return w->zero ? ff_tensor_get_real(w->zero, w->zero->count == 1 ? 0 : channel) : 0;
}

int ff_quantized_places(const ff_plan *plan, const ff_quantized *w, const ff_cparam *param, const ff_tensor *numbers,
                        ff_tensor **out)
{
    const ff_tensor *end = ff_plan_constant(plan, param->original), *at = w->n_moves ? end : w->q;
    ff_tensor *t;
    int rc = at ? ff_layout_invert(&param->layout, numbers, at->rank, at->dims, &t) : FF_ERR_GRAPH;
    for (int i = w->n_moves - 1; i >= 0 && rc == FF_OK; i--) {
        const ff_node *n = w->moves[i];
        const ff_tensor *before = ff_plan_constant(plan, n->inputs[0]);
        const int64_t *perm;
        ff_tensor *moved = NULL;
        if (!before) {
            rc = FF_ERR_GRAPH;
        } else if (is(n, "Transpose")) {
            int inverse[FF_MAX_RANK], rank = before->rank;
            size_t have = ff_node_ints(n, "perm", &perm);
            for (int k = 0; k < rank; k++)
                inverse[have == (size_t)rank ? perm[k] : rank - 1 - k] = k;
            rc = ff_tensor_transpose(t, inverse, &moved);
        } else {
            rc = ff_tensor_reshape(t, before->rank, before->dims, &moved);
        }
        ff_tensor_unref(t);
        t = moved;
    }
    if (rc == FF_OK)
        *out = t;
    return rc;
}

/* The effective values are those that were dequantised, and nothing else. */
static bool nothing_folded(const ff_plan *plan, const ff_quantized *w, const ff_cparam *param)
{
    ff_tensor *stored;
    if (ff_quantized_places(plan, w, param, param->tensor, &stored) != FF_OK)
        return false;
    bool same = stored->count == w->q->count;
    for (int64_t i = 0; same && i < stored->count; i++) {
        int64_t c = ff_quantized_channel(w, i);
        double scale = ff_quantized_scale(w, c);
        double v = (ff_tensor_get_real(w->q, i) - ff_quantized_zero(w, c)) * scale;
        same = fabs(v - ff_tensor_get_real(stored, i)) <= 1e-3 * fabs(scale) + FLOAT_SLACK * fabs(v);
    }
    ff_tensor_unref(stored);
    return same;
}

bool ff_quantized_find(const ff_plan *plan, const ff_cparam *param, ff_quantized *out)
{
    static const char *const moves[] = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", NULL};
    const ff_node *n = param->original ? param->original->producer : NULL;
    const ff_integer_layer *layer = ff_integer_layer_of(param->node);
    ff_quantized w = {.at_q = 0, .at_scale = 1, .at_zero = 2, .axis = -1};
    while (is_any(n, moves) && n->n_inputs > 0 && n->inputs[0]->producer && w.n_moves < (int)FF_COUNT(w.moves)) {
        memmove(w.moves + 1, w.moves, (size_t)w.n_moves * sizeof w.moves[0]); /* they are listed from q on */
        w.moves[0] = n;
        w.n_moves++;
        n = n->inputs[0]->producer;
    }
    w.node = n;
    if (is(n, "DequantizeLinear")) {
        w.axis = (int)ff_node_int(n, "axis", 1);
    } else if (param->original && layer && param->input == layer->weight) {
        w = (ff_quantized){.node = param->node, .at_q = layer->weight};
        w.at_scale = w.at_q + 1;
        w.at_zero = w.at_q + 2;
        w.axis = channel_axis(w.node);
    } else if (param->original && layer && param->input == layer->bias) {
        w = (ff_quantized){.node = param->node, .at_q = layer->bias, .at_scale = -1, .at_zero = -1};
        w.scale = constant_input(plan, w.node, layer->weight + 1);
        w.times = constant_input(plan, w.node, 1);
    } else {
        return false;
    }
    w.layer = param->node;
    w.input = param->input;
    w.q = constant_input(plan, w.node, w.at_q);
    if (w.at_scale >= 0) {
        w.scale = constant_input(plan, w.node, w.at_scale);
        w.zero = constant_input(plan, w.node, w.at_zero);
    }
    if (!w.q || !w.scale || !w.q->count || !integer_range(w.q->dtype, &w.low, &w.high))
        return false;
    if (w.axis < 0)
        w.axis += w.q->rank;
    if (w.scale->count == 1)
        w.axis = -1;
    int64_t channels = w.axis < w.q->rank ? ff_quantized_channels(&w) : -1;
    if (w.scale->count != channels || (w.zero && w.zero->count != 1 && w.zero->count != channels) ||
        !nothing_folded(plan, &w, param))
        return false;
    *out = w;
    return true;
}

bool ff_quantized_fits(const ff_quantized *w, const ff_tensor *wanted, const double *scale, const double *zero,
                       double slack)
{
    for (int64_t i = 0; i < w->q->count; i++) {
        int64_t c = ff_quantized_channel(w, i);
        double there = (ff_tensor_get_real(w->q, i) - zero[c]) * scale[c];
        double apart = fabs(ff_tensor_get_real(wanted, i) - there);
        if (!(apart <= HALF_STEP * fabs(scale[c]) + slack * fabs(there) + 1e-12))
            return false;
    }
    return true;
}

/* What is known of one channel: sums over its points (q, wanted), and which scales round all of them to their q. */
typedef struct channel {
    double n, q, w, qq, qw, least, most;
} channel;

static channel *look_at(const ff_quantized *w, const ff_tensor *wanted, const double *zero)
{
    int64_t n = ff_quantized_channels(w);
    channel *all = ff_alloc_array((size_t)n, sizeof *all);
    for (int64_t c = 0; c < n; c++)
        all[c].most = INFINITY;
    for (int64_t i = 0; i < w->q->count; i++) {
        channel *c = &all[ff_quantized_channel(w, i)];
        double q = ff_tensor_get_real(w->q, i) - zero[ff_quantized_channel(w, i)], v = ff_tensor_get_real(wanted, i);
        c->n++;
        c->q += q;
        c->w += v;
        c->qq += q * q;
        c->qw += q * v;
        if (q < 0) {
            q = -q;
            v = -v;
        }
        c->least = fmax(c->least, q > 0 ? v / (q + CHOSEN_STEP) : fabs(v) / CHOSEN_STEP);
        if (q > CHOSEN_STEP)
            c->most = fmin(c->most, v / (q - CHOSEN_STEP));
    }
    return all;
}

/* The scales under which the integers are the numbers wanted, rounded: within the bounds that every element gives, by
 * least squares. False: a channel has none. */
static bool solve_scales(const ff_quantized *w, const ff_tensor *wanted, const double *zero, double *scale)
{
    channel *all = look_at(w, wanted, zero);
    bool solved = true;
    for (int64_t i = 0; i < ff_quantized_channels(w) && solved; i++) {
        const channel *c = &all[i];
        solved = c->least <= c->most && (c->qq == 0 || c->qw > 0);
        scale[i] = c->qq > 0 ? fmin(fmax(c->qw / c->qq, c->least), c->most) : ff_quantized_scale(w, i);
    }
    free(all);
    return solved && ff_quantized_fits(w, wanted, scale, zero, FLOAT_SLACK);
}

/* Zero points a whole number of steps away: with the scales given, or with those of the line through the points. */
static void shift_zeros(const ff_quantized *w, const ff_tensor *wanted, bool line, double *zero)
{
    channel *all = look_at(w, wanted, zero);
    for (int64_t i = 0; i < ff_quantized_channels(w); i++) {
        const channel *c = &all[i];
        double spread = c->n * c->qq - c->q * c->q, step = ff_quantized_scale(w, i);
        if (line)
            step = spread > 0 ? (c->n * c->qw - c->q * c->w) / spread : 0;
        if (step > 0)
            zero[i] = fmin(fmax(zero[i] + rint((c->q - c->w / step) / c->n), w->low), w->high);
    }
    free(all);
}

static void as_stored(const ff_quantized *w, double *scale, double *zero)
{
    for (int64_t c = 0; c < ff_quantized_channels(w); c++) {
        scale[c] = ff_quantized_scale(w, c);
        zero[c] = ff_quantized_zero(w, c);
    }
}

ff_cause_id ff_quantized_cause(const ff_quantized *w, const ff_tensor *wanted, const double *unit, double *scale,
                               double *zero)
{
    as_stored(w, scale, zero);
    if (ff_quantized_fits(w, wanted, scale, zero, FLOAT_SLACK))
        return FF_CAUSE_QUANTIZED;
    if (w->at_scale < 0)
        return FF_NO_CAUSE;
    if (unit) {
        memcpy(scale, unit, (size_t)ff_quantized_channels(w) * sizeof *scale);
        if (ff_quantized_fits(w, wanted, scale, zero, FLOAT_SLACK))
            return FF_CAUSE_QUANTIZATION_SCALE;
        if (ff_quantized_channels(w) == w->q->count)
            return FF_NO_CAUSE; /* some scale would always do for a single number */
    }
    if (solve_scales(w, wanted, zero, scale))
        return FF_CAUSE_QUANTIZATION_SCALE;
    as_stored(w, scale, zero);
    shift_zeros(w, wanted, false, zero);
    if (ff_quantized_fits(w, wanted, scale, zero, FLOAT_SLACK))
        return FF_CAUSE_QUANTIZATION_ZERO_POINT;
    as_stored(w, scale, zero);
    shift_zeros(w, wanted, true, zero);
    return solve_scales(w, wanted, zero, scale) ? FF_CAUSE_QUANTIZATION_SCALE : FF_NO_CAUSE;
}

/* ---------------------------------------------------------------------------- the unit of a bias */

/* The constant scale with which a value is dequantised, or with which its integers were made; NULL: there is none. */
static const ff_tensor *scale_of_value(const ff_plan *plan, const ff_value *v, bool as_made)
{
    const ff_node *n = v ? v->producer : NULL;
    if (as_made && is(n, "DequantizeLinear"))
        n = n->inputs[0]->producer;
    else if (!as_made && !is(n, "DequantizeLinear"))
        return NULL;
    const ff_integer_layer *layer = ff_integer_layer_of(n);
    const ff_qlinear *other = n ? ff_qlinear_find(n) : NULL;
    int at = layer ? layer->result : other ? other->scale : is(n, "QuantizeLinear") || !as_made ? 1 : -1;
    const ff_tensor *t = n && at >= 0 ? constant_input(plan, n, at) : NULL;
    return t && t->count == 1 ? t : NULL;
}

bool ff_quantized_unit(const ff_subject *s, int source_cnode, int target_cnode, const ff_quantized *bias, bool as_made,
                       double *unit)
{
    static const char *const layers[] = {"Conv", "ConvTranspose", "Gemm", NULL};
    const ff_plan *plan = s->target.canon->plan;
    const ff_node *n = bias->layer;
    const ff_integer_layer *linear = ff_integer_layer_of(n);
    if ((!linear && !is_any(n, layers)) || bias->input != (linear ? linear->bias : 2) || source_cnode < 0 ||
        target_cnode < 0)
        return false;
    const ff_tensor *x = linear && !as_made ? constant_input(plan, n, 1) : scale_of_value(plan, n->inputs[0], as_made);
    const ff_cparam *mine = ff_cnode_param(&s->target.canon->nodes[target_cnode], "weight");
    const ff_cparam *wanted = ff_cnode_param(&s->source.canon->nodes[source_cnode], "weight");
    ff_quantized w;
    if (!x || !mine || !ff_quantized_find(plan, mine, &w))
        return false;
    int64_t channels = ff_quantized_channels(&w), n_bias = ff_quantized_channels(bias);
    if (channels != 1 && channels != n_bias)
        return false;
    double *scale = ff_alloc_array((size_t)channels, sizeof *scale),
           *zero = ff_alloc_array((size_t)channels, sizeof *zero);
    ff_tensor *values = NULL;
    as_stored(&w, scale, zero);
    if (wanted && wanted->tensor->count == w.q->count &&
        ff_quantized_places(plan, &w, mine, wanted->tensor, &values) == FF_OK &&
        ff_quantized_cause(&w, values, NULL, scale, zero) == FF_NO_CAUSE)
        as_stored(&w, scale, zero);
    for (int64_t c = 0; c < n_bias; c++)
        unit[c] = ff_tensor_get_real(x, 0) * scale[channels == 1 ? 0 : c];
    ff_tensor_unref(values);
    free(scale);
    free(zero);
    return true;
}

/* ------------------------------------------------------------------------------------- activations */

static double param_at(const ff_cnode *n, int place, bool *one)
{
    *one = place < n->n_params && n->params[place].tensor->count == 1;
    return *one ? ff_tensor_get_real(n->params[place].tensor, 0) : 0;
}

bool ff_quantized_activation_find(const ff_subject *s, const int *nodes, int n, ff_quantized_activation *out)
{
    const ff_canon *c = s->target.canon;
    if (n != 2)
        return false;
    const ff_cnode *a = &c->nodes[nodes[0]], *b = &c->nodes[nodes[1]];
    if (strcmp(a->op, "QuantizeLinear") != 0 || strcmp(b->op, "DequantizeLinear") != 0 || a->n_outputs != 1 ||
        b->n_inputs != 1 || b->inputs[0] != a->outputs[0] || a->n_params < 1 || a->n_params != b->n_params)
        return false;
    ff_quantized_activation r = {.quantize = a, .dequantize = b, .type = c->values[a->outputs[0]].shape.dtype};
    bool one[4];
    double low, high;
    r.scale = param_at(a, 0, &one[0]);
    r.zero = param_at(a, 1, &one[1]);
    r.read_scale = param_at(b, 0, &one[2]);
    r.read_zero = param_at(b, 1, &one[3]);
    bool zeros = a->n_params > 1;
    if (!one[0] || !one[2] || (zeros && (!one[1] || !one[3])) || !integer_range(r.type, &low, &high) ||
        !(r.scale > 0) || !(r.read_scale > 0))
        return false;
    r.low = (low - r.zero) * r.scale;
    r.high = (high - r.zero) * r.scale;
    *out = r;
    return true;
}

ff_cause_id ff_quantized_fit(const ff_quantized_activation *a, double low, double high, double *scale, double *zero)
{
    double least, most;
    integer_range(a->type, &least, &most);
    low = fmin(low, 0);
    high = fmax(high, 0);
    bool symmetric = least < 0 && a->zero == 0;
    *scale = symmetric ? fmax(-low, high) / most : (high - low) / (most - least);
    *zero = a->zero;
    if (!(*scale > 0)) {
        *scale = a->scale;
        return FF_CAUSE_ACTIVATION_SCALE;
    }
    bool shifted = !symmetric && *scale <= a->scale * WIDER && a->scale <= *scale * FF_COARSE;
    if (shifted)
        *scale = fmax(*scale, a->scale);
    if (!symmetric)
        *zero = fmin(fmax(rint(least - low / *scale), least), most);
    return shifted ? FF_CAUSE_ACTIVATION_ZERO_POINT : FF_CAUSE_ACTIVATION_SCALE;
}
