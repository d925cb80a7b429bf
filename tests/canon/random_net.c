/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_net.h"
#include "text_model.h"

/* An activation being written: always logically NCHW; `nhwc` says how the model has it now. */
typedef struct act {
    char name[32];
    int64_t c, h, w;
    bool nhwc, flat;
} act;

typedef struct net {
    text_builder b;
    ff_rng structure, style;
    bool plain;
    int fresh;
    int code;
    net_fault *fault;
    int convs, clips;
} net;

static void say(net *n, const char *format, ...) FF_PRINTF(2, 3);
static void say(net *n, const char *format, ...)
{
    ff_buf text = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&text, format, args);
    va_end(args);
    if (!n->code)
        n->code = text_statement(&n->b, text.data);
    ff_buf_finish(&text);
}

/* One of k ways to write something; the plainest style takes the first. */
static int way(net *n, int k)
{
    return n->plain ? 0 : (int)ff_rng_below(&n->style, (uint64_t)k);
}

static void rename_act(net *n, act *a)
{
    if (n->plain)
        snprintf(a->name, sizeof a->name, "t%d", n->fresh++);
    else
        snprintf(a->name, sizeof a->name, "model/%llx:%d", (unsigned long long)(ff_rng_next(&n->style) & 0xffff),
                 n->fresh++);
}

/* A constant of the tensor, maybe behind foldable nodes; the name is written to `out`. */
static void give(net *n, const ff_tensor *t, char *out)
{
    static const int forward[4] = {2, 3, 1, 0}; /* OIHW as HWIO */
    int id = n->fresh++;
    snprintf(out, 32, "c%d", id);
    if (n->code)
        return;
    int how = way(n, 4);
    if (how == 1) {
        ff_patch_set_initializer(n->b.patch, out, t);
        say(n, "i%d = Identity(%s)", id, out);
        snprintf(out, 32, "i%d", id);
    } else if (how == 2 && t->rank == 4) {
        ff_tensor *r = NULL;
        n->code = ff_tensor_transpose(t, forward, &r);
        if (!n->code)
            ff_patch_set_initializer(n->b.patch, out, r);
        ff_tensor_unref(r);
        say(n, "i%d = Transpose(%s) perm=[3,2,0,1]", id, out);
        snprintf(out, 32, "i%d", id);
    } else {
        ff_patch_set_initializer(n->b.patch, out, t);
    }
}

static ff_tensor *reals(int rank, const int64_t *dims)
{
    ff_tensor *t = NULL;
    if (ff_tensor_create(FF_FLOAT, rank, dims, &t))
        abort();
    return t;
}

static ff_tensor *random_tensor(net *n, int rank, const int64_t *dims, double scale)
{
    ff_tensor *t = reals(rank, dims);
    for (int64_t i = 0; i < t->count; i++)
        ff_tensor_set_real(t, i, ff_rng_normal(&n->structure) * scale);
    return t;
}

static void to_layout(net *n, act *a, bool nhwc)
{
    if (a->nhwc == nhwc)
        return;
    act r = *a;
    rename_act(n, &r);
    say(n, "%s = Transpose(%s) perm=[%s]", r.name, a->name, nhwc ? "0,2,3,1" : "0,3,1,2");
    r.nhwc = nhwc;
    *a = r;
}

static void ints(net *n, const char *name, int count, const int64_t *v)
{
    ff_buf b = {0};
    for (int i = 0; i < count; i++)
        ff_buf_printf(&b, "%s%lld", i ? "," : "", (long long)v[i]);
    say(n, "int %s %d %s", name, count, b.data);
    ff_buf_finish(&b);
}

/* Zeros around the picture, in the layout that the value has. */
static void pad(net *n, act *a, const int64_t p[4])
{
    int64_t v[8] = {0};
    int h = a->nhwc ? 1 : 2;
    v[h] = p[0];
    v[h + 1] = p[1];
    v[4 + h] = p[2];
    v[4 + h + 1] = p[3];
    act r = *a;
    rename_act(n, &r);
    r.h += p[0] + p[2];
    r.w += p[1] + p[3];
    if (n->b.opset < 11) {
        say(n, "%s = Pad(%s) pads=[%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld]", r.name, a->name, (long long)v[0],
            (long long)v[1], (long long)v[2], (long long)v[3], (long long)v[4], (long long)v[5], (long long)v[6],
            (long long)v[7]);
    } else {
        char name[32];
        snprintf(name, sizeof name, "pads%d", n->fresh++);
        ints(n, name, 8, v);
        say(n, "%s = Pad(%s,%s)", r.name, a->name, name);
    }
    *a = r;
}

