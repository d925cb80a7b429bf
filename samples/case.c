/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "fit.h"
#include "pictures.h"
#include "style.h"

/* What a damage function writes down for case.json. */
typedef struct record {
    json_t *faults;
} record;

static void injected(record *r, const char *type, const layer *l, const char *detail)
{
    json_array_append_new(r->faults,
                          json_pack("{s:s, s:s, s:s}", "type", type, "layer", l ? l->name : "", "detail", detail));
}

static layer *at(network *n, const char *name)
{
    return &n->layers[network_find(n, name)];
}

static void damage_demo(network *n, style *target, record *r)
{
    static const char *const rounded[] = {"stem", "block2.depthwise", "block3.depthwise", "block4.project"};
    for (size_t i = 0; i < FF_COUNT(rounded); i++) {
        layer *l = at(n, rounded[i]);
        fault_int8(l, false);
        injected(r, "WB", l, "int8 per tensor");
    }
    layer *l = at(n, "block3.expand");
    fault_clip(l, 3);
    injected(r, "LH", l, "max 6 -> 3");
    l = at(n, "block1.depthwise");
    fault_pads_shifted(l);
    injected(r, "LH", l, "pads moved to the other side");
}

static void damage_pp(network *n, style *target, record *r)
{
    injected(r, "PP", NULL, "values in [-1,1] instead of ImageNet mean and deviation");
}

static void damage_wb(network *n, style *target, record *r)
{
    for (int i = 0; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        if (l->n_weight >= 1024) {
            fault_int8(l, l->kind == LAYER_CONV);
            injected(r, "WB", l, l->kind == LAYER_CONV ? "int8 per channel" : "int8 per tensor");
        }
    }
    layer *l = at(n, "block5.depthwise");
    fault_bias_lost(l);
    injected(r, "WB", l, "bias lost");
}

static void damage_lh(network *n, style *target, record *r)
{
    static const char *const shifted[] = {"stem", "block3.depthwise", "block5.depthwise"};
    for (size_t i = 0; i < FF_COUNT(shifted); i++) {
        fault_pads_shifted(at(n, shifted[i]));
        injected(r, "LH", at(n, shifted[i]), "pads moved to the other side");
    }
    fault_clip(at(n, "block4.expand"), 2);
    injected(r, "LH", at(n, "block4.expand"), "max 6 -> 2");
}

static void damage_id(network *n, style *target, record *r)
{
    target->input_hcw = true;
    injected(r, "ID", NULL, "declared [N,H,C,W]");
}

static void damage_tss(network *n, style *target, record *r)
{
    memcpy(target->input_perm, (int[]){0, 3, 2, 1}, sizeof target->input_perm);
    injected(r, "TSS", NULL, "Transpose [0,3,2,1] swaps height and width");
}

static void damage_cg(network *n, style *target, record *r)
{
    target->swapped_pads = network_find(n, "block3.depthwise");
    injected(r, "CG", at(n, "block3.depthwise"), "its Pad node pads the other side");
    target->extra_output = network_find(n, "block2.add");
    injected(r, "CG", at(n, "block2.add"), "its value is a graph output, placed first");
}

/* One layer halved and the next doubled, as an equalisation does before weights are rounded; the bias
 * between them was forgotten, so that one does not quite undo the other. */
static void damage_mask(network *n, style *target, record *r)
{
    fault_scaled(at(n, "block4.expand"), 0.5F);
    injected(r, "WB", at(n, "block4.expand"), "weights halved");
    fault_scaled(at(n, "block4.depthwise"), 2);
    injected(r, "WB", at(n, "block4.depthwise"), "weights doubled");
}

static void damage_background(network *n, style *target, record *r)
{
    fault_background(n);
    injected(r, "WB", at(n, "classifier"), "one class more, in front, that never wins");
}

static void damage_nothing(network *n, style *target, record *r)
{
}

static const struct {
    const char *name, *summary;
    const char *source, *target; /* styles */
    const char *source_pre, *target_pre;
    void (*damage)(network *n, style *target, record *r); /* n: folded copy for the Target */
} cases[] = {
    {"demo", "rounded weights, a wrong bound and shifted pads in one conversion", "torch", "tf2onnx",
     SAMPLES_PREPROCESSING, SAMPLES_PREPROCESSING, damage_demo},
    {"pp", "the Target's pictures are prepared for another framework", "torch", "tf2onnx", SAMPLES_PREPROCESSING, "tf",
     damage_pp},
    {"wb", "weights stored as int8, one bias lost", "tf2onnx", "tflite", SAMPLES_PREPROCESSING, SAMPLES_PREPROCESSING,
     damage_wb},
    {"lh", "padding on the wrong side, an activation bound lost", "torch", "tf2onnx", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_lh},
    {"id", "an input declared with its axes in another order", "torch", "tflite", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_id},
    {"tss", "height and width change places behind the input", "tf2onnx", "keras", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_tss},
    {"cg", "a Pad node on the wrong side, an output too many", "tf2onnx", "keras", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_cg},
    {"mask", "two layers scaled so that each hides the other", "torch", "tf2onnx", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_mask},
    {"background", "thirteen classes for twelve: the first is background", "torch", "tflite", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_background},
    {"equivalent", "everything written differently, nothing wrong", "unfolded", "keras", SAMPLES_PREPROCESSING,
     SAMPLES_PREPROCESSING, damage_nothing},
};

const char *case_at(int i, const char **summary)
{
    if (i < 0 || i >= (int)FF_COUNT(cases))
        return NULL;
    if (summary)
        *summary = cases[i].summary;
    return cases[i].name;
}

int case_write(int i, const network *n, const char *parent)
{
    style target = *style_find(cases[i].target);
    record r = {json_array()};
    char *folder = ff_path_join(parent, cases[i].name), *path = ff_path_join(folder, "case.json"), *text = NULL;
    network *damaged = network_copy(n);
    network_fold(damaged);
    cases[i].damage(damaged, &target, &r);
    int status = make_folder(folder);
    if (status == FF_OK)
        status = style_save(n, style_find(cases[i].source), folder, "source.onnx");
    if (status == FF_OK)
        status = style_save(damaged, &target, folder, "target.onnx");
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "id", cases[i].name, "description", cases[i].summary,
                  "source_style", cases[i].source, "target_style", cases[i].target, "source_preprocessing",
                  cases[i].source_pre, "target_preprocessing", cases[i].target_pre, "injected_faults", r.faults);
    text = json_dumps(root, JSON_INDENT(2));
    if (status == FF_OK)
        status = ff_write_file(path, text, strlen(text), true);
    json_decref(root);
    json_decref(r.faults);
    network_destroy(damaged);
    free(text);
    free(path);
    free(folder);
    return status;
}
