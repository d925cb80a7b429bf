/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that an older opset does not have, in those that it has. */
#include "faults/strategy.h"

#include <math.h>
#include <string.h>

static const ff_written gelu[] = {
    {"Div", 0, FF_NUMBER, M_SQRT2}, {"Erf", 1, FF_ALONE, 0}, {"Add", 2, FF_NUMBER, 1}, {"Mul", 0, 3, 0},
    {"Mul", 4, FF_NUMBER, 0.5},
};
static const ff_written gelu_tanh[] = {
    {"Mul", 0, 0, 0},
    {"Mul", 1, 0, 0},
    {"Mul", 2, FF_NUMBER, 0.044715},
    {"Add", 0, 3, 0},
    {"Mul", 4, FF_NUMBER, M_2_SQRTPI *M_SQRT1_2},
    {"Tanh", 5, FF_ALONE, 0},
    {"Add", 6, FF_NUMBER, 1},
    {"Mul", 0, 7, 0},
    {"Mul", 8, FF_NUMBER, 0.5},
};
static const ff_written hard_swish[] = {
    {"Add", 0, FF_NUMBER, 3}, {"Max", 1, FF_NUMBER, 0}, {"Min", 2, FF_NUMBER, 6},
    {"Mul", 0, 3, 0},         {"Div", 4, FF_NUMBER, 6},
};
static const ff_written mish[] = {{"Softplus", 0, FF_ALONE, 0}, {"Tanh", 1, FF_ALONE, 0}, {"Mul", 0, 2, 0}};

const ff_written *ff_write_out(const ff_plan *plan, const ff_node *n, int opset, int *count)
{
    bool tanh = strcmp(ff_node_string(n, "approximate", "none"), "tanh") == 0;
    const struct {
        const char *op;
        int least; /* opset with all that it is made of */
        const ff_written *rows;
        size_t n;
    } forms[] = {
        {"Gelu", tanh ? 7 : 9, tanh ? gelu_tanh : gelu, tanh ? FF_COUNT(gelu_tanh) : FF_COUNT(gelu)},
        {"HardSwish", 8, hard_swish, FF_COUNT(hard_swish)},
        {"Mish", 7, mish, FF_COUNT(mish)},
    };
    if (*n->domain || n->n_inputs != 1 || !n->inputs[0] || ff_plan_shape(plan, n->inputs[0])->dtype != FF_FLOAT)
        return NULL;
    for (size_t i = 0; i < FF_COUNT(forms); i++)
        if (strcmp(forms[i].op, n->op) == 0 && opset >= forms[i].least) {
            *count = (int)forms[i].n;
            return forms[i].rows;
        }
    return NULL;
}
