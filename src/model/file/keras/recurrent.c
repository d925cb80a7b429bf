/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LSTM, GRU and SimpleRNN, in both directions; layers over time; embeddings. Gates stand i f c o in an LSTM's arrays and
 * i o f c in ONNX's; a GRU has z r h in both. Data are [batch, time, features] and become [time, batch, features]. */
#include "model/file/keras/keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cell {
    const char *class, *op;
    int gates, n_activations;
    int order[4];
} cells[] = {
    {"LSTM", "LSTM", 4, 3, {0, 3, 1, 2}},
    {"GRU", "GRU", 3, 2, {0, 1, 2, 0}},
    {"SimpleRNN", "RNN", 1, 1, {0, 0, 0, 0}},
};

typedef struct run {
    const struct cell *cell;
    const char *part; /* of a Bidirectional: "forward_layer" */
    const json_t *config;
    int64_t units;
    bool reverse;     /* over time */
    bool reset_after; /* of a GRU */
} run;

static const struct cell *cell_of(const char *class)
{
    for (size_t i = 0; i < FF_COUNT(cells); i++)
        if (strcmp(cells[i].class, class) == 0)
            return &cells[i];
    return NULL;
}

static const char *role_of(keras_layer *l, const run *r, const char *role)
{
    if (!r->part)
        return role;
    char *whole = ff_asprintf("%s/%s", r->part, role);
    const char *kept = builder_keep(l->r->b, whole);
    free(whole);
    return kept;
}

/* [inputs, gates * units] as [1, gates * units, inputs], the gates in ONNX's order. NULL: failed. */
static const char *matrix(keras_layer *l, const run *r, const char *role, int index)
{
    const hdf5_array *a = keras_weight(l, r->part, role, index);
    int64_t rows = r->cell->gates * r->units;
    if (!a || a->tensor->rank != 2 || a->tensor->dims[1] != rows) {
        keras_fail(l, "the file has no '%s' that fits", role);
        return NULL;
    }
    origin_piece p = {.array = a,
                      .count = a->tensor->count,
                      .rank = 3,
                      .dims = {a->tensor->dims[0], r->cell->gates, r->units},
                      .perm = {1, 2, 0},
                      .n_order = r->cell->gates};
    memcpy(p.order, r->cell->order, sizeof p.order);
    return keras_constant(l, role_of(l, r, role), 1, &p, 3, (int64_t[]){1, rows, a->tensor->dims[0]});
}

/* The biases of the input and of the state, one behind the other; Keras has the second only where a GRU resets behind
 * the product. *bias NULL: there is none. */
static bool bias_of(keras_layer *l, const run *r, const char **bias)
{
    int64_t rows = r->cell->gates * r->units;
    *bias = NULL;
    if (!config_bool(r->config, "use_bias", true))
        return true;
    const hdf5_array *a = keras_weight(l, r->part, "bias", 2);
    if (!a || a->tensor->count != (r->reset_after ? 2 * rows : rows)) {
        keras_fail(l, "the file has no 'bias' that fits");
        return false;
    }
    origin_piece pieces[2] = {{.array = a,
                               .count = rows,
                               .rank = 2,
                               .dims = {r->cell->gates, r->units},
                               .perm = {0, 1},
                               .n_order = r->cell->gates},
                              {.count = rows}};
    memcpy(pieces[0].order, r->cell->order, sizeof pieces[0].order);
    if (r->reset_after) /* [2, gates * units], in ONNX's order already */
        pieces[0] = (origin_piece){.array = a, .count = 2 * rows, .rank = 1, .dims = {2 * rows}, .perm = {0}};
    *bias = keras_constant(l, role_of(l, r, "bias"), r->reset_after ? 1 : 2, pieces, 2, (int64_t[]){1, 2 * rows});
    return *bias != NULL;
}

/* The activations of a cell as attributes. */
typedef struct activations {
    const char *names[3];
    float alphas[3], betas[3];
    int n_alphas, n_betas;
} activations;

static bool activations_of(keras_layer *l, const run *r, activations *a)
{
    const char *main = config_class(json_object_get(r->config, "activation"), "tanh");
    const char *gate = config_class(json_object_get(r->config, "recurrent_activation"), "sigmoid");
    const char *lstm[] = {gate, main, main}, *gru[] = {gate, main}, *plain[] = {main};
    const char *const *which = r->cell->gates == 4 ? lstm : r->cell->gates == 3 ? gru : plain;
    *a = (activations){0};
    for (int i = 0; i < r->cell->n_activations; i++) {
        double alpha, beta;
        a->names[i] = keras_cell_activation(l->r, which[i], &alpha, &beta);
        if (!a->names[i]) {
            keras_fail(l, "activation '%s' is not supported in a cell", which[i]);
            return false;
        }
        if (!isnan(alpha))
            a->alphas[a->n_alphas++] = (float)alpha;
        if (!isnan(beta))
            a->betas[a->n_betas++] = (float)beta;
    }
    return true;
}

