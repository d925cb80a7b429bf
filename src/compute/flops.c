/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flops.c: floating-point operations of a node, a multiplication with addition counted as two. */
#include "kernel.h"

#include <string.h>

static double elements(const ff_shape *s)
{
    double n = 1;
    if (s->rank < 0)
        return 0;
    for (int i = 0; i < s->rank; i++)
        n *= s->dims[i] > 0 ? (double)s->dims[i] : 0;
    return n;
}

/* Operators that only move, name or make elements. */
static bool is_free(const char *op)
{
    static const char *const names[] = {
        "Cast",           "CastLike",        "Compress",     "Concat",          "Constant",  "ConstantOfShape",
        "DepthToSpace",   "Dropout",         "Expand",       "EyeLike",         "Flatten",   "Gather",
        "GatherElements", "GatherND",        "Identity",     "NonZero",         "OneHot",    "Pad",
        "Reshape",        "ReverseSequence", "Scatter",      "ScatterElements", "ScatterND", "Shape",
        "Size",           "Slice",           "SpaceToDepth", "Split",           "Squeeze",   "Tile",
        "Transpose",      "Trilu",           "Unsqueeze",    "Where",
    };
    for (size_t i = 0; i < FF_COUNT(names); i++)
        if (!strcmp(op, names[i]))
            return true;
    return false;
}

double ff_node_flops(const ff_node *node, const ff_shape *in, const ff_shape *out)
{
    const char *op = node->op;
    if (node->n_outputs < 1 || is_free(op))
        return 0;
    double made = elements(&out[0]);
    if (!strcmp(op, "Conv") || !strcmp(op, "ConvInteger") || !strcmp(op, "QLinearConv")) {
        const ff_shape *w = &in[!strcmp(op, "QLinearConv") ? 3 : 1];
        return w->rank < 1 || w->dims[0] < 1 ? 0 : 2 * made * elements(w) / (double)w->dims[0];
    }
    if (!strcmp(op, "ConvTranspose")) /* every input element meets the filters of its group */
        return in[1].rank < 1 || in[1].dims[0] < 1 ? 0
                                                   : 2 * elements(&in[0]) * elements(&in[1]) / (double)in[1].dims[0];
    if (!strcmp(op, "Gemm")) {
        bool flip = ff_node_int(node, "transA", 0);
        return in[0].rank == 2 ? 2 * made * (double)in[0].dims[flip ? 0 : 1] : 0;
    }
    if (!strcmp(op, "MatMul") || !strcmp(op, "MatMulInteger") || !strcmp(op, "QLinearMatMul"))
        return in[0].rank > 0 ? 2 * made * (double)in[0].dims[in[0].rank - 1] : 0;
    if (!strcmp(op, "MaxPool") || !strcmp(op, "AveragePool") || !strcmp(op, "LpPool")) {
        const int64_t *kernel;
        size_t n = ff_node_ints(node, "kernel_shape", &kernel);
        for (size_t i = 0; i < n; i++)
            made *= (double)kernel[i];
        return made;
    }
    if (!strncmp(op, "Reduce", 6) || !strncmp(op, "Global", 6) || !strncmp(op, "Arg", 3))
        return node->n_inputs ? elements(&in[0]) : 0;
    if (!strcmp(op, "BatchNormalization"))
        return 2 * made;
    if (!strcmp(op, "Softmax") || !strcmp(op, "LogSoftmax") || strstr(op, "Normalization"))
        return 5 * made;
    return made;
}
