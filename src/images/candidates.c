/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grid that the repair of preprocessing searches: what conversions get wrong, few changes first. */
#include "fetafix/images.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct norm {
    const char *name;
    double scale, mean[3], std[3]; /* in the order R G B */
} norm;

static const norm norms[] = {
    {"torch", 255, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
    {"tf", 127.5, {1, 1, 1}, {1, 1, 1}},
    {"unit", 255, {0, 0, 0}, {1, 1, 1}},
    {"raw", 1, {0, 0, 0}, {1, 1, 1}},
    {"caffe", 1, {123.68, 116.779, 103.939}, {1, 1, 1}},
    {"slim (128)", 128, {1, 1, 1}, {1, 1, 1}},
    {"mean of ImageNet only", 255, {0.485, 0.456, 0.406}, {1, 1, 1}},
    {"0 to 2", 127.5, {0, 0, 0}, {1, 1, 1}},
};

enum { GEOMETRIES = 4, KERNELS = 5 };
static const struct {
    ff_resize resize;
    bool antialias;
    const char *name;
} kernels[KERNELS] = {
    {FF_RESIZE_BILINEAR, false, "bilinear"}, {FF_RESIZE_BILINEAR, true, "bilinear antialiased"},
    {FF_RESIZE_BICUBIC, false, "bicubic"},   {FF_RESIZE_BICUBIC, true, "bicubic antialiased"},
    {FF_RESIZE_NEAREST, false, "nearest"},
};

/* The three factors a*x + b that a channel of the output gets, and from which channel. */
static void effect(const ff_pre *p, double a[3], double b[3])
{
    for (int c = 0; c < 3; c++) {
        a[c] = 1 / (p->scale * p->std[c]);
        b[c] = -p->mean[c] / p->std[c];
    }
}

static bool near(double x, double y)
{
    return fabs(x - y) <= 1e-6 * (fabs(x) + fabs(y)) + 1e-12;
}

/* Equal but for rounding, as scale=255 mean=.5 std=.5 and scale=127.5 mean=1 std=1 are. */
static bool same_effect(const ff_pre *p, const ff_pre *q)
{
    double a[2][3], b[2][3];
    ff_pre r = *q;
    r.scale = p->scale;
    memcpy(r.mean, p->mean, sizeof r.mean);
    memcpy(r.std, p->std, sizeof r.std);
    if (!ff_pre_equal(p, &r))
        return false;
    effect(p, a[0], b[0]);
    effect(q, a[1], b[1]);
    for (int c = 0; c < 3; c++)
        if (!near(a[0][c], a[1][c]) || !near(b[0][c], b[1][c]))
            return false;
    return true;
}

static void set_norm(ff_pre *p, const norm *n)
{
    p->scale = n->scale;
    for (int c = 0; c < 3; c++) {
        p->mean[c] = n->mean[p->bgr ? 2 - c : c];
        p->std[c] = n->std[p->bgr ? 2 - c : c];
    }
}

static void swap_stats(ff_pre *p)
{
    double mean = p->mean[0], std = p->std[0];
    p->mean[0] = p->mean[2], p->mean[2] = mean;
    p->std[0] = p->std[2], p->std[2] = std;
}

/* Squash; shorter side 8/7 of the crop (256 for 224); shorter side equal to the crop. */
static const char *set_geometry(ff_pre *p, int which)
{
    int width = p->crop_width ? p->crop_width : p->width;
    int height = p->crop_height ? p->crop_height : p->height;
    int side = width < height ? width : height;
    switch (which) {
    case 1:
        p->shorter = p->crop_width = p->crop_height = 0;
        p->width = width;
        p->height = height;
        return "squash";
    case 2:
        p->shorter = side ? (side * 256 + 112) / 224 : 256;
        break;
    default:
        p->shorter = side ? side : 224;
        break;
    }
    p->width = p->height = 0;
    p->crop_width = width;
    p->crop_height = height;
    return which == 2 ? "shorter side 8/7 of the crop" : "shorter side as the crop";
}

static void say(ff_pre_candidate *c, const char *format, const char *what)
{
    size_t n = strlen(c->words);
    c->changes++;
    snprintf(c->words + n, sizeof c->words - n, n ? ", %s%s" : "%s%s", format, what);
}

static void add(ff_pre_candidate *all, int *n, const ff_pre_candidate *c, const ff_pre *base)
{
    if (same_effect(&c->pre, base))
        return;
    for (int i = 0; i < *n; i++)
        if (same_effect(&all[i].pre, &c->pre))
            return;
    all[(*n)++] = *c;
}

int ff_pre_candidates(const ff_pre *base, ff_pre_candidate **out)
{
    enum { NORMS = FF_COUNT(norms), ORDERS = 3 };
    int total = (NORMS + 1) * ORDERS * GEOMETRIES * (KERNELS + 1), n = 0;
    ff_pre_candidate *all = ff_alloc_array((size_t)total, sizeof *all);

    /* Whatever needs the fewest changes comes first, and is what stays when two are the same. An index
     * of -1 or geometry and order 0 stand for what the base has. */
    for (int changes = 1; changes <= 4; changes++)
        for (int i = 0; i < total; i++) {
            int norm_index = i % (NORMS + 1) - 1, rest = i / (NORMS + 1);
            int order = rest % ORDERS, kernel = rest / ORDERS % (KERNELS + 1) - 1;
            int geometry = rest / ORDERS / (KERNELS + 1);
            if ((kernel >= 0) + (geometry > 0) + (order > 0) + (norm_index >= 0) != changes)
                continue;
            ff_pre_candidate c = {.pre = *base};
            /* Order 1 turns the channels with their mean and std, order 2 leaves those in place. */
            if (order > 0) {
                c.pre.bgr = !base->bgr;
                if (order == 1)
                    swap_stats(&c.pre);
            }
            if (norm_index >= 0) {
                set_norm(&c.pre, &norms[norm_index]);
                if (order == 2)
                    swap_stats(&c.pre);
                say(&c, "normalisation ", norms[norm_index].name);
            }
            if (order > 0)
                say(&c, "order ", c.pre.bgr ? "BGR" : "RGB");
            if (geometry > 0)
                say(&c, "", set_geometry(&c.pre, geometry));
            if (kernel >= 0) {
                c.pre.resize = kernels[kernel].resize;
                c.pre.antialias = kernels[kernel].antialias;
                say(&c, "resize ", kernels[kernel].name);
            }
            add(all, &n, &c, base);
        }
    *out = all;
    return n;
}
