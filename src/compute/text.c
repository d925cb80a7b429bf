/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c: StringNormalizer and TfIdfVectorizer. Letters are those of ASCII. */
#include "kernel.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_stop_word(const ff_attr *words, const char *s, bool sensitive)
{
    for (size_t i = 0; words && words->type == FF_ATTR_STRINGS && i < words->n; i++)
        if (sensitive ? !strcmp(words->strings[i], s) : !strcasecmp(words->strings[i], s))
            return true;
    return false;
}

int ff_k_string_normalizer(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = ff_need(c, 0, 1, 2, &x);
    if (rc)
        return rc;
    if (x->dtype != FF_STRING || (x->rank == 2 && x->dims[0] != 1))
        return ff_fail(FF_ERR_GRAPH, "the input is not a list of strings");
    const ff_attr *words = ff_node_attr(c->node, "stopwords");
    bool sensitive = ff_node_int(c->node, "is_case_sensitive", 0);
    const char *change = ff_node_string(c->node, "case_change_action", "NONE");
    int64_t kept = 0;
    for (int64_t i = 0; i < x->count; i++)
        kept += !is_stop_word(words, ff_get_string(x, i), sensitive);
    /* Nothing left: one empty string. */
    int64_t dims[2] = {1, kept ? kept : 1};
    if ((rc = ff_out(c, 0, FF_STRING, x->rank, x->rank == 2 ? dims : dims + 1, &y)))
        return rc;
    if (!kept)
        ff_set_string(y, 0, "");
    for (int64_t i = 0, at = 0; i < x->count; i++) {
        if (is_stop_word(words, ff_get_string(x, i), sensitive))
            continue;
        ff_set_string(y, at, ff_get_string(x, i));
        for (char *s = ((char **)y->data)[at]; *s; s++) {
            if (!strcmp(change, "LOWER"))
                *s = (char)tolower((unsigned char)*s);
            else if (!strcmp(change, "UPPER"))
                *s = (char)toupper((unsigned char)*s);
        }
        at++;
    }
    return FF_OK;
}

/* Is element i of x entry k of the pool? */
static bool same_token(const ff_tensor *x, int64_t i, const ff_attr *pool, size_t k)
{
    if (x->dtype == FF_STRING)
        return !strcmp(ff_get_string(x, i), pool->strings[k]);
    return ff_tensor_get_int(x, i) == pool->ints[k];
}

/* Counts of n-grams, each with up to max_skip_count tokens left out between its own. */
int ff_k_tfidf(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    const int64_t *starts, *columns;
    int rc = ff_need(c, 0, 0, 2, &x);
    if (rc)
        return rc;
    const ff_attr *pool = ff_node_attr(c->node, x->dtype == FF_STRING ? "pool_strings" : "pool_int64s"),
                  *weights = ff_node_attr(c->node, "weights");
    size_t sizes = ff_node_ints(c->node, "ngram_counts", &starts),
           n_columns = ff_node_ints(c->node, "ngram_indexes", &columns);
    int64_t shortest = ff_node_int(c->node, "min_gram_length", 1), longest = ff_node_int(c->node, "max_gram_length", 1),
            skips = ff_node_int(c->node, "max_skip_count", 0), width = 0;
    const char *mode = ff_node_string(c->node, "mode", "TF");
    if (!pool || pool->type != (x->dtype == FF_STRING ? FF_ATTR_STRINGS : FF_ATTR_INTS) ||
        (x->dtype != FF_STRING && x->dtype != FF_INT32 && x->dtype != FF_INT64) || shortest < 1 || longest < shortest ||
        longest > (int64_t)sizes || skips < 0 || !n_columns ||
        (weights && (weights->type != FF_ATTR_FLOATS || weights->n != n_columns)))
        return ff_fail(FF_ERR_GRAPH, "pool, counts, indexes and weights do not fit");
    for (size_t i = 0; i < n_columns; i++) {
        if (columns[i] < 0 || columns[i] > INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "ngram_indexes has an entry of %lld", (long long)columns[i]);
        width = columns[i] >= width ? columns[i] + 1 : width;
    }
    for (size_t i = 0; i < sizes; i++)
        if (starts[i] < 0 || starts[i] > (int64_t)pool->n || (i && starts[i] < starts[i - 1]))
            return ff_fail(FF_ERR_GRAPH, "ngram_counts has an entry of %lld", (long long)starts[i]);
    int64_t rows = x->rank == 2 ? x->dims[0] : 1, tokens = x->rank ? x->dims[x->rank - 1] : 1, dims[2] = {rows, width};
    if ((rc = ff_out(c, 0, FF_FLOAT, x->rank == 2 ? 2 : 1, x->rank == 2 ? dims : dims + 1, &y)))
        return rc;
    float *to = y->data;
    size_t gram = 0; /* number of the n-gram over the whole pool: index into columns and weights */
    for (int64_t n = 1; n <= (int64_t)sizes; n++) {
        int64_t from = starts[n - 1], end = n < (int64_t)sizes ? starts[n] : (int64_t)pool->n;
        for (int64_t p = from; p + n <= end && gram < n_columns; p += n, gram++) {
            if (n < shortest || n > longest)
                continue;
            for (int64_t r = 0; r < (tokens ? rows : 0); r++) {
                double found = 0;
                if ((rc = ff_cancel_check(c)))
                    return rc;
                for (int64_t s = 0; s <= (n == 1 ? 0 : skips) && (n - 1) * (s + 1) < tokens; s++)
                    for (int64_t i = 0; i + (n - 1) * (s + 1) < tokens; i++) {
                        int64_t k = 0;
                        while (k < n && same_token(x, r * tokens + i + k * (s + 1), pool, (size_t)(p + k)))
                            k++;
                        found += k == n;
                    }
                double w = weights ? weights->floats[gram] : 1;
                to[r * width + columns[gram]] = (float)(!strcmp(mode, "TF")    ? found
                                                        : !strcmp(mode, "IDF") ? (found > 0) * w
                                                                               : found * w);
            }
        }
    }
    return FF_OK;
}

