/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzz target: a model (or a patch) from arbitrary bytes, indexed, inferred, edited and written.
 *
 *     clang -fsanitize=fuzzer,address -DFETAFIX_FUZZER ...    as a libFuzzer target
 *     fuzz_model FILE...                                      replays files
 *     fuzz_model                                              mutates official models,
 * deterministic (FETAFIX_FUZZ_ROUNDS: times each)
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/model.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, ff_error());
        abort();
    }
}

static void edit(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    ff_patch *p = ff_patch_create(), *inverse;
    ff_model *r, *back;
    int64_t one = 1;
    ff_attr a = {.name = "axes", .type = FF_ATTR_INTS, .n = 1, .ints = &one};

    if (g->n_nodes > 0 && g->nodes[0]->n_outputs > 0 && g->nodes[0]->outputs[0] != NULL)
        ff_patch_set_attr(p, g->nodes[0]->outputs[0]->name, &a);
    ff_patch_remove_dead(p);
    if (ff_model_apply(m, p, &r, &inverse) == FF_OK) {
        require(ff_model_apply(r, inverse, &back, NULL) == FF_OK, "inverse");
        require(ff_key_equal(ff_model_sha256(r), ff_model_sha256(r)), "key");
        ff_patch_destroy(inverse);
        ff_model_unref(back);
        ff_model_unref(r);
    }
    ff_patch_destroy(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ff_model *m, *again;
    ff_patch *p;

    if (ff_model_parse(data, size, NULL, &m) == FF_OK) {
        const ff_graph *g = ff_model_graph(m);
        ff_shape *shapes = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *shapes);
        char *bytes;
        size_t n;
        int code = ff_model_infer(m, NULL, shapes);
        require(code == FF_OK || ff_error()[0] != '\0', "a failure without words");
        for (int i = 0; i < g->n_nodes; i++)
            for (int j = 0; j < g->nodes[i]->n_attrs; j++)
                free(ff_attr_format(&g->nodes[i]->attrs[j]));
        require(ff_model_serialize(m, &bytes, &n) == FF_OK, "serialize");
        require(ff_model_parse(bytes, n, NULL, &again) == FF_OK, "what was written cannot be read");
        ff_model_unref(again);
        edit(m);
        free(bytes);
        free(shapes);
        ff_model_unref(m);
    } else {
        require(ff_error()[0] != '\0' && strchr(ff_error(), '\n') == NULL, "not a one-line message");
    }
    if (ff_patch_parse(data, size, &p) == FF_OK) {
        free(ff_patch_describe(p));
        ff_patch_destroy(p);
    }
    return 0;
}

#ifndef FETAFIX_FUZZER
static void mutate(ff_rng *r, uint8_t *data, size_t *size)
{
    for (uint64_t k = 1 + ff_rng_below(r, 4); k > 0 && *size > 0; k--) {
        size_t at = (size_t)ff_rng_below(r, *size), n;
        switch (ff_rng_below(r, 6)) {
        case 0:
            data[at] ^= (uint8_t)(1u << ff_rng_below(r, 8));
            break;
        case 1:
            data[at] = (uint8_t)ff_rng_next(r);
            break;
        case 2:
            data[at] = ff_rng_below(r, 2) ? 0xff : 0x7f;
            break;
        case 3:
            *size = at;
            break;
        case 4: /* bytes from elsewhere */
            n = (size_t)ff_rng_below(r, 16);
            for (size_t i = 0, from = (size_t)ff_rng_below(r, *size); i < n; i++)
                if (at + i < *size && from + i < *size)
                    data[at + i] = data[from + i];
            break;
        case 5: /* take some out */
            n = (size_t)ff_rng_below(r, 8);
            if (at + n < *size) {
                memmove(data + at, data + at + n, *size - at - n);
                *size -= n;
            }
            break;
        }
    }
}

static int replay(const char *path)
{
    char *data;
    size_t size;

    if (ff_read_file(path, (uint64_t)1 << 30, &data, &size)) {
        fprintf(stderr, "%s\n", ff_error());
        return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("FETAFIX_FUZZ_ROUNDS");
    int rounds = wanted ? atoi(wanted) : 12;
    ff_rng rng = {20 + (uint64_t)rounds};
    int failures = 0, models = 0;
    char *folder = test_onnx_data("node");
    struct dirent **entries;

    for (int i = 1; i < argc; i++)
        failures += replay(argv[i]);
    if (argc > 1 || folder == NULL) {
        free(folder);
        return folder == NULL && argc < 2 ? 77 : failures != 0;
    }
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = ff_asprintf("%s/%s/model.onnx", folder, entries[i]->d_name), *data;
        size_t size;
        if (entries[i]->d_name[0] != '.' && ff_read_file(path, 1 << 16, &data, &size) == FF_OK) {
            models++;
            for (int k = 0; k < rounds; k++) {
                uint8_t *copy = ff_alloc(size + 1); /* its own block, so that overruns are seen */
                size_t length = size;
                memcpy(copy, data, size);
                mutate(&rng, copy, &length);
                copy = ff_realloc_array(copy, length ? length : 1, 1);
                LLVMFuzzerTestOneInput(copy, length);
                free(copy);
            }
            free(data);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    printf("%d models, %d mutations each\n", models, rounds);
    return models < 900;
}
#endif
