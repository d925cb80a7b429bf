/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The six fault types in plain words. */
#include <string.h>
#include <strings.h>

#include "command/batch.h"

static const struct {
    const char *type, *title, *text;
} faults[] = {
    {"PP", "preprocessing differs",
     "A network expects its pictures resized, ordered and scaled in one particular way. The file "
     "does\n"
     "not say which; frameworks differ: torch subtracts the ImageNet mean from pixels in [0,1],\n"
     "TensorFlow's networks want [-1,1], Caffe's want blue first. After a conversion the weights "
     "may be\n"
     "right to the last bit and the labels still wrong, because the pictures arrive in the habit "
     "of the\n"
     "new framework.\n\n"
     "How it shows: many labels differ, the layers themselves do not.\n"
     "How it is repaired: the Source's preprocessing is tried on the Target, then presets, "
     "channel\n"
     "order and scale; the one that brings the labels together is reported.\n"},
    {"ID", "input dimensions differ",
     "The input that the Target declares is not the Source's: another size, or the axes in "
     "another\n"
     "order (NHWC declared where NCHW was meant). A converter that takes any four-dimensional "
     "input for\n"
     "NCHW turns 299x299x3 into 299x3x299.\n\n"
     "How it shows: the Target cannot run, or it runs on pictures turned on their side.\n"
     "How it is repaired: the declared shape is set back, and what was added behind the input to\n"
     "make it fit is taken out.\n"},
    {"TSS", "tensor shape and structure",
     "A Transpose or Reshape yields the right shape with the elements in the wrong order. Height "
     "and\n"
     "width are often equal, so nothing complains. The usual places: a Transpose after the input, "
     "and\n"
     "the Flatten before a dense layer, where H,W,C and C,H,W have the same length.\n\n"
     "How it shows: shapes agree and activations do not, unless one is permuted.\n"
     "How it is repaired: the permutation is corrected, or the columns of the dense layer are.\n"},
    {"WB", "weights and biases differ",
     "The numbers of a layer are not the Source's: rounded to int8, float16 or bfloat16 and back,\n"
     "permuted, scaled by a batch normalisation that was folded wrongly, or missing. Rounding "
     "below one\n"
     "part in a million comes from folding and is no fault.\n\n"
     "How it shows: the layer's own error (isolated) is larger than its neighbours'; the error "
     "behind\n"
     "it (entire) is inherited by everything downstream.\n"
     "How it is repaired: the Source's weights are written where the Target keeps them, in its "
     "layout.\n"},
    {"LH", "layer hyperparameters differ",
     "A setting of a layer was lost or changed: pads on the other side, strides, dilations, "
     "group,\n"
     "epsilon, the bounds of an activation, ceil_mode, count_include_pad, an axis. Defaults that "
     "are\n"
     "written out on one side only are the same and no fault.\n\n"
     "How it shows: the isolated error jumps at one layer whose weights are equal.\n"
     "How it is repaired: the setting is given the Source's value.\n"},
    {"CG", "the computation graph differs",
     "Nodes are missing, added or in another order: a Pad with wrong amounts, a max pooling "
     "padded\n"
     "with zeros where minus infinity was meant, outputs duplicated or placed first. Rewrites "
     "that\n"
     "cannot change a result (a folded batch normalisation, Relu6 as Clip) are equivalences, no "
     "faults.\n\n"
     "How it shows: rows of the aligned graph without a counterpart.\n"
     "How it is repaired: the region that differs is replaced, what was added is removed.\n"},
};

int verb_explain(ff_context *c, int argc, char **argv)
{
    const char *types[FF_COUNT(faults)];
    for (size_t i = 0; i < FF_COUNT(faults); i++)
        types[i] = faults[i].type;
    for (size_t i = 0; argc == 1 && i < FF_COUNT(faults); i++) {
        if (strcasecmp(argv[0], faults[i].type) == 0) {
            say(c, "%s: %s\n\n%s", faults[i].type, faults[i].title, faults[i].text);
            return FF_OK;
        }
    }
    if (argc == 0) {
        for (size_t i = 0; i < FF_COUNT(faults); i++)
            say(c, "%-4s %s\n", faults[i].type, faults[i].title);
        return FF_OK;
    }
    const char *near = ff_nearest(argv[0], types, FF_COUNT(types));
    return near ? ff_fail(FF_ERR_USAGE, "'%s' is no fault type; did you mean '%s'?", argv[0], near)
                : ff_fail(FF_ERR_USAGE, "'%s' is no fault type: PP ID TSS WB LH CG", argv[0]);
}