/* A constant along the channels that broadcasts against the value as it lies. */
static void channel_constant(net *n, const act *a, const double *v, char *out)
{
    int64_t nchw[4] = {1, a->c, 1, 1}, last[1] = {a->c};
    bool three = !a->nhwc && way(n, 2) == 1;
    ff_tensor *t = a->nhwc ? reals(1, last) : three ? reals(3, nchw + 1) : reals(4, nchw);
    for (int64_t i = 0; i < a->c; i++)
        ff_tensor_set_real(t, i, v[i]);
    snprintf(out, 32, "k%d", n->fresh++);
    if (!n->code)
        ff_patch_set_initializer(n->b.patch, out, t);
    ff_tensor_unref(t);
}

static void binary(net *n, act *a, const char *op, const char *constant)
{
    act r = *a;
    rename_act(n, &r);
    if ((strcmp(op, "Add") == 0 || strcmp(op, "Mul") == 0 || strcmp(op, "Max") == 0 || strcmp(op, "Min") == 0) &&
        way(n, 2) == 1)
        say(n, "%s = %s(%s,%s)", r.name, op, constant, a->name);
    else
        say(n, "%s = %s(%s,%s)", r.name, op, a->name, constant);
    *a = r;
}

static void unary(net *n, act *a, const char *op)
{
    act r = *a;
    rename_act(n, &r);
    say(n, "%s = %s(%s)", r.name, op, a->name);
    *a = r;
}

static void nothing(net *n, act *a)
{
    if (way(n, 8) == 1)
        unary(n, a, way(n, 2) ? "Identity" : "Dropout");
    if (way(n, 8) == 1)
        to_layout(n, a, !a->nhwc); /* and back when somebody needs it */
}

static void number(net *n, double v, char *out)
{
    snprintf(out, 32, "n%d", n->fresh++);
    say(n, "float %s - %.9g", out, v);
}

static void clip(net *n, act *a, double lo, double hi)
{
    char l[32], h[32];
    bool here = n->fault && n->fault->kind && n->clips == n->fault->at;
    n->clips++;
    if (here && strcmp(n->fault->kind, "missing-clip") == 0) {
        snprintf(n->fault->node, sizeof n->fault->node, "%s", a->name);
        return;
    }
    if (here && strcmp(n->fault->kind, "clip") == 0) {
        hi /= 2;
        snprintf(n->fault->node, sizeof n->fault->node, "%s", a->name);
    }
    act r = *a;
    int how = way(n, 4);
    if (how == 1) {
        number(n, lo, l);
        number(n, hi, h);
        binary(n, a, "Max", l);
        binary(n, a, "Min", h);
        return;
    }
    if (how == 2 && lo == 0) {
        number(n, hi, h);
        unary(n, a, "Relu");
        binary(n, a, "Min", h);
        return;
    }
    rename_act(n, &r);
    if (n->b.opset < 11) {
        say(n, "%s = Clip(%s) min=%.6f max=%.6f", r.name, a->name, lo, hi);
    } else {
        number(n, lo, l);
        number(n, hi, h);
        say(n, "%s = Clip(%s,%s,%s)", r.name, a->name, l, h);
    }
    *a = r;
}

static void relu(net *n, act *a)
{
    char zero[32];
    if (way(n, 3) == 1) {
        number(n, 0, zero);
        binary(n, a, "Max", zero);
        return;
    }
    unary(n, a, "Relu");
}

static void times(net *n, act *a, const act *b)
{
    act r = *a;
    rename_act(n, &r);
    if (way(n, 2))
        say(n, "%s = Mul(%s,%s)", r.name, b->name, a->name);
    else
        say(n, "%s = Mul(%s,%s)", r.name, a->name, b->name);
    *a = r;
}

