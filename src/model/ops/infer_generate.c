/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Constants, random numbers, windows and spectra. */
#include "model/ops/infer.h"

#include <math.h>

static int infer_constant(ff_infer *c)
{
    static const struct {
        const char *name;
        ff_dtype t;
    } plain[] = {{"value_float", FF_FLOAT}, {"value_floats", FF_FLOAT},  {"value_int", FF_INT64},
                 {"value_ints", FF_INT64},  {"value_string", FF_STRING}, {"value_strings", FF_STRING}};
    const ff_attr *a = ff_node_attr(c->node, "value");

    if (a != NULL && a->type == FF_ATTR_TENSOR) {
        infer_set(c, 0, a->t->dtype, a->t->rank, a->t->dims);
        return FF_OK;
    }
    for (size_t i = 0; i < FF_COUNT(plain); i++)
        if ((a = ff_node_attr(c->node, plain[i].name)) != NULL) {
            int64_t n = (int64_t)a->n;
            infer_set(c, 0, plain[i].t, a->type >= FF_ATTR_FLOATS ? 1 : 0, &n);
            return FF_OK;
        }
    return ff_node_attr(c->node, "sparse_value") ? FF_OK : infer_fail("it has no value");
}

static int infer_constant_of_shape(ff_infer *c)
{
    const ff_attr *a = ff_node_attr(c->node, "value");
    ff_dtype t = a && a->type == FF_ATTR_TENSOR ? a->t->dtype : FF_FLOAT;
    int64_t dims[FF_MAX_RANK];
    int n, code = infer_list(c, NULL, 0, dims, FF_MAX_RANK, &n);

    if (code)
        return code;
    if (a && a->type == FF_ATTR_TENSOR && a->t->count != 1)
        return infer_fail("'value' must hold one element");
    for (int i = 0; i < n; i++)
        if (dims[i] < 0)
            return infer_fail("the shape holds %lld", (long long)dims[i]);
    infer_set(c, 0, t, n < 0 ? UNKNOWN : n, dims);
    return FF_OK;
}

static int infer_range(ff_infer *c)
{
    int64_t n = UNKNOWN;
    int code;

    if ((code = infer_same_type(c, 0, 1)) || (code = infer_same_type(c, 0, 2)))
        return code;
    if (infer_data(c, 0) && infer_data(c, 1) && infer_data(c, 2)) {
        double v[3];
        for (int i = 0; i < 3; i++) {
            if (infer_data(c, i)->count != 1)
                return infer_fail("input %d must be one number", i);
            v[i] = ff_tensor_get_real(infer_data(c, i), 0);
        }
        if (v[2] == 0)
            return infer_fail("a step of 0");
        double size = ceil((v[1] - v[0]) / v[2]);
        if (!(size < 1e12))
            return infer_fail("a range of %g elements", size);
        n = size > 0 ? (int64_t)size : 0;
    }
    infer_set(c, 0, c->in[0].dtype, 1, &n);
    return FF_OK;
}

static int infer_eye_like(ff_infer *c)
{
    ff_dtype t;
    int code = infer_want_rank(c, 0, 2);

    if (code || (code = infer_dtype_attr(c, "dtype", c->in[0].dtype, &t)))
        return code;
    infer_set(c, 0, t, c->in[0].rank, c->in[0].dims);
    return FF_OK;
}

static int infer_random(ff_infer *c)
{
    int64_t dims[FF_MAX_RANK];
    ff_dtype t;
    int n, code;

    if ((code = infer_dtype_attr(c, "dtype", FF_FLOAT, &t)) ||
        (code = infer_list(c, "shape", -1, dims, FF_MAX_RANK, &n)))
        return code;
    if (n == ABSENT)
        return infer_fail("attribute 'shape' is missing");
    for (int i = 0; i < n; i++)
        if (dims[i] < 0)
            return infer_fail("the shape holds %lld", (long long)dims[i]);
    infer_set(c, 0, t, n, dims);
    return FF_OK;
}

static int infer_random_like(ff_infer *c)
{
    ff_dtype t;
    int code = infer_dtype_attr(c, "dtype", c->in[0].dtype, &t);

    if (code == FF_OK)
        infer_set(c, 0, t, c->in[0].rank, c->in[0].dims);
    return code;
}

static int infer_multinomial(ff_infer *c)
{
    int64_t dims[2] = {UNKNOWN, ff_node_int(c->node, "sample_size", 1)};
    ff_dtype t;
    int code = infer_want_rank(c, 0, 2);

    if (code || (code = infer_dtype_attr(c, "dtype", FF_INT32, &t)))
        return code;
    if (dims[1] < 1)
        return infer_fail("'sample_size' is %lld", (long long)dims[1]);
    if (c->in[0].rank == 2)
        dims[0] = c->in[0].dims[0];
    infer_set(c, 0, t, 2, dims);
    return FF_OK;
}

