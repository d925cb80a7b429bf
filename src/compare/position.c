/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparators of outputs that give a class at each position: segmentation maps and sequences of tokens. */
#include "compare/comparator.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN, AXIS, END };
enum { AXIS_BY_RANK = 99 };

/* The class at each position, and how far it is ahead of the next. */
typedef struct classes {
    int64_t n;
    int64_t *at;
    double least; /* smallest lead */
} classes;

static void classes_finish(classes *c)
{
    free(c->at);
}

/* Where the classes lie: axis 1 of an image's four axes, else the last. Integers are classes already. */
static int class_axis(const ff_comparator *c, const ff_form *f)
{
    int rank = f->at[0].rank, axis = (int)c->number[AXIS];
    if (f->at[0].whole)
        return -1;
    if (axis == AXIS_BY_RANK)
        axis = rank == 4 ? 1 : rank - 1;
    else if (axis < 0)
        axis += rank;
    return axis;
}

static bool find_classes(const ff_comparator *c, const ff_label *l, classes *out)
{
    const ff_form *f = l->form;
    int axis = class_axis(c, f);
    *out = (classes){.least = INFINITY};
    if (f->at[0].whole) {
        out->n = f->at[0].count;
        out->at = ff_alloc_array((size_t)out->n + 1, sizeof *out->at);
        for (int64_t i = 0; i < out->n; i++)
            out->at[i] = sample_class(l->output[i]);
        return true;
    }
    if (axis < 0 || axis >= f->at[0].rank || f->at[0].count == 0)
        return false;
    int64_t k = f->at[0].dims[axis], inner = 1;
    for (int d = axis + 1; d < f->at[0].rank; d++)
        inner *= f->at[0].dims[d];
    out->n = f->at[0].count / k;
    out->at = ff_alloc_array((size_t)out->n + 1, sizeof *out->at);
    for (int64_t p = 0; p < out->n; p++) {
        const float *v = l->output + p / inner * k * inner + p % inner;
        float best = -INFINITY, second = -INFINITY;
        for (int64_t i = 0; i < k; i++) {
            float x = v[i * inner];
            if (x > best) {
                second = best;
                best = x;
                out->at[p] = i;
            } else if (x > second) {
                second = x;
            }
        }
        if (k > 1 && !(best - second >= out->least))
            out->least = isnan(best - second) ? 0 : best - second;
    }
    return true;
}

static bool both(const ff_comparator *c, const sample *s, classes *a, classes *b, outcome *out)
{
    *a = *b = (classes){0};
    out->distance = sample_distance(s);
    if (find_classes(c, s->source, a) && find_classes(c, s->target, b))
        return true;
    out->wrong = true;
    return false;
}

/* Score: the share of positions with the same class. */
static int compare_argmax(const ff_comparator *c, const sample *s, outcome *out)
{
    classes a, b;
    if (both(c, s, &a, &b, out)) {
        int64_t same = 0;
        for (int64_t i = 0; i < a.n && a.n == b.n; i++)
            same += a.at[i] == b.at[i];
        outcome_at_least(out, a.n == b.n && a.n ? (double)same / (double)a.n : a.n == b.n, c->number[MIN]);
        if (!out->wrong && c->number[MIN] == 1 && isfinite(b.least))
            out->margin = b.least; /* all must stay: the weakest goes first */
    }
    classes_finish(&a);
    classes_finish(&b);
    return FF_OK;
}

/* ----------------------------------------------------------------------------------------- BLEU */

enum { ORDERS = 4 };

static int compare_words(const int64_t *a, const int64_t *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Sorted places of all groups of n words: a Shell sort, since qsort cannot know n and the words. */
static int64_t *sorted_groups(const classes *c, int n)
{
    int64_t count = c->n - n + 1;
    int64_t *at = ff_alloc_array((size_t)(count > 0 ? count : 0) + 1, sizeof *at);
    for (int64_t i = 0; i < count; i++)
        at[i] = i;
    for (int64_t gap = count / 2; gap > 0; gap /= 2)
        for (int64_t i = gap; i < count; i++)
            for (int64_t k = i; k >= gap && compare_words(c->at + at[k - gap], c->at + at[k], n) > 0; k -= gap) {
                int64_t swap = at[k];
                at[k] = at[k - gap];
                at[k - gap] = swap;
            }
    return at;
}

/* Groups of n words of b that are in a, each as often as a has it. */
static int64_t matches(const classes *a, const classes *b, int n)
{
    int64_t *of_a = sorted_groups(a, n), *of_b = sorted_groups(b, n), found = 0, i = 0, k = 0;
    while (i < a->n - n + 1 && k < b->n - n + 1) {
        int order = compare_words(a->at + of_a[i], b->at + of_b[k], n);
        found += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    free(of_a);
    free(of_b);
    return found;
}

/* Papineni et al., BLEU (2002), for one sentence: groups of two words and more are smoothed by one (Lin and Och,
 * ORANGE, 2004), so that a short sequence without a common group of four is not 0. */
static double bleu(const classes *reference, const classes *candidate)
{
    if (reference->n == candidate->n &&
        memcmp(reference->at, candidate->at, (size_t)reference->n * sizeof *reference->at) == 0)
        return 1;
    if (!candidate->n || !reference->n)
        return 0;
    double sum = 0;
    for (int n = 1; n <= ORDERS; n++) {
        int64_t all = candidate->n - n + 1;
        double found = (double)matches(reference, candidate, n), total = all > 0 ? (double)all : 0;
        if (n > 1) {
            found++;
            total++;
        }
        if (found == 0)
            return 0;
        sum += log(found / total) / ORDERS;
    }
    double r = (double)reference->n, c = (double)candidate->n;
    return exp(sum + (c < r ? 1 - r / c : 0));
}

static void cut(classes *c, int64_t end)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->at[i] == end)
            c->n = i;
}

static int compare_bleu(const ff_comparator *c, const sample *s, outcome *out)
{
    classes a, b;
    if (both(c, s, &a, &b, out)) {
        if (c->given[END]) {
            cut(&a, (int64_t)c->number[END]);
            cut(&b, (int64_t)c->number[END]);
        }
        outcome_at_least(out, bleu(&a, &b), c->number[MIN]);
    }
    classes_finish(&a);
    classes_finish(&b);
    return FF_OK;
}

static const comparator_kind kinds[] = {
    {"argmax", "argmax:MIN[,axis=A]",
     "the same class at a share MIN of the positions (1); classes along axis A (1 of four axes, else the last)",
     "maps differ", .compare = compare_argmax,
     .parameters = {{"min", PARAMETER_REAL, 1, 0, 1, false},
                    {"axis", PARAMETER_WHOLE, AXIS_BY_RANK, -FF_MAX_RANK, FF_MAX_RANK, false}}},
    {"bleu", "bleu:MIN[,axis=A][,end=ID]",
     "sequences of tokens (ids, or scores with the classes along axis A): BLEU is at least MIN (0.9); ID ends one",
     "sequences differ", .compare = compare_bleu,
     .parameters = {{"min", PARAMETER_REAL, 0.9, 0, 1, false},
                    {"axis", PARAMETER_WHOLE, AXIS_BY_RANK, -FF_MAX_RANK, FF_MAX_RANK, false},
                    {"end", PARAMETER_WHOLE, 0, 0, INT_MAX, false}}},
};
const comparator_family position_comparators = {kinds, FF_COUNT(kinds)};
