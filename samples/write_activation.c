/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "writer.h"

#include <math.h>

static const char *by_scalar(writer *w, const layer *l, const char *op, const char *x, const char *what, float value)
{
    return binary(w, op, name_of(w, l, what), x, scalar(w, weight_name(w, l, what), value));
}

static const char *clip(writer *w, const layer *l, const char *x, float max)
{
    if (w->s->clip == CLIP_MIN_MAX && w->s->opset >= 8) { /* they do not broadcast before */
        x = by_scalar(w, l, "Max", x, "relu6_min", 0);
        return by_scalar(w, l, "Min", x, "relu6_max", max);
    }
    if (w->s->opset < 11)
        return unary(w, "Clip", name_of(w, l, "Relu6"), x, (ff_attr[]){float_attr("min", 0), float_attr("max", max)},
                     2);
    const char *in[] = {x, scalar(w, weight_name(w, l, "clip_min"), 0), scalar(w, weight_name(w, l, "clip_max"), max)};
    return node(w, "Clip", name_of(w, l, "Clip"), in, 3, NULL, 0);
}

/* x * Relu6(x + 3) / 6, or by HardSigmoid, or as one. */
static const char *hard_swish(writer *w, const layer *l, const char *x)
{
    if (w->s->composite == WRITTEN_OUT) {
        const char *gate = clip(w, l, by_scalar(w, l, "Add", x, "add_3", 3), 6);
        return by_scalar(w, l, "Div", binary(w, "Mul", name_of(w, l, "gated"), x, gate), "div_6", 6);
    }
    if (w->s->opset >= 14)
        return unary(w, "HardSwish", name_of(w, l, "HardSwish"), x, NULL, 0);
    ff_attr attrs[] = {float_attr("alpha", 1.0f / 6), float_attr("beta", 0.5f)};
    return binary(w, "Mul", name_of(w, l, "gated"), x,
                  unary(w, "HardSigmoid", name_of(w, l, "HardSigmoid"), x, attrs, 2));
}

/* Formulas: Hendrycks, Gimpel, Gaussian Error Linear Units, 2016. */
static const char *gelu(writer *w, const layer *l, const char *x, bool tanh_form)
{
    if (w->s->composite != WRITTEN_OUT && w->s->opset >= 20) {
        ff_attr form = text_attr("approximate", tanh_form ? "tanh" : "none");
        return unary(w, "Gelu", name_of(w, l, "Gelu"), x, &form, 1);
    }
    const char *inner;
    if (tanh_form) {
        const char *cube = binary(w, "Mul", name_of(w, l, "cube"), binary(w, "Mul", name_of(w, l, "square"), x, x), x);
        const char *sum = binary(w, "Add", name_of(w, l, "sum"), x, by_scalar(w, l, "Mul", cube, "third", 0.044715f));
        inner = unary(w, "Tanh", name_of(w, l, "Tanh"), by_scalar(w, l, "Mul", sum, "root", (float)sqrt(2 / M_PI)),
                      NULL, 0);
    } else {
        inner = unary(w, "Erf", name_of(w, l, "Erf"), by_scalar(w, l, "Div", x, "sqrt_2", (float)sqrt(2)), NULL, 0);
    }
    const char *gate = by_scalar(w, l, "Add", inner, "one", 1);
    return by_scalar(w, l, "Mul", binary(w, "Mul", name_of(w, l, "gate"), x, gate), "half", 0.5f);
}

const char *activate(writer *w, const layer *l, const char *x)
{
    switch (l->act) {
    case LINEAR:
        return x;
    case RELU:
        return unary(w, "Relu", name_of(w, l, "Relu"), x, NULL, 0);
    case RELU6:
        return clip(w, l, x, l->act_max);
    case LEAKY_RELU: {
        ff_attr alpha = float_attr("alpha", l->alpha);
        return unary(w, "LeakyRelu", name_of(w, l, "LeakyRelu"), x, &alpha, 1);
    }
    case PRELU: {
        int64_t dims[] = {1, l->channels, 1, 1};
        int drop = w->s->names == NAMES_TORCH;
        return binary(w, "PRelu", name_of(w, l, "PRelu"), x,
                      initializer(w, weight_name(w, l, "slope"), 4 - drop, dims + drop, l->slope));
    }
    case SWISH:
        return binary(w, "Mul", name_of(w, l, "gated"), x, unary(w, "Sigmoid", name_of(w, l, "Sigmoid"), x, NULL, 0));
    case HARD_SWISH:
        return hard_swish(w, l, x);
    case GELU:
    case GELU_TANH:
        return gelu(w, l, x, l->act == GELU_TANH);
    }
    return x;
}
