/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an operator knows at an opset: its attributes, the texts that they may have, and what it means where a newer
 * opset has an attribute and this one has not. The attributes and their defaults stand in the rows of the operators;
 * here is what those do not say.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/ops/infer.h"

#define MAX_TEXTS 8

/* The texts of an attribute from an opset on. */
typedef struct texts {
    const char *op, *attr;
    int since;
    const char *of[MAX_TEXTS];
} texts;

#define PADDING                                                                                                        \
    {                                                                                                                  \
        "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"                                                                  \
    }
#define DIRECTION                                                                                                      \
    {                                                                                                                  \
        "forward", "reverse", "bidirectional"                                                                          \
    }

static const texts enumerated[] = {
    {"AveragePool", "auto_pad", 1, PADDING},
    {"BitShift", "direction", 11, {"LEFT", "RIGHT"}},
    {"Conv", "auto_pad", 1, PADDING},
    {"ConvInteger", "auto_pad", 10, PADDING},
    {"ConvTranspose", "auto_pad", 1, PADDING},
    {"DepthToSpace", "mode", 11, {"DCR", "CRD"}},
    {"GRU", "direction", 1, DIRECTION},
    {"Gelu", "approximate", 20, {"none", "tanh"}},
    {"GridSample", "mode", 16, {"bilinear", "nearest", "bicubic"}},
    {"GridSample", "mode", 20, {"linear", "nearest", "cubic"}},
    {"GridSample", "padding_mode", 16, {"zeros", "border", "reflection"}},
    {"LSTM", "direction", 1, DIRECTION},
    {"LpPool", "auto_pad", 1, PADDING},
    {"MaxPool", "auto_pad", 1, PADDING},
    {"NegativeLogLikelihoodLoss", "reduction", 12, {"none", "sum", "mean"}},
    {"Pad", "mode", 1, {"constant", "reflect", "edge"}},
    {"Pad", "mode", 19, {"constant", "reflect", "edge", "wrap"}},
    {"QLinearConv", "auto_pad", 10, PADDING},
    {"RNN", "direction", 1, DIRECTION},
    {"Resize",
     "coordinate_transformation_mode",
     11,
     /* tf_half_pixel_for_nn went with 13, but is still written and run */
     {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn"}},
    {"Resize",
     "coordinate_transformation_mode",
     19,
     {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn",
      "half_pixel_symmetric"}},
    {"Resize", "keep_aspect_ratio_policy", 18, {"stretch", "not_larger", "not_smaller"}},
    {"Resize", "mode", 10, {"nearest", "linear"}},
    {"Resize", "mode", 11, {"nearest", "linear", "cubic"}},
    {"Resize", "nearest_mode", 11, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
    {"RoiAlign", "coordinate_transformation_mode", 16, {"half_pixel", "output_half_pixel"}},
    {"RoiAlign", "mode", 10, {"avg", "max"}},
    {"ScatterElements", "reduction", 16, {"none", "add", "mul"}},
    {"ScatterElements", "reduction", 18, {"none", "add", "mul", "max", "min"}},
    {"ScatterND", "reduction", 16, {"none", "add", "mul"}},
    {"ScatterND", "reduction", 18, {"none", "add", "mul", "max", "min"}},
    {"SoftmaxCrossEntropyLoss", "reduction", 12, {"none", "sum", "mean"}},
    {"StringNormalizer", "case_change_action", 10, {"LOWER", "UPPER", "NONE"}},
    {"TfIdfVectorizer", "mode", 9, {"TF", "IDF", "TFIDF"}},
    {"Upsample", "mode", 7, {"nearest", "linear"}},
};

/* Texts that an opset calls otherwise, from `since` on. */
static const struct {
    const char *op, *attr;
    int since;
    const char *before, *after;
} renamed[] = {
    {"GridSample", "mode", 20, "bilinear", "linear"},
    {"GridSample", "mode", 20, "bicubic", "cubic"},
};

/* Where the default of a newer opset is not what the older ones, which had no such attribute, did. NULL: nothing that
 * a value of the attribute says. */
static const struct {
    const char *op, *attr, *meant;
} implied[] = {
    {"RoiAlign", "coordinate_transformation_mode", "output_half_pixel"},
    {"Resize", "coordinate_transformation_mode", NULL}, /* the rule `resize` knows the old arithmetic */
    {"Resize", "nearest_mode", NULL},
    {"GroupNormalization", "stash_type", "1"},
};

/* Operators that are gone from an opset on. */
static const struct {
    const char *op;
    int from;
    const char *instead;
} gone[] = {
    {"Scatter", 11, "ScatterElements"},
    {"Upsample", 10, "Resize"},
};

static const struct ff_attr_fact *fact_of(const ff_op *op, const char *attr)
{
    for (const struct ff_attr_fact *f = op->attrs; f && f->name; f++)
        if (strcmp(f->name, attr) == 0)
            return f;
    return NULL;
}

/* The first opset that satisfies: has the attribute (text NULL), or the text too. 0: none. */
static int came_with(const char *op, const char *attr, const char *text)
{
    if (text == NULL) {
        const ff_op *row;
        int first = 0;
        for (int i = 0; (row = ff_op_at(i)) != NULL; i++)
            if (*row->domain == '\0' && strcmp(row->type, op) == 0 && fact_of(row, attr) &&
                (first == 0 || row->since < first))
                first = row->since;
        return first;
    }
    for (size_t i = 0; i < FF_COUNT(enumerated); i++)
        for (int k = 0; k < MAX_TEXTS && enumerated[i].of[k]; k++)
            if (strcmp(enumerated[i].op, op) == 0 && strcmp(enumerated[i].attr, attr) == 0 &&
                strcmp(enumerated[i].of[k], text) == 0)
                return enumerated[i].since;
    return 0;
}

static int unknown(ff_code code, const ff_node *n, const char *attr, const char *text)
{
    int since = came_with(n->op, attr, text);
    char came[48] = "";

    if (since > n->opset)
        snprintf(came, sizeof came, "; it came with %d", since);
    if (text == NULL)
        return ff_fail(code, "%s has no %s in opset %d%s", n->op, attr, n->opset, came);
    return ff_fail(code, "%s has no %s '%s' in opset %d%s", n->op, attr, text, n->opset, came);
}

static int check_text(const ff_node *n, const ff_attr *a, ff_code code)
{
    const texts *row = NULL;

    if (*n->domain != '\0' || a->type != FF_ATTR_STRING)
        return FF_OK;
    for (size_t i = 0; i < FF_COUNT(enumerated); i++)
        if (strcmp(enumerated[i].op, n->op) == 0 && strcmp(enumerated[i].attr, a->name) == 0 &&
            enumerated[i].since <= n->opset)
            row = &enumerated[i];
    if (row == NULL)
        return FF_OK;
    for (int k = 0; k < MAX_TEXTS && row->of[k]; k++)
        if (strcmp(row->of[k], a->s ? a->s : "") == 0)
            return FF_OK;
    return unknown(code, n, a->name, a->s ? a->s : "");
}

int ff_node_check_values(const ff_node *n)
{
    int code = FF_OK;

    for (int i = 0; i < n->n_attrs && code == FF_OK; i++)
        code = check_text(n, &n->attrs[i], FF_ERR_UNSUPPORTED);
    return code;
}

static bool same_attr(const ff_attr *a, const ff_attr *b)
{
    char *x = ff_attr_format(a), *y = ff_attr_format(b);
    bool same = a->type == b->type && strcmp(x, y) == 0;

    free(x);
    free(y);
    return same;
}

static int check_attr(const ff_op *op, const ff_node *n, const ff_attr *a)
{
    const struct ff_attr_fact *f = fact_of(op, a->name);

    if (f == NULL)
        return unknown(FF_ERR_GRAPH, n, a->name, NULL);
    if (f->type != a->type && f->type != FF_ATTR_OTHER && a->type != FF_ATTR_OTHER)
        return ff_fail(FF_ERR_GRAPH, "%s of %s has another type", a->name, n->op);
    return check_text(n, a, FF_ERR_GRAPH);
}

int ff_node_check(const ff_node *n, const ff_node *before)
{
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    int code = FF_OK;

    if (op == NULL || *n->domain != '\0' || (before != NULL && strcmp(before->op, n->op) != 0))
        before = NULL;
    if (op == NULL || *n->domain != '\0') /* of other domains the rows do not have every attribute */
        return FF_OK;
    for (size_t i = 0; i < FF_COUNT(gone) && before == NULL; i++)
        if (strcmp(gone[i].op, n->op) == 0 && n->opset >= gone[i].from)
            return ff_fail(FF_ERR_GRAPH, "%s went with opset %d (%s took its place)", n->op, gone[i].from,
                           gone[i].instead);
    for (int i = 0; i < n->n_attrs && code == FF_OK; i++) {
        const ff_attr *old = before ? ff_node_attr(before, n->attrs[i].name) : NULL;
        if (old == NULL || !same_attr(old, &n->attrs[i]))
            code = check_attr(op, n, &n->attrs[i]);
    }
    return code;
}

const char *ff_op_text(const char *op, const char *attr, const char *text, int from, int to)
{
    for (size_t i = 0; i < FF_COUNT(renamed); i++) {
        if (strcmp(renamed[i].op, op) != 0 || strcmp(renamed[i].attr, attr) != 0)
            continue;
        if (from < renamed[i].since && to >= renamed[i].since && strcmp(text, renamed[i].before) == 0)
            return renamed[i].after;
        if (from >= renamed[i].since && to < renamed[i].since && strcmp(text, renamed[i].after) == 0)
            return renamed[i].before;
    }
    return text;
}

const struct ff_attr_fact *ff_op_later_attr(const ff_node *n, int i, const char **meant)
{
    const ff_op *own = ff_op_find(n->domain, n->op, n->opset), *last = ff_op_find(n->domain, n->op, INT_MAX);

    if (own == NULL || own == last || *n->domain != '\0')
        return NULL;
    for (const struct ff_attr_fact *f = last->attrs; f && f->name; f++) {
        *meant = f->fallback;
        for (size_t k = 0; k < FF_COUNT(implied); k++)
            if (strcmp(implied[k].op, n->op) == 0 && strcmp(implied[k].attr, f->name) == 0)
                *meant = implied[k].meant;
        if (*meant != NULL && fact_of(own, f->name) == NULL && i-- == 0)
            return f;
    }
    return NULL;
}
