/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * binary.c: functions of two values with multidirectional broadcasting, and their variadic kin
 * (Max, Min, Sum, Mean). Each operator is one row of OPERATIONS; the row is expanded for every work
 * type, so that there is one inner loop per operator and type and no decision inside it.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Integer arithmetic wraps around; division by zero gives 0, the smallest number by -1 itself. */
static int64_t divide_int(int64_t a, int64_t b)
{
    return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static uint64_t divide_uint(uint64_t a, uint64_t b)
{
    return b ? a / b : 0;
}
/* Mod with the sign of the divisor (fmod = 0). */
static int64_t modulo_int(int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return 0;
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static uint64_t modulo_uint(uint64_t a, uint64_t b)
{
    return b ? a % b : 0;
}
static double modulo_real(double a, double b)
{
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t remainder_int(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}
static uint64_t power_uint(uint64_t a, uint64_t n)
{
    uint64_t r = 1;
    for (; n; n >>= 1, a *= a)
        if (n & 1)
            r *= a;
    return r;
}
static int64_t power_int(int64_t a, int64_t n)
{
    if (n < 0)
        return a == 1 ? 1 : a == -1 ? (n & 1 ? -1 : 1) : 0;
    return (int64_t)power_uint((uint64_t)a, (uint64_t)n);
}

#define WRAP(a, op, b)    ((int64_t)((uint64_t)(a)op(uint64_t)(b)))
#define SHIFT_LEFT(a, b)  ((b) > 63 ? 0 : (uint64_t)(a) << (b))
#define SHIFT_RIGHT(a, b) ((b) > 63 ? 0 : (uint64_t)(a) >> (b))
/* A NaN on either side is the result. */
#define REAL_MAX(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define REAL_MIN(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))

/* X(name, float and double, int64, uint64) */
#define OPERATIONS(X)                                                                                                  \
    X(Add, a + b, WRAP(a, +, b), a + b)                                                                                \
    X(Sub, a - b, WRAP(a, -, b), a - b)                                                                                \
    X(Mul, a *b, WRAP(a, *, b), a *b)                                                                                  \
    X(Div, a / b, divide_int(a, b), divide_uint(a, b))                                                                 \
    X(Max, REAL_MAX(a, b), a > b ? a : b, a > b ? a : b)                                                               \
    X(Min, REAL_MIN(a, b), a < b ? a : b, a < b ? a : b)                                                               \
    X(Mod, modulo_real(a, b), modulo_int(a, b), modulo_uint(a, b))                                                     \
    X(Fmod, fmod(a, b), remainder_int(a, b), modulo_uint(a, b))                                                        \
    X(Pow, b == 2 ? a * a : pow(a, b), power_int(a, b), power_uint(a, b))                                              \
    X(And, a != 0 && b != 0, a && b, a && b)                                                                           \
    X(Or, a != 0 || b != 0, a || b, a || b)                                                                            \
    X(Xor, (a != 0) != (b != 0), !a != !b, !a != !b)                                                                   \
    X(Equal, a == b, a == b, a == b)                                                                                   \
    X(Greater, a > b, a > b, a > b)                                                                                    \
    X(GreaterOrEqual, a >= b, a >= b, a >= b)                                                                          \
    X(Less, a < b, a < b, a < b)                                                                                       \
    X(LessOrEqual, a <= b, a <= b, a <= b)                                                                             \
    X(BitwiseAnd, 0, a &b, a &b)                                                                                       \
    X(BitwiseOr, 0, a | b, a | b)                                                                                      \
    X(BitwiseXor, 0, a ^ b, a ^ b)                                                                                     \
    X(ShiftLeft, 0, (int64_t)SHIFT_LEFT(a, (uint64_t)b), SHIFT_LEFT(a, b))                                             \
    X(ShiftRight, 0, (int64_t)SHIFT_RIGHT(a, (uint64_t)b), SHIFT_RIGHT(a, b))

#define EACH(type, at_a, at_b, expression)                                                                             \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
        type a = pa[at_a], b = pb[at_b];                                                                               \
        (void)a, (void)b;                                                                                              \
        to[i] = (type)(expression);                                                                                    \
    }
/* out[i] = a[i * sa] op b[i * sb]; steps that the compiler knows it turns into vector code. */
#define LOOP(name, suffix, type, expression)                                                                           \
    static void name##_##suffix(void *restrict out, const void *left, int64_t sa, const void *right, int64_t sb,       \
                                int64_t n)                                                                             \
    {                                                                                                                  \
        type *restrict to = out;                                                                                       \
        const type *pa = left, *pb = right;                                                                            \
        if (sa == 1 && sb == 1)                                                                                        \
            EACH(type, i, i, expression)                                                                               \
        else if (sa == 1 && sb == 0)                                                                                   \
            EACH(type, i, 0, expression)                                                                               \
        else                                                                                                           \
            EACH(type, i *sa, i *sb, expression)                                                                       \
    }
#define LOOPS(name, real, integer, natural)                                                                            \
    LOOP(name, float, float, real)                                                                                     \
    LOOP(name, double, double, real)                                                                                   \
    LOOP(name, int, int64_t, integer)                                                                                  \
    LOOP(name, uint, uint64_t, natural)
OPERATIONS(LOOPS)

typedef void loop_fn(void *restrict, const void *, int64_t, const void *, int64_t, int64_t);
static const struct operation {
    const char *name;
    loop_fn *loops[4]; /* by kwork */
} operations[] = {
#define ENTRY(name, real, integer, natural) {#name, {name##_float, name##_double, name##_int, name##_uint}},
    OPERATIONS(ENTRY)
#undef ENTRY
};

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < FF_COUNT(operations); i++)
        if (!strcmp(operations[i].name, name))
            return &operations[i];
    return NULL;
}

