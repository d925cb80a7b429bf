/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture under a spec to a network input: resize, crop, normalise, lay out. */
#include "images/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where neither the spec nor the model gives a size. */
#define USUAL_SIDE 224

static char *describe(const ff_shape *s)
{
    ff_buf b = {0};
    ff_buf_putc(&b, '[');
    for (int i = 0; i < s->rank; i++)
        ff_buf_printf(&b, s->dims[i] < 0 ? "%s?" : "%s%lld", i ? "," : "", (long long)s->dims[i]);
    ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

static bool is_channels(int64_t dim)
{
    return dim == 3 || dim == 1;
}

/* NCHW unless only the last dim can be the channels. */
static ff_image_layout layout_of(const ff_shape *s)
{
    if (s->dims[1] == 3)
        return FF_LAYOUT_NCHW;
    if (s->dims[3] == 3)
        return FF_LAYOUT_NHWC;
    if (!is_channels(s->dims[1]) && is_channels(s->dims[3]))
        return FF_LAYOUT_NHWC;
    return FF_LAYOUT_NCHW;
}

int ff_pre_input_shape(const ff_pre *p, const ff_shape *declared, ff_shape *out)
{
    ff_shape s = *declared;
    if (s.rank < 0)
        s = (ff_shape){s.dtype, 4, {-1, -1, -1, -1}};
    if (s.rank != 4) {
        char *text = describe(&s);
        int code = ff_fail(FF_ERR_GRAPH,
                           "an input of shape %s does not take pictures: four dims "
                           "are wanted, [N,3,H,W] or [N,H,W,3]",
                           text);
        free(text);
        return code;
    }
    ff_image_layout layout = p->layout == FF_LAYOUT_AUTO ? layout_of(&s) : p->layout;
    int c = layout == FF_LAYOUT_NCHW ? 1 : 3, h = layout == FF_LAYOUT_NCHW ? 2 : 1, w = h + 1;
    int width = p->crop_width ? p->crop_width : p->shorter ? 0 : p->width;
    int height = p->crop_height ? p->crop_height : p->shorter ? 0 : p->height;
    if (s.dtype == FF_UNDEFINED)
        s.dtype = FF_FLOAT;
    if (s.dims[0] < 0)
        s.dims[0] = 1;
    if (s.dims[c] < 0)
        s.dims[c] = 3;
    if (s.dims[h] < 0)
        s.dims[h] = height ? height : USUAL_SIDE;
    if (s.dims[w] < 0)
        s.dims[w] = width ? width : USUAL_SIDE;
    if (s.dims[0] < 1 || !is_channels(s.dims[c]) || s.dims[h] < 1 || s.dims[w] < 1 || s.dims[h] > 8192 ||
        s.dims[w] > 8192 || (height && s.dims[h] != height) || (width && s.dims[w] != width)) {
        char *text = describe(declared);
        ff_shape wanted = {s.dtype, 4, {s.dims[0], 3, height ? height : -1, width ? width : -1}};
        if (layout == FF_LAYOUT_NHWC)
            wanted = (ff_shape){s.dtype, 4, {s.dims[0], wanted.dims[2], wanted.dims[3], 3}};
        char *pictures = describe(&wanted);
        int code = ff_fail(FF_ERR_GRAPH, "an input of shape %s does not take pictures of shape %s", text, pictures);
        free(text);
        free(pictures);
        return code;
    }
    *out = s;
    return FF_OK;
}

bool ff_pre_size_open(const ff_pre *p, const ff_model *m, int *height, int *width)
{
    const ff_graph *g = ff_model_graph(m);
    const ff_shape *s = g->n_inputs > 0 ? &g->inputs[0]->declared : NULL;
    if (!s || (s->rank >= 0 && s->rank != 4) || p->crop_width || (!p->shorter && p->width))
        return false;
    ff_shape any = {s->dtype, 4, {-1, -1, -1, -1}};
    s = s->rank < 0 ? &any : s;
    ff_image_layout layout = p->layout == FF_LAYOUT_AUTO ? layout_of(s) : p->layout;
    *height = layout == FF_LAYOUT_NCHW ? 2 : 1;
    *width = *height + 1;
    return s->dims[*height] < 0 || s->dims[*width] < 0;
}

/* What is cut off belongs to the size where it is not given. */
static void set_size(ff_pre *p, int height, int width, int shorter, bool guessed)
{
    if (p->shorter && guessed) /* 256 for 224, 342 for 299 */
        p->shorter = shorter ? shorter : ((height < width ? height : width) * 256 + 112) / 224;
    *(p->shorter ? &p->crop_height : &p->height) = height;
    *(p->shorter ? &p->crop_width : &p->width) = width;
}

void ff_pre_take_size(ff_pre *p, const ff_model *m, const ff_pre *of, const ff_model *other, bool guessed)
{
    int h, w;
    ff_shape s;
    if (!ff_pre_size_open(p, m, &h, &w) || ff_pre_size_open(of, other, &h, &w) || ff_model_graph(other)->n_inputs < 1 ||
        ff_pre_input_shape(of, &ff_model_graph(other)->inputs[0]->declared, &s) != FF_OK)
        return;
    ff_image_layout layout = of->layout == FF_LAYOUT_AUTO ? layout_of(&s) : of->layout;
    h = layout == FF_LAYOUT_NCHW ? 2 : 1;
    set_size(p, (int)s.dims[h], (int)s.dims[h + 1], of->shorter, guessed);
}

bool ff_pre_assume_size(ff_pre *p, const ff_model *m, bool guessed)
{
    static const int sides[] = {USUAL_SIDE, 299, 256, 227, 384, 192, 160, 128, 96, 64,
                                32,         28,  240, 260, 300, 331, 380, 448, 512};
    int h, w;
    ff_shape s;
    if (!ff_pre_size_open(p, m, &h, &w) || ff_model_graph(m)->n_inputs != 1)
        return false;
    const ff_shape *declared = &ff_model_graph(m)->inputs[0]->declared;
    if (ff_pre_input_shape(p, declared, &s) != FF_OK)
        return false;
    ff_shape *shapes = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *shapes);
    ff_shape tried = s;
    bool fits = false;
    for (size_t i = 0; i < FF_COUNT(sides) && !fits; i++) {
        tried.dims[h] = declared->rank < 0 || declared->dims[h] < 0 ? sides[i] : s.dims[h];
        tried.dims[w] = declared->rank < 0 || declared->dims[w] < 0 ? sides[i] : s.dims[w];
        fits = ff_model_infer(m, &tried, shapes) == FF_OK;
    }
    free(shapes);
    s = fits ? tried : s;
    set_size(p, (int)s.dims[h], (int)s.dims[w], 0, guessed);
    return true;
}

