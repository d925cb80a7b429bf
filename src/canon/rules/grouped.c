/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Depthwise convolutions that were written as dense ones, with zeros wherever channels would mix. */
#include "canon/rewrite.h"

/* Does output channel o read its own input channel, o / per, and no other? */
static bool reads_own_only(const ff_tensor *w, int64_t o, int64_t per)
{
    int64_t inputs = w->dims[1], kernel = w->count / (w->dims[0] * inputs);
    bool own = false;
    for (int64_t i = 0; i < inputs * kernel; i++) {
        bool zero = ff_tensor_get_real(w, o * inputs * kernel + i) == 0;
        if (i / kernel == o / per)
            own = own || !zero;
        else if (!zero)
            return false;
    }
    return own;
}

static bool depthwise(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_tensor *w = cg_is(n, "Conv") && n->n_in >= 2 && n->in[1] ? n->in[1]->constant : NULL;
    if (!w || w->rank < 3 || cg_int(n, "group", 1) != 1 || !ff_dtype_is_float(w->dtype))
        return false;
    int64_t outputs = w->dims[0], inputs = w->dims[1];
    if (inputs < 2 || outputs < inputs || outputs % inputs != 0)
        return false;
    int64_t per = outputs / inputs, kernel = w->count / (outputs * inputs);
    for (int64_t o = 0; o < outputs; o++)
        if (!reads_own_only(w, o, per))
            return false;
    int64_t dims[FF_MAX_RANK] = {outputs, 1};
    for (int i = 2; i < w->rank; i++)
        dims[i] = w->dims[i];
    ff_tensor *own = NULL;
    if ((g->code = ff_tensor_create(w->dtype, w->rank, dims, &own)))
        return false;
    for (int64_t o = 0; o < outputs; o++)
        for (int64_t k = 0; k < kernel; k++)
            ff_tensor_set_real(own, o * kernel + k, ff_tensor_get_real(w, (o * inputs + o / per) * kernel + k));
    cg_value *v = cg_constant(g, own, n->in[1]);
    v->folded = true; /* the stored constant is another one */
    cg_set_in(n, 1, v);
    cg_set_int(g, n, "group", inputs, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_grouped_rules[] = {
    {"dense-depthwise", "a convolution with zeros wherever channels would mix is depthwise", depthwise},
    {NULL, NULL, NULL},
};
