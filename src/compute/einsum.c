/* SPDX-License-Identifier: GPL-3.0-or-later */
/* einsum.c: Einsum, as one loop over all labels: those of the result outside, summed ones inside.
 */
#include "kernel.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    LETTERS = 52,
    LABELS = LETTERS + FF_MAX_RANK, /* letters, then the axes of the ellipsis, last one last */
    OPERANDS = 16,
};

typedef struct labels {
    int n;
    int at[FF_MAX_RANK];
} labels;

static int letter(char ch)
{
    return ch >= 'a' ? ch - 'a' + 26 : ch - 'A';
}

/* One term of the equation, [s, end), for a tensor of `rank` (-1: the result, whose ellipsis has
 * `spread` axes). */
static int parse_term(const char *s, const char *end, int rank, int spread, labels *out)
{
    int letters = 0;
    bool dots = false;
    for (const char *p = s; p < end; p++)
        letters += isalpha((unsigned char)*p) != 0;
    out->n = 0;
    if (rank >= 0)
        spread = rank - letters;
    for (const char *p = s; p < end; p++) {
        if (*p == ' ')
            continue;
        if (end - p >= 3 && !strncmp(p, "...", 3) && !dots) {
            dots = true;
            p += 2;
            if (spread < 0 || out->n + spread > FF_MAX_RANK)
                return ff_fail(FF_ERR_GRAPH, "a term has more labels than axes");
            for (int k = 0; k < spread; k++)
                out->at[out->n++] = LABELS - spread + k;
        } else if (isalpha((unsigned char)*p) && out->n < FF_MAX_RANK) {
            out->at[out->n++] = letter(*p);
        } else {
            return ff_fail(FF_ERR_GRAPH, "the equation cannot be read");
        }
    }
    if (rank >= 0 && out->n != rank)
        return ff_fail(FF_ERR_GRAPH, "a term has %d labels for rank %d", out->n, rank);
    return FF_OK;
}

/* Without an arrow: the ellipsis, then the letters that stand once, in alphabetical order. */
static void implicit_result(const labels *terms, int n, int spread, labels *out)
{
    int seen[LETTERS] = {0};
    out->n = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < terms[i].n; k++)
            if (terms[i].at[k] < LETTERS)
                seen[terms[i].at[k]]++;
    for (int k = 0; k < spread; k++)
        out->at[out->n++] = LABELS - spread + k;
    for (int l = 0; l < LETTERS; l++)
        if (seen[l] == 1 && out->n < FF_MAX_RANK)
            out->at[out->n++] = l;
}

static int evaluate(const ff_call *c, ff_tensor *y, const ff_tensor *const *in, int n, const labels *terms,
                    const labels *result, const int64_t *size)
{
    int order[LABELS], m = 0, rc = FF_OK;
    bool placed[LABELS] = {false};
    int64_t strides[OPERANDS][LABELS], index[LABELS] = {0}, at[OPERANDS] = {0};
    kview v[OPERANDS];
    memset(strides, 0, sizeof strides);
    memset(v, 0, sizeof v);
    for (int k = 0; k < result->n; k++) {
        order[m++] = result->at[k];
        placed[result->at[k]] = true;
    }
    int outer = m;
    for (int l = 0; l < LABELS; l++)
        if (size[l] >= 0 && !placed[l])
            order[m++] = l;
    for (int i = 0; i < n && !rc; i++) {
        int64_t own[FF_MAX_RANK];
        ff_strides(in[i]->rank, in[i]->dims, own);
        for (int k = 0; k < in[i]->rank; k++)
            if (in[i]->dims[k] != 1)
                strides[i][terms[i].at[k]] += own[k]; /* a label that stands twice: the diagonal */
        rc = kview_read(in[i], KWORK_DOUBLE, &v[i]);
    }
    bool empty = false;
    for (int k = outer; k < m; k++)
        empty |= size[order[k]] == 0;
    bool real = ff_dtype_is_float(y->dtype);
    for (int64_t o = 0; o < y->count && !rc && !empty; o++) {
        double sum = 0;
        if ((rc = ff_cancel_check(c)))
            break;
        for (;;) {
            double product = v[0].d[at[0]];
            for (int i = 1; i < n; i++)
                product *= v[i].d[at[i]];
            sum += product;
            int k = m - 1;
            for (; k >= outer; k--) {
                for (int i = 0; i < n; i++)
                    at[i] += strides[i][order[k]];
                if (++index[k] < size[order[k]])
                    break;
                for (int i = 0; i < n; i++)
                    at[i] -= strides[i][order[k]] * index[k];
                index[k] = 0;
            }
            if (k < outer)
                break;
        }
        if (real)
            ff_tensor_set_real(y, o, sum);
        else
            ff_tensor_set_int(y, o, (int64_t)sum);
        for (int k = outer - 1; k >= 0; k--) {
            for (int i = 0; i < n; i++)
                at[i] += strides[i][order[k]];
            if (++index[k] < size[order[k]])
                break;
            for (int i = 0; i < n; i++)
                at[i] -= strides[i][order[k]] * index[k];
            index[k] = 0;
        }
    }
    for (int i = 0; i < n; i++)
        kview_finish(&v[i]);
    return rc;
}

