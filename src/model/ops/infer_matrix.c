/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Products of matrices. */
#include "model/ops/infer.h"

int infer_matrix_product(const ff_infer *c, int ia, int ib, int64_t dims[2])
{
    bool ta = ff_node_int(c->node, "transA", 0) != 0, tb = ff_node_int(c->node, "transB", 0) != 0;
    const ff_shape *a = &c->in[ia], *b = &c->in[ib];
    int64_t k;
    int code;

    if ((code = infer_want_rank(c, ia, 2)) || (code = infer_want_rank(c, ib, 2)))
        return code;
    dims[0] = a->rank == 2 ? a->dims[ta] : UNKNOWN;
    dims[1] = b->rank == 2 ? b->dims[!tb] : UNKNOWN;
    return a->rank == 2 && b->rank == 2 ? infer_equal(a->dims[!ta], b->dims[tb], "inner dimensions", &k) : FF_OK;
}

static int infer_gemm(ff_infer *c)
{
    const ff_shape *a = &c->in[0];
    int64_t dims[2];
    int code;

    if ((code = infer_same_type(c, 0, 1)) || (code = infer_same_type(c, 0, 2)) ||
        (code = infer_matrix_product(c, 0, 1, dims)))
        return code;
    if (infer_rank(c, 2) >= 0) {
        ff_shape y = {a->dtype, 2, {dims[0], dims[1]}}, both;
        if ((code = infer_broadcast(&y, &c->in[2], &both)))
            return code;
        if (both.rank != 2 || (dims[0] >= 0 && both.dims[0] != dims[0]) || (dims[1] >= 0 && both.dims[1] != dims[1]))
            return infer_fail("C does not broadcast to the product");
    }
    infer_set(c, 0, a->dtype, 2, dims);
    return FF_OK;
}

static int infer_matmul(ff_infer *c)
{
    bool qlinear = c->node->op[0] == 'Q', integer = strcmp(c->node->op, "MatMulInteger") == 0;
    int second = qlinear ? 3 : 1, code;
    ff_shape a = c->in[0], b = c->in[second], s;
    ff_dtype type = integer ? FF_INT32 : qlinear ? c->in[7].dtype : a.dtype;
    int64_t k;

    if (!qlinear && !integer && (code = infer_same_type(c, 0, 1)))
        return code;
    if ((code = infer_want_min_rank(c, 0, 1)) || (code = infer_want_min_rank(c, second, 1)))
        return code;
    infer_type(c, 0, type);
    if (a.rank < 0 || b.rank < 0)
        return FF_OK;
    bool row = a.rank == 1, column = b.rank == 1; /* vectors are matrices for the product */
    if (row) {
        a.rank = 2;
        a.dims[1] = a.dims[0];
        a.dims[0] = 1;
    }
    if (column) {
        b.rank = 2;
        b.dims[1] = 1;
    }
    if ((code = infer_equal(a.dims[a.rank - 1], b.dims[b.rank - 2], "inner dimensions", &k)))
        return code;
    int64_t m = a.dims[a.rank - 2], n = b.dims[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    if ((code = infer_broadcast(&a, &b, &s)))
        return code;
    if (!row)
        s.dims[s.rank++] = m;
    if (!column)
        s.dims[s.rank++] = n;
    infer_set(c, 0, type, s.rank, s.dims);
    return FF_OK;
}

static int infer_det(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t k;
    int code = infer_want_min_rank(c, 0, 2);

    if (code == FF_OK && x->rank >= 0)
        code = infer_equal(x->dims[x->rank - 1], x->dims[x->rank - 2], "sides of the matrix", &k);
    if (code == FF_OK)
        infer_set(c, 0, x->dtype, x->rank < 0 ? UNKNOWN : x->rank - 2, x->dims);
    return code;
}

/* A term of an equation at *s, up to ',' or the end: letters and at most one ellipsis. */
struct term {
    int n;
    char letter[FF_MAX_RANK + 1]; /* '.' stands for the ellipsis */
};

static int read_term(const char **s, const char *end, struct term *t)
{
    bool dots = false;

    for (t->n = 0; *s < end && **s != ','; ++*s) {
        char ch = **s;
        if (ch == ' ')
            continue;
        if (t->n == FF_MAX_RANK)
            return infer_fail("a term of the equation is too long");
        if (ch == '.') {
            if (dots || end - *s < 3 || strncmp(*s, "...", 3) != 0)
                return infer_fail("the equation is malformed");
            *s += 2;
            dots = true;
        } else if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'))) {
            return infer_fail("the equation is malformed");
        }
        t->letter[t->n++] = ch;
    }
    return FF_OK;
}

