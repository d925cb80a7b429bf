/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paper_table.c: the paper's Table 2 and 3, measured here. `paper-table FETAFIX FOLDER [--small] [N ...]` builds the
 * fifteen conversions (or those numbered), repairs each with `FETAFIX repair` and prints a row for it beside the
 * paper's; then, for each network, its conversions ranked by `FETAFIX compare` and against each other by `FETAFIX
 * matrix` (with a heat map, FOLDER/matrix-N.html). Exit code 1 when a conversion keeps a discrepancy, or what
 * was localised and repaired is not what was put in.
 *
 * The paper's counts hold what is no fault here, and is listed as equivalent: rounding of biases below 1e-6 (a third of its
 * WB), defaults that are written or not (LH), normalisation as Mul and Add (CG).
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gsl/gsl_errno.h>
#include <jansson.h>

#include "paper.h"
#include "pictures.h"

extern char **environ;

static const char *const types[] = {"PP", "ID", "TSS", "WB", "LH", "CG"};

static int count_type(json_t *faults, const char *type, const char *status)
{
    int n = 0;
    size_t i;
    json_t *fault;
    json_array_foreach(faults, i, fault)
    {
        n += !strcmp(json_string_value(json_object_get(fault, "type")), type) &&
             (!status || !strcmp(json_string_value(json_object_get(fault, "status")), status));
    }
    return n;
}

/* "PP 1/1 WB 96/96": localised and repaired by type. True when each is what was put in, neither more nor less, and
 * repaired. */
static bool print_faults(json_t *faults, json_t *injected, ff_buf *out)
{
    bool fine = true;
    for (size_t t = 0; t < FF_COUNT(types); t++) {
        int localised = count_type(faults, types[t], NULL), repaired = count_type(faults, types[t], "repaired");
        int real = count_type(injected, types[t], NULL);
        if (localised)
            ff_buf_printf(out, "%s%s %d/%d", out->len ? " " : "", types[t], localised, repaired);
        if (localised != real)
            ff_buf_printf(out, "%s(%s %d put in)", out->len ? " " : "", types[t], real);
        fine &= localised == real && repaired == real;
    }
    return fine;
}

/* How many different labels the Source gives: the second field of the lines. */
static int count_labels(const char *path)
{
    ff_map *labels = ff_map_create();
    char *text = NULL;
    size_t size;
    if (ff_read_file(path, 64 << 20, &text, &size) == FF_OK) {
        char *line = strchr(text, '\n');
        while (line && *++line) {
            char *label = line + strcspn(line, ",\n"), *end;
            label += *label == ',';
            end = label + strcspn(label, ",\n");
            line = strchr(end, '\n');
            *end = '\0';
            ff_map_put(labels, label, text);
        }
    }
    int n = (int)ff_map_size(labels);
    ff_map_destroy(labels, NULL);
    free(text);
    return n;
}

static int spawn(char *const argv[], bool silent)
{
    pid_t pid;
    int status;
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    if (silent)
        posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
    int failed = posix_spawn(&pid, argv[0], &quiet, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (failed || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Repairs conversion i and prints its row; true when nothing is left. */
static bool measure(int i, const char *fetafix, const char *folder)
{
    const paper_row *row = paper_row_at(i);
    const char *source_pre, *target_pre;
    paper_preprocessing(i, &source_pre, &target_pre);
    char *source = ff_asprintf("%s/%02d/source.onnx", folder, i + 1);
    char *target = ff_asprintf("%s/%02d/target.onnx", folder, i + 1);
    char *repaired = ff_asprintf("%s/%02d/repaired.onnx", folder, i + 1);
    char *report = ff_asprintf("%s/%02d/report.json", folder, i + 1);
    char *images = ff_asprintf("%s/images.txt", folder), *validate = ff_asprintf("%s/validate.txt", folder);
    char *labels = ff_asprintf("%s/%02d/labels.csv", folder, i + 1);
    char *built = ff_asprintf("%s/%02d/case.json", folder, i + 1);
    const char *argv[] = {fetafix,      "repair",  source,         target,     "--images",     images,
                          "--validate", validate,  "--source-pre", source_pre, "--target-pre", target_pre,
                          "-o",         repaired,  "--json",       report,     "--labels-csv", labels,
                          "--force",    "--quiet", "--no-config",  NULL};
    int64_t start = ff_now_ns();
    int code = spawn((char *const *)argv, true);
    double seconds = (double)(ff_now_ns() - start) / 1e9;
    json_t *root = json_load_file(report, 0, NULL), *build = json_load_file(built, 0, NULL);
    bool fine = false;
    if (code > 1 || code < 0 || !root) {
        printf("%2d  %-12s %-16s failed with exit code %d\n", i + 1, row->network, row->conversion, code);
    } else {
        ff_buf faults = {0};
        json_t *discrepancy = json_object_get(root, "discrepancy"), *validation = json_object_get(root, "validation");
        double n = (double)json_integer_value(json_object_get(root, "images"));
        double initial = 100 * (double)json_integer_value(json_object_get(discrepancy, "initial")) / n;
        double final = 100 * (double)json_integer_value(json_object_get(discrepancy, "final")) / n;
        bool all = print_faults(json_object_get(root, "faults"), json_object_get(build, "injected_faults"), &faults);
        int left = (int)json_integer_value(json_object_get(validation, "final"));
        printf("%2d  %-12s %-16s %-30s %6d  %6.2f%% -> %5.2f%%  %3d -> %3d  %6.1f s  | %-32s %6.2f%% -> %.2f%%\n",
               i + 1, row->network, row->conversion, faults.data ? faults.data : "", count_labels(labels), initial,
               final, (int)json_integer_value(json_object_get(validation, "initial")), left, seconds, row->localised,
               row->initial, row->final);
        fine = final == 0 && left == 0 && all;
        ff_buf_finish(&faults);
    }
    fflush(stdout);
    json_decref(root);
    json_decref(build);
    free(labels);
    free(built);
    free(source);
    free(target);
    free(repaired);
    free(report);
    free(images);
    free(validate);
    return fine;
}

/* One network's conversions: which is nearest to its Source, and which agree. False: a command failed. */
static bool print_many(int which, const bool *chosen, const char *fetafix, const char *folder)
{
    char *models[PAPER_CONVERSIONS + 1] = {NULL}; /* the Source first */
    char *images = ff_asprintf("%s/images.txt", folder), *page = ff_asprintf("%s/matrix-%d.html", folder, which + 1);
    const char *title = "";
    int n = 0;
    for (int i = 0; i < PAPER_CONVERSIONS; i++) {
        const char *source_pre, *target_pre;
        if (!chosen[i] || paper_network(i) != which)
            continue;
        paper_preprocessing(i, &source_pre, &target_pre);
        if (n == 0)
            models[n++] = ff_asprintf("%s/%02d/source.onnx@%s", folder, i + 1, source_pre);
        models[n++] = ff_asprintf("%s/%02d/target.onnx@%s", folder, i + 1, target_pre);
        title = paper_row_at(i)->network;
    }
    bool fine = true;
    for (int matrix = 0; matrix < 2 && n > 2; matrix++) {
        const char *argv[PAPER_CONVERSIONS + 12] = {fetafix, matrix ? "matrix" : "compare"};
        int k = 2;
        for (int i = 0; i < n; i++)
            argv[k++] = models[i];
        const char *const rest[] = {"--images", images, "--quiet", "--force", matrix ? "--report" : NULL, page};
        for (size_t i = 0; i < FF_COUNT(rest) && rest[i]; i++)
            argv[k++] = rest[i];
        printf("\n%s, network %d: %s\n", title, which + 1, matrix ? "who agrees with whom" : "ranking");
        fflush(stdout);
        int code = spawn((char *const *)argv, false);
        fine &= code == 0 || code == 1;
    }
    for (int i = 0; i < n; i++)
        free(models[i]);
    free(images);
    free(page);
    return fine;
}

int main(int argc, char **argv)
{
    const paper_scale *scale = &paper_full;
    bool chosen[PAPER_CONVERSIONS] = {false}, any = false, usage = argc < 3;
    for (int i = 3; i < argc; i++) {
        int64_t number;
        if (!strcmp(argv[i], "--small"))
            scale = &paper_small;
        else if (ff_parse_int(argv[i], &number) && number >= 1 && number <= PAPER_CONVERSIONS)
            chosen[number - 1] = any = true;
        else
            usage = true;
    }
    if (usage) {
        fprintf(stderr, "usage: paper-table FETAFIX FOLDER [--small] [N ...]\n");
        return 2;
    }
    gsl_set_error_handler_off();
    network *cache[PAPER_NETWORKS] = {NULL};
    int status = make_folder(argv[2]), left = 0;
    if (status == FF_OK)
        status = write_pictures(argv[2], "images", scale->pictures);
    if (status == FF_OK)
        status = write_pictures(argv[2], "validate", scale->pictures);
    printf(
        " #  network      conversion       localised/repaired             labels  discrepancy         validation       "
        "time  | the paper (56 to 4706 s a row)\n");
    for (int i = 0; i < PAPER_CONVERSIONS && status == FF_OK; i++) {
        chosen[i] |= !any;
        if (!chosen[i])
            continue;
        status = paper_write(i, scale, cache, argv[2]);
        if (status == FF_OK)
            left += !measure(i, argv[1], argv[2]);
    }
    for (int k = 0; k < PAPER_NETWORKS; k++) {
        if (status == FF_OK)
            left += !print_many(k, chosen, argv[1], argv[2]);
        network_destroy(cache[k]);
    }
    if (status != FF_OK)
        fprintf(stderr, "paper-table: %s\n", ff_error());
    return status != FF_OK ? ff_exit_code(status) : left > 0;
}
