/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fault types, and the one table of causes: what each is called, what finds it, what repairs it, and what it means.
 * To add one: a row here and its name in causes.h. The rows are in the order in which the detectors run. */
#include "faults/causes.h"
#include "faults/detect.h"
#include "faults/strategy.h"

#include <assert.h>
#include <strings.h>

static const struct {
    const char *name, *title, *text;
} types[FF_FAULT_TYPES] = {
    [FF_PP] = {"PP", "preprocessing differs",
               "A network expects its pictures resized, ordered and scaled in one particular way. The file does not "
               "say which, and frameworks differ: torch subtracts the ImageNet mean from pixels in [0,1], "
               "TensorFlow's networks want [-1,1], Caffe's want blue first. After a conversion the weights may be "
               "right to the last bit and the labels still wrong, because the pictures arrive in the habit of the "
               "new framework.\n\nHow it shows: many labels differ; fed with the same numbers, no layer does "
               "(isolated is 0).\n\nHow it is repaired: the Source's preprocessing is tried on the Target, then "
               "presets, channel order and scale; the one that brings the labels together is reported. "
               "`pre-into-graph` writes it into the model."},
    [FF_ID] = {"ID", "input dimensions differ",
               "The input that the Target declares is not the Source's: another size, or the axes in another order. "
               "A converter that takes any four-dimensional input for N,C,H,W turns [1,299,299,3] into "
               "[1,299,3,299].\n\nHow it shows: the Target cannot run on pictures, or it runs on pictures turned on "
               "their side.\n\nHow it is repaired: the declared shape is set to what pictures have, and what was "
               "added behind the input to make it fit is corrected or taken out."},
    [FF_TSS] = {"TSS", "tensor shape and structure differ",
                "A Transpose or Reshape yields the right shape with the elements in the wrong order. Height and "
                "width are often equal, so nothing complains. The usual places: a Transpose after the input, and the "
                "Flatten before a dense layer, where H,W,C and C,H,W have the same length.\n\nHow it shows: shapes "
                "agree and activations do not, unless one is permuted.\n\nHow it is repaired: the permutation is "
                "corrected, or the columns of the dense layer are."},
    [FF_WB] = {"WB", "weights and biases differ",
               "The numbers of a layer are not the Source's: rounded to int8, float16 or bfloat16 and back, "
               "permuted, scaled, or missing. Rounding below one part in a million comes from folding batch "
               "normalisation and is no fault.\n\nHow it shows: the layer errs although it is fed with the Source's "
               "activations (isolated); the error that has arrived behind it (entire) is inherited by everything "
               "downstream.\n\nHow it is repaired: the Source's weights are written where the Target keeps them, in "
               "its layout."},
    [FF_LH] = {"LH", "layer hyperparameters differ",
               "A setting of a layer was lost or changed: pads on the other side, strides, dilations, group, "
               "epsilon, the bounds of an activation, ceil_mode, count_include_pad, an axis. A default that is "
               "written out on one side only is the same setting and no fault.\n\nHow it shows: a layer with equal "
               "weights errs by itself (isolated).\n\nHow it is repaired: the setting is given the Source's value."},
    [FF_CG] = {"CG", "the computation graph differs",
               "Nodes are missing, added or in another order: a Pad with wrong amounts, a max pooling padded with "
               "zeros where minus infinity was meant, an output placed before the one that is read. Rewrites that "
               "cannot change a result (a folded batch normalisation, Relu6 as Clip) are equivalences and no "
               "faults.\n\nHow it shows: rows of the aligned graph without a counterpart, or another first "
               "output.\n\nHow it is repaired: the region that differs is replaced, what was added is removed."},
};

const char *ff_fault_type_name(ff_fault_type t)
{
    return types[t].name;
}

const char *ff_fault_type_title(ff_fault_type t)
{
    return types[t].title;
}

const char *ff_fault_type_text(ff_fault_type t)
{
    return types[t].text;
}

