/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of chains: one convolution with all that is fused, or one a value where each can be seen.
 */
#include "exec/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The value that the convolution reads: the chain's input, or another view of it. */
static int chain_view(ff_plan *p, chain *c, int *out)
{
    static const int to_channels[4] = {0, 3, 1, 2}; /* [1, R, 1, K] to [1, K, R, 1] */
    dnn_layout l, plain;
    int code = FF_OK;

    if (c->view < 0 && !c->permuted && !c->dense) {
        c->view = c->input;
    } else if (c->view < 0 && c->permuted) {
        int v = build_value(p, c->conv.rank, c->conv.src);
        if ((code = build_permute(p, c->base, v, c->input, c->perm)) != FF_OK)
            return code;
        c->view = v;
    } else if (c->view < 0) {
        const int64_t rows[4] = {1, c->conv.src[2], 1, c->conv.src[1]};
        const pvalue *x = &p->values[c->input];
        int v = build_value(p, 4, c->conv.src), from = 0;
        x = &p->values[c->input];
        if (!dnn_layout_reshape(&l, &x->reps[0].layout, 4, rows)) {
            if ((code = dnn_layout_plain(&plain, x->shape.rank, x->shape.dims)) != FF_OK)
                return code;
            from = build_rep_for(p, c->input, &plain);
            if (!dnn_layout_reshape(&l, &plain, 4, rows))
                return ff_fail(FF_ERR_INTERNAL, "cannot see '%s' as rows", c->base->label);
        }
        dnn_layout seen;
        if ((code = dnn_layout_permute(&seen, &l, to_channels)) != FF_OK)
            return code;
        build_alias(p, c->base, v, c->input, from, &seen);
        c->view = v;
    }
    *out = c->view;
    return code;
}

/* The model's value behind a product, which the convolution wrote as [1, N, R, 1]. */
static int rows_back(ff_plan *p, const chain *c, const ff_node *n, int to, int from)
{
    static const int to_rows[4] = {0, 2, 3, 1}, to_channels[4] = {0, 3, 1, 2};
    const int64_t rows[4] = {1, c->conv.dst[2], 1, c->conv.dst[1]};
    const ff_shape *shape = &p->values[to].shape;
    dnn_layout l, seen;
    int r = 0, code = dnn_layout_permute(&l, &p->values[from].reps[0].layout, to_rows);

    if (code != FF_OK)
        return code;
    if (!dnn_layout_reshape(&seen, &l, shape->rank, shape->dims)) {
        if ((code = dnn_layout_plain(&l, 4, rows)) != FF_OK)
            return code;
        if (!dnn_layout_reshape(&seen, &l, shape->rank, shape->dims))
            return ff_fail(FF_ERR_INTERNAL, "cannot see the rows of '%s'", n->label);
        dnn_layout as_channels;
        if ((code = dnn_layout_permute(&as_channels, &l, to_channels)) != FF_OK)
            return code;
        r = build_rep_for(p, from, &as_channels);
    }
    build_alias(p, n, to, from, r, &seen);
    return FF_OK;
}

static dnn_conv link_spec(const chain *c, const chain_link *l)
{
    dnn_conv spec = c->conv;

    spec.bias = l->shift != NULL;
    spec.sum = l->residual >= 0;
    spec.clip = l->clip;
    spec.low = l->clip ? l->low : 0;
    spec.high = l->clip ? l->high : 0;
    return spec;
}

