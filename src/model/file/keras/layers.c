/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The classes of layers that are read, one row each. */
#include "model/file/keras/keras.h"

#include <stdlib.h>
#include <string.h>

static const keras_class classes[] = {
    {"Activation", keras_emit_activation},
    {"ActivityRegularization", keras_emit_identity},
    {"Add", keras_emit_merge},
    {"AlphaDropout", keras_emit_identity},
    {"Average", keras_emit_merge},
    {"AveragePooling1D", keras_emit_pool},
    {"AveragePooling2D", keras_emit_pool},
    {"AveragePooling3D", keras_emit_pool},
    {"BatchNormalization", keras_emit_batch_norm},
    {"BatchNormalizationV1", keras_emit_batch_norm},
    {"Bidirectional", keras_emit_bidirectional},
    {"Concatenate", keras_emit_merge},
    {"Conv1D", keras_emit_conv},
    {"Conv2D", keras_emit_conv},
    {"Conv2DTranspose", keras_emit_transposed},
    {"Conv3D", keras_emit_conv},
    {"Conv3DTranspose", keras_emit_transposed},
    {"Conv1DTranspose", keras_emit_transposed},
    {"Convolution2D", keras_emit_conv},
    {"Cropping1D", keras_emit_crop},
    {"Cropping2D", keras_emit_crop},
    {"Cropping3D", keras_emit_crop},
    {"Dense", keras_emit_dense},
    {"DepthwiseConv1D", keras_emit_depthwise},
    {"DepthwiseConv2D", keras_emit_depthwise},
    {"Divide", keras_emit_arithmetic},
    {"Dropout", keras_emit_identity},
    {"ELU", keras_emit_activation},
    {"Embedding", keras_emit_embedding},
    {"Flatten", keras_emit_flatten},
    {"GRU", keras_emit_recurrent},
    {"GaussianDropout", keras_emit_identity},
    {"GaussianNoise", keras_emit_identity},
    {"GlobalAveragePooling1D", keras_emit_global_pool},
    {"GlobalAveragePooling2D", keras_emit_global_pool},
    {"GlobalAveragePooling3D", keras_emit_global_pool},
    {"GlobalMaxPooling1D", keras_emit_global_pool},
    {"GlobalMaxPooling2D", keras_emit_global_pool},
    {"GlobalMaxPooling3D", keras_emit_global_pool},
    {"Identity", keras_emit_identity},
    {"LSTM", keras_emit_recurrent},
    {"LayerNormalization", keras_emit_layer_norm},
    {"LeakyReLU", keras_emit_activation},
    {"MaxPooling1D", keras_emit_pool},
    {"MaxPooling2D", keras_emit_pool},
    {"MaxPooling3D", keras_emit_pool},
    {"Maximum", keras_emit_merge},
    {"Minimum", keras_emit_merge},
    {"Multiply", keras_emit_merge},
    {"Normalization", keras_emit_normalization},
    {"PReLU", keras_emit_activation},
    {"Permute", keras_emit_permute},
    {"ReLU", keras_emit_activation},
    {"Relu", keras_emit_arithmetic},
    {"Relu6", keras_emit_arithmetic},
    {"RepeatVector", keras_emit_repeat},
    {"Rescaling", keras_emit_rescaling},
    {"Reshape", keras_emit_reshape},
    {"SeparableConv1D", keras_emit_separable},
    {"SeparableConv2D", keras_emit_separable},
    {"SimpleRNN", keras_emit_recurrent},
    {"Softmax", keras_emit_activation},
    {"SpatialDropout1D", keras_emit_identity},
    {"SpatialDropout2D", keras_emit_identity},
    {"SpatialDropout3D", keras_emit_identity},
    {"Subtract", keras_emit_merge},
    {"TFOpLambda", keras_emit_arithmetic},
    {"ThresholdedReLU", keras_emit_activation},
    {"TimeDistributed", keras_emit_time_distributed},
    {"TrueDivide", keras_emit_arithmetic},
    {"UpSampling1D", keras_emit_upsample},
    {"UpSampling2D", keras_emit_upsample},
    {"UpSampling3D", keras_emit_upsample},
    {"ZeroPadding1D", keras_emit_pad},
    {"ZeroPadding2D", keras_emit_pad},
    {"ZeroPadding3D", keras_emit_pad},
};

int keras_emit(keras_layer *l)
{
    l->code = FF_OK;
    if (l->n_inputs < 1)
        return keras_fail(l, "it has no input");
    for (size_t i = 0; i < FF_COUNT(classes); i++)
        if (strcmp(classes[i].name, l->class) == 0)
            return classes[i].emit(l);
    return keras_fail(l, "layers of this class are not supported");
}
