/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/decide.h"

#include <stdlib.h>

typedef struct place {
    int image;
    bool wrong;
    float margin;
} place;

static int by_order(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->wrong != y->wrong)
        return x->wrong ? -1 : 1;
    if (!x->wrong && x->margin != y->margin)
        return x->margin < y->margin ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

bool ff_decide_wrong(const ff_labels *source, const ff_label *target, int image, int offset)
{
    return ff_label_wrong(&source->at[image], target, offset);
}

void ff_decide_order(const ff_labels *source, const ff_labels *base, int offset, int *order)
{
    place *p = ff_alloc_array((size_t)base->count + 1, sizeof *p);
    for (int i = 0; i < base->count; i++)
        p[i] = (place){i, ff_decide_wrong(source, &base->at[i], i, offset), base->at[i].margin};
    qsort(p, (size_t)base->count, sizeof *p, by_order);
    for (int i = 0; i < base->count; i++)
        order[i] = p[i].image;
    free(p);
}

typedef struct recent {
    int image, at;
    int64_t last;
} recent;

static int by_last(const void *a, const void *b)
{
    const recent *x = a, *y = b;
    if (x->last != y->last)
        return x->last > y->last ? -1 : 1;
    return x->at - y->at;
}

void ff_decide_recent_first(const int64_t *last, int *order, int n)
{
    recent *r = ff_alloc_array((size_t)n + 1, sizeof *r);
    for (int i = 0; i < n; i++)
        r[i] = (recent){order[i], i, last[order[i]]};
    qsort(r, (size_t)n, sizeof *r, by_last);
    for (int i = 0; i < n; i++)
        order[i] = r[i].image;
    free(r);
}

int ff_decide(const int *order, int count, int limit, ff_wave wave, int (*run)(void *, const int *, int),
              bool (*wrong_at)(void *, int), void *context, ff_decision *out)
{
    ff_decision d = {0};
    while (d.run < count && d.wrong <= limit) {
        int left = count - d.run, n = limit - d.wrong < left ? limit - d.wrong + 1 : left;
        n = n < wave.least ? wave.least : n;
        n = wave.grow && n < d.run / wave.grow ? d.run / wave.grow : n;
        n = n < left ? n : left;
        int rc = run(context, order + d.run, n);
        if (rc != FF_OK)
            return rc;
        for (int i = 0; i < n && d.wrong <= limit; i++)
            d.wrong += wrong_at(context, order[d.run++]);
    }
    d.complete = d.run == count;
    *out = d;
    return FF_OK;
}
