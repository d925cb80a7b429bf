/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One image as a thumbnail, with what both sides make of it at one pair. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"
#include "session/show/snapshot.h"

typedef struct picture_box {
    ff_picture p; /* first: the public pointer is the box's */
    atomic_int refs;
    uint8_t *rgb;
    float *error;
    ff_tensor *source, *target; /* float32, what p points into */
} picture_box;

const ff_picture *picture_ref(const ff_picture *p)
{
    atomic_fetch_add(&((picture_box *)p)->refs, 1);
    return p;
}

void ff_picture_unref(const ff_picture *p)
{
    picture_box *b = (picture_box *)p;
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    free(b->rgb);
    free(b->error);
    ff_tensor_unref(b->source);
    ff_tensor_unref(b->target);
    free(b);
}

/* Each small pixel is the mean of the pixels it stands for. */
static void shrink(const ff_image *from, picture_box *b)
{
    int longer = from->width > from->height ? from->width : from->height;
    double scale = longer > FF_THUMB ? (double)longer / FF_THUMB : 1;
    int width = (int)(from->width / scale), height = (int)(from->height / scale);
    b->p.width = width > 0 ? width : 1;
    b->p.height = height > 0 ? height : 1;
    b->p.rgb = b->rgb = ff_alloc_array((size_t)b->p.width * (size_t)b->p.height, 3);
    uint8_t *out = b->rgb;
    for (int y = 0; y < b->p.height; y++) {
        int y0 = (int)((int64_t)y * from->height / b->p.height),
            y1 = (int)((int64_t)(y + 1) * from->height / b->p.height);
        for (int x = 0; x < b->p.width; x++) {
            int x0 = (int)((int64_t)x * from->width / b->p.width),
                x1 = (int)((int64_t)(x + 1) * from->width / b->p.width);
            int64_t sum[3] = {0}, n = 0;
            for (int v = y0; v < (y1 > y0 ? y1 : y0 + 1); v++)
                for (int u = x0; u < (x1 > x0 ? x1 : x0 + 1); u++, n++)
                    for (int k = 0; k < 3; k++)
                        sum[k] += from->rgb[3 * ((size_t)v * (size_t)from->width + (size_t)u) + (size_t)k];
            for (int k = 0; k < 3; k++)
                *out++ = (uint8_t)(sum[k] / n);
        }
    }
}

/* [1,C,H,W], [1,C,N] or [1,C] (drawn as one row) as channels, rows and columns. */
static bool planes_of(const ff_tensor *t, int dims[3])
{
    dims[0] = dims[1] = dims[2] = 1;
    if (!t || t->dtype != FF_FLOAT || t->rank < 2 || t->rank > 4 || t->dims[0] != 1 || t->count < 1)
        return false;
    if (t->rank == 2) {
        dims[2] = (int)t->dims[1];
        return true;
    }
    dims[0] = (int)t->dims[1];
    dims[1] = t->rank == 4 ? (int)t->dims[2] : 1;
    dims[2] = (int)t->dims[t->rank - 1];
    return true;
}

static void compare(picture_box *b)
{
    ff_picture *p = &b->p;
    size_t n = (size_t)p->rows * (size_t)p->columns;
    p->error = b->error = ff_alloc_array((size_t)p->channels, sizeof *b->error);
    for (int c = 0; c < p->channels; c++) {
        double difference = 0, norm = 0;
        for (size_t i = (size_t)c * n; i < ((size_t)c + 1) * n; i++) {
            double d = (double)p->target[i] - p->source[i];
            difference += d * d;
            norm += (double)p->source[i] * p->source[i];
        }
        b->error[c] = (float)(difference == 0 ? 0 : sqrt(difference / norm));
    }
}

static void show(picture_box *b)
{
    int s[3], t[3];
    bool has_source = planes_of(b->source, s), has_target = planes_of(b->target, t);
    if (has_source && has_target && memcmp(s, t, sizeof s) != 0)
        has_target = false; /* nothing that could be laid side by side */
    if (!has_source && !has_target)
        return;
    const int *d = has_source ? s : t;
    b->p.channels = d[0];
    b->p.rows = d[1];
    b->p.columns = d[2];
    b->p.source = has_source ? b->source->data : NULL;
    b->p.target = has_target ? b->target->data : NULL;
    if (has_source && has_target)
        compare(b);
}

int case_picture(ff_case *c, int64_t pair, int image, const ff_picture **out)
{
    if (!case_stage_loaded(c->stage) || !c->set)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded");
    if (image < 0 || image >= ff_dataset_count(c->set))
        return ff_fail(FF_ERR_USAGE, "there is no image %d", image);
    ff_image full;
    int code = FF_OK;
    if (ff_dataset_is_pictures(c->set))
        code = ff_image_load(ff_dataset_path(c->set, image), &full);
    else
        full = (ff_image){1, 1, ff_alloc(3)}; /* a sample of arrays has activations, but no picture: a dot */
    if (code)
        return code;
    picture_box *b = ff_alloc(sizeof *b);
    atomic_init(&b->refs, 1);
    b->p.pair = pair < 0 ? -1 : (int)pair;
    b->p.image = image;
    shrink(&full, b);
    ff_image_finish(&full);
    const ff_subject *s = c->subject ? c->subject : c->first;
    if (pair >= 0 && s && s->alignment)
        code = ff_probe(s, b->p.pair, image, &c->task, &b->source, &b->target);
    if (code) {
        ff_picture_unref(&b->p);
        return code;
    }
    show(b);
    *out = &b->p;
    return FF_OK;
}
