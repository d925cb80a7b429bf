/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Localisation against the truth: random networks converted in random styles, without and with
 * seeded faults. `simulate N SEED` runs N conversions without a fault and N with one to three,
 * prints precision and recall by type and every conversion that falls short with its seed, and
 * fails when one does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

#define PICTURES    6
#define MOST_FAULTS 3

typedef struct tally {
    int seeded, found, reported, right; /* recall: found/seeded; precision: right/reported */
} tally;

static tally tallies[FF_FAULT_TYPES];
static int n_latent; /* seeded, but no sample shows them */
static int fell_short;

static bool matches(const ff_finding *f, const seeded_fault *s)
{
    if (!strstr(s->types, ff_fault_type_name(f->type)))
        return false;
    /* The input and the outputs of the graph are no layers. */
    return !*s->layer || !strcmp(s->what, "output added") || conversion_at_layer(f, s->layer);
}

/* The type it should have, by preference. */
static int type_of(const seeded_fault *s)
{
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        const char *name = ff_fault_type_name((ff_fault_type)t);
        if (!strncmp(s->types, name, strlen(name)))
            return t;
    }
    return FF_CG;
}

/* Seeded, and shown by no sample: said to be latent, which is right. */
static bool is_latent(const ff_sames *sames, const seeded_fault *s)
{
    for (int i = 0; i < sames->count; i++) {
        const ff_same *e = &sames->at[i];
        ff_finding place = {.n_source_nodes = e->n_source_nodes,
                            .n_target_nodes = e->n_target_nodes,
                            .source_nodes = e->source_nodes,
                            .target_nodes = e->target_nodes};
        if ((strcmp(e->rule, "latent") == 0 || strcmp(e->rule, "tested") == 0) && conversion_at_layer(&place, s->layer))
            return true;
    }
    return false;
}

static void judge(uint64_t seed, const ff_findings *findings, const ff_sames *sames, const seeded_fault *faults,
                  int n_faults)
{
    bool short_here = false;
    for (int k = 0; k < n_faults; k++) {
        int found = 0, own = 0;
        for (int i = 0; i < findings->count; i++) {
            bool others = false;
            for (int m = 0; m < n_faults; m++)
                others = others || (m != k && matches(&findings->at[i], &faults[m]));
            found += matches(&findings->at[i], &faults[k]);
            own += matches(&findings->at[i], &faults[k]) && !others;
        }
        if (own > 1 && *faults[k].layer && strcmp(faults[k].what, "output added") != 0) {
            printf("seed %llu: %d findings for one: %s '%s'\n", (unsigned long long)seed, own, faults[k].what,
                   faults[k].layer);
            for (int i = 0; i < findings->count; i++)
                if (matches(&findings->at[i], &faults[k]))
                    printf("    %s %s\n", ff_fault_type_name(findings->at[i].type), findings->at[i].summary);
            short_here = true;
        }
        if (!found && is_latent(sames, &faults[k])) {
            n_latent++;
            continue;
        }
        tallies[type_of(&faults[k])].seeded++;
        tallies[type_of(&faults[k])].found += found > 0;
        if (!found) {
            printf("seed %llu: not found: %s %s at '%s'\n", (unsigned long long)seed, faults[k].types, faults[k].what,
                   faults[k].layer);
            for (int m = 0; m < n_faults; m++)
                printf("    seeded: %s '%s'\n", faults[m].what, faults[m].layer);
            short_here = true;
        }
    }
    for (int i = 0; i < findings->count; i++) {
        bool right = false;
        for (int k = 0; k < n_faults && !right; k++)
            right = matches(&findings->at[i], &faults[k]);
        tallies[findings->at[i].type].reported++;
        tallies[findings->at[i].type].right += right;
        if (!right) {
            printf("seed %llu: no fault: %s %s\n", (unsigned long long)seed, ff_fault_type_name(findings->at[i].type),
                   findings->at[i].summary);
            for (int k = 0; k < n_faults; k++)
                printf("    seeded: %s '%s'\n", faults[k].what, faults[k].layer);
            short_here = true;
        }
    }
    fell_short += short_here;
}

static int simulate(uint64_t seed, int most_faults, const ff_dataset *set)
{
    ff_rng r = {seed * 2 + (most_faults > 0)};
    network *n = network_random(ff_rng_next(&r)), *converted = network_copy(n);
    style source = style_random(&r, n->least_opset, true), target = style_random(&r, n->least_opset, false);
    seeded_fault faults[MOST_FAULTS];
    int n_faults = 0, wanted = most_faults ? 1 + (int)ff_rng_below(&r, (uint64_t)most_faults) : 0;
    bool *used = ff_alloc_array((size_t)n->n_layers, sizeof *used);
    ff_findings *findings = NULL;
    ff_sames *sames = NULL;

    if (wanted || ff_rng_below(&r, 2))
        network_fold(converted);
    for (int tries = 0; n_faults < wanted && tries < 50; tries++)
        n_faults += fault_random(n, converted, &target, &r, used, &faults[n_faults]);

    ff_subject *subject = conversion_subject(n, &source, converted, &target, set);
    int status = subject ? ff_localize(subject, NULL, &findings, &sames) : FF_ERR_INTERNAL;
    if (status == FF_OK) {
        judge(seed, findings, sames, faults, n_faults);
    } else {
        printf("seed %llu: %s\n", (unsigned long long)seed, ff_error());
        fell_short++;
    }
    ff_findings_destroy(findings);
    ff_sames_destroy(sames);
    ff_subject_destroy(subject);
    free(used);
    network_destroy(n);
    network_destroy(converted);
    return status;
}

int main(int argc, char **argv)
{
    int64_t count = 40, first = 1;
    if (argc > 3 || (argc > 1 && !ff_parse_int(argv[1], &count)) || (argc > 2 && !ff_parse_int(argv[2], &first))) {
        fprintf(stderr, "usage: simulate [N [SEED]]\n");
        return 2;
    }
    ff_dataset *set = conversion_pictures(PICTURES);
    for (int64_t i = 0; set && i < count; i++)
        simulate((uint64_t)(first + i), 0, set);
    int without = fell_short;
    for (int64_t i = 0; set && i < count; i++)
        simulate((uint64_t)(first + i), MOST_FAULTS, set);
    printf("%lld conversions without a fault: %d with a finding\n", (long long)count, without);
    printf("%lld conversions with faults: %d fall short\n", (long long)count, fell_short - without);
    printf("type  seeded  found  recall  reported  right  precision\n");
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        const tally *y = &tallies[t];
        if (y->seeded || y->reported)
            printf("%-4s  %6d  %5d  %5.1f%%  %8d  %5d  %8.1f%%\n", ff_fault_type_name((ff_fault_type)t), y->seeded,
                   y->found, y->seeded ? 100.0 * y->found / y->seeded : 100.0, y->reported, y->right,
                   y->reported ? 100.0 * y->right / y->reported : 100.0);
    }
    ff_dataset_destroy(set);
    conversion_remove_pictures();
    return !set || fell_short ? 1 : 0;
}
