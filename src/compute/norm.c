/* SPDX-License-Identifier: GPL-3.0-or-later */
/* norm.c: normalisations. All statistics are taken in double; variances divide by n. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void moments(const double *x, int64_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *variance = n ? squares / (double)n : 0;
}

/* A vector with one element a channel. */
static int channel_input(const ff_call *c, int i, int64_t channels, kview *v)
{
    const ff_tensor *t;
    int rc = ff_need(c, i, 1, 1, &t);
    if (rc)
        return rc;
    if (t->count != channels)
        return ff_fail(FF_ERR_GRAPH, "input %d has %lld elements for %lld channels", i, (long long)t->count,
                       (long long)channels);
    return kview_read(t, KWORK_DOUBLE, v);
}

/* Before opset 14 a node trains when it is asked for more than Y. */
static bool trains(const ff_call *c)
{
    return c->node->opset < 14 ? ff_wants(c, 1) : ff_node_int(c->node, "training_mode", 0) != 0;
}

/* Mean and variance of each channel over batch and plane; as outputs 1 and 2 the running statistics (momentum times
 * the old ones), as 3 and 4, before opset 14, those of the batch: the mean and what its difference is multiplied by. */
static int training(ff_call *c, const ff_tensor *x, const kview *vx, double epsilon, double *mean, double *variance)
{
    int64_t channels = x->dims[1], plane = ff_span(x->dims, 2, x->rank), n = x->dims[0] * plane;
    double momentum = ff_node_float(c->node, "momentum", 0.9f);
    for (int i = 1; i <= 4 && ff_wants(c, i); i++) {
        ff_tensor *t;
        int rc = ff_out(c, i, c->in[i < 3 ? 2 + i : i]->dtype, 1, &channels, &t);
        if (rc)
            return rc;
    }
    double *one = ff_scratch(c, n, sizeof *one);
    if (!one)
        return FF_ERR_NOMEM;
    for (int64_t k = 0; k < channels; k++) {
        double m, v;
        for (int64_t b = 0; b < x->dims[0]; b++)
            memcpy(one + b * plane, vx->d + (b * channels + k) * plane, (size_t)plane * sizeof *one);
        moments(one, n, &m, &v);
        const double made[] = {mean[k] * momentum + m * (1 - momentum), variance[k] * momentum + v * (1 - momentum), m,
                               1 / sqrt(v + epsilon)};
        for (int i = 1; i <= 4 && ff_wants(c, i); i++)
            ff_tensor_set_real(c->out[i], k, made[i - 1]);
        mean[k] = m;
        variance[k] = v;
    }
    free(one);
    return FF_OK;
}

int ff_k_batch_norm(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0}, p[4] = {0}; /* scale, bias, mean, variance */
    double *stats = NULL;
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    double epsilon = ff_node_float(c->node, "epsilon", 1e-5f);
    int64_t channels = x->dims[1], plane = ff_span(x->dims, 2, x->rank);
    for (int i = 0; i < 4; i++)
        if ((rc = channel_input(c, 1 + i, channels, &p[i])))
            goto done;
    if (!y->count)
        goto done;
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    const double *mean = p[2].d, *variance = p[3].d;
    if (trains(c)) {
        if (!(stats = ff_scratch(c, 2 * channels, sizeof *stats))) {
            rc = FF_ERR_NOMEM;
            goto done;
        }
        memcpy(stats, mean, (size_t)channels * sizeof *stats);
        memcpy(stats + channels, variance, (size_t)channels * sizeof *stats);
        if ((rc = training(c, x, &vx, epsilon, stats, stats + channels)))
            goto done;
        mean = stats;
        variance = stats + channels;
    }
    for (int64_t r = 0; r < x->count / plane; r++) {
        int64_t k = r % channels;
        double scale = p[0].d[k] / sqrt(variance[k] + epsilon), shift = p[1].d[k] - mean[k] * scale;
        for (int64_t i = r * plane; i < (r + 1) * plane; i++)
            vy.d[i] = vx.d[i] * scale + shift;
    }
    kview_store(&vy);
done:
    free(stats);
    kview_finish(&vx);
    kview_finish(&vy);
    for (int i = 0; i < 4; i++)
        kview_finish(&p[i]);
    return rc;
}

