/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that move elements, or leave them where they are. */
#include "model/file/keras/keras.h"

#include <string.h>

enum { MOST_SPATIAL = 3 };

static int put(keras_layer *l, const char *y, const ff_shape *shape)
{
    l->outputs[0] = (keras_value){y, *shape, l->inputs[0].masked};
    l->n_outputs = 1;
    return FF_OK;
}

/* Dropout and what else is for training alone. */
int keras_emit_identity(keras_layer *l)
{
    return put(l, l->inputs[0].name, &l->inputs[0].shape);
}

/* Elements of a sample; -1: open. */
static int64_t size_of(const ff_shape *s)
{
    int64_t n = 1;
    for (int i = 1; i < s->rank && n >= 0; i++)
        n = s->dims[i] < 0 || __builtin_mul_overflow(n, s->dims[i], &n) ? -1 : n;
    return n;
}

int keras_emit_flatten(keras_layer *l)
{
    const ff_shape *x = &l->inputs[0].shape;
    ff_shape shape = {.dtype = x->dtype, .rank = 2, .dims = {x->dims[0], size_of(x)}};
    const char *from = l->inputs[0].name;
    /* Channels-first data are flattened as if they were channels-last. */
    if (json_object_get(l->config, "data_format") && !keras_channels_last(l) && x->rank > 2) {
        int64_t perm[FF_MAX_RANK] = {0};
        for (int i = 1; i < x->rank; i++)
            perm[i] = i + 1 < x->rank ? i + 1 : 1;
        from = builder_transpose(l->r->b, keras_sub(l, "to_channels_last"), from, x->rank, perm);
    }
    ff_attr axis = attr_int("axis", 1);
    return put(l, builder_unary(l->r->b, "Flatten", l->name, from, 1, &axis), &shape);
}

int keras_emit_reshape(keras_layer *l)
{
    const ff_shape *x = &l->inputs[0].shape;
    const json_t *target = json_object_get(l->config, "target_shape");
    int rank = (int)json_array_size(target) + 1, open = -1;
    int64_t dims[FF_MAX_RANK], size = size_of(x), product = 1;
    if (rank > FF_MAX_RANK || !config_ints(l->config, "target_shape", rank - 1, -1, dims + 1))
        return keras_fail(l, "target_shape is not a list of numbers");
    ff_shape shape = {.dtype = x->dtype, .rank = rank, .dims = {x->dims[0]}};
    for (int i = 1; i < rank; i++) {
        shape.dims[i] = dims[i];
        if (dims[i] < 0)
            open = open < 0 ? i : FF_MAX_RANK;
        else if (__builtin_mul_overflow(product, dims[i], &product))
            return keras_fail(l, "target_shape is too large");
    }
    if (open > 0 && open < FF_MAX_RANK && size >= 0 && product > 0)
        shape.dims[open] = dims[open] = size / product;
    else if (open == FF_MAX_RANK)
        return keras_fail(l, "target_shape has more than one open size");
    dims[0] = x->dims[0] >= 0 ? x->dims[0] : open > 0 && dims[open] < 0 ? 0 : -1;
    return put(l, builder_reshape(l->r->b, l->name, l->inputs[0].name, rank, dims), &shape);
}

int keras_emit_permute(keras_layer *l)
{
    const ff_shape *x = &l->inputs[0].shape;
    int64_t perm[FF_MAX_RANK] = {0};
    unsigned seen = 1;
    ff_shape shape = *x;
    if (x->rank < 1 || !config_ints(l->config, "dims", x->rank - 1, 0, perm + 1))
        return keras_fail(l, "dims are not %d numbers", x->rank - 1);
    for (int i = 1; i < x->rank; i++) {
        if (perm[i] < 1 || perm[i] >= x->rank || seen >> perm[i] & 1)
            return keras_fail(l, "dims are no order of the axes");
        seen |= 1u << perm[i];
        shape.dims[i] = x->dims[perm[i]];
    }
    return put(l, builder_transpose(l->r->b, l->name, l->inputs[0].name, x->rank, perm), &shape);
}

int keras_emit_repeat(keras_layer *l)
{
    const ff_shape *x = &l->inputs[0].shape;
    int64_t n = config_int(l->config, "n", 1), axis = 1;
    if (x->rank != 2 || n < 1)
        return keras_fail(l, "an input of %d dimensions", x->rank);
    ff_shape shape = {.dtype = x->dtype, .rank = 3, .dims = {x->dims[0], n, x->dims[1]}};
    const char *there[] = {l->inputs[0].name, builder_ints(l->r->b, keras_sub(l, "axis"), 1, &axis)};
    const char *tiled[] = {builder_node(l->r->b, "Unsqueeze", keras_sub(l, "Unsqueeze"), 2, there, 0, NULL),
                           builder_ints(l->r->b, keras_sub(l, "repeats"), 3, (int64_t[]){1, n, 1})};
    return put(l, builder_node(l->r->b, "Tile", l->name, 2, tiled, 0, NULL), &shape);
}

