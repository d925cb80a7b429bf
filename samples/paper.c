/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "paper.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "fit.h"
#include "pictures.h"
#include "style.h"

const paper_scale paper_full = {1, 1, 1, 1000, 150, 64};
const paper_scale paper_small = {0.25, 0.34, 0.4, 100, 60, 48};

/* Trained on pictures prepared as */
enum { MOBILENET, RESNET_KERAS, RESNET_TORCH, RESNET_V2, INCEPTION };
static const char *const trained_on[PAPER_NETWORKS] = {"tf-imagenet", "caffe", "tf-imagenet", "tf", "tf"};

/* The weights that a converter stores as int8: every constant of 1024 elements or more, per output
 * channel for convolutions, per tensor for dense layers. */
static void through_int8(network *n, style *target, json_t *faults)
{
    for (int i = 0; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        if (l->n_weight < INT8_LEAST)
            continue;
        fault_int8(l, l->kind == LAYER_CONV);
        json_array_append_new(faults, json_pack("{s:s, s:s, s:s}", "type", "WB", "layer", l->name, "detail",
                                                l->kind == LAYER_CONV ? "int8 per channel" : "int8 per tensor"));
    }
}

static void inject(json_t *faults, const char *type, const char *where, const char *detail)
{
    json_array_append_new(faults, json_pack("{s:s, s:s, s:s}", "type", type, "layer", where, "detail", detail));
}

static void transposed(network *n, style *target, json_t *faults)
{
    memcpy(target->input_perm, (int[]){0, 3, 2, 1}, sizeof target->input_perm);
    inject(faults, "ID", "input", "NHWC declared for NCHW");
    inject(faults, "TSS", "input", "Transpose [0,3,2,1] swaps height and width");
}

static void declared_hcw(network *n, style *target, json_t *faults)
{
    target->input_hcw = true;
    inject(faults, "ID", "input", "declared [N,H,C,W]");
}

/* Every third of the evenly padded convolutions from the second layer on, until there are `count`. */
static void shifted_pads(network *n, json_t *faults, int count)
{
    for (int i = 2, met = 0; i < n->n_layers && count; i++) {
        layer *l = &n->layers[i];
        if (l->kind != LAYER_CONV || l->pads[0] == 0 || l->pads[0] != l->pads[2] || met++ % 3)
            continue;
        fault_pads_shifted(l);
        inject(faults, "LH", l->name, "pads moved to the other side");
        count--;
    }
}

/* The first maximum pooling is padded by a Pad node: with zeros instead of minus infinity. */
static void zero_pooled(network *n, style *target, json_t *faults)
{
    for (int i = 1; i < n->n_layers && !target->zero_pooled; i++)
        if (n->layers[i].kind == LAYER_MAX_POOL && n->layers[i].pads[0] > 0)
            target->zero_pooled = i;
    inject(faults, "CG", n->layers[target->zero_pooled].name, "padded with zeros by a Pad node");
}

/* onnx2tflite to Keras: pads lost their side, a Pad node too many on either side, an output too many. */
static void tflite_to_keras(network *n, style *target, json_t *faults)
{
    target->pads = PADS_EXPLICIT;
    target->extra_output = n->n_layers / 2;
    while (n->layers[target->extra_output].kind != LAYER_CONV)
        target->extra_output--;
    inject(faults, "CG", n->layers[target->extra_output].name, "its output is a graph output, placed first");
    zero_pooled(n, target, faults);
    for (int i = 1; i < n->n_layers && !target->swapped_pads; i++)
        if (n->layers[i].kind == LAYER_CONV && n->layers[i].pads[0] != n->layers[i].pads[2])
            target->swapped_pads = i;
    inject(faults, "CG", n->layers[target->swapped_pads].name, "padded by a Pad node, on the other side");
    shifted_pads(n, faults, 4);
}

static void tf_to_keras(network *n, style *target, json_t *faults)
{
    target->pads = PADS_EXPLICIT;
    transposed(n, target, faults);
    zero_pooled(n, target, faults);
    shifted_pads(n, faults, 1);
}

static void inception_to_keras(network *n, style *target, json_t *faults)
{
    target->pads = PADS_EXPLICIT;
    transposed(n, target, faults);
    shifted_pads(n, faults, 7);
}

