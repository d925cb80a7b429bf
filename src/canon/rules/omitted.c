/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inputs that say no more than leaving them out does, and inputs that newer opsets give in another number. */
#include "canon/rewrite.h"

/* Input `at` is the same left out and with this number in each place. */
static const struct {
    const char *op;
    int at;
    double value;
} defaults[] = {
    {"LSTM", 3, 0}, {"LSTM", 5, 0}, {"LSTM", 6, 0}, {"LSTM", 7, 0},        {"GRU", 3, 0},
    {"GRU", 5, 0},  {"RNN", 3, 0},  {"RNN", 5, 0},  {"ConvInteger", 2, 0}, {"ConvInteger", 3, 0},
};

static bool is_left_out(const cg_node *n, int i)
{
    double value;

    for (size_t k = 0; k < FF_COUNT(defaults); k++)
        if (defaults[k].at == i && cg_is(n, defaults[k].op) && cg_uniform(n->in[i], &value))
            return value == defaults[k].value;
    return false;
}

/* Every sequence is of full length. */
static bool is_full_length(const cg_node *n, int i)
{
    bool recurrent = cg_is(n, "LSTM") || cg_is(n, "GRU") || cg_is(n, "RNN");
    int64_t length;
    double value;

    if (!recurrent || i != 4 || !n->in[0] || n->in[0]->shape.rank != 3)
        return false;
    length = n->in[0]->shape.dims[cg_int(n, "layout", 0) == 0 ? 0 : 1];
    return cg_uniform(n->in[i], &value) && value == (double)length;
}

static bool default_input(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool changed = false;

    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->constant && (is_left_out(n, i) || is_full_length(n, i))) {
            cg_set_in(n, i, NULL);
            changed = true;
        }
    int count = n->n_in;
    while (changed && count > 0 && !n->in[count - 1])
        count--;
    if (changed) {
        cg_set_inputs(g, n, count);
        cg_record_rule(g, self, n, NULL, 0);
    }
    return changed;
}

/* c has an element a group; the result has one a channel. */
static cg_value *per_channel(cg_graph *g, const cg_value *c, int64_t channels)
{
    ff_tensor *t = cg_reals_new(g, 1, &channels);

    if (!t)
        return NULL;
    int64_t each = channels / c->constant->count;
    for (int64_t i = 0; i < channels; i++)
        ff_tensor_set_real(t, i, ff_tensor_get_real(c->constant, i / each));
    return cg_constant(g, t, c);
}

static bool group_scale(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "GroupNormalization") || n->n_in != 3 || n->in[0]->shape.rank < 2)
        return false;
    int64_t channels = n->in[0]->shape.dims[1], groups = cg_int(n, "num_groups", 0);
    const cg_value *scale = n->in[1], *bias = n->in[2];
    if (groups < 1 || channels <= groups || channels % groups || !scale || !bias || !scale->constant ||
        !bias->constant || scale->constant->count != groups || bias->constant->count != groups)
        return false;
    cg_value *wide[] = {per_channel(g, scale, channels), per_channel(g, bias, channels)};
    if (!wide[0] || !wide[1])
        return false;
    cg_set_in(n, 1, wide[0]);
    cg_set_in(n, 2, wide[1]);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_omitted_rules[] = {
    {"default-input", "an input that says what leaving it out says", default_input},
    {"group-scale", "scale and bias of each group, or the same for each of its channels", group_scale},
    {NULL, NULL, NULL},
};
