/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random convolutional networks with everything that plans fuse. */
#ifndef FETAFIX_TESTS_EXEC_RANDOM_NET_H
#define FETAFIX_TESTS_EXEC_RANDOM_NET_H

#include "graph.h"

typedef struct feature {
    name x;
    int64_t c, h, w;
} feature;

static inline int64_t pick(net *n, int64_t limit)
{
    return (int64_t)ff_rng_below(&n->rng, (uint64_t)limit);
}

static inline feature conv(net *n, feature f, int64_t out, int64_t k, int64_t stride, bool depthwise)
{
    char strides[32], pads[64], group[32];
    int64_t p[4], g = depthwise ? f.c : 1;
    name x = f.x;

    out = depthwise ? f.c : out;
    for (int i = 0; i < 4; i++)
        p[i] = k > 1 ? pick(n, 2) : 0;
    while (f.h + p[0] + p[2] < k || f.w + p[1] + p[3] < k)
        for (int i = 0; i < 4; i++)
            p[i]++;
    bool separate = pick(n, 4) == 0;
    snprintf(strides, sizeof strides, "strides=%d,%d", (int)stride, (int)stride);
    snprintf(group, sizeof group, "group=:%d", (int)g);
    snprintf(pads, sizeof pads, "pads=%d,%d,%d,%d", separate ? 0 : (int)p[0], separate ? 0 : (int)p[1],
             separate ? 0 : (int)p[2], separate ? 0 : (int)p[3]);
    if (separate) {
        int64_t all[8] = {0, 0, p[0], p[1], 0, 0, p[2], p[3]};
        x = net_node(n, "Pad", names(x, net_ints(n, 8, all)), NULL);
    }
    int64_t wd[4] = {out, f.c / g, k, k};
    name w = net_weights(n, 1 / __builtin_sqrt((double)(f.c / g * k * k)), 0, 4, wd);
    name y = pick(n, 2)
                 ? net_node(n, "Conv", names(x, w), strides, pads, group, NULL)
                 : net_node(n, "Conv", names3(x, w, net_weights(n, 0.1, 0, 1, &out)), strides, pads, group, NULL);
    return (feature){y, out, (f.h + p[0] + p[2] - k) / stride + 1, (f.w + p[1] + p[3] - k) / stride + 1};
}

static inline feature normalise(net *n, feature f)
{
    int64_t d[4] = {1, f.c, 1, 1};

    switch (pick(n, 5)) {
    case 0: {
        name s = net_weights(n, 0.2, 1, 1, &f.c), b = net_weights(n, 0.2, 0, 1, &f.c),
             m = net_weights(n, 0.2, 0, 1, &f.c), v = net_weights(n, 0.01, 1, 1, &f.c);
        char in[96];
        snprintf(in, sizeof in, "%s %s %s %s %s", f.x.s, s.s, b.s, m.s, v.s);
        f.x = net_node(n, "BatchNormalization", in, "epsilon=.0.001", NULL);
        break;
    }
    case 1:
        f.x = net_node(n, "Mul", names(f.x, net_weights(n, 0.2, 1, 4, d)), NULL);
        f.x = net_node(n, "Add", names(net_weights(n, 0.2, 0, 4, d), f.x), NULL);
        break;
    case 2:
        f.x = net_node(n, "Add", names(f.x, net_weights(n, 0.2, 0, 4, d)), NULL);
        break;
    }
    return f;
}

static inline feature activate(net *n, feature f)
{
    switch (pick(n, 6)) {
    case 0:
        f.x = net_node(n, "Relu", f.x.s, NULL);
        break;
    case 1:
        f.x = net_node(n, "Clip", names3(f.x, net_scalar(n, 0), net_scalar(n, 1.5f)), NULL);
        break;
    case 2:
        f.x = net_node(n, "Max", names(f.x, net_scalar(n, -0.5f)), NULL);
        f.x = net_node(n, "Min", names(f.x, net_scalar(n, 0.9f)), NULL);
        break;
    case 3: {
        name s = net_node(n, "Sigmoid", f.x.s, NULL);
        f.x = net_node(n, "Mul", names(f.x, s), NULL);
        break;
    }
    }
    return f;
}

