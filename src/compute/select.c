/* SPDX-License-Identifier: GPL-3.0-or-later */
/* select.c: operators whose output size depends on the data: Compress, NonZero, Unique,
 * NonMaxSuppression. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ff_k_compress(ff_call *c)
{
    const ff_tensor *x, *condition;
    ff_tensor *y;
    int axis = 0, rank, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_need(c, 1, 1, 1, &condition)))
        return rc;
    if (condition->dtype != FF_BOOL)
        return ff_fail(FF_ERR_GRAPH, "a condition of type %s", ff_dtype_name(condition->dtype));
    bool flat = !ff_node_attr(c->node, "axis");
    if (!flat && (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    int64_t length = flat ? x->count : x->dims[axis], dims[FF_MAX_RANK], kept = 0;
    int64_t n = condition->count < length ? condition->count : length;
    const uint8_t *keep = condition->data;
    for (int64_t i = 0; i < n; i++)
        kept += keep[i] != 0;
    memcpy(dims, x->dims, sizeof dims);
    rank = flat ? 1 : x->rank;
    dims[flat ? 0 : axis] = kept;
    if ((rc = ff_out(c, 0, x->dtype, rank, dims, &y)) || !y->count)
        return rc;
    int64_t outer = flat ? 1 : ff_span(x->dims, 0, axis), inner = flat ? 1 : ff_span(x->dims, axis + 1, x->rank),
            at = 0;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < n; i++)
            if (keep[i]) {
                ff_move(y, at, x, (o * length + i) * inner, inner);
                at += inner;
            }
    return FF_OK;
}

/* NonZero: one column of indices for each element, in row-major order. */
int ff_k_non_zero(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int64_t found = 0, at = 0;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    if (!ff_is_numeric(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    for (int64_t i = 0; i < x->count; i++)
        found += ff_tensor_get_real(x, i) != 0;
    int64_t dims[2] = {x->rank, found};
    if ((rc = ff_out(c, 0, FF_INT64, 2, dims, &y)) || !y->count)
        return rc;
    ff_walk w;
    ff_walk_start(&w, x->rank, x->dims);
    int64_t i = 0;
    do {
        if (ff_tensor_get_real(x, i++) == 0)
            continue;
        for (int k = 0; k < x->rank; k++)
            ((int64_t *)y->data)[k * found + at] = w.index[k];
        at++;
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* ---------------------------------------------------------------------------------- Unique */

/* Slices along an axis: slice s is made of `outer` runs of `inner` elements. */
typedef struct slices {
    const ff_tensor *x;
    int64_t length, outer, inner;
} slices;

static int compare_elements(const ff_tensor *x, int64_t a, int64_t b)
{
    if (x->dtype == FF_STRING)
        return strcmp(ff_get_string(x, a), ff_get_string(x, b));
    if (ff_dtype_is_float(x->dtype)) {
        double va = ff_tensor_get_real(x, a), vb = ff_tensor_get_real(x, b);
        if (va != va || vb != vb) /* NaN last */
            return (va != va) - (vb != vb);
        return va < vb ? -1 : va > vb;
    }
    int64_t va = ff_tensor_get_int(x, a), vb = ff_tensor_get_int(x, b);
    if (x->dtype == FF_UINT64)
        return (uint64_t)va < (uint64_t)vb ? -1 : (uint64_t)va > (uint64_t)vb;
    return va < vb ? -1 : va > vb;
}

static int compare_slices(const slices *s, int64_t a, int64_t b)
{
    for (int64_t o = 0; o < s->outer; o++)
        for (int64_t i = 0; i < s->inner; i++) {
            int64_t base = o * s->length * s->inner + i;
            int order = compare_elements(s->x, base + a * s->inner, base + b * s->inner);
            if (order)
                return order;
        }
    return 0;
}

static int by_value(const void *pa, const void *pb, void *context)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    int order = compare_slices(context, a, b);
    return order ? order : a < b ? -1 : a > b;
}

static int by_first(const void *pa, const void *pb)
{
    const int64_t *a = pa, *b = pb; /* {first occurrence, group} */
    return *a < *b ? -1 : *a > *b;
}

int ff_k_unique(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y, *t;
    int axis = 0, rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    if (!ff_is_numeric(x->dtype) && x->dtype != FF_STRING)
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    bool flat = !ff_node_attr(c->node, "axis"), sorted = ff_node_int(c->node, "sorted", 1);
    if (!flat && (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    slices s = {x, flat ? x->count : x->dims[axis], flat ? 1 : ff_span(x->dims, 0, axis),
                flat ? 1 : ff_span(x->dims, axis + 1, x->rank)};
    int64_t n = s.length, groups = 0;
    /* order: slices by value; then (first, group) of each group; group_of each slice; counts */
    int64_t *order = ff_scratch(c, n, sizeof *order), *first = ff_scratch(c, n, 2 * sizeof *first),
            *group_of = ff_scratch(c, n, sizeof *group_of), *counts = ff_scratch(c, n, sizeof *counts),
            *rank_of = ff_scratch(c, n, sizeof *rank_of);
    if (!order || !first || !group_of || !counts || !rank_of) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, (size_t)n, sizeof *order, by_value, &s);
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || compare_slices(&s, order[i - 1], order[i])) {
            first[2 * groups] = order[i]; /* equal ones are in order of their index */
            first[2 * groups + 1] = groups;
            groups++;
        }
        group_of[order[i]] = groups - 1;
        counts[groups - 1]++;
    }
    if (!sorted)
        qsort(first, (size_t)groups, 2 * sizeof *first, by_first);
    for (int64_t g = 0; g < groups; g++)
        rank_of[first[2 * g + 1]] = g;
    int64_t dims[FF_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[flat ? 0 : axis] = groups;
    if ((rc = ff_out(c, 0, x->dtype, flat ? 1 : x->rank, dims, &y)))
        goto done;
    for (int64_t o = 0; y->count && o < s.outer; o++)
        for (int64_t g = 0; g < groups; g++)
            ff_move(y, (o * groups + g) * s.inner, x, (o * n + first[2 * g]) * s.inner, s.inner);
    if (ff_wants(c, 1)) {
        if ((rc = ff_out(c, 1, FF_INT64, 1, &groups, &t)))
            goto done;
        for (int64_t g = 0; g < groups; g++)
            ((int64_t *)t->data)[g] = first[2 * g];
    }
    if (ff_wants(c, 2)) {
        if ((rc = ff_out(c, 2, FF_INT64, 1, &n, &t)))
            goto done;
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)t->data)[i] = rank_of[group_of[i]];
    }
    if (ff_wants(c, 3)) {
        if ((rc = ff_out(c, 3, FF_INT64, 1, &groups, &t)))
            goto done;
        for (int64_t g = 0; g < groups; g++)
            ((int64_t *)t->data)[g] = counts[first[2 * g + 1]];
    }
done:
    free(order);
    free(first);
    free(group_of);
    free(counts);
    free(rank_of);
    return rc;
}

/* ---------------------------------------------------------------------- NonMaxSuppression */

typedef struct box {
    double x1, y1, x2, y2;
} box;

static box box_at(const ff_tensor *boxes, int64_t i, bool centre)
{
    double v[4];
    for (int k = 0; k < 4; k++)
        v[k] = ff_tensor_get_real(boxes, 4 * i + k);
    if (centre) /* x, y, width, height */
        return (box){v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2};
    return (box){fmin(v[1], v[3]), fmin(v[0], v[2]), fmax(v[1], v[3]), fmax(v[0], v[2])};
}

static double overlap(box a, box b)
{
    double w = fmin(a.x2, b.x2) - fmax(a.x1, b.x1), h = fmin(a.y2, b.y2) - fmax(a.y1, b.y1);
    if (w <= 0 || h <= 0)
        return 0;
    double both = w * h, all = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both;
    return all > 0 ? both / all : 0;
}

static int by_score(const void *pa, const void *pb, void *context)
{
    const double *scores = context;
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return scores[a] > scores[b] ? -1 : scores[a] < scores[b] ? 1 : a < b ? -1 : a > b;
}

int ff_k_non_max_suppression(ff_call *c)
{
    const ff_tensor *boxes, *scores, *t;
    ff_tensor *y;
    int64_t most = 0, n_found = 0, *candidates = NULL, *found = NULL;
    size_t capacity = 0;
    double threshold = 0, least = 0, *row = NULL;
    int rc = ff_need(c, 0, 3, 3, &boxes);
    if (rc || (rc = ff_need(c, 1, 3, 3, &scores)) ||
        ((t = ff_in(c, 2)) && (rc = ff_scalar_int(t, "max_output_boxes_per_class", &most))) ||
        ((t = ff_in(c, 3)) && (rc = ff_scalar_real(t, "iou_threshold", &threshold))) ||
        ((t = ff_in(c, 4)) && (rc = ff_scalar_real(t, "score_threshold", &least))))
        return rc;
    bool limited = ff_in(c, 4), centre = ff_node_int(c->node, "center_point_box", 0);
    int64_t n = boxes->dims[1], classes = scores->dims[1];
    if (boxes->dims[2] != 4 || scores->dims[0] != boxes->dims[0] || scores->dims[2] != n ||
        !ff_dtype_is_float(boxes->dtype) || !ff_dtype_is_float(scores->dtype))
        return ff_fail(FF_ERR_GRAPH, "boxes and scores do not fit");
    candidates = ff_scratch(c, n, sizeof *candidates);
    row = ff_scratch(c, n, sizeof *row);
    if (!candidates || !row) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    for (int64_t r = 0; scores->count && most > 0 && r < boxes->dims[0] * classes; r++) {
        int64_t b = r / classes, usable = 0, start = n_found;
        if ((rc = ff_cancel_check(c)))
            goto done;
        for (int64_t i = 0; i < n; i++) {
            row[i] = ff_tensor_get_real(scores, r * n + i);
            if (!limited || row[i] > least)
                candidates[usable++] = i;
        }
        qsort_r(candidates, (size_t)usable, sizeof *candidates, by_score, row);
        for (int64_t i = 0; i < usable && n_found - start < most; i++) {
            box here = box_at(boxes, b * n + candidates[i], centre);
            bool keep = true;
            for (int64_t k = start; k < n_found && keep; k++)
                keep = overlap(here, box_at(boxes, b * n + found[3 * k + 2], centre)) <= threshold;
            if (!keep)
                continue;
            ff_grow(&found, &capacity, (size_t)(3 * n_found + 3), sizeof *found);
            found[3 * n_found] = b;
            found[3 * n_found + 1] = r % classes;
            found[3 * n_found + 2] = candidates[i];
            n_found++;
        }
    }
    int64_t dims[2] = {n_found, 3};
    if (!(rc = ff_out(c, 0, FF_INT64, 2, dims, &y)) && n_found)
        memcpy(y->data, found, (size_t)(3 * n_found) * sizeof *found);
done:
    free(candidates);
    free(row);
    free(found);
    return rc;
}
