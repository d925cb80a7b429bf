/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reduce.c: Reduce*, ArgMax, ArgMin, CumSum, TopK. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every reduction folds elements into an accumulator, in row-major order, and finishes. */
enum reduction { R_SUM, R_MEAN, R_MAX, R_MIN, R_PROD, R_L1, R_L2, R_SQUARES, R_LOGSUM, R_LOGSUMEXP };
static const char *const names[] = {"Sum", "Mean", "Max",       "Min",    "Prod",
                                    "L1",  "L2",   "SumSquare", "LogSum", "LogSumExp"};

static double start_real(enum reduction k)
{
    return k == R_MAX || k == R_LOGSUMEXP ? -INFINITY : k == R_MIN ? INFINITY : k == R_PROD ? 1 : 0;
}

static double fold_real(enum reduction k, double a, double v)
{
    switch (k) {
    case R_MAX:
    case R_LOGSUMEXP: /* first pass: the largest */
        return v > a || v != v ? v : a;
    case R_MIN:
        return v < a || v != v ? v : a;
    case R_PROD:
        return a * v;
    case R_L1:
        return a + fabs(v);
    case R_L2:
    case R_SQUARES:
        return a + v * v;
    default:
        return a + v;
    }
}

/* Integers wrap around. */
static int64_t fold_int(enum reduction k, int64_t a, int64_t v, bool is_unsigned, bool first)
{
    uint64_t ua = (uint64_t)a, uv = (uint64_t)v;
    switch (k) {
    case R_MAX:
        return first || (is_unsigned ? uv > ua : v > a) ? v : a;
    case R_MIN:
        return first || (is_unsigned ? uv < ua : v < a) ? v : a;
    case R_PROD:
        return (int64_t)(ua * uv);
    case R_L1:
        return (int64_t)(ua + (v < 0 && !is_unsigned ? 0 - uv : uv));
    case R_SQUARES:
        return (int64_t)(ua + uv * uv);
    default:
        return (int64_t)(ua + uv);
    }
}

/* n elements: into one accumulator (step 0) or into as many (step 1). */
static inline void fold_row(enum reduction k, double *to, int64_t step, const double *from, int64_t n)
{
    if (step) {
        for (int64_t i = 0; i < n; i++)
            to[i] = fold_real(k, to[i], from[i]);
        return;
    }
    double a = *to;
    for (int64_t i = 0; i < n; i++)
        a = fold_real(k, a, from[i]);
    *to = a;
}

/* One loop for the sums, which are what takes the time, and one for the rest. */
static void fold_all(const ff_tensor *x, const double *from, const int64_t *strides, enum reduction k, double *to)
{
    const int64_t n = x->rank ? x->dims[x->rank - 1] : 1, step = x->rank ? strides[x->rank - 1] : 0;
    const bool sum = k == R_SUM || k == R_MEAN || k == R_LOGSUM;
    ff_walk w;

    ff_walk_start(&w, x->rank ? x->rank - 1 : 0, x->dims);
    ff_walk_operand(&w, strides);
    do {
        if (sum)
            fold_row(R_SUM, to + w.at[0], step, from, n);
        else
            fold_row(k, to + w.at[0], step, from, n);
        from += n;
    } while (ff_walk_next(&w));
}

/* Sums of exp(x - largest), for each result. */
static void sum_exponentials(const ff_tensor *x, const double *from, const int64_t *strides, const double *largest,
                             double *sums)
{
    ff_walk w;

    ff_walk_start(&w, x->rank, x->dims);
    ff_walk_operand(&w, strides);
    do {
        double top = largest[w.at[0]];
        sums[w.at[0]] += isinf(top) ? 1 : exp(*from - top); /* infinities subtract to NaN */
        from++;
    } while (ff_walk_next(&w));
}

