/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PNG by libpng: every colour type to 8-bit RGB. */
#include "images/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <png.h>

/* Deflate makes at most 1032 bytes of one. */
#define DEFLATE_LIMIT 1032

typedef struct work {
    const uint8_t *data;
    size_t size, at;
    png_bytep *rows;
    ff_buf written;
    int code;
    char text[200];
} work;

FF_NORETURN static void on_error(png_structp png, png_const_charp message)
{
    work *w = png_get_error_ptr(png);
    snprintf(w->text, sizeof w->text, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    work *w = png_get_io_ptr(png);
    if (n > w->size - w->at)
        png_error(png, "truncated file");
    memcpy(out, w->data + w->at, n);
    w->at += n;
}

static void write_bytes(png_structp png, png_bytep data, size_t n)
{
    work *w = png_get_io_ptr(png);
    ff_buf_add(&w->written, data, n);
}

static void flush(png_structp png)
{
    (void)png;
}

/* Bytes of pixel data before compression; interlacing only adds to them. */
static uint64_t least_bytes(png_structp png, png_infop info)
{
    uint64_t bits = (uint64_t)png_get_bit_depth(png, info) * png_get_channels(png, info);
    uint64_t raw = ((uint64_t)png_get_image_width(png, info) * bits + 7) / 8 * png_get_image_height(png, info);
    return raw / DEFLATE_LIMIT;
}

int png_decode(const uint8_t *data, size_t size, ff_image *out)
{
    work *const w = ff_alloc(sizeof *w);
    png_infop info = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);

    w->data = data;
    w->size = size;
    if (png)
        info = png_create_info_struct(png);
    if (!info) {
        w->code = ff_fail(FF_ERR_NOMEM, "PNG: out of memory");
        goto out;
    }
    if (setjmp(png_jmpbuf(png))) {
        w->code = ff_fail(FF_ERR_INPUT, "PNG: %s", w->text);
        goto out;
    }
    png_set_read_fn(png, w, read_bytes);
    png_set_user_limits(png, MAX_PIXELS, MAX_PIXELS);
    /* Only pixels matter: profiles, texts and the like are skipped unread. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_set_chunk_cache_max(png, 16);
    png_read_info(png, info);
    w->code = image_begin("PNG", png_get_image_width(png, info), png_get_image_height(png, info),
                          least_bytes(png, info), size, out);
    if (w->code != FF_OK)
        goto out;

    png_set_expand(png); /* palette and small grey depths to 8 bits, transparency to alpha */
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != 3 * (size_t)out->width)
        png_error(png, "colour type is not understood");
    w->rows = ff_alloc_array((size_t)out->height, sizeof *w->rows);
    for (int y = 0; y < out->height; y++)
        w->rows[y] = out->rgb + (size_t)y * 3 * (size_t)out->width;
    png_read_image(png, w->rows);
    png_read_end(png, NULL);
out:;
    int code = w->code;
    png_destroy_read_struct(&png, &info, NULL);
    free(w->rows);
    free(w);
    return code;
}

int ff_image_encode_png(const ff_image *image, ff_buf *out)
{
    work *const w = ff_alloc(sizeof *w);
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);

    if (png)
        info = png_create_info_struct(png);
    if (!info) {
        w->code = ff_fail(FF_ERR_NOMEM, "PNG: out of memory");
        goto out;
    }
    if (setjmp(png_jmpbuf(png))) {
        w->code = ff_fail(FF_ERR_INPUT, "PNG: %s", w->text);
        goto out;
    }
    png_set_write_fn(png, w, write_bytes, flush);
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < image->height; y++)
        png_write_row(png, image->rgb + (size_t)y * 3 * (size_t)image->width);
    png_write_end(png, NULL);
    ff_buf_add(out, w->written.data, w->written.len);
out:;
    int code = w->code;
    png_destroy_write_struct(&png, &info);
    ff_buf_finish(&w->written);
    free(w);
    return code;
}

int ff_image_save_png(const ff_image *image, const char *path, bool force)
{
    ff_buf bytes = {0};
    int code = ff_image_encode_png(image, &bytes);
    if (!code)
        code = ff_write_file(path, bytes.data, bytes.len, force);
    else
        code = ff_fail_prefix(code, "'%s'", path);
    ff_buf_finish(&bytes);
    return code;
}
