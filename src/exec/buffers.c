/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in a runner's arena each representation lies. Two that are never alive together may share
 * bytes; best fit among the gaps, in the order of the steps.
 */
#include "exec/plan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

typedef struct block {
    size_t offset, size;
    int until; /* last step that needs it */
} block;

/* The value whose bytes a representation shows. */
static int root_of(const ff_plan *p, int value, int r)
{
    while (r >= 0 && r < p->values[value].n_reps && p->values[value].reps[r].kind == REP_ALIAS) {
        const rep *x = &p->values[value].reps[r];
        value = x->value;
        r = x->rep;
    }
    return value;
}

static void find_last_uses(ff_plan *p)
{
    for (int i = 0; i < p->n_values; i++)
        p->values[i].last_use = p->values[i].wanted ? INT_MAX : -1;
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const step *s = &p->steps[i];
        int until = i;
        for (int o = 0; o < s->n_out; o++) {
            if (s->out[o].value < 0)
                continue;
            pvalue *x = &p->values[s->out[o].value];
            if (x->last_use < i)
                x->last_use = i;
            if ((s->kind == STEP_VIEW || s->kind == STEP_RESHAPE) && x->last_use > until)
                until = x->last_use;
        }
        for (int k = 0; k < s->n_in + s->n_captures; k++)
            if (s->in[k].value >= 0 && p->values[s->in[k].value].last_use < until)
                p->values[s->in[k].value].last_use = until;
    }
}

/* The first gap of the best size; at the end when none fits. blocks are sorted by offset. */
static size_t best_gap(const block *blocks, size_t n, size_t size, size_t *at)
{
    size_t best = SIZE_MAX, offset = 0, from = 0;

    for (size_t i = n > 4096 ? n : 0; i < n; i++) {
        size_t gap = blocks[i].offset - from;
        if (blocks[i].offset > from && gap >= size && gap < best) {
            best = gap;
            offset = from;
            *at = i;
        }
        if (blocks[i].offset + blocks[i].size > from)
            from = blocks[i].offset + blocks[i].size;
    }
    if (best != SIZE_MAX)
        return offset;
    *at = n;
    for (size_t i = n > 4096 ? n - 1 : n; i < n; i++)
        from = blocks[i].offset + blocks[i].size;
    return from;
}

static int no_room(const ff_plan *p, size_t bytes)
{
    const pvalue *largest = NULL;
    size_t most = 0;

    for (int i = 0; i < p->n_values; i++)
        for (int r = 0; r < p->values[i].n_reps; r++)
            if (p->values[i].value && p->values[i].reps[r].bytes > most) {
                most = p->values[i].reps[r].bytes;
                largest = &p->values[i];
            }
    return ff_fail(FF_ERR_GRAPH, "running the model would need %.1f GiB, most of it around '%s'",
                   (double)bytes / (1 << 30), largest ? largest->value->name : "");
}

/* The sum may be written over the residual when nobody needs that any more and the convolution does
 * not read it as its source, too. */
static bool can_overwrite(const ff_plan *p, int at)
{
    const step *s = &p->steps[at];

    if (s->kind != STEP_CONV || s->in[1].value < 0)
        return false;
    const pvalue *r = &p->values[s->in[1].value];
    return r->reps[s->in[1].rep].kind == REP_BUFFER && r->last_use == at && !r->wanted &&
           root_of(p, s->in[0].value, s->in[0].rep) != s->in[1].value &&
           r->reps[s->in[1].rep].bytes == p->values[s->out[0].value].reps[s->out[0].rep].bytes;
}

int plan_place_buffers(ff_plan *p)
{
    block *blocks = NULL;
    size_t n = 0, capacity = 0;
    int code = FF_OK;

    find_last_uses(p);
    for (int i = -1; i < p->n_steps && code == FF_OK; i++) {
        /* What ended before this step makes room. */
        size_t left = 0;
        for (size_t k = 0; k < n; k++)
            if (blocks[k].until >= i)
                blocks[left++] = blocks[k];
        n = left;
        const step *s = i >= 0 ? &p->steps[i] : NULL;
        if (s && s->prim && s->prim->scratch_bytes > p->scratch_bytes)
            p->scratch_bytes = s->prim->scratch_bytes;
        int n_out = s ? s->n_out : p->n_inputs;
        for (int o = 0; o < n_out; o++) {
            int value = s ? s->out[o].value : p->inputs[o];
            if (value < 0)
                continue;
            pvalue *x = &p->values[value];
            for (int r = 0; r < x->n_reps; r++) {
                rep *y = &x->reps[r];
                size_t size = (y->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, at;
                if (y->kind != REP_BUFFER || y->placed)
                    continue;
                y->placed = true;
                if (s && r == s->out[o].rep && can_overwrite(p, i)) {
                    const rep *over = &p->values[s->in[1].value].reps[s->in[1].rep];
                    for (size_t k = 0; k < n; k++)
                        if (blocks[k].offset == over->offset)
                            blocks[k].until = x->last_use;
                    y->offset = over->offset;
                    p->steps[i].in_place = true;
                    continue;
                }
                y->offset = best_gap(blocks, n, size, &at);
                ff_grow(&blocks, &capacity, n + 1, sizeof *blocks);
                memmove(blocks + at + 1, blocks + at, (n - at) * sizeof *blocks);
                blocks[at] = (block){y->offset, size, x->last_use};
                n++;
                if (y->offset + size > p->arena_bytes)
                    p->arena_bytes = y->offset + size;
                if (p->arena_bytes > p->memory_limit) {
                    code = no_room(p, p->arena_bytes);
                    goto done;
                }
            }
        }
    }
done:
    free(blocks);
    return code;
}
