/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preprocessing specs: presets, text in and out. */
#include "fetafix/images.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_SIDE 8192

#define IMAGENET "scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225"
#define SQUASH   "resize=bilinear antialias=off crop=none order=rgb "
#define TORCH    "resize=bilinear antialias=on order=rgb " IMAGENET " layout=auto"
#define TF       SQUASH "scale=127.5 mean=1,1,1 std=1,1,1 layout=auto"
#define SLIM     SQUASH IMAGENET " layout=auto"
#define CAFFE                                                                                                          \
    "resize=bilinear antialias=off crop=none order=bgr scale=1 mean=103.939,116.779,123.68 "                           \
    "std=1,1,1 layout=auto"

/* The families first, then what the paper's settings give each network by framework. Sizes that are
 * auto are the model's. */
static const struct {
    const char *name, *spec;
} presets[] = {
    {"torch", "size=short:256 crop=auto " TORCH},
    {"tf", "size=auto " TF},
    {"tf-imagenet", "size=auto " SLIM},
    {"caffe", "size=auto " CAFFE},
    {"unit", "size=auto " SQUASH "scale=255 mean=0,0,0 std=1,1,1 layout=auto"},
    {"raw", "size=auto " SQUASH "scale=1 mean=0,0,0 std=1,1,1 layout=auto"},
    {"torch-mobilenet", "size=short:256 crop=224x224 " TORCH},
    {"torch-resnet", "size=short:256 crop=224x224 " TORCH},
    {"torch-inception", "size=short:342 crop=299x299 " TORCH},
    {"torch-inception-256", "size=short:256 crop=299x299 " TORCH},
    {"keras-mobilenet", "size=224x224 " TF},
    {"keras-resnet", "size=224x224 " TF},
    {"keras-resnet-v1", "size=224x224 " CAFFE},
    {"keras-vgg", "size=224x224 " CAFFE},
    {"keras-inception", "size=299x299 " TF},
    {"tf-mobilenet", "size=224x224 " SLIM},
    {"tf-resnet", "size=299x299 " TF},
    {"tf-inception", "size=299x299 " TF},
    {"tflite-mobilenet", "size=224x224 " SLIM},
    {"tflite-resnet", "size=299x299 " TF},
    {"tflite-inception", "size=299x299 " TF},
};

static const char *const words[] = {"size", "resize", "antialias", "crop", "order", "scale", "mean", "std", "layout"};
static const char *const resizes[] = {"bilinear", "nearest", "bicubic"};
static const char *const layouts[] = {"auto", "NCHW", "NHWC"};
static const char *const orders[] = {"rgb", "bgr"};
static const char *const switches[] = {"off", "on"};

const char *ff_pre_preset_at(int i, const char **spec)
{
    if (i < 0 || i >= (int)FF_COUNT(presets))
        return NULL;
    if (spec)
        *spec = presets[i].spec;
    return presets[i].name;
}

/* "224x192" or "224" (a square). */
static bool parse_sides(const char *s, int *width, int *height)
{
    int64_t w, h;
    const char *x = strchr(s, 'x');
    char *first = ff_strndup(s, x ? (size_t)(x - s) : strlen(s));
    bool ok = ff_parse_int(first, &w) && ff_parse_int(x ? x + 1 : first, &h);
    free(first);
    if (!ok || w < 1 || h < 1 || w > MAX_SIDE || h > MAX_SIDE)
        return false;
    *width = (int)w;
    *height = (int)h;
    return true;
}

/* One or three numbers that float32 can hold, separated by commas. */
static bool parse_reals(const char *s, double out[3], bool zero_allowed)
{
    double v[3];
    char *copy = ff_strdup(s), *at = copy;
    int n = 0;
    bool ok = true;
    while (ok && at && n < 3) {
        char *comma = strchr(at, ',');
        if (comma)
            *comma++ = '\0';
        ok = ff_parse_real(at, &v[n]) && isfinite((float)v[n]) &&
             (zero_allowed || (fabs(v[n]) >= 1e-30 && fabs(v[n]) <= 1e30));
        n++;
        at = comma;
    }
    ok = ok && !at && (n == 1 || n == 3);
    free(copy);
    if (!ok)
        return false;
    for (int c = 0; c < 3; c++)
        out[c] = v[n == 1 ? 0 : c];
    return true;
}

static int find_word(const char *s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(s, names[i]) == 0)
            return (int)i;
    return -1;
}

