/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weights of chains: those of the model, scaled by what follows the convolution. Only their name by
 * content is kept; the scaled copy lives until it is packed.
 */
#include "exec/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct memo {
    ff_item item;
    ff_key content;
} memo;

static void memo_destroy(ff_item *item)
{
    free(item);
}

/* W' = W * scale, as [O, ...]. */
static float *effective_weights(const chain *c, const chain_link *l)
{
    const float *w = c->weights->data;
    int64_t n = c->weights->count, per = n / c->channels;
    float *out = ff_try_alloc((size_t)n * sizeof *out);

    for (int64_t o = 0; out && o < c->channels; o++)
        for (int64_t i = 0; i < per; i++) {
            float v = c->transposed ? w[i * c->channels + o] : w[o * per + i];
            out[o * per + i] = l->scale ? (float)(v * l->scale[o]) : v;
        }
    return out;
}

struct memo_context {
    const chain *c;
    const chain_link *l;
    float *made;
};

static int memo_make(void *context, ff_item **out)
{
    struct memo_context *x = context;

    x->made = effective_weights(x->c, x->l);
    if (!x->made)
        return FF_ERR_NOMEM;
    memo *m = ff_alloc(sizeof *m);
    m->item.destroy = memo_destroy;
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "effective weights");
    ff_hasher_add(&h, x->c->conv.weights, sizeof x->c->conv.weights);
    ff_hasher_add(&h, x->made, (size_t)x->c->weights->count * sizeof *x->made);
    m->content = ff_hasher_done(&h);
    *out = &m->item;
    return FF_OK;
}

int chain_weights(const chain *c, const chain_link *l, link_weights *out)
{
    struct memo_context x = {c, l, NULL};
    ff_hasher h;

    *out = (link_weights){.chain = c, .link = l};
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "scaled");
    ff_hasher_add(&h, ff_tensor_key(c->weights), sizeof(ff_key));
    ff_hasher_add_u64(&h, c->transposed);
    ff_hasher_add_u64(&h, l->scale != NULL);
    if (l->scale)
        ff_hasher_add(&h, l->scale, (size_t)c->channels * sizeof *l->scale);
    ff_hasher_add(&h, c->conv.weights, sizeof c->conv.weights);
    ff_key key = ff_hasher_done(&h);
    int code = ff_cache_get(&key, memo_make, &x, &out->memo);
    out->owned = x.made;
    if (code == FF_OK)
        out->key = ((memo *)out->memo)->content;
    return code;
}

const float *link_weights_data(void *link_weights_)
{
    link_weights *w = link_weights_;

    if (!w->owned && (w->link->scale || w->chain->transposed))
        w->owned = effective_weights(w->chain, w->link);
    else if (!w->owned)
        return w->chain->weights->data;
    return w->owned;
}

void link_weights_finish(link_weights *w)
{
    ff_cache_unref(w->memo);
    free(w->owned);
    memset(w, 0, sizeof *w);
}