static void hard_swish(net *n, act *a)
{
    char three[32], six[32], zero[32], sixth[32];
    act gate = *a, x = *a;
    int how = n->b.opset >= 14 ? way(n, 4) : 1 + way(n, 3);
    if (n->plain && n->b.opset < 14)
        how = 1;
    if (how == 0) {
        unary(n, a, "HardSwish");
        return;
    }
    if (how == 1) {
        rename_act(n, &gate);
        say(n, "%s = HardSigmoid(%s) alpha=0.16666667 beta=0.5", gate.name, a->name);
        times(n, a, &gate);
        return;
    }
    number(n, 3, three);
    number(n, 6, six);
    number(n, 0, zero);
    binary(n, &gate, "Add", three);
    binary(n, &gate, "Max", zero);
    binary(n, &gate, "Min", six);
    if (how == 2) {
        times(n, &x, &gate);
        binary(n, &x, "Div", six);
    } else {
        number(n, 1.0 / 6, sixth);
        binary(n, &gate, "Mul", sixth);
        times(n, &x, &gate);
    }
    *a = x;
}

static void activation(net *n, act *a, int kind)
{
    if (kind == 0) {
        clip(n, a, 0, 6);
    } else if (kind == 1) {
        relu(n, a);
    } else if (kind == 2) {
        hard_swish(n, a);
    } else if (kind == 3) {
        act gate = *a;
        unary(n, &gate, "Sigmoid");
        times(n, a, &gate);
    }
    nothing(n, a);
}

typedef struct norm {
    ff_tensor *scale, *shift, *mean, *variance;
} norm;

static norm random_norm(net *n, int64_t c)
{
    norm r = {random_tensor(n, 1, &c, 0.3), random_tensor(n, 1, &c, 0.3), random_tensor(n, 1, &c, 0.3),
              random_tensor(n, 1, &c, 0.3)};
    for (int64_t i = 0; i < c; i++) {
        ff_tensor_set_real(r.scale, i, 1 + ff_tensor_get_real(r.scale, i));
        ff_tensor_set_real(r.variance, i, 0.5 + fabs(ff_tensor_get_real(r.variance, i)));
    }
    return r;
}

static void release_norm(norm *r)
{
    ff_tensor_unref(r->scale);
    ff_tensor_unref(r->shift);
    ff_tensor_unref(r->mean);
    ff_tensor_unref(r->variance);
}

/* Convolution, batch normalisation, activation. same: padding so that the size is divided by the
 * stride. */