/* out (dims of rank) = a op b, all in one work type. */
static void apply(loop_fn *loop, size_t size, int rank, const int64_t *dims, char *out, const char *a,
                  const int64_t *sa, const char *b, const int64_t *sb)
{
    int last = rank - 1;
    int64_t row = rank ? dims[last] : 1, at = 0;
    if (rank && !ff_span(dims, 0, rank))
        return;
    ff_walk w;
    ff_walk_start(&w, rank ? last : 0, dims);
    int oa = ff_walk_operand(&w, sa), ob = ff_walk_operand(&w, sb);
    do {
        loop(out + (size_t)at * size, a + (size_t)w.at[oa] * size, rank ? sa[last] : 0, b + (size_t)w.at[ob] * size,
             rank ? sb[last] : 0, row);
        at += row;
    } while (ff_walk_next(&w));
}

/* Before opset 7 the second operand may be aligned at `axis` (attribute broadcast). */
static int aligned(const ff_call *c, const ff_tensor *a, const ff_tensor *b, ff_tensor **view)
{
    int64_t dims[FF_MAX_RANK];
    int axis;
    *view = NULL;
    if (c->node->opset >= 7 || !ff_node_attr(c->node, "axis") || b->rank >= a->rank)
        return FF_OK;
    int rc = ff_axis(ff_node_int(c->node, "axis", 0), a->rank, &axis);
    if (rc)
        return rc;
    if (axis + b->rank > a->rank)
        return ff_fail(FF_ERR_GRAPH, "axis %d leaves no room for the second input", axis);
    for (int i = 0; i < a->rank - axis; i++)
        dims[i] = i < b->rank ? b->dims[i] : 1;
    return ff_tensor_reshape(b, a->rank - axis, dims, view);
}

static int strings_equal(ff_call *c, const ff_tensor *a, const ff_tensor *b, int rank, const int64_t *dims)
{
    ff_tensor *y;
    int64_t sa[FF_MAX_RANK], sb[FF_MAX_RANK];
    int rc = ff_out(c, 0, FF_BOOL, rank, dims, &y);
    if (rc || !y->count)
        return rc;
    ff_broadcast_strides(a, rank, sa);
    ff_broadcast_strides(b, rank, sb);
    ff_walk w;
    ff_walk_start(&w, rank, dims);
    ff_walk_operand(&w, sa);
    ff_walk_operand(&w, sb);
    uint8_t *to = y->data;
    do
        *to++ = !strcmp(ff_get_string(a, w.at[0]), ff_get_string(b, w.at[1]));
    while (ff_walk_next(&w));
    return FF_OK;
}

