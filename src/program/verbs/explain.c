/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The six fault types, and the causes that findings name, in plain words. */
#include <string.h>
#include <strings.h>

#include "fetafix/command_say.h"
#include "program/verbs.h"

static const struct {
    const char *type, *title, *text;
} faults[] = {
    {"PP", "preprocessing differs",
     "A network expects its pictures resized, ordered and scaled in one particular way. The file does not "
     "say which, and frameworks differ: torch subtracts the ImageNet mean from pixels in [0,1], TensorFlow's "
     "networks want [-1,1], Caffe's want blue first. After a conversion the weights may be right to the last "
     "bit and the labels still wrong, because the pictures arrive in the habit of the new framework.\n\n"
     "How it shows: many labels differ; fed with the same numbers, no layer does (isolated is 0).\n\n"
     "How it is repaired: the Source's preprocessing is tried on the Target, then presets, channel order and "
     "scale; the one that brings the labels together is reported. `pre-into-graph` writes it into the model."},
    {"ID", "input dimensions differ",
     "The input that the Target declares is not the Source's: another size, or the axes in another order. A "
     "converter that takes any four-dimensional input for N,C,H,W turns [1,299,299,3] into [1,299,3,299].\n\n"
     "How it shows: the Target cannot run on pictures, or it runs on pictures turned on their side.\n\n"
     "How it is repaired: the declared shape is set to what pictures have, and what was added behind the "
     "input to make it fit is corrected or taken out."},
    {"TSS", "tensor shape and structure",
     "A Transpose or Reshape yields the right shape with the elements in the wrong order. Height and width are "
     "often equal, so nothing complains. The usual places: a Transpose after the input, and the Flatten before "
     "a dense layer, where H,W,C and C,H,W have the same length.\n\n"
     "How it shows: shapes agree and activations do not, unless one is permuted.\n\n"
     "How it is repaired: the permutation is corrected, or the columns of the dense layer are."},
    {"WB", "weights and biases differ",
     "The numbers of a layer are not the Source's: rounded to int8, float16 or bfloat16 and back, permuted, "
     "scaled, or missing. Rounding below one part in a million comes from folding batch normalisation and is "
     "no fault.\n\n"
     "How it shows: the layer errs although it is fed with the Source's activations (isolated); the error that "
     "has arrived behind it (entire) is inherited by everything downstream.\n\n"
     "How it is repaired: the Source's weights are written where the Target keeps them, in its layout."},
    {"LH", "layer hyperparameters differ",
     "A setting of a layer was lost or changed: pads on the other side, strides, dilations, group, epsilon, the "
     "bounds of an activation, ceil_mode, count_include_pad, an axis. A default that is written out on one side "
     "only is the same setting and no fault.\n\n"
     "How it shows: a layer with equal weights errs by itself (isolated).\n\n"
     "How it is repaired: the setting is given the Source's value."},
    {"CG", "the computation graph differs",
     "Nodes are missing, added or in another order: a Pad with wrong amounts, a max pooling padded with zeros "
     "where minus infinity was meant, an output placed before the one that is read. Rewrites that cannot change "
     "a result (a folded batch normalisation, Relu6 as Clip) are equivalences and no faults.\n\n"
     "How it shows: rows of the aligned graph without a counterpart, or another first output.\n\n"
     "How it is repaired: the region that differs is replaced, what was added is removed."},
};