int ff_k_einsum(ff_call *c)
{
    const char *s = ff_node_string(c->node, "equation", NULL);
    const ff_tensor *in[OPERANDS];
    labels terms[OPERANDS], result;
    int64_t size[LABELS], dims[FF_MAX_RANK];
    ff_tensor *y;
    int spread = 0, rc;
    if (!s || c->n_in < 1 || c->n_in > OPERANDS)
        return ff_fail(FF_ERR_GRAPH, "no equation, or more than %d inputs", OPERANDS);
    const char *arrow = strstr(s, "->"), *end = arrow ? arrow : s + strlen(s);
    for (int l = 0; l < LABELS; l++)
        size[l] = -1;
    for (int i = 0; i < c->n_in; i++) {
        const char *stop = memchr(s, ',', (size_t)(end - s));
        if ((i == c->n_in - 1) != !stop)
            return ff_fail(FF_ERR_GRAPH, "the equation does not have %d terms", c->n_in);
        if ((rc = ff_need(c, i, 0, -1, &in[i])) || (rc = parse_term(s, stop ? stop : end, in[i]->rank, 0, &terms[i])))
            return rc;
        if (in[i]->dtype != in[0]->dtype)
            return ff_fail(FF_ERR_GRAPH, "the types of the inputs differ");
        for (int k = 0; k < terms[i].n; k++) {
            int64_t d = in[i]->dims[k], *have = &size[terms[i].at[k]];
            if (*have > 1 && d != 1 && d != *have)
                return ff_fail(FF_ERR_GRAPH, "a label has lengths %lld and %lld", (long long)*have, (long long)d);
            if (*have < 0 || *have == 1)
                *have = d;
            if (terms[i].at[k] >= LETTERS && LABELS - terms[i].at[k] > spread)
                spread = LABELS - terms[i].at[k];
        }
        s = stop ? stop + 1 : end;
    }
    /* A length of 0 against one of 1 or more is no broadcast between letters. */
    for (int i = 0; i < c->n_in; i++)
        for (int k = 0; k < terms[i].n; k++)
            if (in[i]->dims[k] != 1 && in[i]->dims[k] != size[terms[i].at[k]])
                return ff_fail(FF_ERR_GRAPH, "the lengths of a label differ");
    if (!arrow)
        implicit_result(terms, c->n_in, spread, &result);
    else if ((rc = parse_term(arrow + 2, arrow + strlen(arrow), -1, spread, &result)))
        return rc;
    for (int k = 0; k < result.n; k++) {
        for (int i = 0; i < k; i++)
            if (result.at[i] == result.at[k])
                return ff_fail(FF_ERR_GRAPH, "a label stands twice in the result");
        if ((dims[k] = size[result.at[k]]) < 0)
            return ff_fail(FF_ERR_GRAPH, "a label of the result stands in no term");
    }
    if ((rc = ff_out(c, 0, in[0]->dtype, result.n, dims, &y)))
        return rc;
    return evaluate(c, y, in, c->n_in, terms, &result, size);
}
