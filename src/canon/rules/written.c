/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Activations written out in simpler operators: Swish, HardSigmoid, HardSwish, Gelu.
 *
 * A product is taken apart into its factors (constants multiplied, order forgotten), then compared
 * with the known formulas. Constants count as equal within 1e-6 relative, as float32 writes them.
 */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

typedef struct product {
    double constant;
    cg_value *factors[4];
    int n;
} product;

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fabs(b);
}

/* Multiplies v into p: through Mul, and Div and Mul by constants, that nobody else reads. */
static bool factor(product *p, cg_value *v, int depth)
{
    double c;
    if (cg_uniform(v, &c)) {
        p->constant *= c;
        return true;
    }
    cg_node *n = v->producer;
    bool open = n && n->n_in == 2 && n->in[0] && n->in[1] && depth < 8 && (depth == 0 || cg_only_user(v));
    if (open && cg_is(n, "Mul"))
        return factor(p, n->in[0], depth + 1) && factor(p, n->in[1], depth + 1);
    if (open && cg_is(n, "Div") && cg_uniform(n->in[1], &c) && c != 0) {
        p->constant /= c;
        return factor(p, n->in[0], depth + 1);
    }
    if (p->n == 4 || v->constant)
        return false;
    p->factors[p->n++] = v;
    return true;
}

/* v = x * scale + shift, written with Mul, Div, Add, Sub by constants; x NULL: whatever it is. */
static bool linear(cg_value *v, cg_value **x, double *scale, double *shift, int depth)
{
    double c;
    *scale = 1;
    *shift = 0;
    cg_node *n = v->producer;
    if (*x == v || !n || depth > 4 || n->n_in != 2 || !n->in[0] || !n->in[1])
        return *x ? *x == v : (*x = v, true);
    for (int k = 0; k < 2; k++) {
        if (!cg_uniform(n->in[k], &c) || n->in[k]->constant->count != 1)
            continue;
        bool add = cg_is(n, "Add"), sub = cg_is(n, "Sub") && k == 1, mul = cg_is(n, "Mul"),
             div = cg_is(n, "Div") && k == 1 && c != 0;
        if ((!add && !sub && !mul && !div) || !linear(n->in[1 - k], x, scale, shift, depth + 1))
            break;
        if (add || sub) {
            *shift += add ? c : -c;
        } else {
            *scale *= mul ? c : 1 / c;
            *shift *= mul ? c : 1 / c;
        }
        return true;
    }
    return *x ? *x == v : (*x = v, true);
}

/* n becomes op(x); what led to its output is taken in. */
static void become(cg_graph *g, cg_node *n, const char *op, cg_value *x, const cg_rule *self)
{
    cg_value *old[8];
    int count = n->n_in < 8 ? n->n_in : 8;
    memcpy(old, n->in, (size_t)count * sizeof old[0]);
    cg_become(g, n, op, 1, &x);
    for (int i = 0; i < count; i++)
        if (old[i])
            cg_remove_unread(g, old[i], n);
    cg_record_rule(g, self, n, NULL, 1e-7);
}

static bool keeps_shape(const cg_node *n, const cg_value *x)
{
    return cg_shape_same(&x->shape, &n->out[0]->shape) && ff_dtype_is_float(x->shape.dtype);
}

/* Clip(x * a + b, 0, 1), or Clip(x + b, 0, m) / m: a scale and a shift by constants for all
 * elements. */
static bool hard_sigmoid(cg_graph *g, cg_node *n, const cg_rule *self)
{
    product p = {.constant = 1};
    cg_node *clip = n;
    if (!cg_is(n, "Clip")) {
        if ((!cg_is(n, "Mul") && !cg_is(n, "Div")) || n->n_in != 2 || !factor(&p, n->out[0], 0) || p.n != 1)
            return false;
        clip = p.factors[0]->producer;
        if (!clip || !cg_only_user(p.factors[0]))
            return false;
    }
    if (!cg_is(clip, "Clip") || clip->n_in != 1 || cg_real(clip, "min", -1) != 0 ||
        !near(cg_real(clip, "max", 0) * p.constant, 1))
        return false;
    cg_value *x = NULL;
    double scale, shift;
    if (!linear(clip->in[0], &x, &scale, &shift, 0) || x == clip->in[0] || shift == 0 || !keeps_shape(n, x))
        return false;
    become(g, n, "HardSigmoid", x, self);
    cg_set_real(g, n, "alpha", (float)(scale * p.constant), n->primary);
    cg_set_real(g, n, "beta", (float)(shift * p.constant), n->primary);
    return true;
}

/* x times something of x. */
static bool two_factors(const cg_node *n, product *p)
{
    *p = (product){.constant = 1};
    return (cg_is(n, "Mul") || cg_is(n, "Div")) && n->n_in == 2 && n->in[0] && n->in[1] && factor(p, n->out[0], 0) &&
           p->n == 2;
}

static bool swish(cg_graph *g, cg_node *n, const cg_rule *self)
{
    product p;
    if (!two_factors(n, &p) || p.constant != 1)
        return false;
    for (int k = 0; k < 2; k++) {
        cg_node *s = p.factors[k]->producer;
        cg_value *x = p.factors[1 - k];
        if (s && cg_is(s, "Sigmoid") && s->in[0] == x && keeps_shape(n, x)) {
            become(g, n, "Swish", x, self);
            return true;
        }
    }
    return false;
}

