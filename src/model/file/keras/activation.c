/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Activations: of a layer's own, as layers, and inside recurrent cells. */
#include "model/file/keras/keras.h"

#include <math.h>
#include <string.h>

/* Those that are one ONNX node. */
static const struct plain {
    const char *name, *op;
    double alpha; /* NAN: no such attribute */
} plain[] = {
    {"relu", "Relu", NAN},         {"sigmoid", "Sigmoid", NAN},   {"tanh", "Tanh", NAN},
    {"softplus", "Softplus", NAN}, {"softsign", "Softsign", NAN}, {"selu", "Selu", NAN},
    {"elu", "Elu", 1.0},           {"exponential", "Exp", NAN},   {"leaky_relu", "LeakyRelu", 0.2},
};

static const char *clip(keras_layer *l, const char *x, double low, double high, const char *name)
{
    builder *b = l->r->b;
    const char *inputs[] = {x, isinf(low) ? NULL : builder_real(b, keras_sub(l, "min"), low),
                            isinf(high) ? NULL : builder_real(b, keras_sub(l, "max"), high)};
    return builder_node(b, "Clip", name, 3, inputs, 0, NULL);
}

static const char *times(keras_layer *l, const char *x, double factor, const char *name)
{
    return builder_binary(l->r->b, "Mul", name, x, builder_real(l->r->b, keras_sub(l, "factor"), factor));
}

static const char *plus(keras_layer *l, const char *x, double term, const char *name)
{
    return builder_binary(l->r->b, "Add", name, x, builder_real(l->r->b, keras_sub(l, "term"), term));
}

/* x/2 (1 + erf(x/sqrt 2)), or its approximation x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
static const char *gelu(keras_layer *l, const char *x, bool approximate, const char *name)
{
    builder *b = l->r->b;
    const char *y;
    if (approximate) {
        const char *cube =
            builder_binary(b, "Mul", keras_sub(l, "cube"), builder_binary(b, "Mul", keras_sub(l, "square"), x, x), x);
        const char *sum =
            builder_binary(b, "Add", keras_sub(l, "inner"), x, times(l, cube, 0.044715, keras_sub(l, "scaled")));
        y = builder_unary(b, "Tanh", keras_sub(l, "Tanh"), times(l, sum, sqrt(2 / M_PI), keras_sub(l, "outer")), 0,
                          NULL);
    } else {
        y = builder_unary(b, "Erf", keras_sub(l, "Erf"), times(l, x, sqrt(0.5), keras_sub(l, "scaled")), 0, NULL);
    }
    const char *product = builder_binary(b, "Mul", keras_sub(l, "product"), x, plus(l, y, 1, keras_sub(l, "one_more")));
    return times(l, product, 0.5, name);
}

/* Those that are written out in several; NULL where it is none of them. */
static const char *composed(keras_layer *l, const char *which, const char *x, const char *name)
{
    builder *b = l->r->b;
    if (strcmp(which, "swish") == 0 || strcmp(which, "silu") == 0)
        return builder_binary(b, "Mul", name, x, builder_unary(b, "Sigmoid", keras_sub(l, "Sigmoid"), x, 0, NULL));
    if (strcmp(which, "gelu") == 0)
        return gelu(l, x, false, name);
    if (strcmp(which, "relu6") == 0)
        return clip(l, x, 0, 6, name);
    if (strcmp(which, "hard_sigmoid") == 0) {
        /* Keras 3 has x/6 + 1/2, before it was x/5 + 1/2. Only .keras files are surely of Keras 3. */
        ff_attr attrs[] = {attr_real("alpha", l->r->newer ? 1.0 / 6 : 0.2), attr_real("beta", 0.5)};
        return builder_unary(b, "HardSigmoid", name, x, 2, attrs);
    }
    if (strcmp(which, "hard_silu") == 0 || strcmp(which, "hard_swish") == 0)
        return builder_unary(b, "HardSwish", name, x, 0, NULL);
    if (strcmp(which, "mish") == 0) {
        const char *y = builder_unary(b, "Softplus", keras_sub(l, "Softplus"), x, 0, NULL);
        return builder_binary(b, "Mul", name, x, builder_unary(b, "Tanh", keras_sub(l, "Tanh"), y, 0, NULL));
    }
    if (strcmp(which, "softmax") == 0 || strcmp(which, "log_softmax") == 0) {
        ff_attr axis = attr_int("axis", -1);
        return builder_unary(b, which[0] == 's' ? "Softmax" : "LogSoftmax", name, x, 1, &axis);
    }
    return NULL;
}