/* One direction over x, [time, batch, features]. outputs: all steps, the last state, and an LSTM's cell. False: failed. */
static bool emit_run(keras_layer *l, const run *r, const char *x, const char *name, const char *outputs[3])
{
    activations a;
    const char *bias;
    const char *inputs[] = {x, matrix(l, r, "kernel", 0), NULL, NULL};
    inputs[2] = inputs[1] ? matrix(l, r, "recurrent_kernel", 1) : NULL;
    if (!inputs[2] || !bias_of(l, r, &bias) || !activations_of(l, r, &a))
        return false;
    inputs[3] = bias;
    ff_attr attrs[8];
    int n = 0;
    attrs[n++] = attr_int("hidden_size", r->units);
    attrs[n++] = attr_text("direction", r->reverse ? "reverse" : "forward");
    attrs[n++] = (ff_attr){
        .name = "activations", .type = FF_ATTR_STRINGS, .n = (size_t)r->cell->n_activations, .strings = a.names};
    if (a.n_alphas)
        attrs[n++] =
            (ff_attr){.name = "activation_alpha", .type = FF_ATTR_FLOATS, .n = (size_t)a.n_alphas, .floats = a.alphas};
    if (a.n_betas)
        attrs[n++] =
            (ff_attr){.name = "activation_beta", .type = FF_ATTR_FLOATS, .n = (size_t)a.n_betas, .floats = a.betas};
    if (r->reset_after)
        attrs[n++] = attr_int("linear_before_reset", 1);
    builder_node_of(l->r->b, "", r->cell->op, name, bias ? 4 : 3, inputs, n, attrs, r->cell->gates == 4 ? 3 : 2,
                    outputs);
    return true;
}

static const char *squeeze(keras_layer *l, const char *x, int64_t axis, const char *name)
{
    const char *inputs[] = {x, builder_ints(l->r->b, keras_sub(l, "axis"), 1, &axis)};
    return builder_node(l->r->b, "Squeeze", name, 2, inputs, 0, NULL);
}

/* All steps, [time, 1, batch, units], as [batch, time, units]; `turned`: the last step first. */
static const char *steps(keras_layer *l, const char *y, bool turned, const char *name)
{
    builder *b = l->r->b;
    y = builder_transpose(b, turned ? keras_sub(l, "to_batch_first") : name, squeeze(l, y, 1, keras_sub(l, "Squeeze")),
                          3, (int64_t[]){1, 0, 2});
    if (!turned)
        return y;
    int64_t start = -1, end = INT32_MIN, axis = 1, step = -1;
    const char *inputs[] = {
        y, builder_ints(b, keras_sub(l, "starts"), 1, &start), builder_ints(b, keras_sub(l, "ends"), 1, &end),
        builder_ints(b, keras_sub(l, "axes"), 1, &axis), builder_ints(b, keras_sub(l, "steps"), 1, &step)};
    return builder_node(b, "Slice", name, 5, inputs, 0, NULL);
}

/* What the two ways of reading a config have in common. False: failed. */
static bool prepare(keras_layer *l, const json_t *config, const char *class, run *r)
{
    r->config = config;
    r->cell = cell_of(class);
    r->units = config_int(config, "units", 0);
    r->reset_after = strcmp(class, "GRU") == 0 &&
                     config_bool(config, "reset_after", l->r->newer || json_object_get(config, "time_major"));
    if (!r->cell || r->units < 1 || l->inputs[0].shape.rank != 3)
        keras_fail(l, "this recurrent layer is not supported");
    else if (l->inputs[0].masked)
        keras_fail(l, "steps that are masked are not supported here");
    else if (l->n_inputs != 1)
        keras_fail(l, "an initial state is not supported");
    else if (config_bool(config, "stateful", false))
        keras_fail(l, "a state that outlasts a call is not supported");
    else if (config_bool(config, "time_major", false))
        keras_fail(l, "time_major is not supported");
    else
        return true;
    return false;
}

static const char *time_first(keras_layer *l)
{
    return builder_transpose(l->r->b, keras_sub(l, "to_time_first"), l->inputs[0].name, 3, (int64_t[]){1, 0, 2});
}

int keras_emit_recurrent(keras_layer *l)
{
    run r = {0};
    const char *outputs[3];
    if (!prepare(l, l->config, l->class, &r))
        return l->code;
    r.reverse = config_bool(l->config, "go_backwards", false);
    if (!emit_run(l, &r, time_first(l), keras_sub(l, l->class), outputs))
        return l->code;
    const ff_shape *x = &l->inputs[0].shape;
    bool all = config_bool(l->config, "return_sequences", false);
    ff_shape state = {.dtype = FF_FLOAT, .rank = 2, .dims = {x->dims[0], r.units}}, sequence = *x;
    sequence.dims[2] = r.units;
    l->outputs[0] = (keras_value){all ? steps(l, outputs[0], r.reverse, l->name) : squeeze(l, outputs[1], 0, l->name),
                                  all ? sequence : state, false};
    l->n_outputs = 1;
    for (int i = 1; i < (r.cell->gates == 4 ? 3 : 2) && config_bool(l->config, "return_state", false); i++)
        l->outputs[l->n_outputs++] = (keras_value){squeeze(l, outputs[i], 0, keras_sub(l, "state")), state, false};
    return FF_OK;
}

