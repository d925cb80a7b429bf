/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pad nodes that a convolution or a pooling can do itself. */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

/* Nothing is padded but spatial axes, and nothing is cut off. */
static bool pads_space(const ff_cattr *p, int rank)
{
    if (rank < 3 || p->n != 2 * rank || p->ints[0] || p->ints[1] || p->ints[rank] || p->ints[rank + 1])
        return false;
    for (int i = 0; i < p->n; i++)
        if (p->ints[i] < 0)
            return false;
    return true;
}

/* The amounts before and after each spatial axis of a zero Pad that pads those axes only. */
static const int64_t *spatial_zero_pad(const cg_node *pad, int rank, double value)
{
    const ff_cattr *p = cg_attr(pad, "pads");
    if (pad->n_in != 1 || !p || !cg_text_is(pad, "mode", "constant") || cg_real(pad, "value", NAN) != value)
        return NULL;
    return pads_space(p, rank) ? p->ints : NULL;
}

static void take_pads(cg_graph *g, cg_node *n, cg_node *pad, const int64_t *amounts, int rank)
{
    const ff_cattr *own = cg_attr(n, "pads");
    int spatial = rank - 2;
    int64_t sum[2 * FF_MAX_RANK];
    for (int i = 0; i < spatial; i++) {
        sum[i] = own->ints[i] + amounts[2 + i];
        sum[spatial + i] = own->ints[spatial + i] + amounts[rank + 2 + i];
    }
    cg_set_ints(g, n, "pads", sum, 2 * spatial, pad->primary);
    cg_set_in(n, 0, pad->in[0]);
    if (!cg_used(pad->out[0]))
        cg_remove(g, pad, n);
    else
        cg_absorb(n, pad->origins, pad->n_origins);
}

/* The Pad before n, shared with others or not. */
static cg_node *padded_by(const cg_node *n)
{
    cg_node *p = n->in[0]->producer;
    return p && cg_is(p, "Pad") && p->in[0] ? p : NULL;
}

static bool into_conv(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *pad = cg_is(n, "Conv") && cg_attr(n, "pads") && !cg_attr(n, "auto_pad") ? padded_by(n) : NULL;
    const int64_t *amounts = pad ? spatial_zero_pad(pad, n->in[0]->shape.rank, 0) : NULL;
    if (!amounts)
        return false;
    cg_record_rule(g, self, n, pad, 0);
    take_pads(g, n, pad, amounts, n->in[0]->shape.rank);
    return true;
}

/* An average that counts its padding counts zeros. One that pads nothing counts everything. */
static bool into_average(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *pad = cg_is(n, "AveragePool") && cg_attr(n, "pads") && !cg_attr(n, "auto_pad") ? padded_by(n) : NULL;
    const int64_t *amounts = pad ? spatial_zero_pad(pad, n->in[0]->shape.rank, 0) : NULL;
    if (!amounts || cg_int(n, "ceil_mode", 0) != 0)
        return false;
    const ff_cattr *own = cg_attr(n, "pads");
    bool none = true;
    for (int i = 0; i < own->n; i++)
        none = none && own->ints[i] == 0;
    if (!none && cg_int(n, "count_include_pad", 0) == 0)
        return false;
    cg_record_rule(g, self, n, pad, 0);
    take_pads(g, n, pad, amounts, n->in[0]->shape.rank);
    cg_set_int(g, n, "count_include_pad", 1, pad->primary);
    return true;
}

/* Does every window of the pooling, with these pads in all, see an element of the input? */
static bool windows_see_input(const cg_node *n, const ff_shape *in, const int64_t *amounts)
{
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *s = cg_attr(n, "strides"), *d = cg_attr(n, "dilations"),
                   *p = cg_attr(n, "pads");
    int rank = in->rank;
    if (!k || !s || !d || k->n != rank - 2)
        return false;
    for (int i = 0; i < k->n; i++) {
        int64_t before = p->ints[i] + amounts[2 + i], size = in->dims[2 + i];
        for (int64_t o = 0; o < n->out[0]->shape.dims[2 + i]; o++) {
            bool sees = false;
            for (int64_t j = 0; j < k->ints[i] && !sees; j++) {
                int64_t at = o * s->ints[i] - before + j * d->ints[i];
                sees = at >= 0 && at < size;
            }
            if (!sees)
                return false;
        }
    }
    return true;
}

/* MaxPool pads with minus infinity. Padding by minus infinity (or less than any float), or by zero
 * where nothing is below zero, is the same as long as each window sees an element. */
