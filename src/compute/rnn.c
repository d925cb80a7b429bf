/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rnn.c: RNN, GRU and LSTM (formulas of the operator specification). X[times, batch, input],
 * W[directions, gates * hidden, input], R[directions, gates * hidden, hidden],
 * B[directions, 2 * gates * hidden]. With layout 1 batch comes first everywhere.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct activation {
    const char *name;
    double alpha, beta;
} activation;

static const activation known[] = {
    {"Affine", 1, 0},   {"Elu", 1, 0},        {"HardSigmoid", 0.2f, 0.5f}, {"LeakyRelu", 0.01f, 0},
    {"Relu", 0, 0},     {"ScaledTanh", 1, 1}, {"Sigmoid", 0, 0},           {"Softplus", 0, 0},
    {"Softsign", 0, 0}, {"Tanh", 0, 0},       {"ThresholdedRelu", 1, 0},
};

static double activate(const activation *a, double x)
{
    switch (a->name[0]) {
    case 'A':
        return a->alpha * x + a->beta;
    case 'E':
        return x < 0 ? a->alpha * expm1(x) : x;
    case 'H':
        return fmax(0, fmin(1, a->alpha * x + a->beta));
    case 'L':
        return x < 0 ? a->alpha * x : x;
    case 'R':
        return x < 0 ? 0 : x;
    case 'T':
        return a->name[1] == 'a' ? tanh(x) : x >= a->alpha ? x : 0;
    default:
        if (!strcmp(a->name, "ScaledTanh"))
            return a->alpha * tanh(a->beta * x);
        if (!strcmp(a->name, "Softplus"))
            return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
        if (!strcmp(a->name, "Softsign"))
            return x / (1 + fabs(x));
        return 1 / (1 + exp(-x));
    }
}

typedef struct cell {
    enum { RNN, GRU, LSTM } kind;
    int gates, n_activations; /* for each direction */
    int64_t times, batch, input, hidden, directions;
    bool batch_first, reverse, linear_before_reset, input_forget;
    double clip;
    activation acts[6];
    kview x, w, r, b, h0, c0, p;
    const ff_tensor *lengths;
} cell;

static int find_activations(const ff_call *c, cell *e)
{
    static const char *const usual[][3] = {{"Tanh"}, {"Sigmoid", "Tanh"}, {"Sigmoid", "Tanh", "Tanh"}};
    const ff_attr *names = ff_node_attr(c->node, "activations"), *alphas = ff_node_attr(c->node, "activation_alpha"),
                  *betas = ff_node_attr(c->node, "activation_beta");
    size_t n = (size_t)(e->n_activations * e->directions), used_alpha = 0, used_beta = 0;
    if (names && (names->type != FF_ATTR_STRINGS || names->n != n))
        return ff_fail(FF_ERR_GRAPH, "%zu activations, not %zu", names->n, n);
    for (size_t i = 0; i < n; i++) {
        const char *name = names ? names->strings[i] : usual[e->kind][i % (size_t)e->n_activations];
        const activation *a = NULL;
        for (size_t k = 0; k < FF_COUNT(known); k++)
            if (!strcasecmp(known[k].name, name))
                a = &known[k];
        if (!a)
            return ff_fail(FF_ERR_UNSUPPORTED, "activation '%s'", name);
        e->acts[i] = *a;
        if (a->alpha != 0 && alphas && alphas->type == FF_ATTR_FLOATS && used_alpha < alphas->n)
            e->acts[i].alpha = alphas->floats[used_alpha++];
        bool has_beta = a->name[0] == 'A' || a->name[0] == 'H' || !strcmp(a->name, "ScaledTanh");
        if (has_beta && betas && betas->type == FF_ATTR_FLOATS && used_beta < betas->n)
            e->acts[i].beta = betas->floats[used_beta++];
    }
    return FF_OK;
}

/* Input i with exactly these dims, as double; left out is fine when `optional`. */
static int fixed(const ff_call *c, int i, bool optional, int rank, const int64_t *dims, kview *v)
{
    const ff_tensor *t = ff_in(c, i);
    if (!t && optional)
        return FF_OK;
    int rc = ff_need(c, i, rank, rank, &t);
    if (rc)
        return rc;
    for (int k = 0; k < rank; k++)
        if (t->dims[k] != dims[k])
            return ff_fail(FF_ERR_GRAPH, "input %d has %lld along axis %d, not %lld", i, (long long)t->dims[k], k,
                           (long long)dims[k]);
    return kview_read(t, KWORK_DOUBLE, v);
}

