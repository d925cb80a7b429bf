/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unary.c: functions of one value: mathematical functions, activations, Clip, tests of values. */
#include "kernel.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------ functions without parameters */

static double relu(double x)
{
    return x < 0 ? 0 : x; /* NaN stays */
}
static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}
static double reciprocal(double x)
{
    return 1 / x;
}
static double negate(double x)
{
    return -x;
}
static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x; /* NaN stays */
}
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
static double softsign(double x)
{
    return x / (1 + fabs(x));
}
static double hard_swish(double x)
{
    return x * fmax(0, fmin(1, x / 6 + 0.5));
}
static double mish(double x)
{
    return x * tanh(softplus(x));
}

static const struct {
    const char *op;
    double (*f)(double);
} functions[] = {
    {"Abs", fabs},          {"Acos", acos},
    {"Acosh", acosh},       {"Asin", asin},
    {"Asinh", asinh},       {"Atan", atan},
    {"Atanh", atanh},       {"Ceil", ceil},
    {"Cos", cos},           {"Cosh", cosh},
    {"Erf", erf},           {"Exp", exp},
    {"Floor", floor},       {"HardSwish", hard_swish},
    {"Log", log},           {"Mish", mish},
    {"Neg", negate},        {"Reciprocal", reciprocal},
    {"Relu", relu},         {"Round", nearbyint},
    {"Sigmoid", sigmoid},   {"Sign", sign},
    {"Sin", sin},           {"Sinh", sinh},
    {"Softplus", softplus}, {"Softsign", softsign},
    {"Sqrt", sqrt},         {"Tan", tan},
    {"Tanh", tanh},
};

/* Abs, Neg, Relu and Sign of integers; negation and absolute value wrap around. */
static int integers(ff_call *c, const ff_tensor *x, ff_tensor *y)
{
    const char *op = c->node->op;
    bool is_unsigned = kwork_of(x->dtype) == KWORK_UINT;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t v = ff_tensor_get_int(x, i);
        bool negative = v < 0 && !is_unsigned;
        if (!strcmp(op, "Abs"))
            v = negative ? (int64_t)(0 - (uint64_t)v) : v;
        else if (!strcmp(op, "Neg"))
            v = (int64_t)(0 - (uint64_t)v);
        else if (!strcmp(op, "Relu"))
            v = negative ? 0 : v;
        else if (!strcmp(op, "Sign"))
            v = v == 0 ? 0 : negative ? -1 : 1;
        else
            return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
        ff_tensor_set_int(y, i, v);
    }
    return FF_OK;
}

/* y[i] = f(x[i]) over floats of any kind, computed in double. */
static int map_real(const ff_tensor *x, ff_tensor *y, double (*f)(double))
{
    kview a = {0}, b = {0};
    int rc;
    if (x->dtype == FF_FLOAT) { /* without copies */
        const float *from = x->data;
        float *to = y->data;
        for (int64_t i = 0; i < x->count; i++)
            to[i] = (float)f(from[i]);
        return FF_OK;
    }
    if (!(rc = kview_read(x, KWORK_DOUBLE, &a)) && !(rc = kview_write(y, KWORK_DOUBLE, &b))) {
        for (int64_t i = 0; i < x->count; i++)
            b.d[i] = f(a.d[i]);
        kview_store(&b);
    }
    kview_finish(&a);
    return rc;
}

/* What networks spend time on, over float32 without a call for each element. */
static void relu_floats(const float *x, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

static void sqrt_floats(const float *x, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = sqrtf(x[i]);
}

/* erf(x) / x is smooth in u = x^2 / 8 - 1: the polynomial that interpolates it at the Chebyshev
 * points of
 * [-1, 1] (degree 20, error below 2e-11), and |x| = 4 rounds to 1. Blocks, so that lanes are
 * filled. */
FF_WIDEST static void erf_floats(const float *x, float *y, int64_t n)
{
    static const double terms[] = {1.3255492376629263e-05,  -3.6714100133394822e-05, 3.1074519938556477e-05,
                                   -7.2316829573537689e-05, 0.00029918075233581476,  -0.00067308661482456955,
                                   0.0012723244428798353,   -0.0025303564113983157,  0.0048646273671693052,
                                   -0.008630037857727757,   0.014345737078073739,    -0.022466183370923432,
                                   0.033061469139426869,    -0.045766481964707229,   0.059886799542852254,
                                   -0.074727726068914202,   0.090209000917091942,    -0.10771044904014473,
                                   0.13167511672359108,     -0.17657623321206911,    0.35353099564411594};
    enum { LANES = 16 };

    for (int64_t at = 0; at < n; at += LANES) {
        double v[LANES] = {0}, u[LANES], p[LANES] = {0};
        const int64_t left = n - at < LANES ? n - at : LANES;
        for (int64_t i = 0; i < left; i++)
            v[i] = x[at + i];
        for (int i = 0; i < LANES; i++) {
            v[i] = v[i] > 4 ? 4 : v[i];
            v[i] = v[i] < -4 ? -4 : v[i];
            u[i] = v[i] * v[i] * 0.125 - 1;
        }
        for (size_t k = 0; k < FF_COUNT(terms); k++)
            for (int i = 0; i < LANES; i++)
                p[i] = p[i] * u[i] + terms[k];
        for (int64_t i = 0; i < left; i++)
            y[at + i] = (float)(v[i] * p[i]);
    }
}

static const struct {
    const char *op;
    void (*f)(const float *x, float *y, int64_t n);
} float_functions[] = {
    {"Erf", erf_floats},
    {"Relu", relu_floats},
    {"Sqrt", sqrt_floats},
};

static int need_number(const ff_call *c, const ff_tensor **x)
{
    int rc = ff_need(c, 0, 0, -1, x);
    if (!rc && !ff_is_numeric((*x)->dtype))
        rc = ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name((*x)->dtype));
    return rc;
}

