/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "style.h"

#include <stdlib.h>
#include <string.h>

#include "writer.h"

static const struct {
    const char *name;
    style style;
} styles[] = {
    {"torch", {.producer = "pytorch 1.13.1", .opset = 13, .ir_version = 7, .names = NAMES_TORCH, .softmax = false}},
    {"tf2onnx",
     {.producer = "tf2onnx 1.14.0",
      .opset = 13,
      .ir_version = 7,
      .names = NAMES_TF,
      .input = INPUT_NHWC,
      .pads = PADS_AUTO,
      .clip = CLIP_MIN_MAX,
      .bias = BIAS_ADD,
      .pool = POOL_REDUCE_MEAN,
      .flat = FLAT_SQUEEZE,
      .dense = DENSE_MATMUL,
      .softmax = true,
      .symbolic_batch = true}},
    {"keras",
     {.producer = "tf2onnx 1.9.3",
      .opset = 11,
      .ir_version = 6,
      .names = NAMES_TF,
      .input = INPUT_NHWC,
      .pads = PADS_NODE,
      .pool = POOL_GLOBAL,
      .flat = FLAT_SQUEEZE,
      .dense = DENSE_GEMM_PLAIN,
      .softmax = true,
      .symbolic_batch = true}},
    {"tflite",
     {.producer = "tf2onnx 1.14.0",
      .opset = 13,
      .ir_version = 7,
      .names = NAMES_TFLITE,
      .input = INPUT_NHWC,
      .pads = PADS_NODE,
      .norm = NORM_MUL_ADD,
      .clip = CLIP_MIN_MAX,
      .pool = POOL_REDUCE_MEAN,
      .flat = FLAT_RESHAPE,
      .dense = DENSE_CONV,
      .softmax = true}},
    {"onnx-tf",
     {.producer = "tf2onnx 1.14.0",
      .opset = 12,
      .ir_version = 7,
      .names = NAMES_LOST,
      .input = INPUT_NHWC,
      .transposes = TRANSPOSE_AROUND,
      .pads = PADS_NODE,
      .bias = BIAS_ADD,
      .pool = POOL_REDUCE_MEAN,
      .flat = FLAT_RESHAPE,
      .dense = DENSE_MATMUL,
      .weights = WEIGHTS_TRANSPOSE,
      .softmax = true}},
    {"unfolded",
     {.producer = "keras2onnx 1.7.0",
      .opset = 9,
      .ir_version = 5,
      .names = NAMES_TF,
      .input = INPUT_NHWC,
      .pads = PADS_AUTO,
      .norm = NORM_NODE,
      .pool = POOL_AVERAGE,
      .flat = FLAT_FLATTEN,
      .dense = DENSE_MATMUL,
      .weights = WEIGHTS_IDENTITY,
      .softmax = true}},
};

const char *style_at(int i)
{
    return i >= 0 && i < (int)FF_COUNT(styles) ? styles[i].name : NULL;
}

const style *style_find(const char *name)
{
    for (size_t i = 0; i < FF_COUNT(styles); i++)
        if (!strcmp(styles[i].name, name))
            return &styles[i].style;
    return NULL;
}

static void write_outputs(writer *w)
{
    const network *n = w->n;
    const char *x = w->value[n->n_layers - 1];
    if (w->s->softmax) {
        ff_attr axis = int_attr("axis", w->s->opset < 13 ? 1 : -1);
        x = unary(w, "Softmax", w->s->names == NAMES_TORCH ? "/Softmax" : "predictions", x, &axis,
                  !w->s->softmax_default);
    }
    if (w->s->extra_output) {
        const layer *l = &n->layers[w->s->extra_output];
        ff_shape shape = {FF_FLOAT, 4, {-1, l->channels, l->height, l->width}};
        if (w->nhwc[w->s->extra_output])
            shape = (ff_shape){FF_FLOAT, 4, {-1, l->height, l->width, l->channels}};
        ff_patch_add_output(w->patch, w->value[w->s->extra_output], &shape);
    }
    const layer *last = &n->layers[n->n_layers - 1];
    int64_t batch = w->s->calibrate_batch ? w->s->calibrate_batch : w->s->symbolic_batch ? -1 : 1;
    ff_shape shape = {FF_FLOAT, 2, {batch, last->channels}};
    if (last->kind != LAYER_DENSE)
        shape = (ff_shape){FF_FLOAT, 4, {batch, last->channels, last->height, last->width}};
    ff_patch_add_output(w->patch, x, &shape);
}

