/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparators of classifiers: by the greatest output, the k greatest, or the order of all of them. */
#include "compare/comparator.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The classes that both have, as pairs of values: class k of the Target is class k + offset of the Source. */
static int64_t common_classes(const sample *s, const float **source, const float **target)
{
    int64_t n = s->source->form->at[0].count, m = s->target->form->at[0].count;
    *source = s->source->output + (s->offset > 0 ? s->offset : 0);
    *target = s->target->output - (s->offset < 0 ? s->offset : 0);
    n -= s->offset > 0 ? s->offset : 0;
    m += s->offset < 0 ? s->offset : 0;
    return n < m ? n : m;
}

static bool above(float a, float b)
{
    return isnan(b) ? !isnan(a) : a > b;
}

/* ---------------------------------------------------------------------------------------- top-k */

/* The k-th greatest of the others; minus infinity when there are fewer. */
static float best_but(const float *v, int64_t n, int64_t label, int64_t k)
{
    float *best = ff_alloc_array((size_t)k + 1, sizeof *best);
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i == label || (kept == k && !above(v[i], best[k - 1])))
            continue;
        int64_t at = kept < k ? kept++ : k - 1;
        for (; at > 0 && above(v[i], best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = v[i];
    }
    float border = kept == k ? best[k - 1] : -INFINITY;
    free(best);
    return border;
}

/* Score: the place that the Source's label has in the Target's order, from 1. */
static int compare_top_k(const ff_comparator *c, const sample *s, outcome *out)
{
    const float *v = s->target->output;
    int64_t n = s->target->form->at[0].count, k = (int64_t)c->number[0], label = s->source->top[0] - s->offset;
    if (s->source->top[0] < 0 || label < 0 || label >= n) {
        out->wrong = true;
        return FF_OK;
    }
    int64_t place = 1;
    for (int64_t i = 0; i < n; i++)
        place += above(v[i], v[label]) || (i < label && !above(v[label], v[i]));
    out->score = (double)place;
    out->wrong = place > k;
    out->margin = fabs((double)v[label] - best_but(v, n, label, k));
    return FF_OK;
}

/* ------------------------------------------------------------------------------------ Kendall's tau */

typedef struct ranked {
    float x, y;
} ranked;

static int by_x_then_y(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    if (above(p->x, q->x) || above(q->x, p->x))
        return above(p->x, q->x) ? -1 : 1;
    return above(p->y, q->y) ? -1 : above(q->y, p->y);
}

static double pairs(double n)
{
    return n * (n - 1) / 2;
}

/* Merge sort by y, greatest first; returns how many pairs stood the wrong way round. */
static double sort_y(ranked *r, ranked *room, int64_t n)
{
    if (n < 2)
        return 0;
    int64_t half = n / 2, i = 0, j = half;
    double swaps = sort_y(r, room, half) + sort_y(r + half, room, n - half);
    for (int64_t k = 0; k < n; k++) {
        if (j == n || (i < half && !above(r[j].y, r[i].y))) {
            room[k] = r[i++];
        } else {
            swaps += (double)(half - i);
            room[k] = r[j++];
        }
    }
    memcpy(r, room, (size_t)n * sizeof *r);
    return swaps;
}

/* Kendall's tau-b in n log n (W. R. Knight, A Computer Method for Calculating Kendall's Tau with Ungrouped Data, 1966):
 * (P - n1 - n2 + n3 - 2 * swaps) / sqrt((P - n1) (P - n2)), P pairs, n1, n2, n3 of them tied in x, in y, in both. */
static double tau_b(ranked *r, int64_t n)
{
    ranked *room = ff_alloc_array((size_t)n + 1, sizeof *room);
    double tied_x = 0, tied_y = 0, tied_both = 0, run_x = 1, run_y = 1, run_both = 1;
    qsort(r, (size_t)n, sizeof *r, by_x_then_y);
    for (int64_t i = 1; i <= n; i++) {
        bool x = i < n && !above(r[i - 1].x, r[i].x), both = x && by_x_then_y(&r[i - 1], &r[i]) == 0;
        tied_x += x ? 0 : pairs(run_x);
        tied_both += both ? 0 : pairs(run_both);
        run_x = x ? run_x + 1 : 1;
        run_both = both ? run_both + 1 : 1;
    }
    double swaps = sort_y(r, room, n), all = pairs((double)n);
    for (int64_t i = 1; i <= n; i++) {
        bool y = i < n && !above(r[i - 1].y, r[i].y);
        tied_y += y ? 0 : pairs(run_y);
        run_y = y ? run_y + 1 : 1;
    }
    free(room);
    double scale = sqrt((all - tied_x) * (all - tied_y)); /* of a square exactly: 8 of 10 is 0.8 */
    if (scale == 0) /* no order on one side: equal only if there is none on the other */
        return tied_x == tied_y ? 1 : 0;
    return (all - tied_x - tied_y + tied_both - 2 * swaps) / scale;
}

