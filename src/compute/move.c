/* SPDX-License-Identifier: GPL-3.0-or-later */
/* move.c: operators that carry elements to other places: Transpose, Concat, Split, Slice, Pad, ...
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

int ff_k_transpose(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    const int64_t *list;
    int perm[FF_MAX_RANK];
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK], moved[FF_MAX_RANK];
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    size_t n = ff_node_ints(c->node, "perm", &list);
    if (n && n != (size_t)x->rank)
        return ff_fail(FF_ERR_GRAPH, "perm has %zu entries for rank %d", n, x->rank);
    if (n && (rc = ff_axes(list, x->rank, x->rank, perm)))
        return rc;
    ff_strides(x->rank, x->dims, strides);
    for (int i = 0; i < x->rank; i++) {
        int from = n ? perm[i] : x->rank - 1 - i;
        dims[i] = x->dims[from];
        moved[i] = strides[from];
    }
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)))
        return rc;
    ff_move_strided(y, x, 0, moved);
    return FF_OK;
}

int ff_k_concat(ff_call *c)
{
    const ff_tensor *first, *t;
    ff_tensor *y;
    int axis;
    int64_t dims[FF_MAX_RANK], total = 0;
    int rc = ff_need(c, 0, 1, -1, &first);
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", c->node->opset < 4 ? 1 : 0), first->rank, &axis)))
        return rc;
    memcpy(dims, first->dims, sizeof dims);
    for (int i = 0; i < c->n_in; i++) {
        if ((rc = ff_need(c, i, first->rank, first->rank, &t)))
            return rc;
        if (t->dtype != first->dtype)
            return ff_fail(FF_ERR_GRAPH, "types %s and %s differ", ff_dtype_name(first->dtype),
                           ff_dtype_name(t->dtype));
        for (int k = 0; k < t->rank; k++)
            if (k != axis && t->dims[k] != first->dims[k])
                return ff_fail(FF_ERR_GRAPH, "input %d has %lld along axis %d, not %lld", i, (long long)t->dims[k], k,
                               (long long)first->dims[k]);
        if (__builtin_add_overflow(total, t->dims[axis], &total))
            return ff_fail(FF_ERR_GRAPH, "the number of elements overflows");
    }
    dims[axis] = total;
    if ((rc = ff_out(c, 0, first->dtype, first->rank, dims, &y)) || !y->count)
        return rc;
    int64_t outer = ff_span(dims, 0, axis), inner = ff_span(dims, axis + 1, first->rank), start = 0;
    for (int i = 0; i < c->n_in; i++) {
        t = c->in[i];
        int64_t block = t->dims[axis] * inner;
        for (int64_t o = 0; o < outer; o++)
            ff_move(y, (o * total + start) * inner, t, o * block, block);
        start += t->dims[axis];
    }
    return FF_OK;
}

/* Copies length[i] slices along `axis` starting at start[i] into output i. */
static int cut(ff_call *c, int slot, const ff_tensor *x, int axis, int64_t start, int64_t length)
{
    ff_tensor *y;
    int64_t dims[FF_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = length;
    int rc = ff_out(c, slot, x->dtype, x->rank, dims, &y);
    if (rc || !y->count)
        return rc;
    int64_t outer = ff_span(dims, 0, axis), inner = ff_span(dims, axis + 1, x->rank);
    for (int64_t o = 0; o < outer; o++)
        ff_move(y, o * length * inner, x, (o * x->dims[axis] + start) * inner, length * inner);
    return FF_OK;
}

/* Split lengths: attribute or input `split`, else equal parts; the last one smaller (opset 18). */
int ff_k_split(ff_call *c)
{
    enum { MANY = 4096 };
    const ff_tensor *x;
    int axis, n, rc = ff_need(c, 0, 1, -1, &x);
    bool given;
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    int64_t *parts = ff_alloc_array(MANY, sizeof *parts);
    int64_t length = x->dims[axis], sum = 0;
    if ((rc = ff_list_argument(c, "split", 1, MANY, parts, &n, &given)))
        goto done;
    if (!given) {
        n = c->n_out;
        if (n > MANY) {
            rc = ff_fail(FF_ERR_GRAPH, "%d parts", n);
            goto done;
        }
        if (c->node->opset < 18 && n && length % n) {
            rc = ff_fail(FF_ERR_GRAPH, "%lld does not split in %d equal parts", (long long)length, n);
            goto done;
        }
        int64_t part = n ? length / n + (length % n != 0) : 0, left = length;
        for (int i = 0; i < n; i++, left -= parts[i - 1])
            parts[i] = left < part ? left : part;
    }
    if (n != c->n_out) {
        rc = ff_fail(FF_ERR_GRAPH, "%d parts for %d outputs", n, c->n_out);
        goto done;
    }
    for (int i = 0; i < n; i++)
        if (parts[i] < 0 || parts[i] > length || (sum += parts[i]) > length) {
            rc = ff_fail(FF_ERR_GRAPH, "the parts do not sum to %lld", (long long)length);
            goto done;
        }
    if (sum != length) {
        rc = ff_fail(FF_ERR_GRAPH, "the parts sum to %lld, not %lld", (long long)sum, (long long)length);
        goto done;
    }
    int64_t start = 0;
    for (int i = 0; i < n && !rc; start += parts[i++])
        rc = cut(c, i, x, axis, start, parts[i]);
done:
    free(parts);
    return rc;
}

/* Slice: starts and ends are clamped as NumPy does, steps may be negative. */
int ff_k_slice(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int64_t starts[FF_MAX_RANK], ends[FF_MAX_RANK], list[FF_MAX_RANK], steps[FF_MAX_RANK], dims[FF_MAX_RANK],
        strides[FF_MAX_RANK], offset = 0;
    int axes[FF_MAX_RANK], n, m;
    bool inputs = c->node->opset >= 10, given;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "starts", inputs ? 1 : -1, FF_MAX_RANK, starts, &n, &given)) ||
        (rc = ff_list_argument(c, "ends", inputs ? 2 : -1, FF_MAX_RANK, ends, &m, &given)))
        return rc;
    if (m != n)
        return ff_fail(FF_ERR_GRAPH, "%d starts and %d ends", n, m);
    if ((rc = ff_list_argument(c, "axes", inputs ? 3 : -1, FF_MAX_RANK, list, &m, &given)))
        return rc;
    if (!given)
        for (m = 0; m < n; m++)
            list[m] = m;
    if (m != n)
        return ff_fail(FF_ERR_GRAPH, "%d starts and %d axes", n, m);
    if ((rc = ff_axes(list, n, x->rank, axes)) ||
        (rc = ff_list_argument(c, "steps", inputs ? 4 : -1, FF_MAX_RANK, steps, &m, &given)))
        return rc;
    if (given && m != n)
        return ff_fail(FF_ERR_GRAPH, "%d starts and %d steps", n, m);
    memcpy(dims, x->dims, sizeof dims);
    ff_strides(x->rank, x->dims, strides);
    for (int i = 0; i < n; i++) {
        int64_t d = x->dims[axes[i]], step = given ? steps[i] : 1, start = starts[i], end = ends[i];
        if (step == 0)
            return ff_fail(FF_ERR_GRAPH, "a step of 0");
        if (start < 0)
            start += d;
        if (end < 0)
            end += d;
        int64_t low = step > 0 ? 0 : -1, high = step > 0 ? d : d - 1;
        start = start < low ? low : start > high ? high : start;
        end = end < low ? low : end > high ? high : end;
        uint64_t by = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
        int64_t far = step > 0 ? end - start : start - end;
        int64_t count = far > 0 ? (int64_t)(((uint64_t)far - 1) / by) + 1 : 0;
        dims[axes[i]] = count;
        if (count) {
            offset += start * strides[axes[i]];
            /* With one element the step is never taken and could overflow. */
            strides[axes[i]] = count > 1 ? strides[axes[i]] * step : 0;
        }
    }
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)))
        return rc;
    ff_move_strided(y, x, offset, strides);
    return FF_OK;
}