static void conv(net *n, act *a, int64_t out, int64_t k, int64_t stride, bool depthwise, int kind)
{
    int64_t dims[4] = {out, depthwise ? 1 : a->c, k, k}, fan = dims[1] * k * k;
    ff_tensor *w = random_tensor(n, 4, dims, 1 / sqrt((double)fan));
    norm bn = random_norm(n, out);
    double scale[512], shift[512];
    for (int64_t i = 0; i < out; i++) {
        scale[i] = ff_tensor_get_real(bn.scale, i) / sqrt(ff_tensor_get_real(bn.variance, i) + 1e-3);
        shift[i] = ff_tensor_get_real(bn.shift, i) - ff_tensor_get_real(bn.mean, i) * scale[i];
    }
    bool here = n->fault && n->fault->kind && n->convs == n->fault->at;
    n->convs++;
    if (here && strcmp(n->fault->kind, "weights") == 0)
        for (int64_t i = 0; i < w->count; i++)
            ff_tensor_set_real(w, i, ff_bfloat16_to_float(ff_float_to_bfloat16((float)ff_tensor_get_real(w, i))));

    int how = n->plain ? 0 : 1 + way(n, 4); /* folded, node, Mul and Add, Add after folding, with bias */
    if (how == 0 || how == 3 || how == 4)
        for (int64_t i = 0, per = w->count / out; i < w->count; i++)
            ff_tensor_set_real(w, i, ff_tensor_get_real(w, i) * scale[i / per]);

    int64_t oh = (a->h + stride - 1) / stride, ow = (a->w + stride - 1) / stride;
    int64_t th = (oh - 1) * stride + k - a->h, tw = (ow - 1) * stride + k - a->w;
    th = th > 0 ? th : 0;
    tw = tw > 0 ? tw : 0;
    int64_t p[4] = {th / 2, tw / 2, th - th / 2, tw - tw / 2};
    bool shifted = here && strcmp(n->fault->kind, "pads") == 0 && p[2] > 0;
    p[0] += shifted;
    p[2] -= shifted;
    char pads[128] = "";
    int padding = shifted ? way(n, 2) : way(n, 3);
    if (padding == 1 && th + tw > 0) {
        pad(n, a, p);
    } else if (padding == 2 && !shifted) {
        snprintf(pads, sizeof pads, " auto_pad=SAME_UPPER");
    } else {
        snprintf(pads, sizeof pads, " pads=[%lld,%lld,%lld,%lld]", (long long)p[0], (long long)p[1], (long long)p[2],
                 (long long)p[3]);
    }
    to_layout(n, a, false);
    char weight[32], bias[32] = "", more[128] = "";
    give(n, w, weight);
    if (how == 0 || how == 4) {
        ff_tensor *b = reals(1, &out);
        for (int64_t i = 0; i < out; i++)
            ff_tensor_set_real(b, i, shift[i]);
        give(n, b, bias);
        ff_tensor_unref(b);
    }
    if (way(n, 2))
        snprintf(more, sizeof more, " kernel_shape=[%lld,%lld] dilations=[1,1]", (long long)k, (long long)k);
    act r = *a;
    rename_act(n, &r);
    say(n, "%s = Conv(%s,%s%s%s)%s strides=[%lld,%lld] group=%lld%s", r.name, a->name, weight, bias[0] ? "," : "", bias,
        pads, (long long)stride, (long long)stride, (long long)(depthwise ? out : 1), more);
    if (here && (shifted || strcmp(n->fault->kind, "weights") == 0))
        snprintf(n->fault->node, sizeof n->fault->node, "%s", r.name);
    r.c = out;
    r.h = oh;
    r.w = ow;
    *a = r;
    if (!n->plain && way(n, 6) == 1)
        to_layout(n, a, true);
    char c1[32], c2[32];
    if (how == 1) {
        to_layout(n, a, false);
        const ff_tensor *all[4] = {bn.scale, bn.shift, bn.mean, bn.variance};
        char names[4][32];
        for (int i = 0; i < 4; i++)
            give(n, all[i], names[i]);
        act y = *a;
        rename_act(n, &y);
        say(n, "%s = BatchNormalization(%s,%s,%s,%s,%s) epsilon=0.001", y.name, a->name, names[0], names[1], names[2],
            names[3]);
        *a = y;
    } else if (how == 2) {
        channel_constant(n, a, scale, c1);
        channel_constant(n, a, shift, c2);
        binary(n, a, "Mul", c1);
        binary(n, a, "Add", c2);
    } else if (how == 3) {
        channel_constant(n, a, shift, c2);
        binary(n, a, "Add", c2);
    }
    ff_tensor_unref(w);
    release_norm(&bn);
    activation(n, a, kind);
}

static void add(net *n, act *a, act *b)
{
    to_layout(n, b, a->nhwc);
    act r = *a;
    rename_act(n, &r);
    if (way(n, 2))
        say(n, "%s = Add(%s,%s)", r.name, b->name, a->name);
    else
        say(n, "%s = Add(%s,%s)", r.name, a->name, b->name);
    *a = r;
}

static void reduce_axes(net *n, const act *a, act *r, const char *op, const char *axes, bool keep)
{
    rename_act(n, r);
    if (n->b.opset < 18) {
        say(n, "%s = %s(%s) axes=[%s] keepdims=%d", r->name, op, a->name, axes, keep);
    } else {
        char name[32];
        snprintf(name, sizeof name, "axes%d", n->fresh++);
        say(n, "int %s 2 %s", name, axes);
        say(n, "%s = %s(%s,%s) keepdims=%d", r->name, op, a->name, name, keep);
    }
}

/* Mean over the picture, [N,C,1,1] (or NHWC). */
static void global_average(net *n, act *a)
{
    int how = way(n, 3);
    act r = *a;
    if (how == 1) {
        reduce_axes(n, a, &r, "ReduceMean", a->nhwc ? "1,2" : way(n, 2) ? "-1,-2" : "2,3", true);
    } else {
        to_layout(n, a, false);
        r = *a;
        rename_act(n, &r);
        if (how == 0)
            say(n, "%s = GlobalAveragePool(%s)", r.name, a->name);
        else
            say(n, "%s = AveragePool(%s) kernel_shape=[%lld,%lld]", r.name, a->name, (long long)a->h, (long long)a->w);
    }
    r.h = r.w = 1;
    *a = r;
}