static int binary(ff_call *c, const char *name, const ff_tensor *a, const ff_tensor *b, int slot, ff_dtype type)
{
    const struct operation *op = find(name);
    int64_t dims[FF_MAX_RANK], sa[FF_MAX_RANK], sb[FF_MAX_RANK];
    int rank;
    kview va = {0}, vb = {0}, vy = {0};
    ff_tensor *y;
    int rc = ff_broadcast(a->rank, a->dims, b->rank, b->dims, &rank, dims);
    if (rc)
        return rc;
    if (a->dtype == FF_STRING && b->dtype == FF_STRING && !strcmp(name, "Equal"))
        return strings_equal(c, a, b, rank, dims);
    kwork work = kwork_of(a->dtype);
    ff_broadcast_strides(a, rank, sa);
    ff_broadcast_strides(b, rank, sb);
    if ((rc = ff_out(c, slot, type, rank, dims, &y)) || (rc = kview_read(a, work, &va)) ||
        (rc = kview_read(b, work, &vb)))
        goto done;
    if (type == FF_BOOL) { /* truth values come out in the work type first */
        size_t size = work == KWORK_FLOAT ? 4 : 8;
        void *truth = ff_scratch(c, y->count, size);
        if (!truth) {
            rc = FF_ERR_NOMEM;
            goto done;
        }
        apply(op->loops[work], size, rank, dims, truth, va.p, sa, vb.p, sb);
        uint8_t *to = y->data;
        for (int64_t i = 0; i < y->count; i++)
            to[i] = size == 4              ? ((float *)truth)[i] != 0
                    : work == KWORK_DOUBLE ? ((double *)truth)[i] != 0
                                           : ((int64_t *)truth)[i] != 0;
        free(truth);
    } else if (!(rc = kview_write(y, work, &vy))) {
        apply(op->loops[work], work == KWORK_FLOAT ? 4 : 8, rank, dims, vy.p, va.p, sa, vb.p, sb);
        kview_store(&vy);
    }
done:
    kview_finish(&va);
    kview_finish(&vb);
    return rc;
}

static int two(ff_call *c, const ff_tensor **a, const ff_tensor **b)
{
    int rc = ff_need(c, 0, 0, -1, a);
    return rc ? rc : ff_need(c, 1, 0, -1, b);
}

static int run(ff_call *c, const char *name, bool truth)
{
    const ff_tensor *a, *b;
    ff_tensor *view = NULL;
    int rc = two(c, &a, &b);
    if (rc)
        return rc;
    if (a->dtype != b->dtype)
        return ff_fail(FF_ERR_GRAPH, "types %s and %s differ", ff_dtype_name(a->dtype), ff_dtype_name(b->dtype));
    if ((rc = aligned(c, a, b, &view)))
        return rc;
    rc = binary(c, name, a, view ? view : b, 0, truth ? FF_BOOL : a->dtype);
    ff_tensor_unref(view);
    return rc;
}

int ff_k_arithmetic(ff_call *c)
{
    return run(c, c->node->op, false);
}

int ff_k_comparison(ff_call *c) /* And, Or and Xor too */
{
    return run(c, c->node->op, true);
}

int ff_k_mod(ff_call *c)
{
    return run(c, ff_node_int(c->node, "fmod", 0) ? "Fmod" : "Mod", false);
}

