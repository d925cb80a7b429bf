/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "writer.h"

const char *activate(writer *w, const layer *l, const char *x)
{
    if (l->act == LINEAR)
        return x;
    if (l->act == RELU)
        return unary(w, "Relu", name_of(w, l, "Relu"), x, NULL, 0);
    if (w->s->clip == CLIP_MIN_MAX) {
        const char *zero = scalar(w, weight_name(w, l, "relu6_min"), 0);
        const char *six = scalar(w, weight_name(w, l, "relu6_max"), l->act_max);
        x = binary(w, "Max", name_of(w, l, "Relu6_max"), x, zero);
        return binary(w, "Min", name_of(w, l, "Relu6"), x, six);
    }
    if (w->s->opset < 11)
        return unary(w, "Clip", name_of(w, l, "Relu6"), x,
                     (ff_attr[]){float_attr("min", 0), float_attr("max", l->act_max)}, 2);
    const char *in[] = {x, scalar(w, weight_name(w, l, "clip_min"), 0),
                        scalar(w, weight_name(w, l, "clip_max"), l->act_max)};
    return node(w, "Clip", name_of(w, l, "Clip"), in, 3, NULL, 0);
}