static int prepare(const ff_call *c, cell *e)
{
    const ff_tensor *x, *r;
    const char *direction = ff_node_string(c->node, "direction", "forward");
    int rc = ff_need(c, 0, 3, 3, &x);
    if (rc || (rc = ff_need(c, 2, 3, 3, &r)))
        return rc;
    e->kind = c->node->op[0] == 'R' ? RNN : c->node->op[0] == 'G' ? GRU : LSTM;
    e->gates = e->kind == RNN ? 1 : e->kind == GRU ? 3 : 4;
    e->n_activations = e->kind == RNN ? 1 : e->kind == GRU ? 2 : 3;
    e->directions = !strcmp(direction, "bidirectional") ? 2 : 1;
    e->reverse = !strcmp(direction, "reverse");
    e->batch_first = ff_node_int(c->node, "layout", 0);
    e->linear_before_reset = ff_node_int(c->node, "linear_before_reset", 0);
    e->input_forget = ff_node_int(c->node, "input_forget", 0);
    e->clip = ff_node_attr(c->node, "clip") ? ff_node_float(c->node, "clip", 0) : INFINITY;
    e->times = x->dims[e->batch_first];
    e->batch = x->dims[!e->batch_first];
    e->input = x->dims[2];
    e->hidden = r->dims[2];
    int64_t asked = ff_node_int(c->node, "hidden_size", e->hidden), g = e->gates, h = e->hidden;
    if (asked != h || h > INT32_MAX || (e->reverse == false && e->directions == 1 && strcmp(direction, "forward")))
        return ff_fail(FF_ERR_GRAPH, "hidden_size %lld with weights of %lld, direction '%s'", (long long)asked,
                       (long long)h, direction);
    int64_t w_dims[] = {e->directions, g * h, e->input}, r_dims[] = {e->directions, g * h, h},
            b_dims[] = {e->directions, 2 * g * h}, p_dims[] = {e->directions, 3 * h},
            h_dims[] = {e->batch_first ? e->batch : e->directions, e->batch_first ? e->directions : e->batch, h};
    if ((rc = find_activations(c, e)) || (rc = fixed(c, 0, false, 3, x->dims, &e->x)) ||
        (rc = fixed(c, 1, false, 3, w_dims, &e->w)) || (rc = fixed(c, 2, false, 3, r_dims, &e->r)) ||
        (rc = fixed(c, 3, true, 2, b_dims, &e->b)) || (rc = fixed(c, 5, true, 3, h_dims, &e->h0)))
        return rc;
    if (e->kind == LSTM && ((rc = fixed(c, 6, true, 3, h_dims, &e->c0)) || (rc = fixed(c, 7, true, 2, p_dims, &e->p))))
        return rc;
    e->lengths = ff_in(c, 4);
    if (e->lengths && (e->lengths->rank != 1 || e->lengths->count != e->batch || !ff_is_integer(e->lengths->dtype)))
        return ff_fail(FF_ERR_GRAPH, "sequence_lens does not fit the batch");
    return FF_OK;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double clipped(const cell *e, double v)
{
    return v > e->clip ? e->clip : v < -e->clip ? -e->clip : v;
}

/* One step for one sample: h (and s, the cell state) are replaced; gates is scratch, 4 * hidden. */
static void step(const cell *e, int64_t d, const double *x, double *h, double *s, double *gates)
{
    int64_t n = e->hidden, g = e->gates;
    const double *w = e->w.d + d * g * n * e->input, *r = e->r.d + d * g * n * n,
                 *wb = e->b.d ? e->b.d + d * 2 * g * n : NULL, *rb = wb ? wb + g * n : NULL,
                 *p = e->p.d ? e->p.d + d * 3 * n : NULL;
    const activation *f = &e->acts[d * e->n_activations];
    /* Plain part: W x + R h + biases. The candidate gate of a GRU waits for the reset gate. */
    int64_t plain = e->kind == GRU ? 2 * n : g * n;
    for (int64_t k = 0; k < plain; k++)
        gates[k] = dot(w + k * e->input, x, e->input) + dot(r + k * n, h, n) + (wb ? wb[k] + rb[k] : 0);
    if (e->kind == RNN) {
        for (int64_t k = 0; k < n; k++)
            h[k] = activate(&f[0], clipped(e, gates[k]));
    } else if (e->kind == GRU) { /* z, r, h */
        double *z = gates, *reset = gates + n, *candidate = gates + 2 * n, *gated = gates + 3 * n;
        for (int64_t k = 0; k < 2 * n; k++)
            gates[k] = activate(&f[0], clipped(e, gates[k]));
        for (int64_t k = 0; k < n; k++)
            gated[k] = reset[k] * h[k];
        for (int64_t k = 0; k < n; k++) {
            int64_t row = 2 * n + k;
            double v = dot(w + row * e->input, x, e->input) + (wb ? wb[row] : 0);
            if (e->linear_before_reset)
                v += reset[k] * (dot(r + row * n, h, n) + (rb ? rb[row] : 0));
            else
                v += dot(r + row * n, gated, n) + (rb ? rb[row] : 0);
            candidate[k] = activate(&f[1], clipped(e, v));
        }
        for (int64_t k = 0; k < n; k++)
            h[k] = (1 - z[k]) * candidate[k] + z[k] * h[k];
    } else { /* i, o, f, c */
        for (int64_t k = 0; k < n; k++) {
            double old = s[k], i = gates[k], o = gates[n + k], forget = gates[2 * n + k],
                   fresh = activate(&f[1], clipped(e, gates[3 * n + k]));
            i = activate(&f[0], clipped(e, i + (p ? p[k] * old : 0)));
            forget = e->input_forget ? 1 - i : activate(&f[0], clipped(e, forget + (p ? p[2 * n + k] * old : 0)));
            s[k] = forget * old + i * fresh;
            o = activate(&f[0], clipped(e, o + (p ? p[n + k] * s[k] : 0)));
            h[k] = o * activate(&f[2], s[k]);
        }
    }
}

static int outputs(ff_call *c, const cell *e, ff_dtype t, ff_tensor **y, ff_tensor **yh, ff_tensor **yc)
{
    int64_t all[] = {e->times, e->directions, e->batch, e->hidden},
            all_first[] = {e->batch, e->times, e->directions, e->hidden},
            last[] = {e->batch_first ? e->batch : e->directions, e->batch_first ? e->directions : e->batch, e->hidden};
    int rc = FF_OK;
    if (ff_wants(c, 0))
        rc = ff_out(c, 0, t, 4, e->batch_first ? all_first : all, y);
    if (!rc && ff_wants(c, 1))
        rc = ff_out(c, 1, t, 3, last, yh);
    if (!rc && e->kind == LSTM && ff_wants(c, 2))
        rc = ff_out(c, 2, t, 3, last, yc);
    return rc;
}

int ff_k_rnn(ff_call *c)
{
    cell e = {0};
    ff_tensor *y = NULL, *yh = NULL, *yc = NULL;
    double *memory = NULL;
    int rc = prepare(c, &e);
    if (rc || (rc = outputs(c, &e, c->in[0]->dtype, &y, &yh, &yc)))
        goto done;
    int64_t n = e.hidden;
    if (!(memory = ff_scratch(c, 6 * n, sizeof *memory))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    double *h = memory, *s = memory + n, *gates = memory + 2 * n;
    for (int64_t d = 0; n && d < e.directions; d++)
        for (int64_t b = 0; b < e.batch; b++) {
            int64_t at = (e.batch_first ? b * e.directions + d : d * e.batch + b) * n;
            int64_t length = e.lengths ? ff_tensor_get_int(e.lengths, b) : e.times;
            bool backwards = e.reverse || d == 1;
            if (length < 0 || length > e.times) {
                rc = ff_fail(FF_ERR_GRAPH, "a sequence of %lld of %lld", (long long)length, (long long)e.times);
                goto done;
            }
            for (int64_t k = 0; k < n; k++) {
                h[k] = e.h0.d ? e.h0.d[at + k] : 0;
                s[k] = e.c0.d ? e.c0.d[at + k] : 0;
            }
            for (int64_t i = 0; i < length; i++) {
                int64_t t = backwards ? length - 1 - i : i;
                if ((rc = ff_cancel_check(c)))
                    goto done;
                step(&e, d, e.x.d + (e.batch_first ? b * e.times + t : t * e.batch + b) * e.input, h, s, gates);
                int64_t to =
                    e.batch_first ? (b * e.times + t) * e.directions + d : (t * e.directions + d) * e.batch + b;
                for (int64_t k = 0; y && k < n; k++)
                    ff_tensor_set_real(y, to * n + k, h[k]);
            }
            for (int64_t k = 0; k < n; k++) {
                if (yh)
                    ff_tensor_set_real(yh, at + k, h[k]);
                if (yc)
                    ff_tensor_set_real(yc, at + k, s[k]);
            }
        }
done:
    free(memory);
    kview *views[] = {&e.x, &e.w, &e.r, &e.b, &e.h0, &e.c0, &e.p};
    for (size_t i = 0; i < FF_COUNT(views); i++)
        kview_finish(views[i]);
    return rc;
}