/* -------------------------------------------------------------------------------------- Pad */

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

/* Where index i of the padded axis comes from in 0..d-1, -1: the constant. */
static int64_t padded_source(int64_t i, int64_t d, enum pad_mode mode)
{
    if (i >= 0 && i < d)
        return i;
    if (mode == PAD_CONSTANT || d == 0)
        return -1;
    if (mode == PAD_EDGE)
        return i < 0 ? 0 : d - 1;
    if (mode == PAD_WRAP)
        return ((i % d) + d) % d;
    if (d == 1)
        return 0;
    int64_t period = 2 * (d - 1);
    i = ((i % period) + period) % period;
    return i < d ? i : period - i;
}

static int pad_amounts(const ff_call *c, const ff_tensor *x, int64_t *begin, int64_t *end)
{
    int64_t pads[2 * FF_MAX_RANK], list[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n, m = x->rank;
    bool given, some;
    const char *name = c->node->opset < 2 && ff_node_attr(c->node, "paddings") ? "paddings" : "pads";
    int rc = ff_list_argument(c, name, c->node->opset >= 11 ? 1 : -1, 2 * FF_MAX_RANK, pads, &n, &given);
    if (rc || (rc = ff_list_argument(c, "axes", 3, FF_MAX_RANK, list, &m, &some)))
        return rc;
    if (!given)
        return ff_fail(FF_ERR_GRAPH, "no pads are given");
    if (!some)
        for (m = 0; m < x->rank; m++)
            list[m] = m;
    if (n != 2 * m)
        return ff_fail(FF_ERR_GRAPH, "%d pads for %d axes", n, m);
    if ((rc = ff_axes(list, m, x->rank, axes)))
        return rc;
    for (int i = 0; i < m; i++) {
        if (pads[i] > INT32_MAX || pads[i] < -INT32_MAX || pads[m + i] > INT32_MAX || pads[m + i] < -INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "pads of %lld and %lld", (long long)pads[i], (long long)pads[m + i]);
        begin[axes[i]] = pads[i];
        end[axes[i]] = pads[m + i];
    }
    return FF_OK;
}

int ff_k_pad(ff_call *c)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const ff_tensor *x, *value = c->node->opset >= 11 ? ff_in(c, 2) : NULL;
    ff_tensor *y;
    int64_t begin[FF_MAX_RANK] = {0}, end[FF_MAX_RANK] = {0}, dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = pad_amounts(c, x, begin, end)))
        return rc;
    const char *name = ff_node_string(c->node, "mode", "constant");
    size_t mode = 0;
    while (mode < FF_COUNT(modes) && strcmp(modes[mode], name))
        mode++;
    if (mode == FF_COUNT(modes))
        return ff_fail(FF_ERR_GRAPH, "mode '%s' is not known", name);
    for (int i = 0; i < x->rank; i++) {
        if (__builtin_add_overflow(x->dims[i], begin[i] + end[i], &dims[i]) || dims[i] < 0)
            return ff_fail(FF_ERR_GRAPH, "axis %d would have length %lld", i, (long long)dims[i]);
        if (mode != PAD_CONSTANT && x->dims[i] == 0 && dims[i] > 0)
            return ff_fail(FF_ERR_GRAPH, "axis %d is empty and cannot be continued", i);
    }
    if (value && (value->count != 1 || value->dtype != x->dtype))
        return ff_fail(FF_ERR_GRAPH, "the constant is not one %s", ff_dtype_name(x->dtype));
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || !y->count)
        return rc;
    if (mode == PAD_CONSTANT) {
        if (value)
            ff_move_strided(y, value, 0, (int64_t[FF_MAX_RANK]){0});
        else if (ff_is_numeric(x->dtype) && ff_node_float(c->node, "value", 0) != 0)
            for (int64_t i = 0; i < y->count; i++)
                ff_tensor_set_real(y, i, ff_node_float(c->node, "value", 0));
    }
    ff_strides(x->rank, x->dims, strides);
    ff_walk w;
    ff_walk_start(&w, x->rank, dims);
    int64_t at = 0, zero[FF_MAX_RANK] = {0};
    ff_walk_operand(&w, zero);
    do {
        int64_t from = 0;
        for (int k = 0; k < x->rank && from >= 0; k++) {
            int64_t s = padded_source(w.index[k] - begin[k], x->dims[k], (enum pad_mode)mode);
            from = s < 0 ? -1 : from + s * strides[k];
        }
        if (from >= 0)
            ff_move(y, at, x, from, 1);
        if (++at % (1 << 16) == 0 && (rc = ff_cancel_check(c)))
            return rc;
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* -------------------------------------------------------------------------- Tile and blocks */

int ff_k_tile(ff_call *c)
{
    const ff_tensor *x, *t;
    ff_tensor *y;
    int64_t repeats[FF_MAX_RANK], dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    int n, rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_need(c, 1, 0, 1, &t)) || (rc = ff_int_list(t, FF_MAX_RANK, repeats, &n)))
        return rc;
    if (c->node->opset < 6) { /* a count and an axis */
        const ff_tensor *which;
        int64_t times = repeats[0], axis;
        int k;
        if (n != 1 || (rc = ff_need(c, 2, 0, 1, &which)) || (rc = ff_scalar_int(which, "axis", &axis)) ||
            (rc = ff_axis(axis, x->rank, &k)))
            return rc ? rc : ff_fail(FF_ERR_GRAPH, "tiles is not one number");
        for (n = 0; n < x->rank; n++)
            repeats[n] = n == k ? times : 1;
    }
    if (n != x->rank)
        return ff_fail(FF_ERR_GRAPH, "%d repeats for rank %d", n, x->rank);
    for (int i = 0; i < n; i++)
        if (repeats[i] < 0 || __builtin_mul_overflow(x->dims[i], repeats[i], &dims[i]))
            return ff_fail(FF_ERR_GRAPH, "axis %d repeated %lld times", i, (long long)repeats[i]);
    if ((rc = ff_out(c, 0, x->dtype, n, dims, &y)) || !y->count)
        return rc;
    if (!n) {
        ff_move(y, 0, x, 0, 1);
        return FF_OK;
    }
    ff_strides(n, x->dims, strides);
    ff_walk w; /* over rows of the output */
    ff_walk_start(&w, n - 1, dims);
    int64_t at = 0, row = x->dims[n - 1];
    do {
        int64_t from = 0;
        for (int k = 0; k < n - 1; k++)
            from += w.index[k] % x->dims[k] * strides[k];
        for (int64_t r = 0; r < repeats[n - 1]; r++, at += row)
            ff_move(y, at, x, from, row);
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* DepthToSpace and SpaceToDepth as a reshape to six axes, a transposition, and a reshape. */
int ff_k_depth_space(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *six = NULL, *moved = NULL;
    int rc = ff_need(c, 0, 4, 4, &x);
    if (rc)
        return rc;
    int64_t b = ff_node_int(c->node, "blocksize", 0), n = x->dims[0], ch = x->dims[1], h = x->dims[2], w = x->dims[3];
    if (b <= 0 || b > INT32_MAX / 2)
        return ff_fail(FF_ERR_GRAPH, "blocksize %lld", (long long)b);
    if (!strcmp(c->node->op, "DepthToSpace")) {
        if (ch % (b * b))
            return ff_fail(FF_ERR_GRAPH, "%lld channels in blocks of %lld", (long long)ch, (long long)b);
        bool crd = !strcmp(ff_node_string(c->node, "mode", "DCR"), "CRD");
        int64_t dcr_dims[] = {n, b, b, ch / b / b, h, w}, crd_dims[] = {n, ch / b / b, b, b, h, w};
        static const int dcr_perm[] = {0, 3, 4, 1, 5, 2}, crd_perm[] = {0, 1, 4, 2, 5, 3};
        if (!(rc = ff_tensor_reshape(x, 6, crd ? crd_dims : dcr_dims, &six)) &&
            !(rc = ff_tensor_transpose(six, crd ? crd_perm : dcr_perm, &moved)))
            rc = ff_pass_reshaped(c, 0, moved, 4, (int64_t[]){n, ch / b / b, h * b, w * b});
    } else {
        if (h % b || w % b)
            return ff_fail(FF_ERR_GRAPH, "%lld x %lld in blocks of %lld", (long long)h, (long long)w, (long long)b);
        static const int perm[] = {0, 3, 5, 1, 2, 4};
        if (!(rc = ff_tensor_reshape(x, 6, (int64_t[]){n, ch, h / b, b, w / b, b}, &six)) &&
            !(rc = ff_tensor_transpose(six, perm, &moved)))
            rc = ff_pass_reshaped(c, 0, moved, 4, (int64_t[]){n, ch * b * b, h / b, w / b});
    }
    ff_tensor_unref(six);
    ff_tensor_unref(moved);
    return rc;
}

/* Trilu: the upper or lower triangle of each matrix, the rest zero. */
int ff_k_trilu(ff_call *c)
{
    const ff_tensor *x, *t = ff_in(c, 1);
    ff_tensor *y;
    int64_t k = 0;
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc || (t && (rc = ff_scalar_int(t, "k", &k))) || (rc = ff_out_like(c, 0, x, &y)))
        return rc;
    bool upper = ff_node_int(c->node, "upper", 1);
    int64_t rows = x->dims[x->rank - 2], columns = x->dims[x->rank - 1];
    if (!x->count)
        return FF_OK;
    k = k > columns ? columns : k < -rows ? -rows : k;
    for (int64_t r = 0; r < x->count / columns; r++) {
        int64_t i = r % rows, split = upper ? i + k : i + k + 1; /* first kept, first dropped */
        split = split < 0 ? 0 : split > columns ? columns : split;
        if (upper)
            ff_move(y, r * columns + split, x, r * columns + split, columns - split);
        else
            ff_move(y, r * columns, x, r * columns, split);
    }
    return FF_OK;
}