int ff_k_bitwise(ff_call *c)
{
    const ff_tensor *a, *b;
    int rc = two(c, &a, &b);
    if (rc)
        return rc;
    if (!ff_is_integer(a->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(a->dtype));
    if (strcmp(c->node->op, "BitShift"))
        return run(c, c->node->op, false);
    const char *direction = ff_node_string(c->node, "direction", "");
    if (strcmp(direction, "LEFT") && strcmp(direction, "RIGHT"))
        return ff_fail(FF_ERR_GRAPH, "direction '%s' is neither LEFT nor RIGHT", direction);
    return run(c, *direction == 'L' ? "ShiftLeft" : "ShiftRight", false);
}

/* The types may differ: an integer base takes the power in real numbers when the exponent is real.
 */
int ff_k_pow(ff_call *c)
{
    const ff_tensor *a, *b;
    ff_tensor *wide = NULL, *narrow = NULL, *view = NULL;
    int rc = two(c, &a, &b);
    if (rc || a->dtype == b->dtype)
        return rc ? rc : run(c, "Pow", false);
    if (!ff_is_numeric(a->dtype) || !ff_is_numeric(b->dtype))
        return ff_fail(FF_ERR_GRAPH, "types %s and %s", ff_dtype_name(a->dtype), ff_dtype_name(b->dtype));
    if ((rc = aligned(c, a, b, &view)))
        return rc;
    b = view ? view : b;
    if (ff_dtype_is_float(a->dtype) || !ff_dtype_is_float(b->dtype)) {
        rc = binary(c, "Pow", a, b, 0, a->dtype);
    } else if (!(rc = ff_tensor_convert(a, FF_DOUBLE, &wide)) && !(rc = binary(c, "Pow", wide, b, 0, FF_DOUBLE))) {
        rc = ff_tensor_convert(c->out[0], a->dtype, &narrow);
        ff_tensor_unref(c->out[0]);
        c->out[0] = narrow;
    }
    ff_tensor_unref(wide);
    ff_tensor_unref(view);
    return rc;
}

/* Max, Min, Sum, Mean: left to right over any number of inputs. */
int ff_k_variadic(ff_call *c)
{
    const char *op = c->node->op;
    bool mean = !strcmp(op, "Mean");
    const char *name = mean || !strcmp(op, "Sum") ? "Add" : op;
    const ff_tensor *first, *next;
    int rc = ff_need(c, 0, 0, -1, &first);
    if (rc || (rc = ff_pass(c, 0, first)))
        return rc;
    for (int i = 1; i < c->n_in; i++) {
        if ((rc = ff_need(c, i, 0, -1, &next)))
            return rc;
        if (next->dtype != first->dtype)
            return ff_fail(FF_ERR_GRAPH, "types %s and %s differ", ff_dtype_name(first->dtype),
                           ff_dtype_name(next->dtype));
        ff_tensor *so_far = c->out[0];
        c->out[0] = NULL;
        rc = binary(c, name, so_far, next, 0, first->dtype);
        ff_tensor_unref(so_far);
        if (rc)
            return rc;
    }
    if (mean && c->n_in > 1) {
        if (!ff_dtype_is_float(first->dtype))
            return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(first->dtype));
        for (int64_t i = 0; i < c->out[0]->count; i++)
            ff_tensor_set_real(c->out[0], i, ff_tensor_get_real(c->out[0], i) / c->n_in);
    }
    return FF_OK;
}

/* Where: three operands, any element type. */
int ff_k_where(ff_call *c)
{
    const ff_tensor *cond, *in[2];
    ff_tensor *y;
    int rank;
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    int rc = ff_need(c, 0, 0, -1, &cond);
    if (rc || (rc = ff_need(c, 1, 0, -1, &in[0])) || (rc = ff_need(c, 2, 0, -1, &in[1])))
        return rc;
    if (cond->dtype != FF_BOOL || in[0]->dtype != in[1]->dtype)
        return ff_fail(FF_ERR_GRAPH, "types %s, %s and %s do not fit", ff_dtype_name(cond->dtype),
                       ff_dtype_name(in[0]->dtype), ff_dtype_name(in[1]->dtype));
    if ((rc = ff_broadcast(in[0]->rank, in[0]->dims, in[1]->rank, in[1]->dims, &rank, dims)) ||
        (rc = ff_broadcast(rank, dims, cond->rank, cond->dims, &rank, dims)) ||
        (rc = ff_out(c, 0, in[0]->dtype, rank, dims, &y)) || !y->count)
        return rc;
    ff_walk w;
    ff_walk_start(&w, rank, dims);
    const ff_tensor *operands[] = {cond, in[0], in[1]};
    for (int i = 0; i < 3; i++) {
        ff_broadcast_strides(operands[i], rank, strides);
        ff_walk_operand(&w, strides);
    }
    const uint8_t *truth = cond->data;
    int64_t at = 0;
    do {
        int pick = truth[w.at[0]] ? 0 : 1;
        ff_move(y, at++, in[pick], w.at[1 + pick], 1);
    } while (ff_walk_next(&w));
    return FF_OK;
}