/* Each position looks at all others; what it sees is added. */
static inline feature attention(net *n, feature f)
{
    int64_t rows[3] = {0, f.c, f.h * f.w}, back[4] = {0, f.c, f.h, f.w}, square[2] = {f.c, f.c};
    double scale = 1 / __builtin_sqrt((double)f.c);
    name x = net_node(n, "Reshape", names(f.x, net_ints(n, 3, rows)), NULL);
    name t = net_node(n, "Transpose", x.s, "perm=0,2,1", NULL);
    name mean = net_node(n, "ReduceMean", t.s, "axes=-1", NULL);
    name centred = net_node(n, "Sub", names(t, mean), NULL);
    name q = net_node(n, "MatMul", names(centred, net_weights(n, scale, 0, 2, square)), NULL);
    name k = net_node(n, "MatMul", names(t, net_weights(n, scale, 0, 2, square)), NULL);
    q = net_node(n, "Add", names(q, net_weights(n, 0.1, 0, 1, &f.c)), NULL);
    k = net_node(n, "Transpose", k.s, "perm=0,2,1", NULL);
    name seen = net_node(n, "MatMul", names(q, k), NULL);
    seen = net_node(n, "Div", names(seen, net_scalar(n, (float)(1 / scale))), NULL);
    seen = net_node(n, "Softmax", seen.s, "axis=:2", NULL);
    name v = net_node(n, "MatMul", names(seen, t), NULL);
    v = net_node(n, "Transpose", v.s, "perm=0,2,1", NULL);
    v = net_node(n, "Reshape", names(v, net_ints(n, 4, back)), NULL);
    f.x = net_node(n, "Add", names(f.x, v), NULL);
    return f;
}

/* Channels weighed by what is in them, as in squeeze-and-excitation. */
static inline feature excite(net *n, feature f)
{
    name all = net_node(n, "GlobalAveragePool", f.x.s, NULL);
    feature s = conv(n, (feature){all, f.c, 1, 1}, f.c, 1, 1, false);
    s.x = net_node(n, pick(n, 2) ? "HardSigmoid" : "Sigmoid", s.x.s, NULL);
    f.x = net_node(n, "Mul", names(s.x, f.x), NULL);
    return f;
}