/* The value of link `index` straight from the chain's input. */
static int build_conv(ff_plan *p, chain *c, int index)
{
    const chain_link *l = &c->links[index];
    const dnn_conv spec = link_spec(c, l);
    dnn_prim *prim = NULL;
    link_weights w = {0};
    dnn_packed *packed = NULL;
    ff_tensor *bias = NULL;
    int view = -1, code;

    if ((code = chain_view(p, c, &view)) != FF_OK || (code = dnn_conv_get(&spec, &prim)) != FF_OK)
        return code;
    if ((code = chain_weights(c, l, &w)) != FF_OK ||
        (code = dnn_pack_weights(&spec, prim, &w.key, link_weights_data, &w, &packed)) != FF_OK)
        goto failed;
    if (l->shift) {
        const int64_t n = c->channels;
        if ((code = ff_tensor_create(FF_FLOAT, 1, &n, &bias)) != FF_OK)
            goto failed;
        for (int i = 0; i < c->channels; i++)
            ((float *)bias->data)[i] = (float)l->shift[i];
    }
    int to = c->dense ? build_value(p, 4, c->conv.dst) : l->value;
    step *s = build_step(p, STEP_CONV, l->node, 2, 1);
    s->op = c->base->op;
    s->prim = prim;
    s->weights = packed;
    s->bias = bias;
    s->in[0] = (port){view, build_rep_for(p, view, &prim->src)};
    s->in[1] = (port){l->residual, l->residual >= 0 ? build_rep_for(p, l->residual, &prim->dst) : -1};
    s->out[0] = (port){to, build_rep(p, to, REP_BUFFER, &prim->dst)};
    s->hidden = ff_alloc_array((size_t)(c->n_before + index) + 1, sizeof *s->hidden);
    for (int i = 0; i < c->n_before; i++)
        s->hidden[s->n_hidden++] = c->before[i];
    for (int i = 0; i <= index; i++) {
        s->flops += p->node_flops[c->links[i].node->index];
        if (i < index)
            s->hidden[s->n_hidden++] = c->links[i].value;
    }
    build_makes(p, to);
    link_weights_finish(&w);
    if (!c->dense)
        return FF_OK;
    /* What rules the product out rules out its view. */
    int n_hidden = s->n_hidden, *hidden = s->hidden;
    if ((code = rows_back(p, c, l->node, l->value, to)) != FF_OK)
        return code;
    s = &p->steps[p->n_steps - 1];
    s->hidden = ff_alloc_array((size_t)n_hidden + 1, sizeof *s->hidden);
    memcpy(s->hidden, hidden, (size_t)n_hidden * sizeof *hidden);
    s->n_hidden = n_hidden;
    return FF_OK;
failed:
    ff_cache_unref(&prim->item);
    if (packed)
        ff_cache_unref(&packed->item);
    link_weights_finish(&w);
    return code;
}

int build_clip(ff_plan *p, const ff_node *n, int input, float low, float high)
{
    dnn_prim *prim;
    int code = dnn_clip_get(&p->values[input].reps[0].layout, low, high, &prim);

    return code == FF_OK ? build_simple(p, n, input, prim) : code;
}

int build_link(ff_plan *p, chain *c, int i)
{
    const chain_link *l = &c->links[i];
    int code = FF_OK, input;
    float low, high;

    if (i > c->bare) {
        if (c->split && match_clip(p, l->node, &input, &low, &high))
            return build_clip(p, l->node, input, low, high);
        return i == c->last ? build_conv(p, c, i) : FF_OK;
    }
    if (i < c->bare ? p->observe || p->values[l->value].wanted : c->split || c->last == i)
        code = build_conv(p, c, i);
    if (code == FF_OK && p->observe && (i || c->n_before))
        code = build_node(p, l->node, true);
    return code;
}

/* Whether a fused clip leaves the bits as a separate one would: the kernels for AVX2 and AVX-512
 * clip what they are about to store. Older ones and products by GEMM may add in another order when
 * fused. */
static int clip_is_exact(ff_plan *p, const chain *c, bool *out)
{
    dnn_conv spec = link_spec(c, &c->links[c->last]);
    dnn_prim *prim;
    int code = dnn_conv_get(&spec, &prim);

    if (code != FF_OK)
        return code;
    *out = (strstr(prim->impl, "avx2") || strstr(prim->impl, "avx512")) && !strstr(prim->impl, "gemm") &&
           !strstr(prim->impl, "ref");
    plan_keep(p, &prim->item);
    return FF_OK;
}

int build_finish_chain(ff_plan *p, chain *c)
{
    bool exact = true;
    int code = FF_OK;

    c->view = -1;
    c->last = -1;
    for (int i = 0; i < c->n_links && p->values[c->links[i].value].live; i++)
        c->last = i;
    c->bare = c->last;
    while (c->bare > 0 && c->links[c->bare].clip)
        c->bare--;
    c->split = p->observe;
    for (int i = c->bare; i < c->last && i >= 0; i++)
        c->split |= p->values[c->links[i].value].wanted;
    if (!c->split && c->bare < c->last)
        code = clip_is_exact(p, c, &exact);
    c->split |= !exact;
    return code;
}