static int wrong_value(const char *word, const char *wants)
{
    return ff_fail(FF_ERR_USAGE, "preprocessing: '%s': wants %s", word, wants);
}

static int wrong_word(const char *word, size_t key, const char *value)
{
    const char *names[FF_COUNT(presets) + FF_COUNT(words)];
    size_t n = 0;
    for (size_t i = 0; i < FF_COUNT(words); i++)
        names[n++] = words[i];
    for (size_t i = 0; i < FF_COUNT(presets) && !value; i++)
        names[n++] = presets[i].name;
    char *name = ff_strndup(word, key);
    const char *near = ff_nearest(name, names, n);
    int code;
    if (near)
        code = ff_fail(FF_ERR_USAGE, "preprocessing: unknown %s '%s'; did you mean '%s'?", value ? "word" : "preset",
                       name, near);
    else
        code = ff_fail(FF_ERR_USAGE, "preprocessing: unknown %s '%s'; %s", value ? "word" : "preset", name,
                       value ? "known are size resize antialias crop order scale mean std layout"
                             : "known are torch tf tf-imagenet caffe unit raw, or words as size=WxH");
    free(name);
    return code;
}

/* One `key=value`. */
static int parse_word(const char *word, ff_pre *p)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return wrong_word(word, strlen(word), NULL);
    const char *value = equals + 1;
    char *name = ff_strndup(word, (size_t)(equals - word));
    int key = find_word(name, words, FF_COUNT(words)), found, a, b;
    double real[3];
    free(name);

    switch (key) {
    case 0: /* size */
        if (strcasecmp(value, "auto") == 0) {
            p->width = p->height = p->shorter = 0;
        } else if (strncasecmp(value, "short:", 6) == 0 && !strchr(value, 'x') && parse_sides(value + 6, &a, &b)) {
            p->shorter = a;
            p->width = p->height = 0;
        } else if (parse_sides(value, &a, &b)) {
            p->width = a;
            p->height = b;
            p->shorter = 0;
        } else {
            return wrong_value(word, "WxH, short:N or auto, sides from 1 to 8192");
        }
        return FF_OK;
    case 1: /* resize */
        if ((found = find_word(value, resizes, FF_COUNT(resizes))) < 0)
            return wrong_value(word, "bilinear, nearest or bicubic");
        p->resize = (ff_resize)found;
        return FF_OK;
    case 2: /* antialias */
        if ((found = find_word(value, switches, FF_COUNT(switches))) < 0)
            return wrong_value(word, "on or off");
        p->antialias = found;
        return FF_OK;
    case 3: /* crop */
        if (strcasecmp(value, "none") == 0 || strcasecmp(value, "auto") == 0) {
            p->crop_width = p->crop_height = 0;
        } else if (parse_sides(value, &a, &b)) {
            p->crop_width = a;
            p->crop_height = b;
        } else {
            return wrong_value(word, "WxH, auto or none, sides from 1 to 8192");
        }
        return FF_OK;
    case 4: /* order */
        if ((found = find_word(value, orders, FF_COUNT(orders))) < 0)
            return wrong_value(word, "rgb or bgr");
        p->bgr = found;
        return FF_OK;
    case 5: /* scale */
        if (strchr(value, ',') || !parse_reals(value, real, false))
            return wrong_value(word, "a number other than 0");
        p->scale = real[0];
        return FF_OK;
    case 6: /* mean */
        if (!parse_reals(value, p->mean, true))
            return wrong_value(word, "one number or three with commas");
        return FF_OK;
    case 7: /* std */
        if (!parse_reals(value, p->std, false))
            return wrong_value(word, "one number or three with commas, none of them 0");
        return FF_OK;
    case 8: /* layout */
        if ((found = find_word(value, layouts, FF_COUNT(layouts))) < 0)
            return wrong_value(word, "auto, NCHW or NHWC");
        p->layout = (ff_image_layout)found;
        return FF_OK;
    default:
        return wrong_word(word, (size_t)(equals - word), value);
    }
}