/* Dense layer on [N,C,H,W] flattened in the order C,H,W: the value becomes [N,out]. */
static void dense(net *n, act *a, int64_t out)
{
    int64_t k = a->c * a->h * a->w, dims[2] = {out, k}, whole[4] = {out, a->c, a->h, a->w};
    ff_tensor *w = random_tensor(n, 2, dims, 1 / sqrt((double)k)), *b = random_tensor(n, 1, &out, 0.3), *r = NULL;
    static const int swap[2] = {1, 0}, hwc[4] = {0, 2, 3, 1};
    char weight[32], bias[32];
    int how = way(n, a->flat ? 3 : 4);
    act y = *a;
    if (how == 3) { /* as a convolution over everything */
        to_layout(n, a, false);
        if (!n->code)
            n->code = ff_tensor_reshape(w, 4, whole, &r);
        give(n, r, weight);
        give(n, b, bias);
        y = *a;
        rename_act(n, &y);
        say(n, "%s = Conv(%s,%s,%s)", y.name, a->name, weight, bias);
        act flat = y;
        rename_act(n, &flat);
        say(n, "%s = Flatten(%s)", flat.name, y.name);
        y = flat;
    } else {
        if (a->nhwc) { /* the columns follow the order of the data */
            ff_tensor *seen = NULL, *moved = NULL;
            if (!n->code)
                n->code = ff_tensor_reshape(w, 4, whole, &seen);
            if (!n->code)
                n->code = ff_tensor_transpose(seen, hwc, &moved);
            ff_tensor_unref(w);
            w = NULL;
            if (!n->code)
                n->code = ff_tensor_reshape(moved, 2, dims, &w);
            ff_tensor_unref(seen);
            ff_tensor_unref(moved);
        }
        act flat = *a;
        rename_act(n, &flat);
        if (way(n, 2)) {
            int64_t shape[2] = {-1, k};
            char name[32];
            snprintf(name, sizeof name, "shape%d", n->fresh++);
            ints(n, name, 2, shape);
            say(n, "%s = Reshape(%s,%s)", flat.name, a->name, name);
        } else {
            say(n, "%s = Flatten(%s)", flat.name, a->name);
        }
        if (how != 0 && !n->code)
            n->code = ff_tensor_transpose(w, swap, &r);
        give(n, how == 0 ? w : r, weight);
        give(n, b, bias);
        y = flat;
        rename_act(n, &y);
        if (how == 0)
            say(n, "%s = Gemm(%s,%s,%s) transB=1", y.name, flat.name, weight, bias);
        else if (how == 1)
            say(n, "%s = Gemm(%s,%s,%s)", y.name, flat.name, weight, bias);
        else {
            act m = flat;
            rename_act(n, &m);
            say(n, "%s = MatMul(%s,%s)", m.name, flat.name, weight);
            say(n, "%s = Add(%s,%s)", y.name, m.name, bias);
        }
    }
    ff_tensor_unref(w);
    ff_tensor_unref(b);
    ff_tensor_unref(r);
    y.c = out;
    y.h = y.w = 1;
    y.nhwc = false;
    y.flat = true;
    *a = y;
}

static void pool(net *n, act *a, bool max)
{
    to_layout(n, a, false);
    act r = *a;
    rename_act(n, &r);
    say(n, "%s = %s(%s) kernel_shape=[2,2] strides=[2,2]%s", r.name, max ? "MaxPool" : "AveragePool", a->name,
        way(n, 2) ? " auto_pad=VALID" : "");
    r.h /= 2;
    r.w /= 2;
    *a = r;
}

static void concat(net *n, act *a, act *branches, int count)
{
    ff_buf names = {0};
    int64_t channels = 0;
    for (int i = 0; i < count; i++) {
        to_layout(n, &branches[i], branches[0].nhwc);
        ff_buf_printf(&names, "%s%s", i ? "," : "", branches[i].name);
        channels += branches[i].c;
    }
    *a = branches[0];
    rename_act(n, a);
    a->c = channels;
    say(n, "%s = Concat(%s) axis=%d", a->name, names.data, a->nhwc ? (way(n, 2) ? -1 : 3) : 1);
    ff_buf_finish(&names);
}

