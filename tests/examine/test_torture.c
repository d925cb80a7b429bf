/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alignment under hard conditions: no names on either side, other styles, layers written in another
 * order, all weights through int8, a layer missing on one side. The truth comes from the same
 * models written with names, whose nodes have the same numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/align.h"
#include "random.h"

enum { SEEDS = 60 };

static int checked; /* layers */

typedef struct side {
    ff_model *named, *model;
    ff_plan *plan;
    ff_canon *canon;
} side;

static void write_side(const network *n, style s, side *out)
{
    s.names = NAMES_TF;
    if (style_write(n, &s, &out->named) != FF_OK)
        fail_msg("%s", ff_error());
    s.names = NAMES_LOST;
    if (style_write(n, &s, &out->model) != FF_OK ||
        ff_plan_create(out->model, &(ff_plan_options){.observe = true}, &out->plan) != FF_OK ||
        ff_canon_create(out->plan, &out->canon) != FF_OK)
        fail_msg("%s", ff_error());
    assert_int_equal(ff_model_graph(out->named)->n_nodes, ff_model_graph(out->model)->n_nodes);
}

static void drop(side *s)
{
    ff_canon_destroy(s->canon);
    ff_plan_unref(s->plan);
    ff_model_unref(s->model);
    ff_model_unref(s->named);
}

/* The layer that a canonical node stands for: "model/LAYER/..." in the twin. "": none with weights
 * of its own. */
static void layer_of(const side *s, int cnode, char *name, size_t size)
{
    const ff_cnode *n = &s->canon->nodes[cnode];
    const ff_graph *g = ff_model_graph(s->model), *twin = ff_model_graph(s->named);
    bool weights = !strcmp(n->op, "Conv") || !strcmp(n->op, "ConvTranspose") || !strcmp(n->op, "Gemm");
    *name = '\0';
    for (int i = 0; weights && i < g->n_nodes; i++)
        if (g->nodes[i] == n->primary) {
            const char *from = strchr(twin->nodes[i]->label, '/');
            const char *to = from ? strchr(from + 1, '/') : NULL;
            if (to)
                snprintf(name, size, "%.*s", (int)(to - from - 1), from + 1);
        }
}

static bool has_layer(const network *n, const char *name)
{
    for (int i = 0; i < n->n_layers; i++)
        if (!strcmp(n->layers[i].name, name))
            return true;
    return false;
}

/* Another topological order. */
static void shuffle(network *n, ff_rng *r)
{
    int *place = ff_alloc_array((size_t)n->n_layers, sizeof *place);
    layer *old = ff_alloc_array((size_t)n->n_layers, sizeof *old);
    memcpy(old, n->layers, (size_t)n->n_layers * sizeof *old);
    for (int i = 1; i < n->n_layers; i++)
        place[i] = -1;
    for (int at = 1; at < n->n_layers; at++) {
        int ready[64], count = 0;
        for (int i = 1; i < n->n_layers && count < 64; i++) {
            bool fits = place[i] < 0;
            for (int k = 0; k < old[i].n_in; k++)
                fits = fits && place[old[i].in[k]] >= 0;
            if (fits)
                ready[count++] = i;
        }
        int chosen = ready[ff_rng_below(r, (uint64_t)count)];
        place[chosen] = at;
        n->layers[at] = old[chosen];
        for (int k = 0; k < old[chosen].n_in; k++)
            n->layers[at].in[k] = place[old[chosen].in[k]];
    }
    free(place);
    free(old);
}

/* Takes a layer out that keeps the size; its name, or "" when there is none. */
static void take_out(network *n, ff_rng *r, char *name, size_t size)
{
    int found[64], count = 0;
    *name = '\0';
    for (int i = 1; i < n->n_layers && count < 64; i++) {
        const layer *l = &n->layers[i], *from = &n->layers[l->in[0]];
        if (l->kind == LAYER_CONV && l->channels == from->channels && l->height == from->height &&
            l->width == from->width)
            found[count++] = i;
    }
    if (!count)
        return;
    int gone = found[ff_rng_below(r, (uint64_t)count)];
    snprintf(name, size, "%s", n->layers[gone].name);
    for (int i = gone + 1; i < n->n_layers; i++)
        for (int k = 0; k < n->layers[i].n_in; k++)
            if (n->layers[i].in[k] == gone)
                n->layers[i].in[k] = n->layers[gone].in[0];
    /* Nothing reads it any more, and nothing is written for it. */
    n->layers[gone].kind = LAYER_INPUT;
    snprintf(n->layers[gone].name, sizeof n->layers[gone].name, "gone");
}

/* Every layer that both have is paired with itself, every other with none. */
static void check(uint64_t seed, const network *a, const side *s, const network *b, const side *t)
{
    ff_alignment *alignment;
    char x[64], y[64];
    if (ff_align(s->canon, t->canon, NULL, 0, &alignment) != FF_OK)
        fail_msg("%s", ff_error());
    for (int i = 0; i < s->canon->n_nodes; i++) {
        const ff_pair *p = &alignment->pairs[alignment->of_source[i]];
        layer_of(s, i, x, sizeof x);
        *y = '\0';
        if (p->target >= 0)
            layer_of(t, p->target, y, sizeof y);
        checked += *x != '\0';
        if (*x && strcmp(has_layer(b, x) ? x : "", y) != 0)
            fail_msg("seed %d: '%s' is paired with '%s'", (int)seed, x, y);
    }
    for (int i = 0; i < t->canon->n_nodes; i++) {
        const ff_pair *p = &alignment->pairs[alignment->of_target[i]];
        layer_of(t, i, y, sizeof y);
        if (*y && !has_layer(a, y) && p->source >= 0)
            fail_msg("seed %d: '%s' has a counterpart", (int)seed, y);
    }
    ff_alignment_destroy(alignment);
}

static void every_layer_finds_itself(bool quantised, bool missing, bool extra)
{
    checked = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ff_rng r = {seed};
        char gone[64];
        network *a = network_random(seed), *b = network_copy(a);
        network_fold(b);
        if (missing)
            take_out(b, &r, gone, sizeof gone);
        if (extra)
            take_out(a, &r, gone, sizeof gone);
        for (int i = 1; i < b->n_layers && quantised; i++)
            if (b->layers[i].weight)
                fault_int8(&b->layers[i], false);
        /* The last layer is what the network answers: it stays last, as nothing else is without a
         * reader. */
        if (!missing)
            shuffle(b, &r);
        side s = {NULL}, t = {NULL};
        write_side(a, style_random(&r, a->least_opset, true), &s);
        write_side(b, style_random(&r, b->least_opset, true), &t);
        check(seed, a, &s, b, &t);
        drop(&s);
        drop(&t);
        network_destroy(a);
        network_destroy(b);
    }
    assert_true(checked > 6 * SEEDS);
}

static void names_and_order_lost(void **state)
{
    every_layer_finds_itself(false, false, false);
}

static void weights_quantised(void **state)
{
    every_layer_finds_itself(true, false, false);
}

static void layer_missing(void **state)
{
    every_layer_finds_itself(false, true, false);
}

static void layer_extra(void **state)
{
    every_layer_finds_itself(true, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_order_lost),
        cmocka_unit_test(weights_quantised),
        cmocka_unit_test(layer_missing),
        cmocka_unit_test(layer_extra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