/* [[top, bottom], [left, right]], [height, width] or one number: two of each spatial dim. */
static bool margins(const keras_layer *l, const char *name, int n, int64_t *out)
{
    const json_t *j = json_object_get(l->config, name);
    int64_t v[2 * MOST_SPATIAL];
    bool pairs = n > 1 && json_is_array(json_array_get(j, 0));
    if (n == 1 && json_array_size(j) == 2) /* [before, after] */
        return config_ints(l->config, name, 2, 0, out) && out[0] >= 0 && out[1] >= 0;
    if (pairs && json_array_size(j) != (size_t)n)
        return false;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2 && pairs; k++) {
            const json_t *at = json_array_get(json_array_get(j, (size_t)i), (size_t)k);
            if (!json_is_integer(at) || json_integer_value(at) < 0 || json_integer_value(at) > INT32_MAX)
                return false;
            out[2 * i + k] = json_integer_value(at);
        }
    if (pairs)
        return true;
    if (!config_ints(l->config, name, n, n == 1 ? 1 : 0, v))
        return false;
    for (int i = 0; i < n; i++) {
        out[2 * i] = out[2 * i + 1] = v[i];
        if (v[i] < 0)
            return false;
    }
    return true;
}

int keras_emit_pad(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    int n = shape.rank - 2, first = keras_channels_last(l) ? 1 : 2;
    int64_t m[2 * MOST_SPATIAL], pads[2 * FF_MAX_RANK] = {0};
    if (n < 1 || n > MOST_SPATIAL || !margins(l, "padding", n, m))
        return keras_fail(l, "padding that is not supported");
    for (int i = 0; i < n; i++) {
        pads[first + i] = m[2 * i];
        pads[shape.rank + first + i] = m[2 * i + 1];
        if (shape.dims[first + i] >= 0)
            shape.dims[first + i] += m[2 * i] + m[2 * i + 1];
    }
    const char *inputs[] = {l->inputs[0].name, builder_ints(l->r->b, keras_sub(l, "pads"), 2 * shape.rank, pads)};
    return put(l, builder_node(l->r->b, "Pad", l->name, 2, inputs, 0, NULL), &shape);
}

int keras_emit_crop(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    builder *b = l->r->b;
    int n = shape.rank - 2, first = keras_channels_last(l) ? 1 : 2;
    int64_t m[2 * MOST_SPATIAL], starts[MOST_SPATIAL], ends[MOST_SPATIAL], axes[MOST_SPATIAL];
    if (n < 1 || n > MOST_SPATIAL || !margins(l, "cropping", n, m))
        return keras_fail(l, "cropping that is not supported");
    for (int i = 0; i < n; i++) {
        axes[i] = first + i;
        starts[i] = m[2 * i];
        ends[i] = m[2 * i + 1] ? -m[2 * i + 1] : INT32_MAX;
        if (shape.dims[first + i] >= 0)
            shape.dims[first + i] -= m[2 * i] + m[2 * i + 1];
        if (shape.dims[first + i] == 0 || shape.dims[first + i] < -1)
            return keras_fail(l, "it crops more than there is");
    }
    const char *inputs[] = {l->inputs[0].name, builder_ints(b, keras_sub(l, "starts"), n, starts),
                            builder_ints(b, keras_sub(l, "ends"), n, ends),
                            builder_ints(b, keras_sub(l, "axes"), n, axes)};
    return put(l, builder_node(b, "Slice", l->name, 4, inputs, 0, NULL), &shape);
}

int keras_emit_upsample(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    builder *b = l->r->b;
    int n = shape.rank - 2, first = keras_channels_last(l) ? 1 : 2;
    bool linear = strcmp(config_text(l->config, "interpolation", "nearest"), "bilinear") == 0;
    int64_t factor[MOST_SPATIAL], dims = FF_MAX_RANK;
    ff_tensor *scales;
    if (n < 1 || n > MOST_SPATIAL || !config_ints(l->config, "size", n, 2, factor))
        return keras_fail(l, "size is not %d numbers", n);
    if (!linear && strcmp(config_text(l->config, "interpolation", "nearest"), "nearest") != 0)
        return keras_fail(l, "interpolation '%s' is not supported", config_text(l->config, "interpolation", ""));
    dims = shape.rank;
    l->code = ff_tensor_create(FF_FLOAT, 1, &dims, &scales);
    if (l->code)
        return l->code;
    for (int i = 0; i < shape.rank; i++)
        ((float *)scales->data)[i] = 1;
    for (int i = 0; i < n; i++) {
        ((float *)scales->data)[2 + i] = (float)factor[i];
        if (shape.dims[first + i] >= 0)
            shape.dims[first + i] *= factor[i];
    }
    const char *inputs[] = {keras_to_first(l, l->inputs[0].name, shape.rank), NULL,
                            builder_constant(b, keras_sub(l, "scales"), scales)};
    ff_attr attrs[] = {attr_text("mode", linear ? "linear" : "nearest"),
                       attr_text("coordinate_transformation_mode", linear ? "half_pixel" : "asymmetric"),
                       attr_text("nearest_mode", "floor")};
    const char *y =
        builder_node(b, "Resize", keras_channels_last(l) ? keras_sub(l, "Resize") : builder_keep(b, l->name), 3, inputs,
                     linear ? 2 : 3, attrs);
    return put(l, keras_to_last(l, y, shape.rank, l->name), &shape);
}
