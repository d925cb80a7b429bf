/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The official models exported by PyTorch: each has a view that computes what the model computes.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"

#define ROOT "/usr/share/libonnx-testdata/data"

static bool real_inputs(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    for (int i = 0; i < g->n_inputs; i++)
        if (g->inputs[i]->declared.dtype != FF_FLOAT)
            return false;
    return g->n_inputs <= 8 && g->n_outputs <= 16;
}

/* 1 when it was compared, -1 when it came out wrong. */
static int check(const char *path)
{
    ff_model *m = NULL;
    if (ff_model_load(path, &m))
        return 0;
    ff_canon *c = canon_of_model(m);
    int result = 0, compared;
    if (!c) {
        print_error("%s: %s\n", path, ff_error());
        result = -1;
    } else if (real_inputs(m)) {
        double error = canon_error(m, c, 3, &compared);
        result = error < 1e-4 ? 1 : -1;
        /* Attributes of before opset 7 that later operators lost: the view cannot be written down to be run. */
        if (error != error && ff_model_opset(m, "") < 7)
            result = 0;
        if (result < 0)
            print_error("%s: error %g %s\n", path, error, error == error ? "" : ff_error());
    }
    ff_canon_destroy(c);
    ff_model_unref(m);
    return result;
}

static void exported_models(void **state)
{
    static const char *const folders[] = {ROOT "/pytorch-converted", ROOT "/pytorch-operator"};
    int good = 0, bad = 0;
    (void)state;
    for (size_t i = 0; i < FF_COUNT(folders); i++) {
        DIR *d = opendir(folders[i]);
        if (!d)
            skip();
        for (struct dirent *e; (e = readdir(d));) {
            if (e->d_name[0] == '.')
                continue;
            char *folder = ff_path_join(folders[i], e->d_name), *path = ff_path_join(folder, "model.onnx");
            int r = check(path);
            good += r > 0;
            bad += r < 0;
            free(folder);
            free(path);
        }
        closedir(d);
    }
    assert_int_equal(bad, 0);
    assert_true(good > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exported_models)};
    return cmocka_run_group_tests_name("canonical views of official models", tests, NULL, NULL);
}