static int infer_einsum(ff_infer *c)
{
    const char *s = ff_node_string(c->node, "equation", ""), *arrow = strstr(s, "->");
    const char *end = arrow ? arrow : s + strlen(s);
    int64_t size[128];
    int count[128] = {0}, code;
    ff_shape dots = {.rank = 0}, out = {.rank = 0};
    struct term t;

    for (int i = 0; i < 128; i++)
        size[i] = UNKNOWN;
    infer_type(c, 0, c->in[0].dtype);
    for (int i = 0; i < c->n_in; i++) {
        if ((code = infer_same_type(c, 0, i)) || (code = read_term(&s, end, &t)))
            return code;
        if ((i + 1 < c->n_in) != (s < end))
            return infer_fail("the equation does not have one term for each input");
        s += s < end;
        const ff_shape *x = &c->in[i];
        bool has_dots = memchr(t.letter, '.', (size_t)t.n) != NULL;
        int hidden = x->rank - (t.n - has_dots), axis = 0;
        if (x->rank < 0)
            return FF_OK;
        if (hidden < 0 || (!has_dots && hidden != 0))
            return infer_fail("input %d has %d dimensions, the equation says otherwise", i, x->rank);
        for (int j = 0; j < t.n; j++) {
            unsigned char ch = (unsigned char)t.letter[j];
            if (ch == '.') {
                ff_shape here = {x->dtype, hidden, {0}}, both;
                memcpy(here.dims, x->dims + axis, (size_t)hidden * sizeof here.dims[0]);
                if ((code = infer_broadcast(&dots, &here, &both)))
                    return code;
                dots = both;
                axis += hidden;
                continue;
            }
            count[ch]++;
            int64_t d = x->dims[axis++];
            if (size[ch] == 1 || size[ch] < 0)
                size[ch] = d >= 0 ? d : size[ch];
            else if (d >= 0 && d != 1 && d != size[ch])
                return infer_fail("'%c' is both %lld and %lld", ch, (long long)size[ch], (long long)d);
        }
    }
    t.n = 0;
    if (arrow != NULL) {
        const char *p = arrow + 2;
        if ((code = read_term(&p, p + strlen(p), &t)))
            return code;
        if (*p != '\0')
            return infer_fail("the equation is malformed");
    } else { /* the letters that stand there once, in alphabetical order */
        t.letter[t.n++] = '.';
        for (int ch = 'A'; ch <= 'z' && t.n <= FF_MAX_RANK; ch++)
            if (count[ch] == 1)
                t.letter[t.n++] = (char)ch;
    }
    for (int j = 0; j < t.n; j++) {
        unsigned char ch = (unsigned char)t.letter[j];
        if (out.rank + (ch == '.' ? dots.rank : 1) > FF_MAX_RANK)
            return infer_fail("more than %d dimensions", FF_MAX_RANK);
        if (ch == '.') {
            memcpy(out.dims + out.rank, dots.dims, (size_t)dots.rank * sizeof dots.dims[0]);
            out.rank += dots.rank;
        } else if (count[ch] == 0) {
            return infer_fail("'%c' stands only on the right of the equation", ch);
        } else {
            out.dims[out.rank++] = size[ch];
        }
    }
    infer_set(c, 0, c->in[0].dtype, out.rank, out.dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact einsum_12[] = {{"equation", FF_ATTR_STRING, NULL}, {0}};
static const struct ff_attr_fact gemm_7[] = {{"alpha", FF_ATTR_FLOAT, "1"},
                                             {"beta", FF_ATTR_FLOAT, "1"},
                                             {"transA", FF_ATTR_INT, "0"},
                                             {"transB", FF_ATTR_INT, "0"},
                                             {0}};

const ff_op ff_ops_matrix[] = {
    /* since, inputs, outputs */
    {"", "Det", 11, 1, 1, 1, 1, infer_det, no_attrs},
    {"", "Einsum", 12, 1, -1, 1, 1, infer_einsum, einsum_12},
    {"", "Gemm", 7, 3, 3, 1, 1, infer_gemm, gemm_7},
    {"", "Gemm", 11, 2, 3, 1, 1, infer_gemm, gemm_7},
    {"", "MatMul", 1, 2, 2, 1, 1, infer_matmul, no_attrs},
    {"", "MatMulInteger", 10, 2, 4, 1, 1, infer_matmul, no_attrs},
    {"", "QLinearMatMul", 10, 8, 8, 1, 1, infer_matmul, no_attrs},
    {0},
};