const char *keras_activation(keras_layer *l, const json_t *activation, const char *x, const char *name)
{
    const char *which = json_is_null(activation) || !activation ? "linear" : config_class(activation, "?");
    if (strcmp(which, "linear") == 0)
        return x;
    for (size_t i = 0; i < FF_COUNT(plain); i++)
        if (strcmp(plain[i].name, which) == 0) {
            ff_attr alpha = attr_real("alpha", plain[i].alpha);
            return builder_unary(l->r->b, plain[i].op, name, x, isnan(plain[i].alpha) ? 0 : 1, &alpha);
        }
    const char *y = composed(l, which, x, name);
    if (!y)
        keras_fail(l, "activation '%s' is not supported", which);
    return y;
}

const char *keras_cell_activation(const keras_reader *r, const char *name, double *alpha, double *beta)
{
    *alpha = *beta = NAN;
    if (strcmp(name, "linear") == 0) {
        *alpha = 1;
        *beta = 0;
        return "Affine";
    }
    if (strcmp(name, "hard_sigmoid") == 0) {
        *alpha = r->newer ? 1.0 / 6 : 0.2;
        *beta = 0.5;
        return "HardSigmoid";
    }
    for (size_t i = 0; i < FF_COUNT(plain); i++)
        if (strcmp(plain[i].name, name) == 0 && strcmp(name, "exponential") != 0 && strcmp(name, "selu") != 0) {
            *alpha = plain[i].alpha;
            return plain[i].op;
        }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- as layers */

/* ReLU(max_value, negative_slope, threshold). */
static const char *relu(keras_layer *l, const char *x)
{
    double slope = config_real(l->config, "negative_slope", 0), threshold = config_real(l->config, "threshold", 0);
    double most = config_real(l->config, "max_value", INFINITY);
    if (threshold != 0)
        return keras_fail(l, "a threshold is not supported"), NULL;
    if (slope == 0)
        return isinf(most) ? builder_unary(l->r->b, "Relu", l->name, x, 0, NULL) : clip(l, x, 0, most, l->name);
    ff_attr alpha = attr_real("alpha", slope);
    const char *y =
        builder_unary(l->r->b, "LeakyRelu", isinf(most) ? l->name : keras_sub(l, "LeakyRelu"), x, 1, &alpha);
    return isinf(most) ? y : clip(l, y, -INFINITY, most, l->name);
}

static const char *prelu(keras_layer *l, const char *x)
{
    const char *inputs[] = {x, keras_weight_constant(l, NULL, "alpha", 0, NULL, -1, NULL)};
    return inputs[1] ? builder_node(l->r->b, "PRelu", l->name, 2, inputs, 0, NULL) : NULL;
}

int keras_emit_activation(keras_layer *l)
{
    builder *b = l->r->b;
    const char *x = l->inputs[0].name, *y;
    ff_attr a;
    if (strcmp(l->class, "Activation") == 0) {
        y = keras_activation(l, json_object_get(l->config, "activation"), x, l->name);
    } else if (strcmp(l->class, "ReLU") == 0) {
        y = relu(l, x);
    } else if (strcmp(l->class, "PReLU") == 0) {
        y = prelu(l, x);
    } else if (strcmp(l->class, "LeakyReLU") == 0) {
        a = attr_real("alpha", config_real(l->config, "negative_slope", config_real(l->config, "alpha", 0.3)));
        y = builder_unary(b, "LeakyRelu", l->name, x, 1, &a);
    } else if (strcmp(l->class, "ELU") == 0) {
        a = attr_real("alpha", config_real(l->config, "alpha", 1));
        y = builder_unary(b, "Elu", l->name, x, 1, &a);
    } else if (strcmp(l->class, "ThresholdedReLU") == 0) {
        a = attr_real("alpha", config_real(l->config, "theta", 1));
        y = builder_unary(b, "ThresholdedRelu", l->name, x, 1, &a);
    } else { /* Softmax */
        a = attr_int("axis", config_int(l->config, "axis", -1));
        y = builder_unary(b, "Softmax", l->name, x, 1, &a);
    }
    if (!y)
        return l->code;
    l->outputs[0] = (keras_value){y, l->inputs[0].shape, l->inputs[0].masked};
    l->n_outputs = 1;
    return FF_OK;
}
