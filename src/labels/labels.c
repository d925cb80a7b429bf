/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outputs to labels; labels of two models side by side. */
#include "labels/rank.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

ff_labels *ff_labels_create(int count)
{
    ff_labels *l = ff_alloc(sizeof *l);
    l->count = count;
    l->at = ff_alloc_array((size_t)count, sizeof *l->at);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < FF_TOP; k++)
            l->at[i].top[k] = -1;
        l->at[i].top[0] = FF_LABEL_UNKNOWN;
    }
    return l;
}

void ff_labels_destroy(ff_labels *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->count; i++)
        ff_label_drop(&l->at[i]);
    free(l->at);
    free(l->error);
    free(l);
}

/* Is a before b? NaN is below everything; of equals the lower index comes first, which the caller
 * sees to by asking in ascending order. */
static bool above(float a, float b)
{
    return isnan(b) ? !isnan(a) : a > b;
}

static float margin_of(float first, float second)
{
    if (isnan(first))
        return 0;
    if (isnan(second))
        return FLT_MAX;
    float d = first - second; /* infinities: a finite number that JSON and CSV can hold */
    return isnan(d) ? 0 : d > FLT_MAX ? FLT_MAX : d;
}

void rank_values(const ff_tensor *t, int64_t count, ff_label *out)
{
    const float *direct = t->dtype == FF_FLOAT ? t->data : NULL;
    float best[FF_TOP];
    int n = 0;
    for (int64_t i = 0; i < count && i < INT32_MAX; i++) {
        float v = direct ? direct[i] : (float)ff_tensor_get_real(t, i);
        if (n == FF_TOP && !above(v, best[FF_TOP - 1]))
            continue;
        int k = n < FF_TOP ? n++ : FF_TOP - 1;
        for (; k > 0 && above(v, best[k - 1]); k--) {
            best[k] = best[k - 1];
            out->top[k] = out->top[k - 1];
        }
        best[k] = v;
        out->top[k] = (int)i;
    }
    for (int k = n; k < FF_TOP; k++)
        out->top[k] = -1;
    out->margin = n > 1 ? margin_of(best[0], best[1]) : 0;
}

void ff_label_of(const ff_tensor *output, ff_label *out)
{
    rank_values(output, output->dtype == FF_STRING ? 0 : output->count, out);
}

/* Two images that have no label do not agree. */
static bool labels_differ(const ff_label *source, const ff_label *target, int offset)
{
    return source->top[0] < 0 || target->top[0] < 0 || source->top[0] != target->top[0] + offset;
}

bool ff_label_wrong(const ff_label *source, const ff_label *target, int offset)
{
    return target->verdict != FF_BY_LABEL ? target->verdict == FF_DIFFERS : labels_differ(source, target, offset);
}

static int count(const ff_labels *source, const ff_labels *target, int offset,
                 bool (*wrong)(const ff_label *, const ff_label *, int))
{
    int n = 0;
    for (int i = 0; i < source->count && i < target->count; i++) {
        const ff_label *s = &source->at[i], *t = &target->at[i];
        if (s->top[0] != FF_LABEL_UNKNOWN && t->top[0] != FF_LABEL_UNKNOWN)
            n += wrong(s, t, offset);
    }
    return n;
}

int ff_labels_wrong(const ff_labels *source, const ff_labels *target, int offset)
{
    return count(source, target, offset, ff_label_wrong);
}

int ff_labels_offset(const ff_labels *source, const ff_labels *target)
{
    int64_t d = source->width - target->width;
    if ((d != 1 && d != -1) || source->width == 0 || target->width == 0)
        return 0;
    return count(source, target, (int)d, labels_differ) < count(source, target, 0, labels_differ) ? (int)d : 0;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

int ff_sample(uint64_t seed, const int *ids, int n_ids, int n, int *out)
{
    if (n_ids <= 0 || n <= 0)
        return 0;
    ff_rng r = {seed};
    int *all = ff_alloc_array((size_t)n_ids, sizeof *all);
    memcpy(all, ids, (size_t)n_ids * sizeof *all);
    int taken = n < n_ids ? n : n_ids;
    for (int i = 0; i < taken; i++) {
        int j = i + (int)ff_rng_below(&r, (uint64_t)(n_ids - i)), v = all[j];
        all[j] = all[i];
        all[i] = v;
    }
    qsort(all, (size_t)taken, sizeof *all, compare_ints);
    memcpy(out, all, (size_t)taken * sizeof *out);
    free(all);
    return taken;
}
