/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Normalisations, softmax, dropout, losses. */
#include "model/ops/infer.h"

/* Inputs that have one entry a channel. */
static int check_channels(const ff_infer *c, int i, int64_t channels)
{
    int64_t k;
    int code = infer_want_rank(c, i, 1);

    if (code || infer_rank(c, i) != 1)
        return code;
    if ((code = infer_equal(c->in[i].dims[0], channels, "channels", &k)))
        return ff_fail_prefix(code, "input %d", i);
    return FF_OK;
}

static int infer_batch_norm(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t channels = x->rank > 1 ? x->dims[1] : x->rank >= 0 ? 1 : UNKNOWN;
    bool spatial = ff_node_int(c->node, "spatial", 1) != 0; /* 0: one entry an element, opset 7, 8 */
    int code = infer_want_min_rank(c, 0, 1);

    for (int i = 1; i < 5 && code == FF_OK && spatial; i++)
        code = check_channels(c, i, channels);
    for (int i = 1; i < c->n_out; i++)
        infer_set(c, i, c->in[i < 3 ? i + 2 : i].dtype, 1, &channels);
    return code ? code : infer_same(c);
}

static int infer_channel_norm(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t channels = x->rank > 1 ? x->dims[1] : UNKNOWN;
    bool group = c->node->op[0] == 'G';
    int code = infer_want_min_rank(c, 0, c->node->op[0] == 'L' ? 2 : 3);

    if (group) {
        int64_t groups = ff_node_int(c->node, "num_groups", 0);
        if (groups < 1 || (channels >= 0 && channels % groups != 0))
            return infer_fail("'num_groups' is %lld for %lld channels", (long long)groups, (long long)channels);
        if (c->node->opset < 21) /* there: one scale and bias a group */
            channels = groups;
    }
    for (int i = 1; i < c->n_in && code == FF_OK; i++)
        code = check_channels(c, i, channels);
    return code ? code : infer_same(c);
}

static int infer_layer_norm(ff_infer *c)
{
    ff_shape x = c->in[0], scale;
    int axis, code;

    infer_copy(c, 0, &x);
    if (x.rank < 0)
        return FF_OK;
    if ((code = infer_axis(ff_node_int(c->node, "axis", -1), x.rank, &axis)))
        return code;
    for (int i = 1; i < c->n_in; i++) {
        if (infer_rank(c, i) < 0)
            continue;
        if ((code = infer_broadcast(&x, &c->in[i], &scale)))
            return code;
        if (scale.rank != x.rank)
            return infer_fail("input %d has more dimensions than the input", i);
    }
    for (int i = axis; i < x.rank; i++)
        x.dims[i] = 1;
    ff_dtype stash = (ff_dtype)ff_node_int(c->node, "stash_type", FF_FLOAT);
    infer_set(c, 1, stash, x.rank, x.dims);
    infer_set(c, 2, stash, x.rank, x.dims);
    return FF_OK;
}

static int infer_axis_same(ff_infer *c)
{
    /* The default changed with opset 13; LpNormalization always had -1. */
    bool norm = c->node->op[0] == 'L' && c->node->op[1] == 'p';
    int64_t otherwise = c->node->opset < 13 && !norm ? 1 : -1;
    int64_t axis = ff_node_int(c->node, "axis", otherwise);
    int rank = infer_rank(c, 0), at;

    if (rank > 0) {
        /* Before 13 the axis splits the dimensions in two: it may be the rank, and a vector is one
         * row. */
        bool split = c->node->opset < 13 && !norm && (axis == rank || rank == 1);
        int code = split ? FF_OK : infer_axis(axis, rank, &at);
        if (code)
            return code;
    }
    return infer_same(c);
}

static int infer_dropout(ff_infer *c)
{
    infer_set(c, 1, c->node->opset < 10 ? c->in[0].dtype : FF_BOOL, c->in[0].rank, c->in[0].dims);
    return infer_same(c);
}

static int infer_loss(ff_infer *c)
{
    const ff_shape *labels = &c->in[1];
    bool none = strcmp(ff_node_string(c->node, "reduction", "mean"), "none") == 0;

    infer_set(c, 0, c->in[0].dtype, none ? labels->rank : 0, labels->dims);
    infer_copy(c, 1, &c->in[0]); /* log probabilities of SoftmaxCrossEntropyLoss */
    return FF_OK;
}