int ff_k_unary(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = need_number(c, &x);
    if (rc || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    if (!ff_dtype_is_float(x->dtype))
        return integers(c, x, y);
    for (size_t k = 0; x->dtype == FF_FLOAT && k < FF_COUNT(float_functions); k++)
        if (!strcmp(float_functions[k].op, c->node->op)) {
            float_functions[k].f(x->data, y->data, x->count);
            return FF_OK;
        }
    for (size_t k = 0; k < FF_COUNT(functions); k++)
        if (!strcmp(functions[k].op, c->node->op))
            return map_real(x, y, functions[k].f);
    return ff_fail(FF_ERR_UNSUPPORTED, "no function");
}

/* --------------------------------------------------------------- functions with parameters */

typedef struct parameters {
    double alpha, beta, gamma;
} parameters;

static double celu(double x, const parameters *p)
{
    return fmax(0, x) + fmin(0, p->alpha * expm1(x / p->alpha));
}
static double elu(double x, const parameters *p)
{
    return x < 0 ? p->alpha * expm1(x) : x;
}
static double hard_sigmoid(double x, const parameters *p)
{
    return fmax(0, fmin(1, p->alpha * x + p->beta));
}
static double leaky_relu(double x, const parameters *p)
{
    return x < 0 ? p->alpha * x : x;
}
static double selu(double x, const parameters *p)
{
    return x > 0 ? p->gamma * x : p->gamma * p->alpha * expm1(x);
}
static double thresholded_relu(double x, const parameters *p)
{
    return x > p->alpha ? x : 0;
}
static double shrink(double x, const parameters *p) /* alpha: lambd, beta: bias */
{
    return x < -p->alpha ? x + p->beta : x > p->alpha ? x - p->beta : 0;
}
static double gelu(double x, const parameters *p) /* alpha 1: tanh approximation */
{
    if (p->alpha == 1)
        return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    return 0.5 * x * (1 + erf(x * 0.7071067811865476));
}

/* Names and defaults as in the operator specification. */
static const struct activation {
    const char *op;
    double (*f)(double, const parameters *);
    const char *names[3];
    float defaults[3];
} activations[] = {
    {"Celu", celu, {"alpha"}, {1}},
    {"Elu", elu, {"alpha"}, {1}},
    {"Gelu", gelu, {NULL}, {0}},
    {"HardSigmoid", hard_sigmoid, {"alpha", "beta"}, {0.2f, 0.5f}},
    {"LeakyRelu", leaky_relu, {"alpha"}, {0.01f}},
    {"Selu", selu, {"alpha", NULL, "gamma"}, {1.67326319217681884765625f, 0, 1.05070102214813232421875f}},
    {"Shrink", shrink, {"lambd", "bias"}, {0.5f, 0}},
    {"ThresholdedRelu", thresholded_relu, {"alpha"}, {1}},
};

int ff_k_activation(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview a = {0}, b = {0};
    int rc = need_number(c, &x);
    if (rc || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    const struct activation *f = NULL;
    for (size_t k = 0; k < FF_COUNT(activations); k++)
        if (!strcmp(activations[k].op, c->node->op))
            f = &activations[k];
    if (!f)
        return ff_fail(FF_ERR_UNSUPPORTED, "no function");
    double v[3];
    for (int k = 0; k < 3; k++)
        v[k] = f->names[k] ? ff_node_float(c->node, f->names[k], f->defaults[k]) : f->defaults[k];
    parameters p = {v[0], v[1], v[2]};
    if (!strcmp(c->node->op, "Gelu"))
        p.alpha = !strcmp(ff_node_string(c->node, "approximate", "none"), "tanh");
    if (!(rc = kview_read(x, KWORK_DOUBLE, &a)) && !(rc = kview_write(y, KWORK_DOUBLE, &b))) {
        for (int64_t i = 0; i < x->count; i++)
            b.d[i] = f->f(a.d[i], &p);
        kview_store(&b);
    }
    kview_finish(&a);
    return rc;
}

/* ------------------------------------------------------------------------------------ Clip */

/* Bounds as attributes (before opset 11) or inputs; a bound left out does not bind. When min is
 * above max, max wins (the order of the specification: min(max(x, min), max)). */
int ff_k_clip(ff_call *c)
{
    const ff_tensor *x, *low = ff_in(c, 1), *high = ff_in(c, 2);
    ff_tensor *y;
    int rc = need_number(c, &x);
    if (rc || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    if (ff_dtype_is_float(x->dtype)) {
        double lo = -INFINITY, hi = INFINITY;
        if (c->node->opset < 11) {
            lo = ff_node_float(c->node, "min", -INFINITY);
            hi = ff_node_float(c->node, "max", INFINITY);
        } else if ((low && (rc = ff_scalar_real(low, "min", &lo))) ||
                   (high && (rc = ff_scalar_real(high, "max", &hi)))) {
            return rc;
        }
        if (x->dtype == FF_FLOAT) {
            const float *from = x->data;
            float *to = y->data, l = (float)lo, h = (float)hi;
            for (int64_t i = 0; i < x->count; i++) {
                float v = from[i] < l ? l : from[i];
                to[i] = v > h ? h : v;
            }
            return FF_OK;
        }
        for (int64_t i = 0; i < x->count; i++) {
            double v = ff_tensor_get_real(x, i);
            v = v < lo ? lo : v;
            ff_tensor_set_real(y, i, v > hi ? hi : v);
        }
        return FF_OK;
    }
    int64_t lo = 0, hi = 0;
    if ((low && (rc = ff_scalar_int(low, "min", &lo))) || (high && (rc = ff_scalar_int(high, "max", &hi))))
        return rc;
    bool u = kwork_of(x->dtype) == KWORK_UINT;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t v = ff_tensor_get_int(x, i);
        if (low && (u ? (uint64_t)v < (uint64_t)lo : v < lo))
            v = lo;
        if (high && (u ? (uint64_t)v > (uint64_t)hi : v > hi))
            v = hi;
        ff_tensor_set_int(y, i, v);
    }
    return FF_OK;
}

/* ---------------------------------------------------------------------------- Not and tests */

int ff_k_not(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    if (x->dtype != FF_BOOL)
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if ((rc = ff_out_like(c, 0, x, &y)))
        return rc;
    const uint8_t *from = x->data;
    uint8_t *to = y->data;
    for (int64_t i = 0; i < x->count; i++)
        to[i] = !from[i];
    return FF_OK;
}

int ff_k_bitwise_not(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    if (!ff_is_integer(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if ((rc = ff_out_like(c, 0, x, &y)))
        return rc;
    for (int64_t i = 0; i < x->count; i++)
        ff_tensor_set_int(y, i, ~ff_tensor_get_int(x, i));
    return FF_OK;
}

int ff_k_is(ff_call *c) /* IsNaN, IsInf */
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = need_number(c, &x);
    if (rc || (rc = ff_out(c, 0, FF_BOOL, x->rank, x->dims, &y)))
        return rc;
    bool nan = !strcmp(c->node->op, "IsNaN");
    bool positive = ff_node_int(c->node, "detect_positive", 1);
    bool negative = ff_node_int(c->node, "detect_negative", 1);
    uint8_t *to = y->data;
    for (int64_t i = 0; i < x->count; i++) {
        double v = ff_tensor_get_real(x, i);
        to[i] = nan ? isnan(v) : isinf(v) && (v > 0 ? positive : negative);
    }
    return FF_OK;
}

/* PRelu: the slope broadcasts to x (one way); before opset 7 a list is one slope a channel. */
int ff_k_prelu(ff_call *c)
{
    const ff_tensor *x, *slope;
    ff_tensor *y, *aligned = NULL;
    kview a = {0}, s = {0}, b = {0};
    int rc = need_number(c, &x);
    if (rc || (rc = ff_need(c, 1, 0, x->rank, &slope)) || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    int rank;
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    if (c->node->opset < 7 && slope->rank == 1 && x->rank > 2 && slope->count == x->dims[1]) {
        for (int k = 0; k < x->rank - 1; k++)
            dims[k] = k ? 1 : slope->count;
        if ((rc = ff_tensor_reshape(slope, x->rank - 1, dims, &aligned)))
            return rc;
        slope = aligned;
    }
    if ((rc = ff_broadcast(x->rank, x->dims, slope->rank, slope->dims, &rank, dims)))
        goto done;
    if (rank && memcmp(dims, x->dims, (size_t)rank * sizeof *dims)) {
        rc = ff_fail(FF_ERR_GRAPH, "the slope does not broadcast to the input");
        goto done;
    }
    ff_broadcast_strides(slope, rank, strides);
    if (!(rc = kview_read(x, KWORK_DOUBLE, &a)) && !(rc = kview_read(slope, KWORK_DOUBLE, &s)) &&
        !(rc = kview_write(y, KWORK_DOUBLE, &b))) {
        ff_walk w;
        ff_walk_start(&w, rank, dims);
        ff_walk_operand(&w, strides);
        int64_t i = 0;
        if (x->count)
            do {
                b.d[i] = a.d[i] < 0 ? a.d[i] * s.d[w.at[0]] : a.d[i];
                i++;
            } while (ff_walk_next(&w));
        kview_store(&b);
    }
done:
    kview_finish(&a);
    kview_finish(&s);
    ff_tensor_unref(aligned);
    return rc;
}