static int reduce_real(const ff_tensor *x, ff_tensor *y, const int64_t *strides, enum reduction k, double count)
{
    kview vx = {0}, vy = {0};
    double *sums = NULL;
    int rc = kview_read(x, KWORK_DOUBLE, &vx);
    if (rc || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    for (int64_t i = 0; i < y->count; i++)
        vy.d[i] = start_real(k);
    if (k == R_LOGSUMEXP && !(sums = ff_try_alloc((size_t)y->count * sizeof *sums + 1))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if (x->count)
        fold_all(x, vx.d, strides, k, vy.d);
    if (x->count && sums)
        sum_exponentials(x, vx.d, strides, vy.d, sums);
    for (int64_t i = 0; i < y->count; i++) {
        double *a = &vy.d[i];
        if (k == R_MEAN)
            *a /= count;
        else if (k == R_L2)
            *a = sqrt(*a);
        else if (k == R_LOGSUM)
            *a = log(*a);
        else if (k == R_LOGSUMEXP && !isinf(*a))
            *a += log(sums[i]);
    }
    kview_store(&vy);
done:
    free(sums);
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

static int reduce_int(const ff_tensor *x, ff_tensor *y, const int64_t *strides, enum reduction k, int64_t count)
{
    kview vx = {0}, vy = {0};
    bool u = kwork_of(x->dtype) == KWORK_UINT, *seen = ff_try_alloc((size_t)y->count + 1);
    int rc = seen ? kview_read(x, KWORK_INT, &vx) : FF_ERR_NOMEM;
    if (rc || (rc = kview_write(y, KWORK_INT, &vy)))
        goto done;
    for (int64_t i = 0; i < y->count; i++)
        vy.i[i] = k == R_PROD;
    if (x->count) {
        ff_walk w;
        ff_walk_start(&w, x->rank, x->dims);
        ff_walk_operand(&w, strides);
        int64_t i = 0;
        do {
            int64_t at = w.at[0];
            vy.i[at] = fold_int(k, vy.i[at], vx.i[i++], u, !seen[at]);
            seen[at] = true;
        } while (ff_walk_next(&w));
    }
    for (int64_t i = 0; k == R_MEAN && count && i < y->count; i++)
        vy.i[i] = u ? (int64_t)((uint64_t)vy.i[i] / (uint64_t)count) : vy.i[i] / count;
    kview_store(&vy);
done:
    free(seen);
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

int ff_k_reduce(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int64_t list[FF_MAX_RANK], dims[FF_MAX_RANK], wide[FF_MAX_RANK], strides[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n, rank = 0;
    bool given, drop[FF_MAX_RANK] = {false}, keep = ff_node_int(c->node, "keepdims", 1);
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "axes", 1, FF_MAX_RANK, list, &n, &given)) ||
        (rc = ff_axes(list, n, x->rank, axes)))
        return rc;
    if (!ff_is_numeric(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if (!n && ff_node_int(c->node, "noop_with_empty_axes", 0))
        return ff_pass(c, 0, x);
    size_t kind = 0;
    while (kind < FF_COUNT(names) && strcmp(names[kind], c->node->op + strlen("Reduce")))
        kind++;
    if (kind == FF_COUNT(names))
        return ff_fail(FF_ERR_UNSUPPORTED, "no such reduction");
    for (int i = 0; i < x->rank; i++)
        drop[i] = !n;
    for (int i = 0; i < n; i++)
        drop[axes[i]] = true;
    int64_t count = 1;
    for (int i = 0; i < x->rank; i++) {
        wide[i] = drop[i] ? 1 : x->dims[i];
        if (drop[i])
            count *= x->dims[i];
        if (keep || !drop[i])
            dims[rank++] = wide[i];
    }
    if ((rc = ff_out(c, 0, x->dtype, rank, dims, &y)))
        return rc;
    ff_strides(x->rank, wide, strides);
    for (int i = 0; i < x->rank; i++)
        if (drop[i])
            strides[i] = 0;
    bool real = ff_dtype_is_float(x->dtype) || kind == R_L2 || kind == R_LOGSUM || kind == R_LOGSUMEXP;
    return real ? reduce_real(x, y, strides, (enum reduction)kind, (double)count)
                : reduce_int(x, y, strides, (enum reduction)kind, count);
}

/* Is element a of the work array before b when the largest comes first? NaN counts as largest. */
static bool above(const kview *v, bool is_unsigned, int64_t a, int64_t b)
{
    if (v->work == KWORK_DOUBLE)
        return v->d[a] > v->d[b] || (v->d[a] != v->d[a] && v->d[b] == v->d[b]);
    return is_unsigned ? v->u[a] > v->u[b] : v->i[a] > v->i[b];
}

int ff_k_arg_reduce(ff_call *c) /* ArgMax, ArgMin */
{
    const ff_tensor *x;
    ff_tensor *y;
    kview v = {0};
    int64_t dims[FF_MAX_RANK];
    int axis, rank = 0, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    bool keep = ff_node_int(c->node, "keepdims", 1), last = ff_node_int(c->node, "select_last_index", 0),
         smallest = !strcmp(c->node->op, "ArgMin"), u = kwork_of(x->dtype) == KWORK_UINT;
    for (int i = 0; i < x->rank; i++)
        if (i != axis || keep)
            dims[rank++] = i == axis ? 1 : x->dims[i];
    int64_t n = x->dims[axis], inner = ff_span(x->dims, axis + 1, x->rank);
    if ((rc = ff_out(c, 0, FF_INT64, rank, dims, &y)))
        return rc;
    if (!n && y->count)
        return ff_fail(FF_ERR_GRAPH, "axis %d is empty", axis);
    if ((rc = kview_read(x, ff_dtype_is_float(x->dtype) ? KWORK_DOUBLE : KWORK_INT, &v)))
        return rc;
    for (int64_t r = 0; r < y->count; r++) {
        int64_t base = r / inner * n * inner + r % inner, best = 0;
        for (int64_t i = 1; i < n; i++) {
            int64_t a = base + i * inner, b = base + best * inner;
            bool better = smallest ? above(&v, u, b, a) : above(&v, u, a, b);
            bool equal = !better && !(smallest ? above(&v, u, a, b) : above(&v, u, b, a));
            if (better || (equal && last))
                best = i;
        }
        ((int64_t *)y->data)[r] = best;
    }
    kview_finish(&v);
    return FF_OK;
}

int ff_k_cumsum(ff_call *c)
{
    const ff_tensor *x, *t;
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    int64_t asked;
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_need(c, 1, 0, 1, &t)) || (rc = ff_scalar_int(t, "axis", &asked)) ||
        (rc = ff_axis(asked, x->rank, &axis)) || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    kwork work = ff_dtype_is_float(x->dtype) ? KWORK_DOUBLE : KWORK_UINT;
    bool exclusive = ff_node_int(c->node, "exclusive", 0), reverse = ff_node_int(c->node, "reverse", 0);
    if ((rc = kview_read(x, work, &vx)) || (rc = kview_write(y, work, &vy)))
        goto done;
    int64_t n = x->dims[axis], inner = ff_span(x->dims, axis + 1, x->rank);
    for (int64_t r = 0; x->count && r < x->count / n; r++) {
        int64_t base = r / inner * n * inner + r % inner;
        double sum = 0;
        uint64_t whole = 0;
        for (int64_t k = 0; k < n; k++) {
            int64_t at = base + (reverse ? n - 1 - k : k) * inner;
            if (work == KWORK_DOUBLE) {
                double next = sum + vx.d[at];
                vy.d[at] = exclusive ? sum : next;
                sum = next;
            } else {
                uint64_t next = whole + vx.u[at];
                vy.u[at] = exclusive ? whole : next;
                whole = next;
            }
        }
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

/* ------------------------------------------------------------------------------------ TopK */

typedef struct order {
    const kview *v;
    bool is_unsigned, largest;
    int64_t base, stride;
} order;

/* Ties: the lower index first. */
static int compare(const void *pa, const void *pb, void *context)
{
    const order *o = context;
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    int64_t ia = o->base + a * o->stride, ib = o->base + b * o->stride;
    if (above(o->v, o->is_unsigned, ia, ib))
        return o->largest ? -1 : 1;
    if (above(o->v, o->is_unsigned, ib, ia))
        return o->largest ? 1 : -1;
    return a < b ? -1 : a > b;
}

int ff_k_topk(ff_call *c)
{
    const ff_tensor *x, *t;
    ff_tensor *values, *indices = NULL;
    kview v = {0};
    int64_t k = ff_node_int(c->node, "k", -1), dims[FF_MAX_RANK], *list = NULL;
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (c->node->opset >= 10 && ((rc = ff_need(c, 1, 0, 1, &t)) || (rc = ff_scalar_int(t, "k", &k)))) ||
        (rc = ff_axis(ff_node_int(c->node, "axis", -1), x->rank, &axis)))
        return rc;
    int64_t n = x->dims[axis], inner = ff_span(x->dims, axis + 1, x->rank);
    if (k < 0 || k > n)
        return ff_fail(FF_ERR_GRAPH, "the largest %lld of %lld", (long long)k, (long long)n);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = k;
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &values)) ||
        (ff_wants(c, 1) && (rc = ff_out(c, 1, FF_INT64, x->rank, dims, &indices))) || !values->count)
        return rc;
    if ((rc = kview_read(x, ff_dtype_is_float(x->dtype) ? KWORK_DOUBLE : KWORK_INT, &v)))
        return rc;
    if (!(list = ff_scratch(c, n, sizeof *list))) {
        kview_finish(&v);
        return FF_ERR_NOMEM;
    }
    order o = {&v, kwork_of(x->dtype) == KWORK_UINT, ff_node_int(c->node, "largest", 1), 0, inner};
    for (int64_t r = 0; r < x->count / n; r++) {
        o.base = r / inner * n * inner + r % inner;
        for (int64_t i = 0; i < n; i++)
            list[i] = i;
        qsort_r(list, (size_t)n, sizeof *list, compare, &o);
        for (int64_t i = 0; i < k; i++) {
            int64_t to = r / inner * k * inner + r % inner + i * inner;
            ff_move(values, to, x, o.base + list[i] * inner, 1);
            if (indices)
                ((int64_t *)indices->data)[to] = list[i];
        }
    }
    free(list);
    kview_finish(&v);
    return FF_OK;
}