/* Cuts width x height from the centre; zeros where it is larger. Offsets as torchvision's: a half is
 * rounded to even, padding puts the odd one at the end. */
static void crop(const float *in, int in_width, int in_height, float *out, int width, int height)
{
    int left = width > in_width ? -((width - in_width) / 2) : (int)rint((in_width - width) / 2.0);
    int top = height > in_height ? -((height - in_height) / 2) : (int)rint((in_height - height) / 2.0);
    int first = left < 0 ? -left : 0, last = in_width - left < width ? in_width - left : width;
    memset(out, 0, (size_t)width * (size_t)height * 3 * sizeof *out);
    for (int y = 0; y < height; y++)
        if (y + top >= 0 && y + top < in_height)
            memcpy(out + ((size_t)y * (size_t)width + (size_t)first) * 3,
                   in + ((size_t)(y + top) * (size_t)in_width + (size_t)(first + left)) * 3,
                   (size_t)(last - first) * 3 * sizeof *out);
}

/* Resized and cropped pixels, interleaved RGB; the caller frees. */
static int pixels(const ff_pre *p, const ff_image *image, int width, int height, float **out)
{
    int wide = p->width ? p->width : width, high = p->height ? p->height : height;
    if (p->shorter) {
        /* The longer side is cut off, not rounded (torchvision). */
        bool upright = image->width <= image->height;
        int64_t side = upright ? image->height : image->width;
        int64_t other = upright ? image->width : image->height;
        int64_t longer = side * p->shorter / other;
        if (longer > (int64_t)64 * p->shorter || longer > 65535)
            return ff_fail(FF_ERR_INPUT, "%dx%d pixels are too long and narrow for size=short:%d", image->width,
                           image->height, p->shorter);
        wide = upright ? p->shorter : (int)longer;
        high = upright ? (int)longer : p->shorter;
    }
    float *resized = ff_try_alloc((size_t)wide * (size_t)high * 3 * sizeof *resized);
    if (!resized)
        return FF_ERR_NOMEM;
    int code = resample(image, wide, high, p->resize, p->antialias, resized);
    if (code != FF_OK || (wide == width && high == height)) {
        if (code == FF_OK)
            *out = resized;
        else
            free(resized);
        return code;
    }
    float *cropped = ff_try_alloc((size_t)width * (size_t)height * 3 * sizeof *cropped);
    if (cropped) {
        crop(resized, wide, high, cropped, width, height);
        *out = cropped;
    }
    free(resized);
    return cropped ? FF_OK : FF_ERR_NOMEM;
}