int ff_k_string_concat(ff_call *c)
{
    const ff_tensor *a, *b;
    ff_tensor *y;
    int rank, rc = ff_need(c, 0, 0, -1, &a);
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK], i = 0;
    if (rc || (rc = ff_need(c, 1, 0, -1, &b)))
        return rc;
    if (a->dtype != FF_STRING || b->dtype != FF_STRING)
        return ff_fail(FF_ERR_GRAPH, "the inputs are not strings");
    if ((rc = ff_broadcast(a->rank, a->dims, b->rank, b->dims, &rank, dims)) ||
        (rc = ff_out(c, 0, FF_STRING, rank, dims, &y)) || !y->count)
        return rc;
    ff_walk w;
    ff_walk_start(&w, rank, dims);
    ff_broadcast_strides(a, rank, strides);
    ff_walk_operand(&w, strides);
    ff_broadcast_strides(b, rank, strides);
    ff_walk_operand(&w, strides);
    char **to = y->data;
    size_t total = 0;
    do {
        const char *left = ff_get_string(a, w.at[0]), *right = ff_get_string(b, w.at[1]);
        total += strlen(left) + strlen(right) + 1;
        if ((rc = ff_check_size(c, (int64_t)total, 1)))
            return rc;
        free(to[i]);
        to[i++] = ff_asprintf("%s%s", left, right);
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* The next piece of s: where it starts and how long it is; NULL after the last. Without a delimiter
 * runs of blanks part, and none stand at the ends. `split`: this piece may be cut off from the rest. */
static const char *next_piece(const char **s, const char *delimiter, bool split, size_t *length)
{
    const char *at = *s, *end;
    if (!at)
        return NULL;
    if (!*delimiter) {
        at += strspn(at, " \t\n\r\f\v");
        if (!*at)
            return NULL;
        *length = split ? strcspn(at, " \t\n\r\f\v") : strlen(at);
        *s = at + *length;
        return at;
    }
    end = split ? strstr(at, delimiter) : NULL;
    *length = end ? (size_t)(end - at) : strlen(at);
    *s = end ? end + strlen(delimiter) : NULL;
    return at;
}

/* StringSplit: pieces along a new last axis, "" where there are fewer, and their number. */
int ff_k_string_split(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y, *counts = NULL;
    int64_t dims[FF_MAX_RANK + 1], most = 0, limit = ff_node_int(c->node, "maxsplit", INT64_MAX);
    const char *delimiter = ff_node_string(c->node, "delimiter", "");
    int rc = ff_need(c, 0, 0, FF_MAX_RANK - 1, &x);
    if (rc)
        return rc;
    if (x->dtype != FF_STRING)
        return ff_fail(FF_ERR_GRAPH, "the input is not strings");
    if (limit < 0)
        limit = INT64_MAX;
    size_t length;
    for (int64_t i = 0; i < x->count; i++) {
        const char *s = ff_get_string(x, i);
        int64_t n = 0;
        while (next_piece(&s, delimiter, n < limit, &length))
            n++;
        most = n > most ? n : most;
    }
    memcpy(dims, x->dims, sizeof x->dims);
    dims[x->rank] = most;
    if ((rc = ff_out(c, 0, FF_STRING, x->rank + 1, dims, &y)) ||
        (ff_wants(c, 1) && (rc = ff_out(c, 1, FF_INT64, x->rank, x->dims, &counts))))
        return rc;
    for (int64_t i = 0; i < x->count; i++) {
        const char *s = ff_get_string(x, i), *piece;
        int64_t n = 0;
        for (; (piece = next_piece(&s, delimiter, n < limit, &length)); n++)
            ((char **)y->data)[i * most + n] = ff_strndup(piece, length);
        if (counts)
            ((int64_t *)counts->data)[i] = n;
        for (; n < most; n++)
            ff_set_string(y, i * most + n, "");
    }
    return FF_OK;
}