static const struct {
    paper_row row;
    int network;
    const char *source, *target;
    const char *source_pre, *target_pre;
    void (*damage)(network *n, style *target, json_t *faults);
    bool separate;   /* weights behind nodes of their own, other opset */
    bool normalises; /* the picture, channel by channel, within the network */
} conversions[PAPER_CONVERSIONS] = {
    {{"MobileNetV2", "Keras to Torch", "PP 1/1 LH 6/0", 83.41, 0}, MOBILENET, "keras", "torch", "tf", "tf-imagenet"},
    {{"MobileNetV2", "Keras to TFLite", "PP 1/1 WB 96/96", 49.34, 0.33},
     MOBILENET,
     "keras",
     "tflite",
     "tf",
     "tf-imagenet",
     through_int8},
    {{"MobileNetV2", "Torch to TF", "PP 1/1 LH 6/0", 68.21, 0}, MOBILENET, "torch", "tf2onnx", "tf-imagenet", "tf"},
    {{"MobileNetV2", "Torch to Keras", "PP 1/1 ID 1/1 TSS 1/1 LH 39/0", 47.21, 0},
     MOBILENET,
     "torch",
     "keras",
     "tf-imagenet",
     "tf",
     transposed},
    {{"MobileNetV2", "TF to TFLite", "WB 68/66", 9.70, 0},
     MOBILENET,
     "tf2onnx",
     "tflite",
     "tf-imagenet",
     "tf-imagenet",
     through_int8},
    {{"MobileNetV2", "TF to Keras", "PP 1/1 LH 40/0 CG 4/0", 48.90, 0},
     MOBILENET,
     "tf2onnx",
     "keras",
     "tf-imagenet",
     "tf"},
    {{"ResNet101", "Keras to Torch", "PP 1/1 LH 72/0 CG 2/0", 36, 0},
     RESNET_KERAS,
     "keras",
     "torch",
     "caffe",
     "tf-imagenet"},
    {{"ResNet101", "Keras to TFLite", "WB 180/174 LH 33/0 CG 37/0", 3.12, 1.50},
     RESNET_V2,
     "keras",
     "tflite",
     "tf",
     "tf",
     through_int8},
    {{"ResNet101", "Torch to TFLite", "PP 1/1 ID 1/1", 72.30, 0},
     RESNET_TORCH,
     "torch",
     "tflite",
     "tf-imagenet",
     "tf",
     declared_hcw},
    {{"ResNet101", "Torch to TF", "PP 1/1", 73.90, 0}, RESNET_TORCH, "torch", "tf2onnx", "tf-imagenet", "tf"},
    {{"ResNet101", "TFLite to Keras", "LH 4/4 CG 3/3", 100, 0},
     RESNET_V2,
     "tflite",
     "keras",
     "tf",
     "tf",
     tflite_to_keras},
    {{"ResNet101", "TF to TFLite", "", 2.70, 2.70}, RESNET_V2, "unfolded", "onnx-tf", "tf", "tf", through_int8, true},
    {{"ResNet101", "TF to Keras", "ID 1/1 TSS 1/1 LH 1/1 CG 1/1", 34.85, 0},
     RESNET_V2,
     "torch",
     "keras",
     "tf",
     "tf",
     tf_to_keras},
    {{"InceptionV3", "Torch to Keras", "PP 1/1 ID 1/1 TSS 1/1 LH 54/7", 32.38, 0},
     INCEPTION,
     "torch",
     "keras",
     "tf-imagenet",
     "tf",
     inception_to_keras,
     .normalises = true},
    {{"InceptionV3", "TF to TFLite", "WB 94/94", 4.36, 0}, INCEPTION, "tf2onnx", "tflite", "tf", "tf", through_int8},
};

const paper_row *paper_row_at(int i)
{
    return &conversions[i].row;
}

void paper_preprocessing(int i, const char **source, const char **target)
{
    *source = conversions[i].source_pre;
    *target = conversions[i].target_pre;
}

int paper_network(int i)
{
    return conversions[i].network;
}

static int fitted(int which, const paper_scale *scale, network **out)
{
    zoo_scale s = {.width = scale->width, .depth = scale->depth};
    int original = which == INCEPTION ? 299 : 224;
    /* Inception needs 75 pixels for its last block to have something to look at. */
    s.size = scale->size == 1 ? 0 : (int)(original * scale->size);
    if (which == INCEPTION && s.size && s.size < 107)
        s.size = 107;
    network *n = NULL;
    uint64_t seed = 100 + (uint64_t)which;
    switch (which) {
    case MOBILENET:
        n = network_mobilenet_v2(s, scale->classes, seed);
        break;
    case RESNET_KERAS:
    case RESNET_TORCH:
    case RESNET_V2:
        n = network_resnet101(s, which == RESNET_V2 ? 2 : 1, scale->classes, seed);
        break;
    default:
        n = network_inception_v3(s, scale->classes, seed);
    }
    int status = network_diversify(n, trained_on[which], scale->calibration);
    if (status == FF_OK)
        *out = n;
    else
        network_destroy(n);
    return status;
}

int paper_write(int i, const paper_scale *scale, network **cache, const char *parent)
{
    int which = conversions[i].network, status = FF_OK;
    if (!cache[which])
        status = fitted(which, scale, &cache[which]);
    if (status != FF_OK)
        return status;
    char number[8] = {(char)('0' + (i + 1) / 10), (char)('0' + (i + 1) % 10)};
    char *folder = ff_path_join(parent, number), *path = ff_path_join(folder, "case.json"), *text = NULL;
    json_t *faults = json_array();
    cache[which]->normalises = conversions[i].normalises;
    network *damaged = network_copy(cache[which]);
    style source = *style_find(conversions[i].source), target = *style_find(conversions[i].target);
    source.softmax = target.softmax = true;
    if (conversions[i].separate) {
        source.opset = 11;
        target.opset = 13;
        target.weights = WEIGHTS_DEQUANTIZE;
    }
    network_fold(damaged);
    if (strcmp(conversions[i].source_pre, conversions[i].target_pre))
        inject(faults, "PP", "input", "another framework's preprocessing");
    if (conversions[i].damage)
        conversions[i].damage(damaged, &target, faults);
    status = make_folder(folder);
    if (status == FF_OK)
        status = style_save(cache[which], &source, folder, "source.onnx");
    if (status == FF_OK)
        status = style_save(damaged, &target, folder, "target.onnx");
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:O}", "network", conversions[i].row.network, "conversion",
                             conversions[i].row.conversion, "source_preprocessing", conversions[i].source_pre,
                             "target_preprocessing", conversions[i].target_pre, "injected_faults", faults);
    text = json_dumps(root, JSON_INDENT(2));
    if (status == FF_OK)
        status = ff_write_file(path, text, strlen(text), true);
    json_decref(root);
    json_decref(faults);
    network_destroy(damaged);
    free(text);
    free(path);
    free(folder);
    return status;
}
