/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matmul.c: MatMul, Gemm, Det. Sums are taken in double, in the order of the inner axis. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

FF_WIDEST void ff_matrix_product(int64_t rows, int64_t inner, int64_t columns, const double *a, const double *b,
                                 double *y)
{
    /* Four rows share each pass over b; columns in strips that stay in the cache. */
    enum { STRIP = 512 };
    if (!rows || !inner)
        return;
    for (int64_t j = 0; j < columns; j += STRIP) {
        int64_t n = columns - j < STRIP ? columns - j : STRIP, i = 0;
        for (; i + 4 <= rows; i += 4) {
            double *restrict y0 = y + i * columns + j, *restrict y1 = y0 + columns, *restrict y2 = y1 + columns,
                             *restrict y3 = y2 + columns;
            const double *a0 = a + i * inner, *a1 = a0 + inner, *a2 = a1 + inner, *a3 = a2 + inner;
            for (int64_t k = 0; k < inner; k++) {
                const double *restrict row = b + k * columns + j;
                double w0 = a0[k], w1 = a1[k], w2 = a2[k], w3 = a3[k];
                for (int64_t q = 0; q < n; q++) {
                    double v = row[q];
                    y0[q] += w0 * v;
                    y1[q] += w1 * v;
                    y2[q] += w2 * v;
                    y3[q] += w3 * v;
                }
            }
        }
        for (; i < rows; i++) {
            double *restrict to = y + i * columns + j;
            for (int64_t k = 0; k < inner; k++) {
                const double *restrict row = b + k * columns + j;
                double w = a[i * inner + k];
                for (int64_t q = 0; q < n; q++)
                    to[q] += w * row[q];
            }
        }
    }
}

int ff_matmul_init(const ff_tensor *a, const ff_tensor *b, ff_matmul *m)
{
    int ra = a->rank, rb = b->rank, rc;
    if (ra < 1 || rb < 1)
        return ff_fail(FF_ERR_GRAPH, "a product with a scalar");
    /* A vector on the left is a row, on the right a column; the added axis is dropped again. */
    int64_t da[FF_MAX_RANK + 1], db[FF_MAX_RANK + 1];
    memcpy(da + (ra == 1), a->dims, (size_t)ra * sizeof *da);
    memcpy(db, b->dims, (size_t)rb * sizeof *db);
    if (ra == 1)
        da[0] = 1;
    if (rb == 1)
        db[1] = 1;
    int na = ra == 1 ? 2 : ra, nb = rb == 1 ? 2 : rb;
    m->rows = da[na - 2];
    m->inner = da[na - 1];
    m->columns = db[nb - 1];
    if (db[nb - 2] != m->inner)
        return ff_fail(FF_ERR_GRAPH, "inner dimensions %lld and %lld differ", (long long)m->inner,
                       (long long)db[nb - 2]);
    if ((rc = ff_broadcast(na - 2, da, nb - 2, db, &m->batch_rank, m->batch)))
        return rc;
    int64_t step_a = 1, step_b = 1;
    for (int i = m->batch_rank - 1; i >= 0; i--) {
        int ia = i - (m->batch_rank - (na - 2)), ib = i - (m->batch_rank - (nb - 2));
        int64_t d_a = ia < 0 ? 1 : da[ia], d_b = ib < 0 ? 1 : db[ib];
        m->step_a[i] = d_a == 1 ? 0 : step_a;
        m->step_b[i] = d_b == 1 ? 0 : step_b;
        step_a *= d_a;
        step_b *= d_b;
    }
    m->rank = m->batch_rank;
    memcpy(m->dims, m->batch, (size_t)m->batch_rank * sizeof *m->dims);
    if (ra > 1)
        m->dims[m->rank++] = m->rows;
    if (rb > 1)
        m->dims[m->rank++] = m->columns;
    return FF_OK;
}

