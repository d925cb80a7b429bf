/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loss.c: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss over scores[batch, classes, ...]
 * and labels[batch, ...], and the optimisers of the training preview (Adagrad, Adam, Momentum).
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct loss {
    const ff_tensor *labels;
    int64_t batch, classes, inner;
    kview weight;
    bool weighted, ignoring;
    int64_t ignored;
} loss;

static int prepare(const ff_call *c, const ff_tensor *x, loss *l)
{
    const ff_tensor *w = ff_in(c, 2);
    int rc = ff_need(c, 1, x->rank - 1, x->rank - 1, &l->labels);
    if (rc)
        return rc;
    for (int k = 0, i = 0; k < x->rank; k++)
        if (k != 1 && x->dims[k] != l->labels->dims[i++])
            return ff_fail(FF_ERR_GRAPH, "labels do not fit the scores along axis %d", k);
    if (!ff_is_integer(l->labels->dtype))
        return ff_fail(FF_ERR_GRAPH, "labels of type %s", ff_dtype_name(l->labels->dtype));
    l->batch = x->dims[0];
    l->classes = x->dims[1];
    l->inner = ff_span(x->dims, 2, x->rank);
    l->ignoring = ff_node_attr(c->node, "ignore_index") != NULL;
    l->ignored = ff_node_int(c->node, "ignore_index", 0);
    l->weighted = w != NULL;
    if (w && (w->rank != 1 || w->count != l->classes))
        return ff_fail(FF_ERR_GRAPH, "%lld weights for %lld classes", (long long)w->count, (long long)l->classes);
    return w ? kview_read(w, KWORK_DOUBLE, &l->weight) : FF_OK;
}

/* Minus the weighted log-probability of each label, reduced as the node says. */
static int pick(ff_call *c, const loss *l, const double *log_p, ff_dtype type)
{
    const char *reduction = ff_node_string(c->node, "reduction", "mean");
    bool none = !strcmp(reduction, "none"), mean = !strcmp(reduction, "mean");
    ff_tensor *y;
    if (!none && !mean && strcmp(reduction, "sum"))
        return ff_fail(FF_ERR_GRAPH, "reduction '%s' is not known", reduction);
    int rc = none ? ff_out(c, 0, type, l->labels->rank, l->labels->dims, &y) : ff_out(c, 0, type, 0, NULL, &y);
    if (rc)
        return rc;
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < l->labels->count; i++) {
        int64_t label = ff_tensor_get_int(l->labels, i);
        if (l->ignoring && label == l->ignored)
            continue;
        if (label < 0 || label >= l->classes)
            return ff_fail(FF_ERR_GRAPH, "label %lld of %lld classes", (long long)label, (long long)l->classes);
        double w = l->weighted ? l->weight.d[label] : 1;
        double v = -w * log_p[(i / l->inner * l->classes + label) * l->inner + i % l->inner];
        if (none)
            ff_tensor_set_real(y, i, v);
        sum += v;
        weights += w;
    }
    if (!none)
        ff_tensor_set_real(y, 0, mean ? sum / weights : sum);
    return FF_OK;
}

int ff_k_nll_loss(ff_call *c)
{
    const ff_tensor *x;
    kview vx = {0};
    loss l = {0};
    int rc = ff_need(c, 0, 2, -1, &x);
    if (!rc && !(rc = prepare(c, x, &l)) && !(rc = kview_read(x, KWORK_DOUBLE, &vx)))
        rc = pick(c, &l, vx.d, x->dtype);
    kview_finish(&l.weight);
    kview_finish(&vx);
    return rc;
}