/* ReverseSequence: the first sequence_lens[b] entries of batch b backwards. */
int ff_k_reverse_sequence(ff_call *c)
{
    const ff_tensor *x, *lengths;
    ff_tensor *y;
    int rc = ff_need(c, 0, 2, -1, &x);
    if (rc || (rc = ff_need(c, 1, 1, 1, &lengths)))
        return rc;
    int64_t batch_axis = ff_node_int(c->node, "batch_axis", 1), time_axis = ff_node_int(c->node, "time_axis", 0);
    if ((batch_axis != 0 || time_axis != 1) && (batch_axis != 1 || time_axis != 0))
        return ff_fail(FF_ERR_GRAPH, "axes %lld and %lld are not 0 and 1", (long long)batch_axis, (long long)time_axis);
    int64_t inner = ff_span(x->dims, 2, x->rank), batches = x->dims[batch_axis], times = x->dims[time_axis];
    if (lengths->count != batches || lengths->dtype != FF_INT64)
        return ff_fail(FF_ERR_GRAPH, "%lld lengths for %lld sequences", (long long)lengths->count, (long long)batches);
    if ((rc = ff_out_like(c, 0, x, &y)) || !y->count)
        return rc;
    for (int64_t b = 0; b < batches; b++) {
        int64_t n = ((int64_t *)lengths->data)[b];
        if (n < 0 || n > times)
            return ff_fail(FF_ERR_GRAPH, "length %lld of %lld", (long long)n, (long long)times);
        for (int64_t t = 0; t < times; t++) {
            int64_t s = t < n ? n - 1 - t : t;
            int64_t to = batch_axis ? t * batches + b : b * times + t;
            int64_t from = batch_axis ? s * batches + b : b * times + s;
            ff_move(y, to * inner, x, from * inner, inner);
        }
    }
    return FF_OK;
}