/* Values that ImageNet's mean and deviation were taken from, as ones between -1 and 1: channel by channel. */
static const char *write_normalisation(writer *w, const layer *image, const char *x)
{
    static const float mean[] = {0.485F, 0.456F, 0.406F}, deviation[] = {0.229F, 0.224F, 0.225F};
    const char *channels[3];
    ff_attr axis = int_attr("axis", 1), axes = ints_attr(w, "axes", (int[]){1}, 1);
    for (int c = 0; c < 3; c++) {
        const char *name = say(w, "normalise_%d", c);
        int64_t index = c, one = 1;
        ff_tensor *at = NULL;
        if (ff_tensor_create(FF_INT64, 0, NULL, &at) != FF_OK) {
            w->failed = true;
            return x;
        }
        memcpy(at->data, &index, sizeof index);
        ff_patch_set_initializer(w->patch, say(w, "%s_index", name), at);
        ff_tensor_unref(at);
        const char *in[] = {x, say(w, "%s_index", name)};
        const char *v = node(w, "Gather", name_of(w, image, say(w, "Gather_%d", c)), in, 2, &axis, 1);
        const char *named = name_of(w, image, say(w, "Unsqueeze_%d", c));
        if (w->s->opset < 13)
            v = unary(w, "Unsqueeze", named, v, &axes, 1);
        else
            v = binary(w, "Unsqueeze", named, v, ints_initializer(w, say(w, "%s_axes", name), &one, 1));
        v = binary(w, "Mul", name_of(w, image, say(w, "Mul_%d", c)), v,
                   scalar(w, say(w, "%s_scale", name), deviation[c] / 0.5F));
        channels[c] = binary(w, "Add", name_of(w, image, say(w, "Add_%d", c)), v,
                             scalar(w, say(w, "%s_shift", name), (mean[c] - 0.5F) / 0.5F));
    }
    return node(w, "Concat", name_of(w, image, "Concat"), channels, 3, &axis, 1);
}

int style_write(const network *n, const style *s, ff_model **out)
{
    const layer *image = &n->layers[0];
    int64_t batch = s->calibrate_batch ? s->calibrate_batch : s->symbolic_batch ? -1 : 1;
    ff_shape input = {FF_FLOAT, 4, {batch, image->channels, image->height, image->width}};
    if (s->input_hcw)
        input = (ff_shape){FF_FLOAT, 4, {batch, image->height, image->channels, image->width}};
    else if (s->input == INPUT_NHWC)
        input = (ff_shape){FF_FLOAT, 4, {batch, image->height, image->width, image->channels}};
    const char *input_name = s->names == NAMES_TORCH ? "input" : "input_1:0";

    ff_model *empty = NULL;
    int status = ff_model_create(s->producer, s->ir_version, s->opset, n->name, 1, &input_name, &input, &empty);
    if (status != FF_OK)
        return status;

    writer w = {.n = n, .s = s, .patch = ff_patch_create(), .arena = ff_arena_create()};
    w.value = ff_alloc_array((size_t)n->n_layers, sizeof *w.value);
    w.nhwc = ff_alloc_array((size_t)n->n_layers, sizeof *w.nhwc);
    w.value[0] = input_name;
    if (s->input == INPUT_NHWC) {
        static const int to_nchw[] = {0, 3, 1, 2};
        bool wrong = s->input_perm[1] || s->input_perm[2] || s->input_perm[3];
        static const int from_hcw[] = {0, 2, 1, 3};
        ff_attr perm = ints_attr(&w, "perm", s->input_hcw ? from_hcw : wrong ? s->input_perm : to_nchw, 4);
        w.value[0] = unary(&w, "Transpose", name_of(&w, image, "Transpose"), input_name, &perm, 1);
    }
    if (n->normalises)
        w.value[0] = write_normalisation(&w, image, w.value[0]);
    for (int i = 1; i < n->n_layers; i++)
        write_layer(&w, i);
    write_outputs(&w);

    status = w.failed ? FF_ERR_NOMEM : ff_model_apply(empty, w.patch, out, NULL);
    free(w.value);
    free(w.nhwc);
    ff_arena_destroy(w.arena);
    ff_patch_destroy(w.patch);
    ff_model_unref(empty);
    return status;
}

int style_save(const network *n, const style *s, const char *folder, const char *name)
{
    ff_model *m = NULL;
    char *path = ff_path_join(folder, name);
    int status = style_write(n, s, &m);
    if (status == FF_OK)
        status = ff_model_save(m, path, true);
    ff_model_unref(m);
    free(path);
    return status;
}