/* Causes as findings name them, with the words of a report: `fetafix explain int8-per-tensor`. */
static const struct {
    const char *cause, *type, *text;
} causes[] = {
    {"activation-quantized", "CG",
     "What a layer reads is rounded to integers by nodes that the Source has not. The scale fits, only precision is lost."},
    {"activation-scale", "WB",
     "The integers of an activation stand for another range than the Source's values have: they are cut off, or few "
     "steps are left for them, or they are read with another scale than they were made with."},
    {"activation-zero-point", "WB",
     "The integers of an activation have steps of the right size around the wrong zero: one end of the range is cut "
     "off. Or they are read with another zero point than they were made with."},
    {"attribute-added", "LH", "The Target's layer has a setting that the Source's lacks, and it is not the default."},
    {"attribute-differs", "LH", "A setting of a layer has another value."},
    {"attribute-missing", "LH",
     "A setting of the Source's layer is not written in the Target, and the default is another."},
    {"attributes-differ", "LH", "Several attributes of one node are other ones."},
    {"axes-permuted", "TSS",
     "Somewhere inside the network the axes of a tensor are put in another order. The shape may be "
     "the same, the elements are not where the next layer looks for them."},
    {"axis-differs", "LH",
     "A layer works along another axis, often one that was meant for the other layout (1 for "
     "channels in N,C,H,W, 3 in N,H,W,C)."},
    {"bfloat16", "WB", "The weights went through bfloat16: 8 bits of precision are left, about 0.2% off."},
    {"bounds-differ", "LH", "An activation is cut off at another value, as 6 of a Relu6 that was lost or changed."},
    {"cannot-run", "CG", "The shapes of the Target contradict one another, so that it answers for no image."},
    {"ceil-mode-differs", "LH",
     "One pooling rounds the size of its result up, the other down: a row and a column more or less."},
    {"count-include-pad-differs", "LH",
     "An average pooling counts the padding on one side and not on the other. torch counts "
     "it unless told otherwise, ONNX does not."},
    {"different", "WB", "The numbers differ and none of the known ways (rounding, scaling, order) explains it."},
    {"dilations-differ", "LH", "The pixels a window looks at are another distance apart."},
    {"epsilon-differs", "LH",
     "The small number in a batch normalisation is another one: 1e-3 in Keras, 1e-5 in torch."},
    {"extra-nodes", "CG", "The Target has nodes without a counterpart, and they change the result."},
    {"float16", "WB",
     "The weights went through float16: 11 bits of precision are left, about 0.03% off; above 65504 "
     "they become infinite, very small ones become 0."},
    {"group-differs", "LH", "The channels of a convolution are divided into another number of groups."},
    {"half-precision", "CG",
     "The Target computes in float16 or bfloat16, between Casts or from end to end, where the Source computes in float32: "
     "every result is rounded, and beyond 65504 float16 overflows."},
    {"input-axes-permuted", "TSS",
     "A Transpose behind the input gives the right shape and the wrong order, as height for "
     "width. Square pictures pass without a complaint, lying on their side."},
    {"input-batch", "ID", "The input is frozen to several pictures at a time."},
    {"input-layout", "ID", "The input is declared with its axes in another order than pictures have it there."},
    {"input-size", "ID", "The input is declared for pictures of another size."},
    {"input-takes-no-image", "ID",
     "The input is declared in a shape that no layout of a picture fits, as [1,299,3,299]. The Target "
     "cannot be fed at all."},
    {"int8-per-channel", "WB",
     "The weights were stored as int8 with a scale for each output channel, and came back on at most "
     "255 levels a channel: half a percent to one percent off. TFLite does so by default to constants of 1024 elements or more."},
    {"int8-per-tensor", "WB",
     "The weights were stored as int8 with one scale for all, and came back on at most 255 levels. Where "
     "channels differ much in size, the small ones lose most."},
    {"kernel-differs", "LH", "The window of a layer has another size."},
    {"missing", "WB", "The Source's layer has a weight or bias that the Target's has not."},
    {"added", "WB", "The Target's layer has a weight or bias that the Source's has not."},
    {"missing-nodes", "CG", "Nodes of the Source have no counterpart in the Target, and they change the result."},
    {"normalisation", "WB",
     "The constants of a batch normalisation are not the Source's (another checkpoint, statistics of training, values that "
     "were lost), as its own node or folded into the layer before it, where they change weight and bias at once."},
    {"order-lost", "TSS",
     "A tensor was flattened in another order (H,W,C for C,H,W) than the columns of the dense layer behind it have."},
    {"other-nodes", "CG", "Between two points that correspond, the models compute something else by other nodes."},
    {"outputs-redundant", "CG", "The Target has outputs that the Source has not."},
    {"outputs-reordered", "CG",
     "The first graph output is not the answer; another one, often a tensor from inside the network, was put before it."},
    {"pad-amounts", "CG", "A Pad node of its own does a layer's padding, by other amounts or on other sides."},
    {"pads-differ", "LH",
     "A window begins at another place. With stride 2 on an even size one odd pixel of padding is needed: "
     "TensorFlow puts it at the end, others at the beginning, and converters drop or mirror it."},
    {"permuted", "WB", "The numbers are the Source's in another order, as kernels read column by column."},
    {"preprocessing-differs", "PP",
     "The pixels reach the Target in another size, order or scale than the weights were fitted for."},
    {"quantization-scale", "WB",
     "The stored integers are the Source's numbers under another scale, of the whole tensor or of some channels. The "
     "repair sets the scale and the Target stays quantised."},
    {"quantization-zero-point", "WB",
     "The stored integers are the Source's numbers under another zero point: all are shifted alike. The repair sets the "
     "zero point and the Target stays quantised."},
    {"quantized", "WB",
     "The numbers are stored as integers whose scale and zero point fit: only the rounding is lost. With "
     "--keep-quantized that is an equivalence."},
    {"rounding", "",
     "The last bits differ, below one part in a million, as after folding a batch normalisation. An equivalence, no fault."},
    {"scaled", "WB",
     "The numbers are the Source's times a factor, one for all or one a channel: a normalisation folded twice or "
     "not at all, or an equalisation of layers whose other half was lost."},
    {"shape-differs", "WB", "The tensor has another number of elements."},
    {"slice-differs", "LH", "A part of a tensor is cut out at another place, or the parts of a Split are swapped."},
    {"strides-differ", "LH", "A window moves by another number of pixels, and the result has another size."},
    {"window-differs", "LH",
     "Several of kernel, stride, dilation and padding of one layer are other ones, so that its window lies elsewhere."},
    {"wired-otherwise", "CG",
     "The nodes are the same and read one another's results in another order, as two branches that changed places."},
};

