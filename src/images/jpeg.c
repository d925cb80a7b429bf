/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JPEG by libjpeg-turbo with its default (accurate integer) transform and smooth upsampling. */
#include "images/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

/* Progressive files refine the picture scan by scan; a hostile one has scans without end. */
#define MAX_SCANS 200

typedef struct trap {
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
} trap;

static void on_error(j_common_ptr info)
{
    trap *t = (trap *)info->err;
    info->err->format_message(info, t->text);
    longjmp(t->back, 1);
}

/* The library goes on after a warning, with grey where data is missing. Labels of such a picture
 * would be compared in good faith, so those that tell of lost pixels are errors here. */
static void on_message(j_common_ptr info, int level)
{
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
        on_error(info);
        break;
    default: /* stray bytes between markers and odd versions cost nothing */
        break;
    }
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

static void on_progress(j_common_ptr info)
{
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MAX_SCANS) {
        trap *t = (trap *)info->err;
        snprintf(t->text, sizeof t->text, "more than %d scans", MAX_SCANS);
        longjmp(t->back, 1);
    }
}

static void set_trap(trap *t, j_common_ptr info)
{
    info->err = jpeg_std_error(&t->manager);
    t->manager.error_exit = on_error;
    t->manager.emit_message = on_message;
    t->manager.output_message = on_output;
}

/* An entropy coder spends at least one bit on each 8x8 block; the arithmetic one may spend less. */
static uint64_t least_bytes(const struct jpeg_decompress_struct *d)
{
    if (d->arith_code)
        return 0;
    return (uint64_t)d->image_width / 8 * (d->image_height / 8) / 8 / 16;
}

/* One row of CMYK to RGB in place at out; Adobe's files hold the inverted values. */
static void cmyk_to_rgb(const uint8_t *in, uint8_t *out, int width, bool inverted)
{
    for (int x = 0; x < width; x++, in += 4, out += 3)
        for (int c = 0; c < 3; c++) {
            int ink = inverted ? in[c] : 255 - in[c];
            int black = inverted ? in[3] : 255 - in[3];
            out[c] = (uint8_t)((ink * black + 127) / 255);
        }
}

int jpeg_decode(const uint8_t *data, size_t size, ff_image *out)
{
    struct jpeg_decompress_struct d;
    trap t;
    /* Changed after setjmp and read after longjmp: on the heap behind a constant pointer. */
    struct work {
        uint8_t *row;
        int code;
    } *const w = ff_alloc(sizeof *w);

    memset(&t, 0, sizeof t);
    set_trap(&t, (j_common_ptr)&d);
    if (setjmp(t.back)) {
        w->code = ff_fail(FF_ERR_INPUT, "JPEG: %s", t.text);
        goto out;
    }
    jpeg_create_decompress(&d);
    d.mem->max_memory_to_use = 1L << 30; /* coefficients of progressive files */
    t.progress.progress_monitor = on_progress;
    d.progress = &t.progress;
    jpeg_mem_src(&d, data, size);
    jpeg_read_header(&d, TRUE);
    if (d.data_precision != 8) {
        w->code = ff_fail(FF_ERR_INPUT, "JPEG: %d bits a sample instead of 8", d.data_precision);
        goto out;
    }
    w->code = image_begin("JPEG", d.image_width, d.image_height, least_bytes(&d), size, out);
    if (w->code != FF_OK)
        goto out;

    bool cmyk = d.jpeg_color_space == JCS_CMYK || d.jpeg_color_space == JCS_YCCK;
    bool inverted = d.saw_Adobe_marker;
    d.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    if (cmyk)
        w->row = ff_alloc_array((size_t)out->width, 4);
    jpeg_start_decompress(&d);
    while (d.output_scanline < d.output_height) {
        uint8_t *target = out->rgb + (size_t)d.output_scanline * 3 * (size_t)out->width;
        JSAMPROW row = cmyk ? w->row : target;
        if (jpeg_read_scanlines(&d, &row, 1) == 1 && cmyk)
            cmyk_to_rgb(w->row, target, out->width, inverted);
    }
out:;
    int code = w->code;
    jpeg_destroy_decompress(&d);
    free(w->row);
    free(w);
    return code;
}

int ff_image_save_jpeg(const ff_image *image, int quality, const char *path, bool force)
{
    struct jpeg_compress_struct c;
    trap t;
    struct work {
        unsigned char *bytes;
        unsigned long size;
        int code;
    } *const w = ff_alloc(sizeof *w);

    memset(&t, 0, sizeof t);
    set_trap(&t, (j_common_ptr)&c);
    if (setjmp(t.back)) {
        w->code = ff_fail(FF_ERR_INPUT, "'%s': JPEG: %s", path, t.text);
        goto out;
    }
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &w->bytes, &w->size);
    c.image_width = (JDIMENSION)image->width;
    c.image_height = (JDIMENSION)image->height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = image->rgb + (size_t)c.next_scanline * 3 * (size_t)image->width;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    w->code = ff_write_file(path, w->bytes, w->size, force);
out:;
    int code = w->code;
    jpeg_destroy_compress(&c);
    free(w->bytes);
    free(w);
    return code;
}
