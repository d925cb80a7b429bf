/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "small_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHANNELS = 12, LAYERS = 6, CLASSES = 10, IMAGES = 60, SIDE = 16 };

/* ------------------------------------------------------------------------------------ models */

static int weights(ff_rng *rng, int rank, const int64_t *dims, double scale, ff_tensor **out)
{
    int code = ff_tensor_create(FF_FLOAT, rank, dims, out);
    for (int64_t i = 0; !code && i < (*out)->count; i++)
        ff_tensor_set_real(*out, i, scale * ff_rng_normal(rng));
    return code;
}

/* The same numbers with an error of this relative size. */
static int disturb(ff_rng *rng, const ff_tensor *t, double relative, ff_tensor **out)
{
    int code = ff_tensor_create(t->dtype, t->rank, t->dims, out);
    for (int64_t i = 0; !code && i < t->count; i++)
        ff_tensor_set_real(*out, i, ff_tensor_get_real(t, i) * (1 + relative * ff_rng_normal(rng)));
    return code;
}

static void add_node(ff_patch *p, const char *op, const char *name, int n_in, const char *const *in, const char *out,
                     int n_attrs, const ff_attr *attrs)
{
    ff_patch_insert_node(p,
                         &(ff_node_spec){.name = name,
                                         .op = op,
                                         .n_inputs = n_in,
                                         .n_outputs = 1,
                                         .n_attrs = n_attrs,
                                         .inputs = in,
                                         .outputs = &out,
                                         .attrs = attrs},
                         NULL);
}

static int add_tensor(ff_patch *p, const char *name, ff_rng *rng, int rank, const int64_t *dims, double scale)
{
    ff_tensor *t;
    int code = weights(rng, rank, dims, scale, &t);
    if (code)
        return code;
    ff_patch_set_initializer(p, name, t);
    ff_tensor_unref(t);
    return FF_OK;
}

static int add_conv(ff_patch *p, ff_rng *rng, int i, const char *in, char *out, size_t size)
{
    char w[32], b[32], conv[32], name[32];
    int64_t from = i ? CHANNELS : 3, dims[] = {CHANNELS, from, 3, 3};
    const int64_t pads[] = {1, 1, 1, 1}, strides[] = {i % 2 ? 2 : 1, i % 2 ? 2 : 1};
    snprintf(w, sizeof w, "layer%d.weight", i);
    snprintf(b, sizeof b, "layer%d.bias", i);
    snprintf(conv, sizeof conv, "conv%d", i);
    snprintf(name, sizeof name, "Conv_%d", i);
    snprintf(out, size, "relu%d", i);
    int code = add_tensor(p, w, rng, 4, dims, 1.4 / (3 * (i ? 3.5 : 1.7)));
    if (!code)
        code = add_tensor(p, b, rng, 1, dims, 0.1);
    const ff_attr attrs[] = {
        {.name = "pads", .type = FF_ATTR_INTS, .n = 4, .ints = pads},
        {.name = "strides", .type = FF_ATTR_INTS, .n = 2, .ints = strides},
    };
    add_node(p, "Conv", name, 3, (const char *const[]){in, w, b}, conv, 2, attrs);
    add_node(p, "Relu", NULL, 1, (const char *const[]){conv}, out, 0, NULL);
    return code;
}

