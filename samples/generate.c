/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generate.c: makes the samples. `make-samples FOLDER` draws the pictures, fits the small classifier and
 * writes every case. Deterministic: the same program writes the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <gsl/gsl_errno.h>

#include "case.h"
#include "draw.h"
#include "fit.h"
#include "pictures.h"

#define PICTURES       120
#define VALIDATION     120
#define TRAINING       1200
#define LEAST_ACCURACY 0.9

static int write_names(const char *folder)
{
    ff_buf names = {0};
    for (int c = 0; c < DRAW_CLASSES; c++)
        ff_buf_printf(&names, "%s\n", draw_class_name(c));
    char *path = ff_path_join(folder, "labels.txt");
    int status = ff_write_file(path, names.data, names.len, true);
    ff_buf_finish(&names);
    free(path);
    return status;
}

static int generate(const char *folder)
{
    int status = make_folder(folder);
    if (status == FF_OK)
        status = write_names(folder);
    if (status == FF_OK)
        status = write_pictures(folder, "images", PICTURES);
    if (status == FF_OK)
        status = write_pictures(folder, "validate", VALIDATION);
    if (status != FF_OK)
        return status;

    double accuracy = 0;
    network *n = network_small(DRAW_CLASSES, 2);
    status = network_fit(n, TRAINING);
    if (status == FF_OK)
        status = network_accuracy(n, 240, &accuracy);
    if (status == FF_OK && accuracy < LEAST_ACCURACY)
        status =
            ff_fail(FF_ERR_INTERNAL, "the sample network labels only %.1f%% of unseen pictures right", 100 * accuracy);
    for (int i = 0; status == FF_OK && case_at(i, NULL); i++)
        status = case_write(i, n, folder);
    network_destroy(n);
    if (status == FF_OK)
        printf("samples: %.1f%% of 240 unseen pictures labelled right\n", 100 * accuracy);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') { /* an option is no folder */
        fprintf(stderr, "usage: make-samples FOLDER\n");
        return 2;
    }
    gsl_set_error_handler_off();
    int status = generate(argv[1]);
    if (status != FF_OK)
        fprintf(stderr, "make-samples: %s\n", ff_error());
    return ff_exit_code(status);
}
