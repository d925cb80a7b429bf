/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where does the error begin? `ranking N SEED` puts one faulty layer into each of N random networks
 * and counts how often each column of the layer analysis has that layer first; fails when the
 * isolated column does not always, or when bisection stops at another layer. Kruskal-Wallis is only
 * asked where some labels differ and some do not, as it compares the two groups.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

#define PICTURES 40

typedef struct ranking {
    const char *name;
    int asked, first;
} ranking;

static ranking columns[] = {{"isolated"}, {"entire"}, {"causal"}, {"Kruskal-Wallis"}};
static ranking bisected = {"bisection"};

static double value(const ff_layer_score *s, int column)
{
    return column == 0 ? s->isolated : column == 1 ? s->entire : column == 2 ? s->causal : s->kw;
}

/* The pair with the largest value; the first in the network of those that are equal. */
static int first_of(const ff_layer_scores *scores, int column)
{
    int best = -1;
    for (int i = 0; i < scores->count; i++) {
        double v = value(&scores->at[i], column);
        if (!isnan(v) && (best < 0 || v > value(&scores->at[best], column)))
            best = i;
    }
    return best;
}

static bool is_layer(const ff_subject *s, const ff_layer_score *score, const char *where)
{
    const ff_cnode *n = &s->source.canon->nodes[s->alignment->pairs[score->pair].source];
    return conversion_names_layer(n->origins, n->n_origins, where);
}

/* Faults inside a core layer. */
static const char *const faults[] = {"int8 per tensor",   "int8 per channel", "int8 saturated", "bias lost",
                                     "channels permuted", "kernel turned",    "noise",          "mean forgotten",
                                     "root forgotten",    "other statistics", "pads shifted"};

/* Do the models part in the faulty layer? A fault too small to be seen on that image is not asked for. */
static bool try_bisection(uint64_t seed, const ff_subject *s, const seeded_fault *fault)
{
    ff_divergence d;
    if (ff_bisect(s, NULL, &d) != FF_OK) {
        printf("seed %llu: %s\n", (unsigned long long)seed, ff_error());
        return false;
    }
    if (!d.found)
        return s->wrong == 0;
    int node = d.pair >= 0 ? s->alignment->pairs[d.pair].source : -1;
    const ff_cnode *n = node >= 0 ? &s->source.canon->nodes[node] : NULL;
    bool right = n && conversion_names_layer(n->origins, n->n_origins, fault->layer);
    bisected.asked++;
    bisected.first += right;
    if (!right)
        printf("seed %llu: %s at '%s', the models part at '%s'\n", (unsigned long long)seed, fault->what, fault->layer,
               n && n->primary ? n->primary->label : "the input");
    return right;
}

/* False when the analysis failed or the isolated column is wrong. */
static bool try_one(uint64_t seed, const ff_dataset *set)
{
    ff_rng r = {seed};
    network *n = network_random(ff_rng_next(&r)), *converted = network_copy(n);
    style source = style_random(&r, n->least_opset, true), target = style_random(&r, n->least_opset, false);
    bool *used = ff_alloc_array((size_t)n->n_layers, sizeof *used), good = true;
    seeded_fault fault = {NULL};
    ff_layer_scores *scores = NULL;
    ff_subject *s = NULL;

    network_fold(converted);
    while (!fault_seed(faults[ff_rng_below(&r, FF_COUNT(faults))], n, converted, &target, &r, used, &fault))
        ;
    s = conversion_subject(n, &source, converted, &target, set);
    if (!s || ff_analyse(s, &(ff_analysis_options){.causal = true, .core_ops = "Conv,ConvTranspose,Gemm,Affine"}, NULL,
                         &scores) != FF_OK) {
        printf("seed %llu: %s\n", (unsigned long long)seed, ff_error());
        good = false;
        goto out;
    }
    good = try_bisection(seed, s, &fault);
    bool mixed = s->wrong > 0 && s->wrong < s->target.labels->count;
    for (int c = 0; c < (int)FF_COUNT(columns); c++) {
        if ((c == 2 && !s->wrong) || (c == 3 && !mixed))
            continue;
        int first = first_of(scores, c);
        bool right = first >= 0 && is_layer(s, &scores->at[first], fault.layer);
        columns[c].asked++;
        columns[c].first += right;
        if (c == 0 && !right) {
            printf("seed %llu: %s at '%s' is not first", (unsigned long long)seed, fault.what, fault.layer);
            for (int i = 0; i < scores->count; i++)
                if (i == first || is_layer(s, &scores->at[i], fault.layer))
                    printf("; %g at '%s'", scores->at[i].isolated,
                           s->source.canon->nodes[s->alignment->pairs[scores->at[i].pair].source].origins[0]->label);
            printf("\n");
            good = false;
        }
    }
out:
    ff_layer_scores_destroy(scores);
    ff_subject_destroy(s);
    free(used);
    network_destroy(n);
    network_destroy(converted);
    return good;
}

int main(int argc, char **argv)
{
    int64_t count = 20, first = 1;
    int failed = 0;
    if (argc > 3 || (argc > 1 && !ff_parse_int(argv[1], &count)) || (argc > 2 && !ff_parse_int(argv[2], &first))) {
        fprintf(stderr, "usage: ranking [N [SEED]]\n");
        return 2;
    }
    ff_dataset *set = conversion_pictures(PICTURES);
    for (int64_t i = 0; set && i < count; i++)
        failed += !try_one((uint64_t)(first + i), set);
    printf("the faulty layer comes first in the column\n");
    for (size_t c = 0; c < FF_COUNT(columns); c++)
        printf("  %-14s  %4d of %4d  %5.1f%%\n", columns[c].name, columns[c].first, columns[c].asked,
               columns[c].asked ? 100.0 * columns[c].first / columns[c].asked : 100.0);
    printf("  %-14s  %4d of %4d\n", bisected.name, bisected.first, bisected.asked);
    ff_dataset_destroy(set);
    conversion_remove_pictures();
    return !set || failed ? 1 : 0;
}
