/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * writer.h: a network being written down in a style: names, nodes, constants. Used by style.c (the
 * whole) and write_*.c (the layers). Strings live as long as the writer.
 */
#ifndef SAMPLES_WRITER_H
#define SAMPLES_WRITER_H

#include "style.h"

typedef struct writer {
    const network *n;
    const style *s;
    ff_patch *patch;
    ff_arena *arena;
    const char **value; /* name of each layer's value */
    bool *nhwc;         /* is it laid out NHWC? */
    int counter;        /* for lost names */
    bool failed;
} writer;

const char *say(writer *w, const char *format, ...) FF_PRINTF(2, 3);
/* The name of a node or value of a layer, as the style's makers write it. */
const char *name_of(writer *w, const layer *l, const char *what);
/* The same for a constant. */
const char *weight_name(writer *w, const layer *l, const char *what);
ff_attr ints_attr(writer *w, const char *name, const int *values, int count);
ff_attr int_attr(const char *name, int64_t value);
ff_attr float_attr(const char *name, float value);
ff_attr text_attr(const char *name, const char *text);
/* Appends a node; returns the name of what it makes. */
const char *node(writer *w, const char *op, const char *name, const char *const *in, int n_in, const ff_attr *attrs,
                 int n_attrs);
const char *unary(writer *w, const char *op, const char *name, const char *in, const ff_attr *attrs, int n_attrs);
const char *binary(writer *w, const char *op, const char *name, const char *a, const char *b);
const char *initializer(writer *w, const char *name, int rank, const int64_t *dims, const float *data);
const char *ints_initializer(writer *w, const char *name, const int64_t *data, int count);
const char *scalar(writer *w, const char *name, float value);
/* A weight the way the style wraps it. */
const char *weight(writer *w, const layer *l, const char *what, int rank, const int64_t *dims, const float *data);
/* The value of a layer in the layout asked for. */
const char *in_layout(writer *w, int layer_number, bool nhwc);

/* write_activation.c */
const char *activate(writer *w, const layer *l, const char *x);
/* write_layer.c: writes layer `number` and notes its value. */
void write_layer(writer *w, int number);

#endif
