/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random.c: operators that draw numbers. The standard prescribes no generator; here numbers come from
 * splitmix64 seeded with the `seed` attribute, or with 0 when there is none, so that a run is a
 * function of the model and its inputs alone.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ff_rng generator(const ff_call *c)
{
    /* seed is a float in most operators, an integer in Dropout */
    const ff_attr *a = ff_node_attr(c->node, "seed");
    uint32_t bits = 0;
    if (a && a->type == FF_ATTR_FLOAT)
        memcpy(&bits, &a->f, sizeof bits);
    return (ff_rng){.state = a && a->type == FF_ATTR_INT ? (uint64_t)a->i : bits};
}

/* Identity unless the node asks for training (from opset 12 by input, in opset 1 by is_test = 0). */
int ff_k_dropout(ff_call *c)
{
    const ff_tensor *x, *ratio_input = ff_in(c, 1), *training = ff_in(c, 2);
    ff_tensor *y, *mask = NULL;
    int64_t train = 0;
    double ratio = 0.5;
    bool inputs = c->node->opset >= 12;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (inputs && training && (rc = ff_scalar_int(training, "training_mode", &train))) ||
        (inputs && ratio_input && (rc = ff_scalar_real(ratio_input, "ratio", &ratio))))
        return rc;
    if (ff_wants(c, 1) && (rc = ff_out(c, 1, c->node->opset < 10 ? x->dtype : FF_BOOL, x->rank, x->dims, &mask)))
        return rc;
    if (!train || ratio == 0) {
        for (int64_t i = 0; mask && i < mask->count; i++)
            ff_tensor_set_int(mask, i, 1);
        return ff_pass(c, 0, x);
    }
    if (!(ratio >= 0 && ratio < 1))
        return ff_fail(FF_ERR_GRAPH, "ratio %g", ratio);
    if (!ff_dtype_is_float(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    if ((rc = ff_out_like(c, 0, x, &y)))
        return rc;
    ff_rng rng = generator(c);
    for (int64_t i = 0; i < x->count; i++) {
        bool keep = ff_rng_real(&rng) >= ratio;
        ff_tensor_set_real(y, i, keep ? ff_tensor_get_real(x, i) / (1 - ratio) : 0);
        if (mask)
            ff_tensor_set_int(mask, i, keep);
    }
    return FF_OK;
}