int ff_pre_parse(const char *text, ff_pre *out)
{
    ff_pre p = {.scale = 1, .std = {1, 1, 1}};
    char *copy = ff_strdup(text), *rest = NULL;
    int code = FF_OK, n = 0;

    for (char *word = strtok_r(copy, " \t\r\n", &rest); word && code == FF_OK;
         word = strtok_r(NULL, " \t\r\n", &rest), n++) {
        size_t i = 0;
        while (i < FF_COUNT(presets) && strcasecmp(word, presets[i].name) != 0)
            i++;
        if (i == FF_COUNT(presets))
            code = parse_word(word, &p);
        else if (n > 0)
            code = ff_fail(FF_ERR_USAGE, "preprocessing: preset '%s' must be the first word", word);
        else
            code = ff_pre_parse(presets[i].spec, &p);
    }
    free(copy);
    if (code == FF_OK && n == 0)
        return ff_fail(FF_ERR_USAGE, "preprocessing: the spec is empty");
    if (code == FF_OK)
        *out = p;
    return code;
}

/* The shortest decimal that reads back as v. */
static void add_real(ff_buf *b, double v)
{
    char text[40];
    double back;
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (ff_parse_real(text, &back) && back == v)
            break;
    }
    ff_buf_puts(b, text);
}

static void add_reals(ff_buf *b, const char *name, const double v[3])
{
    ff_buf_printf(b, " %s=", name);
    for (int c = 0; c < 3; c++) {
        if (c)
            ff_buf_putc(b, ',');
        add_real(b, v[c]);
    }
}

char *ff_pre_print(const ff_pre *p)
{
    ff_buf b = {0};
    if (p->shorter)
        ff_buf_printf(&b, "size=short:%d", p->shorter);
    else if (p->width)
        ff_buf_printf(&b, "size=%dx%d", p->width, p->height);
    else
        ff_buf_puts(&b, "size=auto");
    ff_buf_printf(&b, " resize=%s antialias=%s", resizes[p->resize], switches[p->antialias]);
    if (p->crop_width)
        ff_buf_printf(&b, " crop=%dx%d", p->crop_width, p->crop_height);
    else
        ff_buf_printf(&b, " crop=%s", p->shorter ? "auto" : "none");
    ff_buf_printf(&b, " order=%s scale=", orders[p->bgr]);
    add_real(&b, p->scale);
    add_reals(&b, "mean", p->mean);
    add_reals(&b, "std", p->std);
    ff_buf_printf(&b, " layout=%s", layouts[p->layout]);
    return ff_buf_steal(&b);
}

static bool same_reals(const double a[3], const double b[3])
{
    for (int c = 0; c < 3; c++)
        if ((float)a[c] != (float)b[c])
            return false;
    return true;
}

bool ff_pre_equal(const ff_pre *a, const ff_pre *b)
{
    /* Cropping to what was squashed to crops nothing; nearest has nothing to smooth. */
    bool whole_a = !a->shorter && a->crop_width == a->width && a->crop_height == a->height;
    bool whole_b = !b->shorter && b->crop_width == b->width && b->crop_height == b->height;
    int crop_aw = whole_a ? 0 : a->crop_width, crop_ah = whole_a ? 0 : a->crop_height;
    int crop_bw = whole_b ? 0 : b->crop_width, crop_bh = whole_b ? 0 : b->crop_height;
    return a->width == b->width && a->height == b->height && a->shorter == b->shorter && crop_aw == crop_bw &&
           crop_ah == crop_bh && a->resize == b->resize &&
           (a->antialias == b->antialias || a->resize == FF_RESIZE_NEAREST) && a->bgr == b->bgr &&
           (float)a->scale == (float)b->scale && same_reals(a->mean, b->mean) && same_reals(a->std, b->std) &&
           a->layout == b->layout;
}

void ff_pre_carry(const ff_pre *from, const ff_pre *to, ff_pre *onto)
{
    if (to->width != from->width || to->height != from->height || to->shorter != from->shorter ||
        to->crop_width != from->crop_width || to->crop_height != from->crop_height) {
        onto->width = to->width;
        onto->height = to->height;
        onto->shorter = to->shorter;
        onto->crop_width = to->crop_width;
        onto->crop_height = to->crop_height;
    }
    if (to->resize != from->resize || to->antialias != from->antialias) {
        onto->resize = to->resize;
        onto->antialias = to->antialias;
    }
    /* Mean and deviation are in the order of the channels. */
    if (to->bgr != from->bgr || to->scale != from->scale || !same_reals(to->mean, from->mean) ||
        !same_reals(to->std, from->std)) {
        onto->bgr = to->bgr;
        onto->scale = to->scale;
        memcpy(onto->mean, to->mean, sizeof onto->mean);
        memcpy(onto->std, to->std, sizeof onto->std);
    }
    if (to->layout != from->layout)
        onto->layout = to->layout;
}