/* (x/scale - mean)/std into the layout. */
static void normalise(const ff_pre *p, const float *in, bool planes, bool grey, int64_t area, float *out)
{
    float scale = (float)p->scale;
    int channels = grey ? 1 : 3;
    for (int c = 0; c < channels; c++) {
        float mean = (float)p->mean[c], std = (float)p->std[c];
        int source = p->bgr ? 2 - c : c;
        float *to = planes ? out + c * area : out + c;
        int64_t step = planes ? 1 : channels;
        for (int64_t i = 0; i < area; i++) {
            const float *x = in + 3 * i;
            /* Luminance of ITU-R BT.601 where the model sees one channel. */
            float v = grey ? 0.299f * x[0] + 0.587f * x[1] + 0.114f * x[2] : x[source];
            to[i * step] = (v / scale - mean) / std;
        }
    }
}

/* Whole numbers for inputs of integer type: nearest, kept within the type's range. */
static int to_integers(const ff_tensor *from, ff_dtype type, ff_tensor **out)
{
    static const struct {
        ff_dtype type;
        double low, high;
    } ranges[] = {{FF_UINT8, 0, 255},
                  {FF_INT8, -128, 127},
                  {FF_UINT16, 0, 65535},
                  {FF_INT16, -32768, 32767},
                  {FF_INT32, -2147483648.0, 2147483520.0},
                  {FF_INT64, -9e15, 9e15},
                  {FF_UINT32, 0, 4294967040.0},
                  {FF_UINT64, 0, 9e15}};
    size_t r = 0;
    while (r < FF_COUNT(ranges) && ranges[r].type != type)
        r++;
    if (r == FF_COUNT(ranges))
        return ff_fail(FF_ERR_GRAPH, "an input of type %s does not take pictures", ff_dtype_name(type));
    ff_tensor *t;
    int code = ff_tensor_create(type, from->rank, from->dims, &t);
    if (code != FF_OK)
        return code;
    const float *v = from->data;
    for (int64_t i = 0; i < t->count; i++) {
        double x = rint((double)v[i]);
        ff_tensor_set_int(t, i, (int64_t)fmin(fmax(x, ranges[r].low), ranges[r].high));
    }
    *out = t;
    return FF_OK;
}

int ff_pre_apply(const ff_pre *p, const ff_image *image, const ff_shape *shape, ff_tensor **out)
{
    ff_shape s;
    ff_tensor *t = NULL, *converted = NULL;
    float *in = NULL;
    int code = ff_pre_input_shape(p, shape, &s);
    if (code != FF_OK)
        return code;
    bool planes = (p->layout == FF_LAYOUT_AUTO ? layout_of(&s) : p->layout) == FF_LAYOUT_NCHW;
    int height = (int)s.dims[planes ? 2 : 1], width = (int)s.dims[planes ? 3 : 2];
    int64_t channels = s.dims[planes ? 1 : 3], area = (int64_t)height * width;

    code = pixels(p, image, width, height, &in);
    if (code == FF_OK)
        code = ff_tensor_create(FF_FLOAT, 4, s.dims, &t);
    if (code != FF_OK)
        goto out;
    float *data = t->data;
    normalise(p, in, planes, channels == 1, area, data);
    /* A batch that the model fixes is filled with the same picture; its first row is what is read. */
    for (int64_t n = 1; n < s.dims[0]; n++)
        memcpy(data + n * channels * area, data, (size_t)(channels * area) * sizeof *data);
    if (s.dtype != FF_FLOAT) {
        code = ff_dtype_is_float(s.dtype) ? ff_tensor_convert(t, s.dtype, &converted)
                                          : to_integers(t, s.dtype, &converted);
        if (code != FF_OK)
            goto out;
        ff_tensor_unref(t);
        t = converted;
    }
    *out = t;
    t = NULL;
out:
    ff_tensor_unref(t);
    free(in);
    return code;
}