static void explain_type(ff_context *c, size_t i)
{
    ff_say(c, "%s: %s\n\n", faults[i].type, faults[i].title);
    ff_say_paragraphs(c, faults[i].text);
    ff_buf names = {0};
    for (size_t k = 0; k < FF_COUNT(causes); k++) {
        if (strcmp(causes[k].type, faults[i].type) == 0)
            ff_buf_printf(&names, "%s%s", names.len ? ", " : "Causes: ", causes[k].cause);
    }
    ff_say(c, "\n");
    ff_say_paragraphs(c, names.data);
    ff_buf_finish(&names);
}

int verb_explain(ff_context *c, int argc, char **argv)
{
    const char *names[FF_COUNT(faults) + FF_COUNT(causes)];
    size_t n = 0;
    if (argc == 0) {
        for (size_t i = 0; i < FF_COUNT(faults); i++)
            ff_say(c, "%-4s %s\n", faults[i].type, faults[i].title);
        return FF_OK;
    }
    for (size_t i = 0; i < FF_COUNT(faults); i++) {
        names[n++] = faults[i].type;
        if (strcasecmp(argv[0], faults[i].type) == 0) {
            explain_type(c, i);
            return FF_OK;
        }
    }
    for (size_t i = 0; i < FF_COUNT(causes); i++) {
        names[n++] = causes[i].cause;
        if (strcasecmp(argv[0], causes[i].cause) == 0) {
            ff_say(c, "%s%s%s\n\n", causes[i].cause, *causes[i].type ? ": a fault of type " : "", causes[i].type);
            ff_say_paragraphs(c, causes[i].text);
            return FF_OK;
        }
    }
    const char *near = ff_nearest(argv[0], names, n);
    return near ? ff_fail(FF_ERR_USAGE, "'%s' is no fault type; did you mean '%s'?", argv[0], near)
                : ff_fail(FF_ERR_USAGE, "'%s' is no fault type (PP ID TSS WB LH CG) and no cause", argv[0]);
}