static int compare_tau(const ff_comparator *c, const sample *s, outcome *out)
{
    const float *x, *y;
    int64_t n = common_classes(s, &x, &y), k = (int64_t)c->number[1];
    if (n <= 0) {
        out->wrong = true;
        return FF_OK;
    }
    ranked *r = ff_alloc_array((size_t)n, sizeof *r);
    for (int64_t i = 0; i < n; i++)
        r[i] = (ranked){x[i], y[i]};
    if (k > 0 && k < n) {
        qsort(r, (size_t)n, sizeof *r, by_x_then_y);
        n = k;
    }
    outcome_at_least(out, tau_b(r, n), c->number[0]);
    free(r);
    return FF_OK;
}

/* ------------------------------------------------------------------------------- maps and offsets */

static void compare_mapped(const sample *s, int label, outcome *out)
{
    out->wrong = label < 0 || s->source->top[0] < 0 || label != s->source->top[0];
    out->margin = s->target->margin;
    out->score = label;
}

static int compare_map(const ff_comparator *c, const sample *s, outcome *out)
{
    int label = s->target->top[0];
    compare_mapped(s, label >= 0 && label < c->n_labels ? c->label_of[label] : -1, out);
    return FF_OK;
}

static int compare_offset(const ff_comparator *c, const sample *s, outcome *out)
{
    int label = s->target->top[0];
    compare_mapped(s, label < 0 ? -1 : label + (int)c->number[0], out);
    return FF_OK;
}

enum { MOST_LABELS = 1 << 24 };

/* "target source", a line each. */
static int read_map(ff_comparator *c)
{
    char *text, *rest = NULL;
    size_t size;
    int code = ff_read_file(c->text[0], UINT64_C(64) << 20, &text, &size), line = 0;
    if (code)
        return ff_fail_prefix(code, "comparator map");
    for (char *at = strtok_r(text, "\n", &rest); at && !code; at = strtok_r(NULL, "\n", &rest)) {
        char *words[3] = {0}, *more = NULL;
        int64_t target, source;
        line++;
        at[strcspn(at, "#")] = '\0';
        for (int i = 0; i < 3; i++)
            words[i] = strtok_r(i ? NULL : at, " \t\r,", &more);
        if (!words[0])
            continue;
        if (!words[1] || words[2] || !ff_parse_int(words[0], &target) || !ff_parse_int(words[1], &source) ||
            target < 0 || source < 0 || target >= MOST_LABELS || source >= MOST_LABELS) {
            code = ff_fail(FF_ERR_INPUT, "'%s': entry %d is not a label of the Target and one of the Source",
                           c->text[0], line);
            break;
        }
        if (target >= c->n_labels) {
            c->label_of = ff_realloc_array(c->label_of, (size_t)target + 1, sizeof *c->label_of);
            while (c->n_labels <= target)
                c->label_of[c->n_labels++] = -1;
        }
        if (c->label_of[target] >= 0 && c->label_of[target] != source)
            code = ff_fail(FF_ERR_INPUT, "'%s': entry %d gives the Target's label %d a second meaning", c->text[0],
                           line, (int)target);
        c->label_of[target] = (int)source;
    }
    free(text);
    if (!code && !c->n_labels)
        code = ff_fail(FF_ERR_INPUT, "'%s': maps no labels", c->text[0]);
    return code;
}

static const comparator_kind kinds[] = {
    {"top-1", "top-1", "the greatest output is the same class; a first class more or less is found by itself",
     "labels differ", .compare = NULL},
    {"top-k", "top-k:K", "the Source's label is among the K greatest outputs of the Target (5)", "labels are missed",
     .compare = compare_top_k, .parameters = {{"k", PARAMETER_WHOLE, 5, 1, 1000, false}}},
    {"kendall", "kendall:TAU[,k=K]",
     "Kendall's tau-b of both orders of the classes is at least TAU (0.9); K: of the "
     "Source's K best alone",
     "orders differ", .compare = compare_tau,
     .parameters = {{"tau", PARAMETER_REAL, 0.9, -1, 1, false}, {"k", PARAMETER_WHOLE, 0, 0, INT_MAX, false}}},
    {"map", "map:FILE", "labels through a file with a label of the Target and the Source's a line", "labels differ",
     .compare = compare_map, .prepare = read_map, .parameters = {{"file", PARAMETER_TEXT, .needed = true}}},
    {"offset", "offset:N", "label of the Target + N is the Source's", "labels differ", .compare = compare_offset,
     .parameters = {{"n", PARAMETER_WHOLE, 0, -1000000, 1000000, false}}},
};
const comparator_family label_comparators = {kinds, FF_COUNT(kinds)};