/* A number given by an input of one element; UNKNOWN when it is not known. */
static int one_number(const ff_infer *c, int i, int64_t least, int64_t *v)
{
    const ff_tensor *t = infer_data(c, i);

    *v = UNKNOWN;
    if (t == NULL)
        return FF_OK;
    if (t->count != 1)
        return infer_fail("input %d must be one number", i);
    *v = ff_tensor_get_int(t, 0);
    if (*v < least)
        return infer_fail("input %d is %lld", i, (long long)*v);
    return FF_OK;
}

static int infer_window(ff_infer *c)
{
    ff_dtype t;
    int64_t n;
    int code;

    if ((code = infer_dtype_attr(c, "output_datatype", FF_FLOAT, &t)) || (code = one_number(c, 0, 0, &n)))
        return code;
    infer_set(c, 0, t, 1, &n);
    return FF_OK;
}

static int infer_mel(ff_infer *c)
{
    ff_dtype t;
    int64_t bins, length;
    int code;

    if ((code = infer_dtype_attr(c, "output_datatype", FF_FLOAT, &t)) || (code = one_number(c, 0, 0, &bins)) ||
        (code = one_number(c, 1, 0, &length)))
        return code;
    int64_t dims[2] = {length < 0 ? UNKNOWN : length / 2 + 1, bins};
    infer_set(c, 0, t, 2, dims);
    return FF_OK;
}