/* CenterCropPad: each axis cut or padded with zeros around its middle. */
int ff_k_center_crop_pad(ff_call *c)
{
    const ff_tensor *x, *shape;
    ff_tensor *y;
    int64_t list[FF_MAX_RANK], lengths[FF_MAX_RANK], dims[FF_MAX_RANK], taken[FF_MAX_RANK], from[FF_MAX_RANK],
        to[FF_MAX_RANK], strides[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n, m;
    bool given;
    int rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_need(c, 1, 1, 1, &shape)) || (rc = ff_int_list(shape, FF_MAX_RANK, lengths, &m)) ||
        (rc = ff_list_argument(c, "axes", -1, FF_MAX_RANK, list, &n, &given)))
        return rc;
    if (!given)
        for (n = 0; n < x->rank; n++)
            list[n] = n;
    if (n != m)
        return ff_fail(FF_ERR_GRAPH, "%d lengths for %d axes", m, n);
    if ((rc = ff_axes(list, n, x->rank, axes)))
        return rc;
    memset(from, 0, sizeof from);
    memset(to, 0, sizeof to);
    memcpy(dims, x->dims, sizeof dims);
    memcpy(taken, x->dims, sizeof taken);
    for (int i = 0; i < n; i++) {
        int k = axes[i];
        int64_t want = lengths[i], have = x->dims[k];
        if (want < 0)
            return ff_fail(FF_ERR_GRAPH, "a length of %lld", (long long)want);
        dims[k] = want;
        taken[k] = want < have ? want : have;
        from[k] = want < have ? (have - want) / 2 : 0;
        to[k] = want > have ? (want - have) / 2 : 0;
    }
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || !y->count || !x->count)
        return rc;
    int64_t start_x = 0, start_y = 0, row = taken[x->rank - 1], steps[FF_MAX_RANK];
    if (!ff_span(taken, 0, x->rank))
        return FF_OK;
    ff_strides(x->rank, x->dims, strides);
    ff_strides(x->rank, dims, steps);
    for (int k = 0; k < x->rank; k++) {
        start_x += from[k] * strides[k];
        start_y += to[k] * steps[k];
    }
    ff_walk w;
    ff_walk_start(&w, x->rank - 1, taken);
    ff_walk_operand(&w, strides);
    ff_walk_operand(&w, steps);
    do
        ff_move(y, start_y + w.at[1], x, start_x + w.at[0], row);
    while (ff_walk_next(&w));
    return FF_OK;
}