int ff_matmul_compute(const ff_call *c, const ff_matmul *m, const double *a, const double *b, double *y)
{
    if (!ff_span(m->batch, 0, m->batch_rank) || !m->rows || !m->columns)
        return FF_OK;
    ff_walk w;
    ff_walk_start(&w, m->batch_rank, m->batch);
    ff_walk_operand(&w, m->step_a);
    ff_walk_operand(&w, m->step_b);
    do {
        int rc = ff_cancel_check(c);
        if (rc)
            return rc;
        ff_matrix_product(m->rows, m->inner, m->columns, a + w.at[0] * m->rows * m->inner,
                          b + w.at[1] * m->inner * m->columns, y);
        y += m->rows * m->columns;
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* Integers are multiplied in double, which is exact as long as sums stay below 2^53; 64-bit ones
 * wrap around in their own loop. */
static void wrapping_product(const ff_matmul *m, const uint64_t *a, const uint64_t *b, uint64_t *y)
{
    if (!ff_span(m->batch, 0, m->batch_rank) || !m->rows || !m->columns)
        return;
    ff_walk w;
    ff_walk_start(&w, m->batch_rank, m->batch);
    ff_walk_operand(&w, m->step_a);
    ff_walk_operand(&w, m->step_b);
    do {
        const uint64_t *pa = a + w.at[0] * m->rows * m->inner, *pb = b + w.at[1] * m->inner * m->columns;
        for (int64_t i = 0; i < m->rows; i++)
            for (int64_t k = 0; k < m->inner; k++)
                for (int64_t j = 0; j < m->columns; j++)
                    y[i * m->columns + j] += pa[i * m->inner + k] * pb[k * m->columns + j];
        y += m->rows * m->columns;
    } while (ff_walk_next(&w));
}

int ff_k_matmul(ff_call *c)
{
    const ff_tensor *a, *b;
    ff_tensor *y;
    ff_matmul m;
    kview va = {0}, vb = {0}, vy = {0};
    int rc = ff_need(c, 0, 1, -1, &a);
    if (rc || (rc = ff_need(c, 1, 1, -1, &b)) || (rc = ff_matmul_init(a, b, &m)))
        return rc;
    if (a->dtype != b->dtype)
        return ff_fail(FF_ERR_GRAPH, "types %s and %s differ", ff_dtype_name(a->dtype), ff_dtype_name(b->dtype));
    kwork work = ff_dtype_is_float(a->dtype) ? KWORK_DOUBLE : KWORK_UINT;
    if ((rc = ff_out(c, 0, a->dtype, m.rank, m.dims, &y)) || (rc = kview_read(a, work, &va)) ||
        (rc = kview_read(b, work, &vb)) || (rc = kview_write(y, work, &vy)))
        goto done;
    if (work == KWORK_UINT)
        wrapping_product(&m, va.u, vb.u, vy.u);
    else
        rc = ff_matmul_compute(c, &m, va.d, vb.d, vy.d);
    if (!rc)
        kview_store(&vy);
done:
    kview_finish(&va);
    kview_finish(&vb);
    kview_finish(&vy);
    return rc;
}

/* A row-major copy of the transpose. */
static double *transposed(const ff_call *c, const double *a, int64_t rows, int64_t columns)
{
    double *t = ff_scratch(c, rows * columns, sizeof *t);
    if (t)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++)
                t[j * rows + i] = a[i * columns + j];
    return t;
}

/* Gemm: alpha A' B' + beta C, C broadcasts one way. */
int ff_k_gemm(ff_call *c)
{
    const ff_tensor *a, *b, *bias = ff_in(c, 2);
    ff_tensor *y;
    kview va = {0}, vb = {0}, vc = {0}, vy = {0};
    double *ta = NULL, *tb = NULL;
    bool flip_a = ff_node_int(c->node, "transA", 0), flip_b = ff_node_int(c->node, "transB", 0);
    double alpha = ff_node_float(c->node, "alpha", 1), beta = ff_node_float(c->node, "beta", 1);
    int rc = ff_need(c, 0, 2, 2, &a);
    if (rc || (rc = ff_need(c, 1, 2, 2, &b)))
        return rc;
    int64_t rows = a->dims[flip_a], inner = a->dims[!flip_a], columns = b->dims[!flip_b];
    if (b->dims[flip_b] != inner)
        return ff_fail(FF_ERR_GRAPH, "inner dimensions %lld and %lld differ", (long long)inner,
                       (long long)b->dims[flip_b]);
    int64_t dims[2] = {rows, columns}, common[FF_MAX_RANK], strides[FF_MAX_RANK] = {0};
    if (bias) {
        int rank;
        if ((rc = ff_broadcast(2, dims, bias->rank, bias->dims, &rank, common)))
            return rc;
        if (rank != 2 || common[0] != rows || common[1] != columns)
            return ff_fail(FF_ERR_GRAPH, "C does not broadcast to %lld x %lld", (long long)rows, (long long)columns);
        ff_broadcast_strides(bias, 2, strides);
    }
    if ((rc = ff_out(c, 0, a->dtype, 2, dims, &y)) || (rc = kview_read(a, KWORK_DOUBLE, &va)) ||
        (rc = kview_read(b, KWORK_DOUBLE, &vb)) || (bias && (rc = kview_read(bias, KWORK_DOUBLE, &vc))) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    if ((flip_a && !(ta = transposed(c, va.d, inner, rows))) ||
        (flip_b && !(tb = transposed(c, vb.d, columns, inner)))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    ff_matrix_product(rows, inner, columns, ta ? ta : va.d, tb ? tb : vb.d, vy.d);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double *v = &vy.d[i * columns + j];
            *v *= alpha;
            if (bias)
                *v += beta * vc.d[i * strides[0] + j * strides[1]];
        }
    kview_store(&vy);
done:
    free(ta);
    free(tb);
    kview_finish(&va);
    kview_finish(&vb);
    kview_finish(&vc);
    kview_finish(&vy);
    return rc;
}

/* Determinant by elimination with row exchanges; m is destroyed. */
static double determinant(double *m, int64_t n)
{
    double det = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(m[i * n + k]) > fabs(m[best * n + k]))
                best = i;
        if (m[best * n + k] == 0)
            return 0;
        if (best != k) {
            det = -det;
            for (int64_t j = 0; j < n; j++) {
                double t = m[k * n + j];
                m[k * n + j] = m[best * n + j];
                m[best * n + j] = t;
            }
        }
        det *= m[k * n + k];
        for (int64_t i = k + 1; i < n; i++) {
            double f = m[i * n + k] / m[k * n + k];
            for (int64_t j = k; j < n; j++)
                m[i * n + j] -= f * m[k * n + j];
        }
    }
    return det;
}

int ff_k_det(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0};
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc)
        return rc;
    int64_t n = x->dims[x->rank - 1];
    if (n != x->dims[x->rank - 2])
        return ff_fail(FF_ERR_GRAPH, "the matrices are not square");
    if ((rc = ff_out(c, 0, x->dtype, x->rank - 2, x->dims, &y)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)))
        return rc;
    double *copy = ff_scratch(c, n * n, sizeof *copy);
    for (int64_t i = 0; copy && i < y->count; i++) {
        memcpy(copy, vx.d + i * n * n, (size_t)(n * n) * sizeof *copy);
        ff_tensor_set_real(y, i, determinant(copy, n));
    }
    rc = copy ? FF_OK : FF_ERR_NOMEM;
    free(copy);
    kview_finish(&vx);
    return rc;
}