static void set_gate(cg_graph *g, cg_node *n, double alpha, double beta, const ff_node *by)
{
    cg_set_real(g, n, "alpha", (float)alpha, by);
    cg_set_real(g, n, "beta", (float)beta, by);
    n->formed = true;
}

/* With the numbers of its gate: the operator of that name has fixed ones. */
static bool hard_swish(cg_graph *g, cg_node *n, const cg_rule *self)
{
    product p;
    if (cg_is(n, "HardSwish") && !n->formed) {
        set_gate(g, n, 1.0 / 6, 0.5, n->primary);
        return true;
    }
    if (!two_factors(n, &p))
        return false;
    for (int k = 0; k < 2; k++) {
        cg_node *s = p.factors[k]->producer;
        cg_value *x = p.factors[1 - k];
        double scale = 0, shift = 0;
        bool gate = s && cg_is(s, "HardSigmoid") && s->in[0] == x && p.constant == 1;
        bool usual = gate && near(cg_real(s, "alpha", 0), 1.0 / 6) && near(cg_real(s, "beta", 0), 0.5);
        /* Written out with other numbers it stays as it is. */
        if (gate && !usual && strcmp(s->primary->op, "HardSigmoid") != 0)
            continue;
        bool clip = s && cg_is(s, "Clip") && s->n_in == 1 && near(p.constant, 1.0 / 6) && cg_real(s, "min", -1) == 0 &&
                    cg_real(s, "max", 0) == 6 && linear(s->in[0], &x, &scale, &shift, 0) && scale == 1 && shift == 3;
        if ((gate || clip) && keeps_shape(n, x)) {
            const ff_node *by = gate ? s->primary : n->primary;
            double alpha = gate && !usual ? cg_real(s, "alpha", 0) : 1.0 / 6,
                   beta = gate && !usual ? cg_real(s, "beta", 0) : 0.5;
            become(g, n, "HardSwish", x, self);
            set_gate(g, n, alpha, beta, by);
            return true;
        }
    }
    return false;
}

/* x * x * x as Pow or products. */
static bool is_cube(cg_value *v, const cg_value *x)
{
    double c;
    cg_node *n = v->producer;
    if (n && cg_is(n, "Pow") && n->n_in == 2 && n->in[0] == x && cg_uniform(n->in[1], &c))
        return c == 3;
    product p = {.constant = 1};
    return n && factor(&p, v, 0) && p.constant == 1 && p.n == 3 && p.factors[0] == x && p.factors[1] == x &&
           p.factors[2] == x;
}

/* sqrt(2 / pi) (x + 0.044715 x^3) */
static bool is_tanh_argument(cg_value *v, cg_value *x)
{
    product p = {.constant = 1};
    if (!factor(&p, v, 0) || p.n != 1 || !near(p.constant, sqrt(2 / M_PI)))
        return false;
    cg_node *sum = p.factors[0]->producer;
    if (!sum || !cg_is(sum, "Add") || sum->n_in != 2)
        return false;
    for (int k = 0; k < 2; k++) {
        product cube = {.constant = 1};
        if (sum->in[k] != x || !sum->in[1 - k])
            continue;
        cg_node *m = sum->in[1 - k]->producer;
        double c;
        for (int i = 0; m && cg_is(m, "Mul") && i < 2; i++)
            if (cg_uniform(m->in[i], &c) && near(c, 0.044715) && is_cube(m->in[1 - i], x))
                return true;
        if (factor(&cube, sum->in[1 - k], 0) && near(cube.constant, 0.044715) && cube.n == 3 && cube.factors[0] == x &&
            cube.factors[1] == x && cube.factors[2] == x)
            return true;
    }
    return false;
}

/* 0.5 x (1 + erf(x / sqrt 2)), or with tanh (Hendrycks and Gimpel, 2016). */
static bool gelu(cg_graph *g, cg_node *n, const cg_rule *self)
{
    product p;
    if (!two_factors(n, &p) || !near(p.constant, 0.5))
        return false;
    for (int k = 0; k < 2; k++) {
        cg_node *sum = p.factors[k]->producer;
        cg_value *x = p.factors[1 - k];
        double one;
        if (!sum || !cg_is(sum, "Add") || sum->n_in != 2 || !keeps_shape(n, x))
            continue;
        int c = cg_uniform(sum->in[0], &one) ? 0 : 1;
        if (!cg_uniform(sum->in[c], &one) || one != 1)
            continue;
        cg_node *f = sum->in[1 - c]->producer;
        if (!f || f->n_in != 1)
            continue;
        double scale = 0, shift = 0;
        cg_value *same = x;
        bool erf =
            cg_is(f, "Erf") && linear(f->in[0], &same, &scale, &shift, 0) && shift == 0 && near(scale, M_SQRT1_2);
        bool tanh = cg_is(f, "Tanh") && is_tanh_argument(f->in[0], x);
        if (!erf && !tanh)
            continue;
        become(g, n, "Gelu", x, self);
        cg_set_text(g, n, "approximate", erf ? "none" : "tanh", n->primary);
        return true;
    }
    return false;
}

const cg_rule cg_written_rules[] = {
    {"hard-sigmoid", "HardSigmoid written as a scale, a shift and a Clip", hard_sigmoid},
    {"swish", "a value times its Sigmoid is Swish", swish},
    {"hard-swish", "a value times its HardSigmoid is HardSwish", hard_swish},
    {"gelu", "Gelu written out with Erf or Tanh", gelu},
    {NULL, NULL, NULL},
};