static int make_source(ff_model **out)
{
    ff_rng rng = {.state = 20};
    ff_shape input = {.dtype = FF_FLOAT, .rank = 4, .dims = {1, 3, SIDE, SIDE}};
    ff_shape output = {.dtype = FF_FLOAT, .rank = 2, .dims = {1, CLASSES}};
    ff_model *empty = NULL;
    ff_patch *p = ff_patch_create();
    char in[32] = "pixels", next[32];
    int code = ff_model_create("small_case", 7, 13, "net", 1, (const char *const[]){in}, &input, &empty);
    for (int i = 0; !code && i < LAYERS; i++) {
        code = add_conv(p, &rng, i, in, next, sizeof next);
        memcpy(in, next, sizeof in);
    }
    const int64_t dense[] = {CLASSES, CHANNELS};
    add_node(p, "GlobalAveragePool", NULL, 1, (const char *const[]){in}, "pooled", 0, NULL);
    add_node(p, "Flatten", NULL, 1, (const char *const[]){"pooled"}, "flat", 0, NULL);
    const ff_attr trans = {.name = "transB", .type = FF_ATTR_INT, .i = 1};
    if (!code)
        code = add_tensor(p, "dense.weight", &rng, 2, dense, 1.0);
    if (!code)
        code = add_tensor(p, "dense.bias", &rng, 1, dense, 0.02);
    add_node(p, "Gemm", "Gemm_0", 3, (const char *const[]){"flat", "dense.weight", "dense.bias"}, "scores", 1, &trans);
    ff_patch_add_output(p, "scores", &output);
    if (!code)
        code = ff_model_apply(empty, p, out, NULL);
    ff_patch_destroy(p);
    ff_model_unref(empty);
    return code;
}

static int make_target(const ff_model *source, ff_model **out)
{
    ff_rng rng = {.state = 21};
    ff_patch *p = ff_patch_create();
    int code = FF_OK;
    for (int i = 0; !code && i < LAYERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer%d.weight", i);
        const ff_value *v = ff_model_find_value(source, name);
        ff_tensor *t;
        code = disturb(&rng, v->initializer, 0.12, &t);
        if (!code) {
            ff_patch_set_initializer(p, name, t);
            ff_tensor_unref(t);
        }
    }
    if (!code)
        code = ff_model_apply(source, p, out, NULL);
    ff_patch_destroy(p);
    return code;
}

/* ------------------------------------------------------------------------------------ images */

static int make_image(ff_rng *rng, const char *path)
{
    uint8_t rgb[3 * SIDE * SIDE];
    double phase[3], fx[3], fy[3];
    for (int c = 0; c < 3; c++) {
        phase[c] = 255 * ff_rng_real(rng);
        fx[c] = 30 * ff_rng_normal(rng);
        fy[c] = 30 * ff_rng_normal(rng);
    }
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            for (int c = 0; c < 3; c++)
                rgb[3 * (y * SIDE + x) + c] = (uint8_t)(int)(phase[c] + fx[c] * x + fy[c] * y + 20 * ff_rng_real(rng));
        }
    }
    return ff_image_save_png(&(ff_image){SIDE, SIDE, rgb}, path, true);
}

static int make_images(const char *folder, const char *name, uint64_t seed, int n)
{
    ff_rng rng = {.state = seed};
    ff_buf list = {0};
    char *photos = ff_path_join(folder, name);
    mkdir(photos, 0777);
    int code = FF_OK;
    for (int i = 0; !code && i < n; i++) {
        char *path = ff_asprintf("%s/%03d.png", photos, i);
        code = make_image(&rng, path);
        ff_buf_printf(&list, "%s/%03d.png\n", name, i);
        free(path);
    }
    char *lines = ff_asprintf("%s.txt", photos);
    if (!code)
        code = ff_write_file(lines, list.data, list.len, true);
    ff_buf_finish(&list);
    free(lines);
    free(photos);
    return code;
}

int small_case_make(const char *folder)
{
    ff_model *source = NULL, *target = NULL;
    char *source_path = ff_path_join(folder, "source.onnx");
    char *target_path = ff_path_join(folder, "target.onnx");
    int code = make_source(&source);
    if (!code)
        code = make_target(source, &target);
    if (!code)
        code = ff_model_save(source, source_path, true);
    if (!code)
        code = ff_model_save(target, target_path, true);
    if (!code)
        code = make_images(folder, "photos", 22, IMAGES);
    if (!code)
        code = make_images(folder, "validation", 23, IMAGES / 2);
    ff_model_unref(source);
    ff_model_unref(target);
    free(source_path);
    free(target_path);
    return code;
}
