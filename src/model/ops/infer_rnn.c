/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recurrent layers: one function, the gates differ. */
#include "model/ops/infer.h"

static int infer_rnn(ff_infer *c)
{
    char kind = c->node->op[0]; /* R, G, L */
    int64_t gates = kind == 'R' ? 1 : kind == 'G' ? 3 : 4, k;
    const ff_shape *x = &c->in[0], *w = &c->in[1], *r = &c->in[2];
    const char *direction = ff_node_string(c->node, "direction", "forward");
    int64_t directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    bool batch_first = ff_node_int(c->node, "layout", 0) != 0;
    int64_t hidden = ff_node_int(c->node, "hidden_size", UNKNOWN);
    int64_t length = UNKNOWN, batch = UNKNOWN;
    int code;

    if (directions == 1 && strcmp(direction, "forward") != 0 && strcmp(direction, "reverse") != 0)
        return infer_fail("direction '%s' is not known", direction);
    for (int i = 0; i < 3; i++)
        if ((code = infer_same_type(c, 0, i)) || (code = infer_want_rank(c, i, 3)))
            return code;
    if (hidden != UNKNOWN && (hidden < 1 || hidden > INT32_MAX))
        return infer_fail("'hidden_size' is %lld", (long long)hidden);
    if (r->rank == 3 && ((code = infer_equal(hidden, r->dims[2], "hidden size", &hidden)) ||
                         (code = infer_equal(directions, r->dims[0], "directions", &k))))
        return code;
    if (hidden > INT32_MAX)
        return infer_fail("the hidden size is %lld", (long long)hidden);
    if (r->rank == 3 && hidden >= 0 &&
        (code = infer_equal(gates * hidden, r->dims[1], "rows of the recurrence weights", &k)))
        return code;
    if (w->rank == 3 && ((hidden >= 0 && (code = infer_equal(gates * hidden, w->dims[1], "rows of the weights", &k))) ||
                         (code = infer_equal(directions, w->dims[0], "directions", &k))))
        return code;
    if (x->rank == 3) {
        length = x->dims[batch_first];
        batch = x->dims[!batch_first];
        if (w->rank == 3 && (code = infer_equal(x->dims[2], w->dims[2], "input size", &k)))
            return code;
    }
    int64_t biases[2] = {directions, hidden < 0 ? UNKNOWN : 2 * gates * hidden};
    if ((code = infer_want_rank(c, 3, 2)))
        return code;
    for (int i = 0; i < 2 && infer_rank(c, 3) == 2; i++)
        if ((code = infer_equal(c->in[3].dims[i], biases[i], "bias", &k)))
            return code;
    if ((code = infer_want_rank(c, 4, 1)) ||
        (infer_rank(c, 4) == 1 && (code = infer_equal(c->in[4].dims[0], batch, "sequence_lens and batch", &k))))
        return code;
    int64_t state[3] = {directions, batch, hidden}, first[3] = {batch, directions, hidden};
    for (int i = 5; i < 7; i++) {
        if ((code = infer_want_rank(c, i, 3)))
            return code;
        for (int j = 0; j < 3 && infer_rank(c, i) == 3; j++)
            if ((code = infer_equal(c->in[i].dims[j], batch_first ? first[j] : state[j], "initial state", &k)))
                return code;
    }
    int64_t all[4] = {length, directions, batch, hidden};
    int64_t all_first[4] = {batch, length, directions, hidden};
    infer_set(c, 0, x->dtype, 4, batch_first ? all_first : all);
    infer_set(c, 1, x->dtype, 3, batch_first ? first : state);
    infer_set(c, 2, x->dtype, 3, batch_first ? first : state);
    return FF_OK;
}

static const struct ff_attr_fact gru_7[] = {
    {"activation_alpha", FF_ATTR_FLOATS, NULL}, {"activation_beta", FF_ATTR_FLOATS, NULL},
    {"activations", FF_ATTR_STRINGS, NULL},     {"clip", FF_ATTR_FLOAT, NULL},
    {"direction", FF_ATTR_STRING, "forward"},   {"hidden_size", FF_ATTR_INT, NULL},
    {"linear_before_reset", FF_ATTR_INT, "0"},  {0}};
static const struct ff_attr_fact gru_14[] = {{"activation_alpha", FF_ATTR_FLOATS, NULL},
                                             {"activation_beta", FF_ATTR_FLOATS, NULL},
                                             {"activations", FF_ATTR_STRINGS, NULL},
                                             {"clip", FF_ATTR_FLOAT, NULL},
                                             {"direction", FF_ATTR_STRING, "forward"},
                                             {"hidden_size", FF_ATTR_INT, NULL},
                                             {"layout", FF_ATTR_INT, "0"},
                                             {"linear_before_reset", FF_ATTR_INT, "0"},
                                             {0}};
static const struct ff_attr_fact lstm_7[] = {
    {"activation_alpha", FF_ATTR_FLOATS, NULL}, {"activation_beta", FF_ATTR_FLOATS, NULL},
    {"activations", FF_ATTR_STRINGS, NULL},     {"clip", FF_ATTR_FLOAT, NULL},
    {"direction", FF_ATTR_STRING, "forward"},   {"hidden_size", FF_ATTR_INT, NULL},
    {"input_forget", FF_ATTR_INT, "0"},         {0}};
static const struct ff_attr_fact lstm_14[] = {{"activation_alpha", FF_ATTR_FLOATS, NULL},
                                              {"activation_beta", FF_ATTR_FLOATS, NULL},
                                              {"activations", FF_ATTR_STRINGS, NULL},
                                              {"clip", FF_ATTR_FLOAT, NULL},
                                              {"direction", FF_ATTR_STRING, "forward"},
                                              {"hidden_size", FF_ATTR_INT, NULL},
                                              {"input_forget", FF_ATTR_INT, "0"},
                                              {"layout", FF_ATTR_INT, "0"},
                                              {0}};
static const struct ff_attr_fact rnn_7[] = {{"activation_alpha", FF_ATTR_FLOATS, NULL},
                                            {"activation_beta", FF_ATTR_FLOATS, NULL},
                                            {"activations", FF_ATTR_STRINGS, "[Tanh,Tanh]"},
                                            {"clip", FF_ATTR_FLOAT, NULL},
                                            {"direction", FF_ATTR_STRING, "forward"},
                                            {"hidden_size", FF_ATTR_INT, NULL},
                                            {0}};
static const struct ff_attr_fact rnn_14[] = {{"activation_alpha", FF_ATTR_FLOATS, NULL},
                                             {"activation_beta", FF_ATTR_FLOATS, NULL},
                                             {"activations", FF_ATTR_STRINGS, "[Tanh,Tanh]"},
                                             {"clip", FF_ATTR_FLOAT, NULL},
                                             {"direction", FF_ATTR_STRING, "forward"},
                                             {"hidden_size", FF_ATTR_INT, NULL},
                                             {"layout", FF_ATTR_INT, "0"},
                                             {0}};

const ff_op ff_ops_rnn[] = {
    /* since, inputs, outputs */
    {"", "GRU", 7, 3, 6, 0, 2, infer_rnn, gru_7},
    {"", "GRU", 14, 3, 6, 0, 2, infer_rnn, gru_14},
    {"", "LSTM", 7, 3, 8, 0, 3, infer_rnn, lstm_7},
    {"", "LSTM", 14, 3, 8, 0, 3, infer_rnn, lstm_14},
    {"", "RNN", 7, 3, 6, 0, 2, infer_rnn, rnn_7},
    {"", "RNN", 14, 3, 6, 0, 2, infer_rnn, rnn_14},
    {0},
};