static int infer_dft(ff_infer *c)
{
    ff_shape s = c->in[0];
    bool onesided = ff_node_int(c->node, "onesided", 0) != 0, axis_given = true;
    bool to_real = onesided && ff_node_int(c->node, "inverse", 0) != 0;
    int64_t axis = c->node->opset < 20 ? ff_node_int(c->node, "axis", 1) : -2, length;
    int at, code = one_number(c, 1, 1, &length);

    infer_type(c, 0, s.dtype);
    if (code || (code = infer_want_min_rank(c, 0, 2)) || s.rank < 0)
        return code;
    if (c->node->opset >= 20 && infer_has(c, 2)) {
        const ff_tensor *t = infer_data(c, 2);
        axis_given = t != NULL && t->count == 1;
        axis = axis_given ? ff_tensor_get_int(t, 0) : -2;
    }
    if ((code = infer_axis(axis, s.rank, &at)))
        return code;
    if (at == s.rank - 1)
        return infer_fail("the axis of real and imaginary parts cannot be transformed");
    if (s.dims[s.rank - 1] > 2 || s.dims[s.rank - 1] == 0)
        return infer_fail("the last dimension must be 1 or 2");
    s.dims[s.rank - 1] = to_real ? 1 : 2;
    if (infer_has(c, 1))
        s.dims[at] = length;
    else if (to_real && s.dims[at] >= 0)
        s.dims[at] = 2 * (s.dims[at] - 1);
    if (onesided && !to_real && s.dims[at] >= 0)
        s.dims[at] = s.dims[at] / 2 + 1;
    for (int i = 0; i < s.rank && !axis_given; i++)
        s.dims[i] = UNKNOWN;
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_stft(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t step, size = UNKNOWN, dims[4] = {UNKNOWN, UNKNOWN, UNKNOWN, 2};
    int code = one_number(c, 1, 1, &step);

    if (code)
        return code;
    if (infer_has(c, 3) && (code = one_number(c, 3, 1, &size)))
        return code;
    if (!infer_has(c, 3) && infer_rank(c, 2) == 1)
        size = c->in[2].dims[0];
    if (x->rank >= 1) {
        dims[0] = x->dims[0];
        if (x->rank >= 2 && x->dims[1] >= 0 && size > 0 && step > 0) {
            if (x->dims[1] < size)
                return infer_fail("a frame of %lld in a signal of %lld", (long long)size, (long long)x->dims[1]);
            dims[1] = (x->dims[1] - size) / step + 1;
        }
    }
    if (size > 0)
        dims[2] = ff_node_int(c->node, "onesided", 1) ? size / 2 + 1 : size;
    infer_set(c, 0, x->dtype, 4, dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact bernoulli_15[] = {{"dtype", FF_ATTR_INT, NULL}, {"seed", FF_ATTR_FLOAT, NULL}, {0}};
static const struct ff_attr_fact blackman_window_17[] = {
    {"output_datatype", FF_ATTR_INT, "1"}, {"periodic", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact constant_1[] = {{"value", FF_ATTR_TENSOR, NULL}, {0}};
static const struct ff_attr_fact constant_11[] = {
    {"sparse_value", FF_ATTR_OTHER, NULL}, {"value", FF_ATTR_TENSOR, NULL}, {0}};
static const struct ff_attr_fact constant_12[] = {{"sparse_value", FF_ATTR_OTHER, NULL},
                                                  {"value", FF_ATTR_TENSOR, NULL},
                                                  {"value_float", FF_ATTR_FLOAT, NULL},
                                                  {"value_floats", FF_ATTR_FLOATS, NULL},
                                                  {"value_int", FF_ATTR_INT, NULL},
                                                  {"value_ints", FF_ATTR_INTS, NULL},
                                                  {"value_string", FF_ATTR_STRING, NULL},
                                                  {"value_strings", FF_ATTR_STRINGS, NULL},
                                                  {0}};
static const struct ff_attr_fact dft_17[] = {
    {"axis", FF_ATTR_INT, "1"}, {"inverse", FF_ATTR_INT, "0"}, {"onesided", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact dft_20[] = {{"inverse", FF_ATTR_INT, "0"}, {"onesided", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact eye_like_9[] = {{"dtype", FF_ATTR_INT, NULL}, {"k", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact mel_weight_matrix_17[] = {{"output_datatype", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact multinomial_7[] = {
    {"dtype", FF_ATTR_INT, "6"}, {"sample_size", FF_ATTR_INT, "1"}, {"seed", FF_ATTR_FLOAT, NULL}, {0}};
static const struct ff_attr_fact random_normal_1[] = {{"dtype", FF_ATTR_INT, "1"},   {"mean", FF_ATTR_FLOAT, "0"},
                                                      {"scale", FF_ATTR_FLOAT, "1"}, {"seed", FF_ATTR_FLOAT, NULL},
                                                      {"shape", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact random_normal_like_1[] = {{"dtype", FF_ATTR_INT, NULL},
                                                           {"mean", FF_ATTR_FLOAT, "0"},
                                                           {"scale", FF_ATTR_FLOAT, "1"},
                                                           {"seed", FF_ATTR_FLOAT, NULL},
                                                           {0}};
static const struct ff_attr_fact random_uniform_1[] = {{"dtype", FF_ATTR_INT, "1"},   {"high", FF_ATTR_FLOAT, "1"},
                                                       {"low", FF_ATTR_FLOAT, "0"},   {"seed", FF_ATTR_FLOAT, NULL},
                                                       {"shape", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact random_uniform_like_1[] = {{"dtype", FF_ATTR_INT, NULL},
                                                            {"high", FF_ATTR_FLOAT, "1"},
                                                            {"low", FF_ATTR_FLOAT, "0"},
                                                            {"seed", FF_ATTR_FLOAT, NULL},
                                                            {0}};
static const struct ff_attr_fact stft_17[] = {{"onesided", FF_ATTR_INT, "1"}, {0}};

const ff_op ff_ops_generate[] = {
    /* since, inputs, outputs */
    {"", "Bernoulli", 15, 1, 1, 1, 1, infer_random_like, bernoulli_15},
    {"", "BlackmanWindow", 17, 1, 1, 1, 1, infer_window, blackman_window_17},
    {"", "Constant", 1, 0, 0, 1, 1, infer_constant, constant_1},
    {"", "Constant", 11, 0, 0, 1, 1, infer_constant, constant_11},
    {"", "Constant", 12, 0, 0, 1, 1, infer_constant, constant_12},
    {"", "ConstantOfShape", 9, 1, 1, 1, 1, infer_constant_of_shape, constant_1},
    {"", "DFT", 17, 1, 2, 1, 1, infer_dft, dft_17},
    {"", "DFT", 20, 1, 3, 1, 1, infer_dft, dft_20},
    {"", "EyeLike", 9, 1, 1, 1, 1, infer_eye_like, eye_like_9},
    {"", "HammingWindow", 17, 1, 1, 1, 1, infer_window, blackman_window_17},
    {"", "HannWindow", 17, 1, 1, 1, 1, infer_window, blackman_window_17},
    {"", "MelWeightMatrix", 17, 5, 5, 1, 1, infer_mel, mel_weight_matrix_17},
    {"", "Multinomial", 7, 1, 1, 1, 1, infer_multinomial, multinomial_7},
    {"", "RandomNormal", 1, 0, 0, 1, 1, infer_random, random_normal_1},
    {"", "RandomNormalLike", 1, 1, 1, 1, 1, infer_random_like, random_normal_like_1},
    {"", "RandomUniform", 1, 0, 0, 1, 1, infer_random, random_uniform_1},
    {"", "RandomUniformLike", 1, 1, 1, 1, 1, infer_random_like, random_uniform_like_1},
    {"", "Range", 11, 3, 3, 1, 1, infer_range, no_attrs},
    {"", "STFT", 17, 2, 4, 1, 1, infer_stft, stft_17},
    {0},
};
