/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model put together node by node, for readers of formats other than ONNX.
 *
 *     builder *b = builder_create();
 *     builder_input(b, "x", &shape);
 *     const char *w = builder_constant(b, "w", tensor);               the tensor is taken over
 *     const char *y = builder_node(b, "Conv", "layer1", 2, (const char *[]){"x", w}, 1, (ff_attr[]){attr_ints("strides", 2, s)});
 *     builder_output(b, y, "out", &shape);
 *     code = builder_finish(b, "keras 2.4.0", &model);                the builder is destroyed, whatever comes out
 *
 * Names of values that it hands out belong to the builder. Nothing here fails before builder_finish. One thread.
 */
#ifndef MODEL_FILE_BUILDER_H
#define MODEL_FILE_BUILDER_H

#include "fetafix/model.h"

/* The opset that models of other formats are read into. */
enum { BUILDER_OPSET = 17, BUILDER_IR = 8 };

typedef struct builder builder;
builder *builder_create(void);
void builder_destroy(builder *b); /* of one that is not finished */

/* A name that no value has yet: stem, else stem_1, ... */
const char *builder_name(builder *b, const char *stem);
/* A copy of a text that lasts as long as the builder. */
const char *builder_keep(builder *b, const char *text);
/* A graph input of that name (made unique), which it returns; a dim of -1 is the batch or another open size. At most 64. */
const char *builder_input(builder *b, const char *name, const ff_shape *shape);
/* An initializer; takes the tensor over. */
const char *builder_constant(builder *b, const char *stem, ff_tensor *t);
const char *builder_ints(builder *b, const char *stem, int n, const int64_t *v); /* int64[n] */
const char *builder_int(builder *b, const char *stem, int64_t v);                /* int64, a scalar */
const char *builder_real(builder *b, const char *stem, double v);                /* float32, a scalar */
/* A node of one output, called `name` (made unique); inputs NULL or "": left out. Returns the output. Everything is copied. */
const char *builder_node(builder *b, const char *op, const char *name, int n_inputs, const char *const *inputs,
                         int n_attrs, const ff_attr *attrs);
/* The same of several outputs, whose names it writes to outputs[]; an operator of `domain`. */
void builder_node_of(builder *b, const char *domain, const char *op, const char *name, int n_inputs,
                     const char *const *inputs, int n_attrs, const ff_attr *attrs, int n_outputs, const char **outputs);
/* For nodes of one input. */
const char *builder_unary(builder *b, const char *op, const char *name, const char *x, int n_attrs,
                          const ff_attr *attrs);
const char *builder_binary(builder *b, const char *op, const char *name, const char *x, const char *y);
const char *builder_transpose(builder *b, const char *name, const char *x, int rank, const int64_t *perm);
const char *builder_reshape(builder *b, const char *name, const char *x, int rank, const int64_t *dims);
/* The value becomes a graph output called `name`; shape: what is known of it. */
void builder_output(builder *b, const char *value, const char *name, const ff_shape *shape);
int builder_finish(builder *b, const char *producer, ff_model **out) FF_MUST_USE;

/* Attributes for the calls above; what they point to must last until the call returns. */
ff_attr attr_int(const char *name, int64_t v);
ff_attr attr_real(const char *name, double v);
ff_attr attr_text(const char *name, const char *v);
ff_attr attr_ints(const char *name, int n, const int64_t *v);

#endif
