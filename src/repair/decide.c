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
    return target->top[0] < 0 || target->top[0] + offset != source->at[image].top[0];
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

int ff_decide(const int *order, int count, int limit, int wave, int (*run)(void *, const int *, int),
              bool (*wrong_at)(void *, int), void *context, ff_decision *out)
{
    ff_decision d = {0};
    while (d.run < count && d.wrong <= limit) {
        int n = count - d.run < wave ? count - d.run : wave;
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