static void block(net *n, act *a)
{
    int64_t kind = (int64_t)ff_rng_below(&n->structure, 5), act_kind = (int64_t)ff_rng_below(&n->structure, 4);
    act x = *a, branch[3];
    switch (kind) {
    case 0: /* inverted residual */
        conv(n, a, x.c * 2, 1, 1, false, (int)act_kind);
        conv(n, a, x.c * 2, 3, 1, true, (int)act_kind);
        conv(n, a, x.c, 1, 1, false, -1);
        add(n, a, &x);
        break;
    case 1: /* residual */
        conv(n, a, x.c, 3, 1, false, 1);
        conv(n, a, x.c, 3, 1, false, -1);
        add(n, a, &x);
        activation(n, a, 1);
        break;
    case 2: { /* branches, written in any order */
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        const int *order = orders[way(n, 6)];
        ff_rng seeds[3];
        for (int i = 0; i < 3; i++)
            seeds[i].state = ff_rng_next(&n->structure);
        ff_rng kept = n->structure;
        for (int i = 0; i < 3; i++) {
            int k = order[i];
            branch[k] = x;
            n->structure = seeds[k];
            conv(n, &branch[k], 6, k == 1 ? 3 : 1, 1, false, 0);
            if (k == 2)
                conv(n, &branch[k], 6, 3, 1, false, 1);
        }
        n->structure = kept;
        concat(n, a, branch, 3);
        break;
    }
    case 3: { /* squeeze and excite */
        act s = x;
        global_average(n, &s);
        conv(n, &s, 4, 1, 1, false, 1);
        conv(n, &s, x.c, 1, 1, false, -1);
        unary(n, &s, "Sigmoid");
        to_layout(n, &s, a->nhwc);
        times(n, a, &s);
        break;
    }
    default: /* down */
        if (a->h >= 4 && a->w >= 4 && ff_rng_below(&n->structure, 2) == 0)
            pool(n, a, ff_rng_below(&n->structure, 2) == 0);
        conv(n, a, a->c + 2, 3, a->h > 2 ? 2 : 1, false, (int)act_kind);
    }
    nothing(n, a);
}

int random_net(uint64_t structure, uint64_t style, net_fault *fault, ff_model **out)
{
    static const int opsets[] = {13, 9, 11, 14, 18};
    net n = {.structure = {structure}, .style = {style * 7919 + 13}, .plain = style == 0, .fault = fault};
    int64_t size = 8 + 2 * (int64_t)ff_rng_below(&n.structure, 4);
    act a = {.name = "x", .c = 3, .h = size, .w = size + 2, .nhwc = way(&n, 2) == 1};
    n.b.opset = opsets[way(&n, 5)];
    say(&n, "opset %d", n.b.opset);
    if (a.nhwc)
        say(&n, "input x 1,%lld,%lld,3", (long long)a.h, (long long)a.w);
    else
        say(&n, "input x 1,3,%lld,%lld", (long long)a.h, (long long)a.w);
    conv(&n, &a, 8, 3, (int64_t)ff_rng_below(&n.structure, 2) + 1, false, 0);
    int blocks = 2 + (int)ff_rng_below(&n.structure, 4);
    for (int i = 0; i < blocks; i++)
        block(&n, &a);
    if (ff_rng_below(&n.structure, 2) == 0)
        global_average(&n, &a);
    if (ff_rng_below(&n.structure, 2) == 0) {
        dense(&n, &a, 12);
        unary(&n, &a, "Relu");
    }
    dense(&n, &a, 10);
    if (ff_rng_below(&n.structure, 2) == 0) {
        act y = a;
        rename_act(&n, &y);
        say(&n, "%s = Softmax(%s) axis=%d", y.name, a.name, way(&n, 2) ? -1 : 1);
        a = y;
    }
    say(&n, "output %s", a.name);
    int built = text_build(&n.b, out);
    if (fault && !fault->node[0])
        fault->kind = NULL;
    return n.code ? n.code : built;
}