static bool into_max(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *pad = cg_is(n, "MaxPool") && cg_attr(n, "pads") && !cg_attr(n, "auto_pad") ? padded_by(n) : NULL;
    if (!pad || cg_int(n, "ceil_mode", 0) != 0 || (n->n_out > 1 && n->out[1] && cg_used(n->out[1])))
        return false;
    const ff_shape *in = &pad->in[0]->shape;
    double value = cg_real(pad, "value", NAN);
    const int64_t *amounts = spatial_zero_pad(pad, n->in[0]->shape.rank, value);
    if (!amounts || !cg_shape_static(in) || !cg_shape_static(&n->out[0]->shape))
        return false;
    bool lowest = value <= (double)-3.4028234e38f;
    bool same = lowest || (value == 0 && cg_non_negative(pad->in[0]));
    if (!same || !windows_see_input(n, in, amounts))
        return false;
    cg_record_rule(g, self, n, pad, 0);
    take_pads(g, n, pad, amounts, in->rank);
    return true;
}

/* What its own padding stands for: zeros, or what no maximum is. */
static double own_value(const cg_node *n)
{
    return cg_is(n, "MaxPool") ? -INFINITY : 0;
}

/* A Pad that puts around what the layer itself cannot: mirrored pixels, or another number. The amounts are the layer's
 * all the same, and beside them stands what is put there. */
static bool other_padding(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool average = cg_is(n, "AveragePool"),
         layer = (average || cg_is(n, "Conv") || cg_is(n, "MaxPool")) && cg_attr(n, "pads") && !cg_attr(n, "auto_pad");
    cg_node *pad = layer ? padded_by(n) : NULL;
    if (!pad || cg_attr(n, "pad_mode") || cg_attr(n, "pad_value") || cg_int(n, "ceil_mode", 0) != 0 ||
        (n->n_out > 1 && n->out[1] && cg_used(n->out[1])))
        return false;
    const ff_cattr *own = cg_attr(n, "pads"), *mode = cg_attr(pad, "mode"), *amounts = cg_attr(pad, "pads");
    int rank = n->in[0]->shape.rank;
    double value = cg_real(pad, "value", NAN);
    if (!mode || !amounts || isnan(value) || !pads_space(amounts, rank))
        return false;
    for (int i = 0; i < own->n; i++)
        if (own->ints[i] != 0)
            return false;
    bool constant = cg_text_is(pad, "mode", "constant");
    cg_set_text(g, n, "pad_mode", mode->text, pad->primary);
    if (constant && value != own_value(n))
        cg_set_real(g, n, "pad_value", value, pad->primary);
    if (constant)
        cg_drop_attr(g, n, "pad_mode");
    cg_record_rule(g, self, n, pad, 0);
    take_pads(g, n, pad, amounts->ints, rank);
    if (average)
        cg_set_int(g, n, "count_include_pad", 1, pad->primary);
    return true;
}

/* What is cut off behind a transposed convolution is its own padding. */
static bool crop(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Slice") && n->formed && n->n_in == 1 ? cg_feeder(n, 0, "ConvTranspose") : NULL;
    const ff_cattr *axes = cg_attr(n, "axes"), *starts = cg_attr(n, "starts"), *ends = cg_attr(n, "ends"),
                   *steps = cg_attr(n, "steps"), *own = p ? cg_attr(p, "pads") : NULL;
    if (!own || !axes || !starts || !ends || !steps || cg_attr(p, "auto_pad") || cg_attr(p, "output_shape") ||
        !cg_shape_static(&n->in[0]->shape))
        return false;
    int64_t pads[2 * FF_MAX_RANK];
    int spatial = own->n / 2;
    memcpy(pads, own->ints, (size_t)own->n * sizeof *pads);
    for (int i = 0; i < axes->n; i++) {
        int64_t axis = axes->ints[i];
        if (axis < 2 || axis >= spatial + 2 || steps->ints[i] != 1 || ends->ints[i] <= starts->ints[i])
            return false;
        pads[axis - 2] += starts->ints[i];
        pads[axis - 2 + spatial] += n->in[0]->shape.dims[axis] - ends->ints[i];
    }
    cg_set_ints(g, p, "pads", pads, own->n, n->primary);
    cg_record_rule(g, self, p, n, 0);
    cg_value *out = n->out[0];
    cg_remove(g, n, p);
    cg_set_out(g, p, 0, out);
    return true;
}

const cg_rule cg_pad_rules[] = {
    {"pad-into-conv", "padding by zeros before a convolution is the convolution's own padding", into_conv},
    {"pad-into-average", "padding by zeros before an average is padding that it counts", into_average},
    {"pad-into-max", "padding that cannot be the largest is the maximum's own padding", into_max},
    {"pad-other", "padding by other numbers, as an attribute of the layer behind", other_padding},
    {"crop-into-deconv", "what is cut off behind a transposed convolution is its padding", crop},
    {NULL, NULL, NULL},
};
