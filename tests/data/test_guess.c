/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guessed preprocessing: real models, and small ones made here that show one trait each. */
#include "fetafix/data.h"
#include "real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void real_models(void **state)
{
    /* What can be told from the file; dev2, dev4 and dev6 were quantised for x/128 - 1, nearly tf. */
    static const struct {
        const char *path;
        double scale;
        int side;
    } models[] = {
        {"dev1_pp_torch_to_tf/source.onnx", 255, 128},
        {"dev1_pp_torch_to_tf/target.onnx", 127.5, 128},
        {"dev2_wb_tf_to_tflite/source.onnx", 127.5, 128},
        {"dev3_pp_id_tss_torch_to_keras/source.onnx", 255, 224},
        {"dev5_cg_lh_tflite_to_keras/source.onnx", 127.5, 224},
        {"dev5_cg_lh_tflite_to_keras/target.onnx", 127.5, 224},
    };
    const char *real = real_data();
    (void)state;
    if (!real)
        skip();
    for (size_t i = 0; i < FF_COUNT(models); i++) {
        char *path = ff_asprintf("%s/cases/%s", real, models[i].path);
        ff_model *m;
        ff_pre p;
        const char *why = NULL;
        assert_int_equal(ff_model_load(path, &m), FF_OK);
        ff_pre_guess(m, &p, &why);
        int side = p.shorter ? p.crop_width : p.width;
        if (p.scale != models[i].scale || side != models[i].side || !why || !*why)
            fail_msg("%s: scale %g side %d because %s", models[i].path, p.scale, side, why);
        ff_model_unref(m);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