/* How the two directions become one. NULL: failed. */
static const char *merged(keras_layer *l, const char *mode, const char *forward, const char *backward)
{
    builder *b = l->r->b;
    const char *both[] = {forward, backward};
    ff_attr axis = attr_int("axis", -1);
    if (strcmp(mode, "concat") == 0)
        return builder_node(b, "Concat", l->name, 2, both, 1, &axis);
    if (strcmp(mode, "mul") == 0)
        return builder_binary(b, "Mul", l->name, forward, backward);
    if (strcmp(mode, "sum") == 0)
        return builder_binary(b, "Add", l->name, forward, backward);
    if (strcmp(mode, "ave") == 0)
        return builder_binary(b, "Mul", l->name, builder_binary(b, "Add", keras_sub(l, "sum"), forward, backward),
                              builder_real(b, keras_sub(l, "half"), 0.5));
    keras_fail(l, "merge_mode '%s' is not supported", mode);
    return NULL;
}

int keras_emit_bidirectional(keras_layer *l)
{
    const json_t *inner = json_object_get(l->config, "layer"), *config = json_object_get(inner, "config");
    const char *class = config_text(inner, "class_name", "?"), *mode = config_text(l->config, "merge_mode", "concat");
    run there = {0}, back = {0};
    const char *first[3], *second[3];
    if (!prepare(l, config, class, &there))
        return l->code;
    back = there;
    there.part = "forward_layer";
    back.part = "backward_layer";
    back.reverse = true;
    const char *x = time_first(l);
    if (config_bool(config, "return_state", false))
        return keras_fail(l, "return_state is not supported here");
    if (!emit_run(l, &there, x, keras_sub(l, "forward"), first) ||
        !emit_run(l, &back, x, keras_sub(l, "backward"), second))
        return l->code;
    bool all = config_bool(config, "return_sequences", false);
    const char *a = all ? steps(l, first[0], false, keras_sub(l, "forward_steps"))
                        : squeeze(l, first[1], 0, keras_sub(l, "forward_last"));
    const char *c = all ? steps(l, second[0], false, keras_sub(l, "backward_steps"))
                        : squeeze(l, second[1], 0, keras_sub(l, "backward_last"));
    const char *y = merged(l, mode, a, c);
    if (!y)
        return l->code;
    ff_shape shape = l->inputs[0].shape;
    int64_t units = there.units * (strcmp(mode, "concat") == 0 ? 2 : 1);
    if (all)
        shape.dims[2] = units;
    else
        shape = (ff_shape){.dtype = FF_FLOAT, .rank = 2, .dims = {shape.dims[0], units}};
    l->outputs[0] = (keras_value){y, shape, false};
    l->n_outputs = 1;
    return FF_OK;
}

/* Layers that look at the last axis alone do the same over time; others would want the time in the batch. */
int keras_emit_time_distributed(keras_layer *l)
{
    static const char *const alike[] = {"Dense", "Activation", "Dropout", "LayerNormalization",
                                        "ReLU",  "LeakyReLU",  NULL};
    const json_t *inner = json_object_get(l->config, "layer");
    const char *class = config_text(inner, "class_name", "?");
    if (!ff_any_of(class, alike))
        return keras_fail(l, "a layer of class '%s' over time is not supported", class);
    keras_layer each = *l;
    char *path = l->r->by_number ? ff_asprintf("%s/layer", l->path) : ff_strdup(l->path);
    each.class = class;
    each.path = path;
    each.config = json_object_get(inner, "config");
    int code = keras_emit(&each);
    free(path);
    l->n_outputs = each.n_outputs;
    memcpy(l->outputs, each.outputs, sizeof l->outputs);
    return code;
}

int keras_emit_embedding(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    const char *table = keras_weight_constant(l, NULL, "embeddings", 0, NULL, -1, NULL);
    if (!table)
        return l->code;
    if (shape.rank + 1 > FF_MAX_RANK)
        return keras_fail(l, "an input of %d dimensions", shape.rank);
    ff_attr to = attr_int("to", FF_INT64);
    const char *inputs[] = {table, builder_unary(l->r->b, "Cast", keras_sub(l, "Cast"), l->inputs[0].name, 1, &to)};
    shape.dims[shape.rank++] = config_int(l->config, "output_dim", -1);
    shape.dtype = FF_FLOAT;
    l->outputs[0] = (keras_value){builder_node(l->r->b, "Gather", l->name, 2, inputs, 0, NULL), shape,
                                  config_bool(l->config, "mask_zero", false)};
    l->n_outputs = 1;
    return FF_OK;
}