static const struct ff_attr_fact batch_normalization_7[] = {
    {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"momentum", FF_ATTR_FLOAT, "0.9"}, {"spatial", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact batch_normalization_9[] = {
    {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"momentum", FF_ATTR_FLOAT, "0.9"}, {0}};
static const struct ff_attr_fact batch_normalization_14[] = {
    {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"momentum", FF_ATTR_FLOAT, "0.9"}, {"training_mode", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact dropout_7[] = {{"ratio", FF_ATTR_FLOAT, "0.5"}, {0}};
static const struct ff_attr_fact dropout_12[] = {{"seed", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact group_normalization_18[] = {
    {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"num_groups", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact group_normalization_21[] = {
    {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"num_groups", FF_ATTR_INT, NULL}, {"stash_type", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact hardmax_1[] = {{"axis", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact hardmax_13[] = {{"axis", FF_ATTR_INT, "-1"}, {0}};
static const struct ff_attr_fact instance_normalization_6[] = {{"epsilon", FF_ATTR_FLOAT, "1e-05"}, {0}};
static const struct ff_attr_fact lrn_1[] = {{"alpha", FF_ATTR_FLOAT, "0.0001"},
                                            {"beta", FF_ATTR_FLOAT, "0.75"},
                                            {"bias", FF_ATTR_FLOAT, "1"},
                                            {"size", FF_ATTR_INT, NULL},
                                            {0}};
static const struct ff_attr_fact layer_normalization_17[] = {
    {"axis", FF_ATTR_INT, "-1"}, {"epsilon", FF_ATTR_FLOAT, "1e-05"}, {"stash_type", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact lp_normalization_1[] = {{"axis", FF_ATTR_INT, "-1"}, {"p", FF_ATTR_INT, "2"}, {0}};
static const struct ff_attr_fact mean_variance_normalization_9[] = {{"axes", FF_ATTR_INTS, "[0,2,3]"}, {0}};
static const struct ff_attr_fact negative_log_likelihood_loss_12[] = {
    {"ignore_index", FF_ATTR_INT, NULL}, {"reduction", FF_ATTR_STRING, "mean"}, {0}};

const ff_op ff_ops_norm[] = {
    /* since, inputs, outputs */
    {"", "BatchNormalization", 7, 5, 5, 1, 5, infer_batch_norm, batch_normalization_7},
    {"", "BatchNormalization", 9, 5, 5, 1, 5, infer_batch_norm, batch_normalization_9},
    {"", "BatchNormalization", 14, 5, 5, 1, 3, infer_batch_norm, batch_normalization_14},
    {"", "Dropout", 7, 1, 1, 1, 2, infer_dropout, dropout_7},
    {"", "Dropout", 12, 1, 3, 1, 2, infer_dropout, dropout_12},
    {"", "GroupNormalization", 18, 3, 3, 1, 1, infer_channel_norm, group_normalization_18},
    {"", "GroupNormalization", 21, 3, 3, 1, 1, infer_channel_norm, group_normalization_21},
    {"", "Hardmax", 1, 1, 1, 1, 1, infer_axis_same, hardmax_1},
    {"", "Hardmax", 13, 1, 1, 1, 1, infer_axis_same, hardmax_13},
    {"", "InstanceNormalization", 6, 3, 3, 1, 1, infer_channel_norm, instance_normalization_6},
    {"", "LRN", 1, 1, 1, 1, 1, infer_channel_norm, lrn_1},
    {"", "LayerNormalization", 17, 2, 3, 1, 3, infer_layer_norm, layer_normalization_17},
    {"", "LogSoftmax", 1, 1, 1, 1, 1, infer_axis_same, hardmax_1},
    {"", "LogSoftmax", 13, 1, 1, 1, 1, infer_axis_same, hardmax_13},
    {"", "LpNormalization", 1, 1, 1, 1, 1, infer_axis_same, lp_normalization_1},
    {"", "MeanVarianceNormalization", 9, 1, 1, 1, 1, infer_same, mean_variance_normalization_9},
    {"", "NegativeLogLikelihoodLoss", 12, 2, 3, 1, 1, infer_loss, negative_log_likelihood_loss_12},
    {"", "Softmax", 1, 1, 1, 1, 1, infer_axis_same, hardmax_1},
    {"", "Softmax", 13, 1, 1, 1, 1, infer_axis_same, hardmax_13},
    {"", "SoftmaxCrossEntropyLoss", 12, 2, 3, 1, 2, infer_loss, negative_log_likelihood_loss_12},
    {0},
};