int ff_k_cross_entropy_loss(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *log_prob;
    kview vx = {0};
    loss l = {0};
    double *p = NULL;
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc || (rc = prepare(c, x, &l)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)))
        goto done;
    if (!(p = ff_scratch(c, x->count, sizeof *p))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    for (int64_t r = 0; x->count && r < l.batch * l.inner; r++) {
        int64_t base = r / l.inner * l.classes * l.inner + r % l.inner;
        double top = -INFINITY, sum = 0;
        for (int64_t k = 0; k < l.classes; k++)
            top = fmax(top, vx.d[base + k * l.inner]);
        for (int64_t k = 0; k < l.classes; k++)
            sum += exp(vx.d[base + k * l.inner] - top);
        for (int64_t k = 0; k < l.classes; k++)
            p[base + k * l.inner] = vx.d[base + k * l.inner] - top - log(sum);
    }
    if ((rc = pick(c, &l, p, x->dtype)))
        goto done;
    if (ff_wants(c, 1) && !(rc = ff_out_like(c, 1, x, &log_prob)))
        for (int64_t i = 0; i < x->count; i++)
            ff_tensor_set_real(log_prob, i, p[i]);
done:
    free(p);
    kview_finish(&l.weight);
    kview_finish(&vx);
    return rc;
}

/* ------------------------------------------------------------------------------ optimisers */

/* Inputs: learning rate, step count, then n each of X, G and one (Momentum, Adagrad) or two (Adam)
 * states; outputs: n each of the new X and states. */
int ff_k_optimizer(ff_call *c)
{
    const ff_tensor *t;
    double rate, steps;
    bool adam = !strcmp(c->node->op, "Adam"), adagrad = !strcmp(c->node->op, "Adagrad");
    int states = adam ? 2 : 1, rc = ff_need(c, 0, 0, 1, &t);
    if (rc || (rc = ff_scalar_real(t, "the learning rate", &rate)) || (rc = ff_need(c, 1, 0, 1, &t)) ||
        (rc = ff_scalar_real(t, "the step count", &steps)))
        return rc;
    int n = (c->n_in - 2) / (2 + states);
    if (c->n_in != 2 + n * (2 + states) || c->n_out != n * (1 + states))
        return ff_fail(FF_ERR_GRAPH, "%d inputs and %d outputs do not fit", c->n_in, c->n_out);
    double decay = ff_node_float(c->node, "decay_factor", 0), epsilon = ff_node_float(c->node, "epsilon", 1e-6f),
           norm = ff_node_float(c->node, "norm_coefficient", 0),
           post = ff_node_float(c->node, "norm_coefficient_post", 0), alpha = ff_node_float(c->node, "alpha", 0.9f),
           beta = ff_node_float(c->node, "beta", 0.999f);
    bool nesterov = !strcmp(ff_node_string(c->node, "mode", "standard"), "nesterov");
    for (int k = 0; k < n; k++) {
        const ff_tensor *in[4];
        ff_tensor *out[3];
        for (int i = 0; i < 2 + states; i++) {
            if ((rc = ff_need(c, 2 + i * n + k, 0, -1, &in[i])))
                return rc;
            if (!ff_same_dims(in[i], in[0]) || !ff_dtype_is_float(in[i]->dtype))
                return ff_fail(FF_ERR_GRAPH, "input %d does not fit", 2 + i * n + k);
        }
        for (int i = 0; i < 1 + states; i++)
            if ((rc = ff_out_like(c, i * n + k, in[i ? 1 + i : 0], &out[i])))
                return rc;
        for (int64_t e = 0; e < in[0]->count; e++) {
            double x = ff_tensor_get_real(in[0], e), s = ff_tensor_get_real(in[2], e),
                   g = norm * x + ff_tensor_get_real(in[1], e);
            if (adagrad) {
                s += g * g;
                x -= rate / (1 + steps * decay) * g / (sqrt(s) + epsilon);
            } else if (adam) {
                double h = ff_tensor_get_real(in[3], e);
                s = alpha * s + (1 - alpha) * g;
                h = beta * h + (1 - beta) * g * g;
                double adjusted = steps > 0 ? rate * sqrt(1 - pow(beta, steps)) / (1 - pow(alpha, steps)) : rate;
                x = (1 - post) * (x - adjusted * s / (sqrt(h) + epsilon));
                ff_tensor_set_real(out[2], e, h);
            } else {
                s = alpha * s + (steps > 0 ? beta : 1) * g;
                x -= rate * (nesterov ? g + alpha * s : s);
            }
            ff_tensor_set_real(out[0], e, x);
            ff_tensor_set_real(out[1], e, s);
        }
    }
    return FF_OK;
}