static inline feature block(net *n, feature f)
{
    char strides[32];

    switch (pick(n, 12)) {
    case 9: { /* an average pool whose padding is a node */
        int64_t pads[8] = {0, 0, pick(n, 2), 1, 0, 0, 1, pick(n, 2)};
        if (f.h < 3 || f.w < 3)
            return f;
        f.x = net_node(n, "Pad", names(f.x, net_ints(n, 8, pads)), NULL);
        f.x = net_node(n, "AveragePool", f.x.s, "kernel_shape=3,3", "strides=1,1", NULL);
        f.h += pads[2] + pads[6] - 2;
        f.w += pads[3] + pads[7] - 2;
        return f;
    }
    case 10:
        return attention(n, f);
    case 11:
        return excite(n, f);
    case 8: { /* normalised first, as in the second kind of residual network */
        feature y = activate(n, normalise(n, f));
        y = activate(n, normalise(n, conv(n, y, 16, 1, 1, false)));
        y = conv(n, y, f.c, 1, 1, false);
        f.x = net_node(n, "Add", names(f.x, y.x), NULL);
        return f;
    }
    case 0: { /* residual */
        feature y = activate(n, normalise(n, conv(n, f, 4 + pick(n, 20), 1, 1, false)));
        y = normalise(n, conv(n, y, f.c, 1, 1, false));
        y.x = pick(n, 2) ? net_node(n, "Add", names(f.x, y.x), NULL) : net_node(n, "Add", names(y.x, f.x), NULL);
        return activate(n, y);
    }
    case 1: { /* two branches of convolutions that meet */
        feature a = normalise(n, conv(n, f, 8, 1, 1, false));
        feature b = normalise(n, conv(n, f, 8, 1, 1, false));
        a.x = net_node(n, "Add", names(a.x, b.x), NULL);
        return activate(n, a);
    }
    case 2: { /* inception */
        feature a = activate(n, conv(n, f, 1 + pick(n, 20), 1, 1, false));
        feature b = activate(n, conv(n, f, 1 + pick(n, 20), 1, 1, false));
        a.x = net_node(n, "Concat", names3(a.x, b.x, f.x), "axis=:1", NULL);
        a.c += b.c + f.c;
        return a;
    }
    case 3: { /* pools */
        bool max = pick(n, 2);
        if (f.h < 3 || f.w < 3)
            return f;
        snprintf(strides, sizeof strides, "strides=%d,%d", 2, 2);
        f.x = net_node(n, max ? "MaxPool" : "AveragePool", f.x.s, "kernel_shape=3,3", strides,
                       pick(n, 2) ? "pads=1,1,1,1" : "pads=0,0,2,2", NULL);
        f.h = (f.h + 2 - 3) / 2 + 1;
        f.w = (f.w + 2 - 3) / 2 + 1;
        return f;
    }
    case 4: /* the other order of axes and back */
        f.x = net_node(n, "Transpose", f.x.s, "perm=0,2,3,1", NULL);
        f.x = net_node(n, "Relu", f.x.s, NULL);
        f.x = net_node(n, "Transpose", f.x.s, "perm=0,3,1,2", NULL);
        return activate(n, normalise(n, conv(n, f, 16, 3, 1, false)));
    case 5: /* depthwise */
        return activate(n, normalise(n, conv(n, f, 0, 3, 1 + pick(n, 2), true)));
    default:
        return activate(n, normalise(n, conv(n, f, 3 + pick(n, 30), 1 + 2 * pick(n, 2), 1 + pick(n, 2), false)));
    }
}

/* `edit`: these weights (in the order in which they are made) are others; -1: none. */
static inline ff_model *random_net_of(uint64_t seed, int edit, int64_t batch)
{
    net n = {.opset = 11, .edit = edit, .rng = {seed}};
    bool nhwc = pick(&n, 2);
    feature f = {.c = 3, .h = 9 + pick(&n, 12), .w = 9 + pick(&n, 12)};
    int64_t in[4] = {batch, nhwc ? f.h : f.c, nhwc ? f.w : f.h, nhwc ? f.c : f.w};
    int64_t classes = 5 + pick(&n, 20), shape[2] = {batch, -1};

    f.x = net_input(&n, 4, in);
    if (nhwc)
        f.x = net_node(&n, "Transpose", f.x.s, "perm=0,3,1,2", NULL);
    for (int i = 3 + (int)pick(&n, 5); i > 0; i--)
        f = block(&n, f);
    f.x = net_node(&n, "GlobalAveragePool", f.x.s, NULL);
    f.x = pick(&n, 2) ? net_node(&n, "Flatten", f.x.s, NULL)
                      : net_node(&n, "Reshape", names(f.x, net_ints(&n, 2, shape)), NULL);
    int64_t wd[2] = {f.c, classes};
    name w = net_weights(&n, 0.5, 0, 2, wd), b = net_weights(&n, 0.5, 0, 1, &classes);
    if (pick(&n, 2)) {
        f.x = net_node(&n, "Gemm", names3(f.x, w, b), NULL);
    } else {
        f.x = net_node(&n, "MatMul", names(f.x, w), NULL);
        f.x = net_node(&n, "Add", names(f.x, b), NULL);
    }
    if (pick(&n, 2))
        f.x = net_node(&n, "Softmax", f.x.s, "axis=:1", NULL);
    net_output(&n, f.x);
    return net_model(&n);
}

static inline ff_model *random_net(uint64_t seed, int edit)
{
    return random_net_of(seed, edit, 1);
}

#endif
