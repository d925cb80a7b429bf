/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random.c: operators that draw numbers. The standard prescribes no generator; here numbers come
 * from splitmix64 seeded with the `seed` attribute, or with 0 when there is none, so that a run is
 * a function of the model and its inputs alone.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ff_rng generator(const ff_call *c)
{
    /* seed is a float in most operators, an integer in Dropout */
    const ff_attr *a = ff_node_attr(c->node, "seed");
    uint32_t bits = 0;
    if (a && a->type == FF_ATTR_FLOAT)
        memcpy(&bits, &a->f, sizeof bits);
    return (ff_rng){.state = a && a->type == FF_ATTR_INT ? (uint64_t)a->i : bits};
}

/* Identity unless the node asks for training (from opset 12 by input, in opset 1 by is_test = 0).
 */
int ff_k_dropout(ff_call *c)
{
    const ff_tensor *x, *ratio_input = ff_in(c, 1), *training = ff_in(c, 2);
    ff_tensor *y, *mask = NULL;
    int64_t train = 0;
    double ratio = 0.5;
    bool inputs = c->node->opset >= 12;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (inputs && training && (rc = ff_scalar_int(training, "training_mode", &train))) ||
        (inputs && ratio_input && (rc = ff_scalar_real(ratio_input, "ratio", &ratio))))
        return rc;
    if (ff_wants(c, 1) && (rc = ff_out(c, 1, c->node->opset < 10 ? x->dtype : FF_BOOL, x->rank, x->dims, &mask)))
        return rc;
    if (!train || ratio == 0) {
        for (int64_t i = 0; mask && i < mask->count; i++)
            ff_tensor_set_int(mask, i, 1);
        return ff_pass(c, 0, x);
    }
    if (!(ratio >= 0 && ratio < 1))
        return ff_fail(FF_ERR_GRAPH, "ratio %g", ratio);
    if (!ff_dtype_is_float(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if ((rc = ff_out_like(c, 0, x, &y)))
        return rc;
    ff_rng rng = generator(c);
    for (int64_t i = 0; i < x->count; i++) {
        bool keep = ff_rng_real(&rng) >= ratio;
        ff_tensor_set_real(y, i, keep ? ff_tensor_get_real(x, i) / (1 - ratio) : 0);
        if (mask)
            ff_tensor_set_int(mask, i, keep);
    }
    return FF_OK;
}

/* --------------------------------------------------------------------- numbers from nothing */

static int fill(ff_call *c, ff_dtype type, int rank, const int64_t *dims)
{
    ff_tensor *y;
    if (!ff_dtype_is_float(type))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(type));
    int rc = ff_out(c, 0, type, rank, dims, &y);
    if (rc)
        return rc;
    bool normal = strstr(c->node->op, "Normal") != NULL;
    double a = normal ? ff_node_float(c->node, "mean", 0) : ff_node_float(c->node, "low", 0),
           b = normal ? ff_node_float(c->node, "scale", 1) : ff_node_float(c->node, "high", 1);
    ff_rng rng = generator(c);
    for (int64_t i = 0; i < y->count; i++)
        ff_tensor_set_real(y, i, normal ? a + b * ff_rng_normal(&rng) : a + (b - a) * ff_rng_real(&rng));
    return FF_OK;
}

int ff_k_random(ff_call *c) /* RandomUniform, RandomNormal */
{
    const int64_t *shape;
    ff_dtype type;
    size_t n = ff_node_ints(c->node, "shape", &shape);
    int rc = ff_dtype_argument(c, "dtype", FF_FLOAT, &type);
    if (n > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "the output would have rank %zu", n);
    return rc ? rc : fill(c, type, (int)n, shape);
}

int ff_k_random_like(ff_call *c)
{
    const ff_tensor *x;
    ff_dtype type;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_dtype_argument(c, "dtype", ff_dtype_is_float(x->dtype) ? x->dtype : FF_FLOAT, &type)))
        return rc;
    return fill(c, type, x->rank, x->dims);
}

/* 1 with the probability that the input gives. */
int ff_k_bernoulli(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    ff_dtype type;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_dtype_argument(c, "dtype", x->dtype, &type)))
        return rc;
    if (!ff_dtype_is_float(x->dtype) || !ff_is_numeric(type))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if ((rc = ff_out(c, 0, type, x->rank, x->dims, &y)))
        return rc;
    ff_rng rng = generator(c);
    for (int64_t i = 0; i < x->count; i++)
        ff_tensor_set_int(y, i, ff_rng_real(&rng) < ff_tensor_get_real(x, i));
    return FF_OK;
}

/* Class numbers drawn from rows of unnormalised log-probabilities. */
int ff_k_multinomial(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    ff_dtype type;
    int rc = ff_need(c, 0, 2, 2, &x);
    if (rc || (rc = ff_dtype_argument(c, "dtype", FF_INT32, &type)))
        return rc;
    int64_t samples = ff_node_int(c->node, "sample_size", 1), classes = x->dims[1], dims[2] = {x->dims[0], samples};
    if (!ff_dtype_is_float(x->dtype) || !ff_is_integer(type) || samples < 1 || classes < 1)
        return ff_fail(FF_ERR_GRAPH, "%lld samples of %lld classes", (long long)samples, (long long)classes);
    if ((rc = ff_out(c, 0, type, 2, dims, &y)))
        return rc;
    ff_rng rng = generator(c);
    for (int64_t b = 0; b < dims[0]; b++) {
        double top = -INFINITY, sum = 0;
        for (int64_t k = 0; k < classes; k++)
            top = fmax(top, ff_tensor_get_real(x, b * classes + k));
        for (int64_t k = 0; k < classes; k++)
            sum += exp(ff_tensor_get_real(x, b * classes + k) - top);
        for (int64_t s = 0; s < samples; s++) {
            double left = ff_rng_real(&rng) * sum;
            int64_t k = 0;
            for (; k < classes - 1; k++) {
                left -= exp(ff_tensor_get_real(x, b * classes + k) - top);
                if (left < 0)
                    break;
            }
            ff_tensor_set_int(y, b * samples + s, k);
        }
    }
    return FF_OK;
}