/* Stored integers first, then a normalisation, then any other number: what the one writes the next leaves alone. */
#define BY_WEIGHTS                                                                                                     \
    {                                                                                                                  \
        ff_fix_quantized, ff_fix_norm, ff_fix_weights                                                                  \
    }

static const ff_cause causes[FF_CAUSES] = {
    [FF_CAUSE_PREPROCESSING_DIFFERS] =
        {.name = "preprocessing-differs",
         .type = FF_PP,
         .find = ff_detect_preprocessing,
         .fix = {ff_fix_preprocessing},
         .text = "The pixels reach the Target in another size, order or scale than the weights were fitted for."},
    [FF_CAUSE_OUTPUTS_REDUNDANT] = {.name = "outputs-redundant",
                                    .type = FF_CG,
                                    .find = ff_detect_outputs,
                                    .fix = {ff_fix_outputs},
                                    .text = "The Target has outputs that the Source has not."},
    [FF_CAUSE_OUTPUTS_REORDERED] =
        {.name = "outputs-reordered",
         .type = FF_CG,
         .find = ff_detect_outputs,
         .fix = {ff_fix_outputs},
         .text = "The first graph output is not the answer; another one, often a tensor from inside the network, was "
                 "put before it."},
    [FF_CAUSE_AXIS_DIFFERS] =
        {.name = "axis-differs",
         .type = FF_LH,
         .find = ff_detect_reduction,
         .fix = {ff_fix_reduction, ff_fix_hyper},
         .may_cancel = true,
         .text = "A layer works along another axis, often one that was meant for the other layout (1 for channels in "
                 "N,C,H,W, 3 in N,H,W,C)."},
    [FF_CAUSE_ATTRIBUTE_DIFFERS] = {.name = "attribute-differs",
                                    .type = FF_LH,
                                    .find = ff_detect_dense,
                                    .fix = {ff_fix_hyper, ff_fix_region},
                                    .may_cancel = true,
                                    .text = "A setting of a layer has another value."},
    [FF_CAUSE_AXES_PERMUTED] =
        {.name = "axes-permuted",
         .type = FF_TSS,
         .find = ff_detect_structure,
         .fix = {ff_fix_structure, ff_fix_region},
         .may_cancel = true,
         .text = "Somewhere inside the network the axes of a tensor are put in another order. The shape may be the "
                 "same, the elements are not where the next layer looks for them."},
    [FF_CAUSE_INPUT_AXES_PERMUTED] =
        {.name = "input-axes-permuted",
         .type = FF_TSS,
         .find = ff_detect_structure,
         .fix = {ff_fix_structure, ff_fix_region},
         .may_cancel = true,
         .text = "A Transpose behind the input gives the right shape and the wrong order, as height for width. Square "
                 "pictures pass without a complaint, lying on their side."},
    [FF_CAUSE_INPUT_BATCH] = {.name = "input-batch",
                              .type = FF_ID,
                              .find = ff_detect_input,
                              .fix = {ff_fix_input},
                              .text = "The input is frozen to several pictures at a time."},
    [FF_CAUSE_INPUT_LAYOUT] = {.name = "input-layout",
                               .type = FF_ID,
                               .find = ff_detect_input,
                               .fix = {ff_fix_input},
                               .text =
                                   "The input is declared with its axes in another order than pictures have it there."},
    [FF_CAUSE_INPUT_SIZE] = {.name = "input-size",
                             .type = FF_ID,
                             .find = ff_detect_input,
                             .fix = {ff_fix_input},
                             .text = "The input is declared for pictures of another size."},
    [FF_CAUSE_INPUT_TAKES_NO_IMAGE] =
        {.name = "input-takes-no-image",
         .type = FF_ID,
         .find = ff_detect_input,
         .fix = {ff_fix_input},
         .text = "The input is declared in a shape that no layout of a picture fits, as [1,299,3,299]. The Target "
                 "cannot be fed at all."},
    [FF_CAUSE_NORMALISATION_AXIS] =
        {.name = "normalisation-axis",
         .type = FF_TSS,
         .find = ff_detect_normalisation,
         .fix = {ff_fix_normalisation},
         .may_cancel = true,
         .text = "The input is normalised channel by channel, but along another axis: the numbers meant for the "
                 "channels are applied to rows or columns."},
    [FF_CAUSE_FLOAT16] =
        {.name = "float16",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The weights went through float16: 11 bits of precision are left, about 0.03% off; above 65504 they "
                 "become infinite, very small ones become 0.",
         .words = "were rounded to float16",
         .why = "The Target keeps half precision (about three digits) of the Source's numbers, as converters do that "
                "store weights as float16 to halve the file."},
    [FF_CAUSE_BFLOAT16] = {.name = "bfloat16",
                           .type = FF_WB,
                           .find = ff_detect_weights,
                           .fix = BY_WEIGHTS,
                           .text = "The weights went through bfloat16: 8 bits of precision are left, about 0.2% off.",
                           .words = "were rounded to bfloat16",
                           .why = "The Target keeps 8 bits of each number's mantissa (two to three digits)."},
    [FF_CAUSE_INT8_PER_TENSOR] =
        {.name = "int8-per-tensor",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The weights were stored as int8 with one scale for all, and came back on at most 255 levels. Where "
                 "channels differ much in size, the small ones lose most.",
         .words = "went through int8 with one scale for the whole tensor",
         .why = "All values of the Target lie on at most 256 evenly spaced levels: the converter quantised the "
                "weights and wrote them back as if they were exact. One scale for all channels hits those with small "
                "weights hardest."},
    [FF_CAUSE_INT8_PER_CHANNEL] =
        {.name = "int8-per-channel",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The weights were stored as int8 with a scale for each output channel, and came back on at most 255 "
                 "levels a channel: half a percent to one percent off. TFLite does so by default to constants of 1024 "
                 "elements or more.",
         .words = "went through int8 with a scale for each channel",
         .why = "In each channel the Target's values lie on at most 256 evenly spaced levels: the converter "
                "quantised the weights (its default optimisation) and wrote them back as if they were exact."},
    [FF_CAUSE_QUANTIZED] =
        {.name = "quantized",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The numbers are stored as integers whose scale and zero point fit: only the rounding is lost. With "
                 "--keep-quantized that is an equivalence.",
         .words = "are rounded to the integers in which they are stored",
         .why = "The Target stores integers, a scale and a zero point. They fit the Source's numbers; what is lost "
                "is the rounding."},
    [FF_CAUSE_QUANTIZATION_SCALE] =
        {.name = "quantization-scale",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The stored integers are the Source's numbers under another scale, of the whole tensor or of some "
                 "channels. The repair sets the scale and the Target stays quantised.",
         .words = "are stored with a wrong scale",
         .why = "The Target stores integers, a scale and a zero point. The integers are the Source's numbers under "
                "another scale: the scale belongs to another layer or was computed from other numbers. The Target "
                "can stay quantised."},
    [FF_CAUSE_QUANTIZATION_ZERO_POINT] =
        {.name = "quantization-zero-point",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .text = "The stored integers are the Source's numbers under another zero point: all are shifted alike. The "
                 "repair sets the zero point and the Target stays quantised.",
         .words = "are stored with a wrong zero point",
         .why = "The Target stores integers, a scale and a zero point. The integers are the Source's numbers under "
                "another zero point, so that all of them are shifted. The Target can stay quantised."},
    [FF_CAUSE_PERMUTED] =
        {.name = "permuted",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .may_cancel = true,
         .text = "The numbers are the Source's in another order, as kernels read column by column.",
         .words = "are the Source's in another order",
         .why = "The Target has the Source's numbers in other places: a kernel or a dense layer was read in the "
                "wrong order of axes."},
    [FF_CAUSE_SCALED] =
        {.name = "scaled",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .may_cancel = true,
         .text = "The numbers are the Source's times a factor, one for all or one a channel: a normalisation folded "
                 "twice or not at all, or an equalisation of layers whose other half was lost.",
         .words = "are the Source's times a factor for each channel",
         .why = "The channels of the Target are multiples of the Source's: batch normalisation was folded with "
                "another epsilon or other statistics."},
    [FF_CAUSE_MISSING] = {.name = "missing",
                          .type = FF_WB,
                          .find = ff_detect_weights,
                          .fix = BY_WEIGHTS,
                          .may_cancel = true,
                          .text = "The Source's layer has a weight or bias that the Target's has not.",
                          .words = "are missing",
                          .why = "The Source adds these numbers, the Target adds nothing."},
    [FF_CAUSE_ADDED] = {.name = "added",
                        .type = FF_WB,
                        .find = ff_detect_weights,
                        .fix = BY_WEIGHTS,
                        .may_cancel = true,
                        .text = "The Target's layer has a weight or bias that the Source's has not.",
                        .words = "are not in the Source",
                        .why = "The Target adds numbers where the Source has none."},
    [FF_CAUSE_SHAPE_DIFFERS] = {.name = "shape-differs",
                                .type = FF_WB,
                                .find = ff_detect_weights,
                                .fix = BY_WEIGHTS,
                                .may_cancel = true,
                                .text = "The tensor has another number of elements.",
                                .words = "have another shape",
                                .why = "The layers do not have the same number of weights."},
    [FF_CAUSE_DIFFERENT] = {.name = "different",
                            .type = FF_WB,
                            .find = ff_detect_weights,
                            .fix = BY_WEIGHTS,
                            .may_cancel = true,
                            .text =
                                "The numbers differ and none of the known ways (rounding, scaling, order) explains it.",
                            .words = "differ",
                            .why = "No rounding or reordering explains the difference: these are other numbers."},
    [FF_CAUSE_NORMALISATION] =
        {.name = "normalisation",
         .type = FF_WB,
         .find = ff_detect_weights,
         .fix = BY_WEIGHTS,
         .may_cancel = true,
         .text = "The constants of a batch normalisation are not the Source's (another checkpoint, statistics of "
                 "training, values that were lost), as its own node or folded into the layer before it, where they "
                 "change weight and bias at once."},
    [FF_CAUSE_ORDER_LOST] =
        {.name = "order-lost",
         .type = FF_TSS,
         .find = ff_detect_weights,
         .fix = {ff_fix_structure, ff_fix_region},
         .may_cancel = true,
         .text = "A tensor was flattened in another order (H,W,C for C,H,W) than the columns of the dense layer "
                 "behind it have."},
    [FF_CAUSE_ROUNDING] =
        {.name = "rounding",
         .type = FF_FAULT_TYPES,
         .text = "The last bits differ, below one part in a million, as after folding a batch normalisation. An "
                 "equivalence, no fault."},
    [FF_CAUSE_ATTRIBUTE_ADDED] =
        {.name = "attribute-added",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "The Target's layer has a setting that the Source's lacks, and it is not the default."},
    [FF_CAUSE_ATTRIBUTE_MISSING] =
        {.name = "attribute-missing",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "A setting of the Source's layer is not written in the Target, and the default is another."},
    [FF_CAUSE_ATTRIBUTES_DIFFER] = {.name = "attributes-differ",
                                    .type = FF_LH,
                                    .find = ff_detect_hyper,
                                    .fix = {ff_fix_hyper},
                                    .may_cancel = true,
                                    .text = "Several attributes of one node are other ones."},
    [FF_CAUSE_BOUNDS_DIFFER] =
        {.name = "bounds-differ",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "An activation is cut off at another value, as 6 of a Relu6 that was lost or changed."},
    [FF_CAUSE_CEIL_MODE_DIFFERS] =
        {.name = "ceil-mode-differs",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "One pooling rounds the size of its result up, the other down: a row and a column more or less."},
    [FF_CAUSE_COUNT_INCLUDE_PAD_DIFFERS] =
        {.name = "count-include-pad-differs",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "An average pooling counts the padding on one side and not on the other. torch counts it unless told "
                 "otherwise, ONNX does not."},
    [FF_CAUSE_DILATIONS_DIFFER] = {.name = "dilations-differ",
                                   .type = FF_LH,
                                   .find = ff_detect_hyper,
                                   .fix = {ff_fix_hyper},
                                   .may_cancel = true,
                                   .text = "The pixels a window looks at are another distance apart."},
    [FF_CAUSE_EPSILON_DIFFERS] =
        {.name = "epsilon-differs",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "The small number in a batch normalisation is another one: 1e-3 in Keras, 1e-5 in torch."},
    [FF_CAUSE_GROUP_DIFFERS] = {.name = "group-differs",
                                .type = FF_LH,
                                .find = ff_detect_hyper,
                                .fix = {ff_fix_hyper},
                                .may_cancel = true,
                                .text = "The channels of a convolution are divided into another number of groups."},
    [FF_CAUSE_KERNEL_DIFFERS] = {.name = "kernel-differs",
                                 .type = FF_LH,
                                 .find = ff_detect_hyper,
                                 .fix = {ff_fix_hyper},
                                 .may_cancel = true,
                                 .text = "The window of a layer has another size."},
    [FF_CAUSE_PADS_DIFFER] =
        {.name = "pads-differ",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .may_cancel = true,
         .text = "A window begins at another place. With stride 2 on an even size one odd pixel of padding is needed: "
                 "TensorFlow puts it at the end, others at the beginning, and converters drop or mirror it."},
    [FF_CAUSE_SLICE_DIFFERS] =
        {.name = "slice-differs",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .may_cancel = true,
         .text = "A part of a tensor is cut out at another place, or the parts of a Split are swapped."},
    [FF_CAUSE_STRIDES_DIFFER] = {.name = "strides-differ",
                                 .type = FF_LH,
                                 .find = ff_detect_hyper,
                                 .fix = {ff_fix_hyper},
                                 .may_cancel = true,
                                 .text =
                                     "A window moves by another number of pixels, and the result has another size."},
    [FF_CAUSE_WINDOW_DIFFERS] =
        {.name = "window-differs",
         .type = FF_LH,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .may_cancel = true,
         .text = "Several of kernel, stride, dilation and padding of one layer are other ones, so that its window "
                 "lies elsewhere."},
    [FF_CAUSE_PAD_AMOUNTS] = {.name = "pad-amounts",
                              .type = FF_CG,
                              .find = ff_detect_hyper,
                              .fix = {ff_fix_hyper},
                              .text =
                                  "A Pad node of its own does a layer's padding, by other amounts or on other sides."},
    [FF_CAUSE_PAD_COUNTED] =
        {.name = "pad-counted",
         .type = FF_CG,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "An average counts the zeros that a Pad node of its own puts around a picture, where the Source's "
                 "pooling leaves its padding out."},
    [FF_CAUSE_PAD_MODE] =
        {.name = "pad-mode",
         .type = FF_CG,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "The border of a picture is filled otherwise: mirrored or repeated pixels in place of zeros, or the "
                 "reverse. A Pad node of its own does it."},
    [FF_CAUSE_PAD_VALUE] =
        {.name = "pad-value",
         .type = FF_CG,
         .find = ff_detect_hyper,
         .fix = {ff_fix_hyper},
         .text = "A Pad node fills the border with another number: zeros, where a maximum pads with minus infinity, "
                 "change what is the largest there."},
    [FF_CAUSE_HALF_PRECISION] =
        {.name = "half-precision",
         .type = FF_CG,
         .find = ff_detect_precision,
         .fix = {ff_fix_precision},
         .text = "The Target computes in float16 or bfloat16, between Casts or from end to end, where the Source "
                 "computes in float32: every result is rounded, and beyond 65504 float16 overflows."},
    [FF_CAUSE_EXTRA_NODES] = {.name = "extra-nodes",
                              .type = FF_CG,
                              .find = ff_detect_graph,
                              .fix = {ff_fix_region},
                              .may_cancel = true,
                              .text = "The Target has nodes without a counterpart, and they change the result."},
    [FF_CAUSE_MISSING_NODES] =
        {.name = "missing-nodes",
         .type = FF_CG,
         .find = ff_detect_graph,
         .fix = {ff_fix_region},
         .may_cancel = true,
         .text = "Nodes of the Source have no counterpart in the Target, and they change the result."},
    [FF_CAUSE_OTHER_NODES] =
        {.name = "other-nodes",
         .type = FF_CG,
         .find = ff_detect_graph,
         .fix = {ff_fix_region},
         .may_cancel = true,
         .text = "Between two points that correspond, the models compute something else by other nodes."},
    [FF_CAUSE_WIRED_OTHERWISE] =
        {.name = "wired-otherwise",
         .type = FF_CG,
         .find = ff_detect_graph,
         .fix = {ff_fix_region},
         .may_cancel = true,
         .text = "The nodes are the same and read one another's results in another order, as two branches that "
                 "changed places."},
    [FF_CAUSE_ACTIVATION_QUANTIZED] =
        {.name = "activation-quantized",
         .type = FF_CG,
         .find = ff_detect_graph,
         .fix = {ff_fix_region},
         .text = "What a layer reads is rounded to integers by nodes that the Source has not. The scale fits, only "
                 "precision is lost."},
    [FF_CAUSE_ACTIVATION_SCALE] =
        {.name = "activation-scale",
         .type = FF_WB,
         .find = ff_detect_graph,
         .fix = {ff_fix_quantized},
         .text = "The integers of an activation stand for another range than the Source's values have: they are cut "
                 "off, or few steps are left for them, or they are read with another scale than they were made with."},
    [FF_CAUSE_ACTIVATION_ZERO_POINT] =
        {.name = "activation-zero-point",
         .type = FF_WB,
         .find = ff_detect_graph,
         .fix = {ff_fix_quantized},
         .text = "The integers of an activation have steps of the right size around the wrong zero: one end of the "
                 "range is cut off. Or they are read with another zero point than they were made with."},
    [FF_CAUSE_COMPUTES_OTHERWISE] =
        {.name = "computes-otherwise",
         .type = FF_CG,
         .find = ff_detect_tested,
         .fix = {ff_fix_by_copy},
         .text = "Fed with the Source's values, this place does not give what the Source gives, by more than rounding "
                 "explains. None of the known ways to write a layer wrongly was recognised."},
    [FF_CAUSE_CANNOT_RUN] = {.name = "cannot-run",
                             .type = FF_CG,
                             .find = ff_detect_error,
                             .not_repaired = "where the shapes first contradict one another is not known",
                             .text =
                                 "The shapes of the Target contradict one another, so that it answers for no image."},
};

const ff_cause *ff_cause_at(int i)
{
    return i >= 0 && i < FF_CAUSES ? &causes[i] : NULL;
}

const ff_cause *ff_cause_named(const char *name)
{
    for (int i = 0; i < FF_CAUSES; i++)
        if (strcasecmp(causes[i].name, name) == 0)
            return &causes[i];
    return NULL;
}

ff_cause_id ff_cause_of_change(const ff_weight_change *c)
{
    const ff_cause *cause = ff_cause_named(c->cause);
    assert(cause);
    return (ff_cause_id)(cause - causes);
}

bool ff_caused_by(const ff_finding *f, ff_cause_id id)
{
    return f->cause == &causes[id];
}