/* InstanceNormalization, and GroupNormalization with scale and bias per group (before opset 21) or
 * per channel. */
int ff_k_instance_norm(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0}, scale = {0}, bias = {0};
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    bool grouped = !strcmp(c->node->op, "GroupNormalization");
    int64_t channels = x->dims[1], groups = grouped ? ff_node_int(c->node, "num_groups", 0) : channels;
    double epsilon = ff_node_float(c->node, "epsilon", 1e-5f);
    if (grouped && (groups < 1 || channels % groups))
        return ff_fail(FF_ERR_GRAPH, "%lld channels in %lld groups", (long long)channels, (long long)groups);
    bool per_group = grouped && c->node->opset < 21;
    if ((rc = channel_input(c, 1, per_group ? groups : channels, &scale)) ||
        (rc = channel_input(c, 2, per_group ? groups : channels, &bias)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    int64_t plane = ff_span(x->dims, 2, x->rank), size = groups ? channels / groups * plane : 0;
    for (int64_t r = 0; x->count && r < x->count / size; r++) {
        double mean, variance;
        moments(vx.d + r * size, size, &mean, &variance);
        double inverse = 1 / sqrt(variance + epsilon);
        for (int64_t i = 0; i < size; i++) {
            int64_t at = r * size + i, k = per_group ? r % groups : at / plane % channels;
            vy.d[at] = (vx.d[at] - mean) * inverse * scale.d[k] + bias.d[k];
        }
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    kview_finish(&scale);
    kview_finish(&bias);
    return rc;
}

/* LayerNormalization over the axes from `axis` on; outputs 1 and 2: mean and 1 / deviation. */
int ff_k_layer_norm(ff_call *c)
{
    const ff_tensor *x, *scale, *bias = ff_in(c, 2);
    ff_tensor *y, *stats[2] = {NULL, NULL};
    kview vx = {0}, vy = {0}, vs = {0}, vb = {0};
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_need(c, 1, 0, x->rank, &scale)) ||
        (rc = ff_axis(ff_node_int(c->node, "axis", -1), x->rank, &axis)) || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    double epsilon = ff_node_float(c->node, "epsilon", 1e-5f);
    int64_t size = ff_span(x->dims, axis, x->rank), dims[FF_MAX_RANK];
    const ff_tensor *factors[] = {scale, bias};
    int64_t strides[2][FF_MAX_RANK];
    for (int i = 0; i < 2; i++) {
        int rank;
        if (!factors[i])
            continue;
        if ((rc = ff_broadcast(x->rank, x->dims, factors[i]->rank, factors[i]->dims, &rank, dims)))
            return rc;
        if (rank != x->rank || memcmp(dims, x->dims, (size_t)rank * sizeof *dims))
            return ff_fail(FF_ERR_GRAPH, "input %d does not broadcast to the first", 1 + i);
        ff_broadcast_strides(factors[i], rank, strides[i]);
    }
    for (int k = 0; k < x->rank; k++)
        dims[k] = k < axis ? x->dims[k] : 1;
    for (int i = 0; i < 2; i++)
        if (ff_wants(c, 1 + i) && (rc = ff_out(c, 1 + i, FF_FLOAT, x->rank, dims, &stats[i])))
            return rc;
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_read(scale, KWORK_DOUBLE, &vs)) ||
        (bias && (rc = kview_read(bias, KWORK_DOUBLE, &vb))) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    if (x->count) {
        ff_walk w;
        ff_walk_start(&w, x->rank, x->dims);
        ff_walk_operand(&w, strides[0]);
        if (bias)
            ff_walk_operand(&w, strides[1]);
        for (int64_t r = 0; r < x->count / size; r++) {
            double mean, variance;
            moments(vx.d + r * size, size, &mean, &variance);
            double inverse = 1 / sqrt(variance + epsilon);
            if (stats[0])
                ff_tensor_set_real(stats[0], r, mean);
            if (stats[1])
                ff_tensor_set_real(stats[1], r, inverse);
            for (int64_t i = r * size; i < (r + 1) * size; i++) {
                vy.d[i] = (vx.d[i] - mean) * inverse * vs.d[w.at[0]] + (bias ? vb.d[w.at[1]] : 0);
                ff_walk_next(&w);
            }
        }
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    kview_finish(&vs);
    kview_finish(&vb);
    return rc;
}

/* LRN: x / (bias + alpha / size * sum of squares of the `size` channels around)^beta. */
int ff_k_lrn(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc)
        return rc;
    int64_t size = ff_node_int(c->node, "size", 0), channels = x->dims[1], plane = ff_span(x->dims, 2, x->rank);
    double alpha = ff_node_float(c->node, "alpha", 1e-4f), beta = ff_node_float(c->node, "beta", 0.75f),
           bias = ff_node_float(c->node, "bias", 1);
    if (size < 1)
        return ff_fail(FF_ERR_GRAPH, "size %lld", (long long)size);
    if ((rc = ff_out_like(c, 0, x, &y)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    int64_t before = (size - 1) / 2, after = size - 1 - before;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t k = i / plane % channels, low = k > before ? k - before : 0,
                high = channels - 1 - k > after ? k + after : channels - 1;
        double sum = 0;
        for (int64_t j = low; j <= high; j++) {
            double v = vx.d[i + (j - k) * plane];
            sum += v * v;
        }
        vy.d[i] = vx.d[i] / pow(bias + alpha / (double)size * sum, beta);
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

/* LpNormalization along one axis. */
int ff_k_lp_norm(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", -1), x->rank, &axis)) || (rc = ff_out_like(c, 0, x, &y)) ||
        (rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    bool one = ff_node_int(c->node, "p", 2) == 1;
    int64_t n = x->dims[axis], inner = ff_span(x->dims, axis + 1, x->rank);
    for (int64_t r = 0; x->count && r < x->count / n; r++) {
        int64_t base = r / inner * n * inner + r % inner;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            double v = vx.d[base + i * inner];
            sum += one ? fabs(v) : v * v;
        }
        sum = one ? sum : sqrt(sum);
        for (int64_t i = 0; i < n; i++)
            vy.d[base + i * inner] = sum != 0 ? vx.d[base + i * inner] / sum : 0;
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

/* MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) over `axes`. */
int ff_k_mvn(ff_call *c)
{
    static const int64_t usual[] = {0, 2, 3};
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    int64_t list[FF_MAX_RANK], dims[FF_MAX_RANK], strides[FF_MAX_RANK], kept[FF_MAX_RANK], count = 1;
    int axes[FF_MAX_RANK], n;
    bool given;
    double *sums = NULL;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "axes", -1, FF_MAX_RANK, list, &n, &given)))
        return rc;
    if (!given) {
        n = FF_COUNT(usual);
        memcpy(list, usual, sizeof usual);
    }
    if ((rc = ff_axes(list, n, x->rank, axes)) || (rc = ff_out_like(c, 0, x, &y)) || !y->count)
        return rc;
    memcpy(dims, x->dims, sizeof dims);
    for (int i = 0; i < n; i++) {
        count *= dims[axes[i]];
        dims[axes[i]] = 1;
    }
    ff_strides(x->rank, dims, strides);
    for (int k = 0; k < x->rank; k++)
        kept[k] = dims[k] == 1 ? 0 : strides[k];
    int64_t groups = ff_span(dims, 0, x->rank);
    if (!(sums = ff_scratch(c, 2 * groups, sizeof *sums))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    for (int pass = 0; pass < 3; pass++) { /* sums, squares of deviations, results */
        ff_walk w;
        ff_walk_start(&w, x->rank, x->dims);
        ff_walk_operand(&w, kept);
        int64_t i = 0;
        do {
            double *mean = &sums[w.at[0]], *square = &sums[groups + w.at[0]], v = vx.d[i];
            if (pass == 0)
                *mean += v / (double)count;
            else if (pass == 1)
                *square += (v - *mean) * (v - *mean) / (double)count;
            else
                vy.d[i] = (v - *mean) / (sqrt(*square) + 1e-9);
            i++;
        } while (ff_walk_next(&w));
    }
    kview_store(&vy);
done:
    free(sums);
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}
