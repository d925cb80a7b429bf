/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoders: pixels of real photographs, every PNG colour type, CMYK, and round trips. */
#include "fetafix/images.h"
#include "real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <jpeglib.h>
#include <nettle/sha1.h>
#include <png.h>

static void sha1_hex(const ff_image *image, char out[41])
{
    struct sha1_ctx h;
    uint8_t digest[20];
    sha1_init(&h);
    sha1_update(&h, 3 * (size_t)image->width * (size_t)image->height, image->rgb);
    sha1_digest(&h, sizeof digest, digest);
    for (int i = 0; i < 20; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void photographs(void **state)
{
    const char *folder = real_data();
    (void)state;
    if (!folder)
        skip();
    char *list = ff_path_join(folder, "decode_check.csv"), *text, *rest = NULL;
    size_t size;
    int n = 0;
    assert_int_equal(ff_read_file(list, 1 << 20, &text, &size), FF_OK);
    strtok_r(text, "\n", &rest);
    for (char *line; (line = strtok_r(NULL, "\r\n", &rest)); n++) {
        char *comma = strchr(line, ','), *last = strrchr(line, ','), hex[41];
        char *name = ff_strndup(line, (size_t)(comma - line));
        char *path = ff_asprintf("%s/images/%s", folder, name);
        ff_image image;
        assert_int_equal(ff_image_load(path, &image), FF_OK);
        sha1_hex(&image, hex);
        assert_string_equal(hex, last + 1);
        ff_image_finish(&image);
        free(path);
        free(name);
    }
    assert_int_equal(n, 150);
    free(text);
    free(list);
}

/* ------------------------------------------------------------------------- made PNG files */

static void png_sink(png_structp png, png_bytep data, size_t n)
{
    ff_buf_add(png_get_io_ptr(png), data, n);
}

/* Writes rows of 4x3 pixels as they are. */
static void make_png(ff_buf *b, int type, int depth, bool interlaced, bool transparent, const uint8_t *rows,
                     size_t row_bytes)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[4] = {{1, 2, 3}, {40, 50, 60}, {70, 80, 90}, {255, 0, 128}};
    png_byte alpha[4] = {0, 128, 255, 7};
    png_color_16 key = {.gray = 1, .red = 1, .green = 2, .blue = 3};
    assert_int_equal(setjmp(png_jmpbuf(png)), 0);
    png_set_write_fn(png, b, png_sink, NULL);
    png_set_IHDR(png, info, 4, 3, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : 0, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, depth == 1 ? 2 : 4);
    if (transparent)
        png_set_tRNS(png, info, alpha, depth == 1 ? 2 : 4, &key);
    png_write_info(png, info);
    png_bytep at[3];
    for (int y = 0; y < 3; y++)
        at[y] = (png_bytep)rows + (size_t)y * row_bytes;
    png_write_image(png, at);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static void check_png(int type, int depth, bool interlaced, bool transparent)
{
    static const uint8_t palette[4][3] = {{1, 2, 3}, {40, 50, 60}, {70, 80, 90}, {255, 0, 128}};
    uint8_t rows[3][4 * 8] = {{0}}, expected[3][4][3];
    int channels = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_PALETTE ? 1
                   : type == PNG_COLOR_TYPE_GRAY_ALPHA                           ? 2
                   : type == PNG_COLOR_TYPE_RGB                                  ? 3
                                                                                 : 4;
    ff_rng r = {(uint64_t)(type * 100 + depth)};
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 4; x++) {
            unsigned v[4];
            for (int c = 0; c < channels; c++) {
                int i = x * channels + c;
                v[c] = (unsigned)ff_rng_below(&r, 1u << depth);
                if (type == PNG_COLOR_TYPE_PALETTE)
                    v[c] &= 3;
                if (depth == 16) {
                    rows[y][2 * i] = (uint8_t)(v[c] >> 8);
                    rows[y][2 * i + 1] = (uint8_t)v[c];
                    v[c] >>= 8;
                } else if (depth == 8) {
                    rows[y][i] = (uint8_t)v[c];
                } else {
                    int shift = 8 - depth - i * depth % 8;
                    rows[y][i * depth / 8] |= (uint8_t)(v[c] << shift);
                    if (type == PNG_COLOR_TYPE_GRAY)
                        v[c] = v[c] * 255 / ((1u << depth) - 1);
                }
            }
            for (int c = 0; c < 3; c++)
                expected[y][x][c] = type == PNG_COLOR_TYPE_PALETTE ? palette[v[0]][c]
                                    : channels <= 2                ? (uint8_t)v[0]
                                                                   : (uint8_t)v[c];
        }
    ff_buf b = {0};
    ff_image image;
    make_png(&b, type, depth, interlaced, transparent, rows[0], sizeof rows[0]);
    assert_int_equal(ff_image_decode(b.data, b.len, &image), FF_OK);
    assert_int_equal(image.width, 4);
    assert_int_equal(image.height, 3);
    assert_memory_equal(image.rgb, expected, sizeof expected);
    ff_image_finish(&image);
    ff_buf_finish(&b);
}

static void png_colour_types(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        for (int depth = 1; depth <= 16; depth *= 2) {
            check_png(PNG_COLOR_TYPE_GRAY, depth, interlaced, false);
            check_png(PNG_COLOR_TYPE_GRAY, depth, interlaced, true);
        }
        for (int depth = 2; depth <= 8; depth *= 2) {
            check_png(PNG_COLOR_TYPE_PALETTE, depth, interlaced, false);
            check_png(PNG_COLOR_TYPE_PALETTE, depth, interlaced, true);
        }
        for (int depth = 8; depth <= 16; depth *= 2) {
            check_png(PNG_COLOR_TYPE_GRAY_ALPHA, depth, interlaced, false);
            check_png(PNG_COLOR_TYPE_RGB, depth, interlaced, false);
            check_png(PNG_COLOR_TYPE_RGB, depth, interlaced, true);
            check_png(PNG_COLOR_TYPE_RGB_ALPHA, depth, interlaced, false);
        }
    }
}

/* ------------------------------------------------------------------------ made JPEG files */

/* A flat picture of one colour, as `space`; returns the bytes (free). */
static unsigned char *make_jpeg(J_COLOR_SPACE in, J_COLOR_SPACE space, int channels, const uint8_t *colour, bool adobe,
                                bool progressive, unsigned long *size)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned char *bytes = NULL;
    uint8_t row[16 * 4];
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    *size = 0;
    jpeg_mem_dest(&c, &bytes, size);
    c.image_width = c.image_height = 16;
    c.input_components = channels;
    c.in_color_space = in;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, space);
    jpeg_set_quality(&c, 100, TRUE);
    if (progressive)
        jpeg_simple_progression(&c);
    c.write_Adobe_marker = adobe;
    jpeg_start_compress(&c, TRUE);
    for (int i = 0; i < 16 * channels; i++)
        row[i] = colour[i % channels];
    for (int y = 0; y < 16; y++) {
        JSAMPROW at = row;
        jpeg_write_scanlines(&c, &at, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return bytes;
}

static void check_jpeg(J_COLOR_SPACE in, J_COLOR_SPACE space, int channels, const uint8_t *colour, bool adobe,
                       bool progressive, const uint8_t expected[3])
{
    unsigned long size;
    unsigned char *bytes = make_jpeg(in, space, channels, colour, adobe, progressive, &size);
    ff_image image;
    assert_int_equal(ff_image_decode(bytes, size, &image), FF_OK);
    assert_int_equal(image.width, 16);
    for (int c = 0; c < 3; c++)
        assert_true(abs(image.rgb[c] - expected[c]) <= 2);
    ff_image_finish(&image);
    free(bytes);
}

static void jpeg_colour_spaces(void **state)
{
    const uint8_t rgb[3] = {200, 100, 50}, grey[1] = {77}, greys[3] = {77, 77, 77};
    /* Adobe's CMYK holds 255 - ink. 200*128/255 = 100 and so on. */
    const uint8_t cmyk[4] = {200, 100, 50, 128}, dark[3] = {100, 50, 25};
    const uint8_t ink[4] = {55, 155, 205, 127};
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        check_jpeg(JCS_RGB, JCS_YCbCr, 3, rgb, false, progressive, rgb);
        check_jpeg(JCS_RGB, JCS_RGB, 3, rgb, true, progressive, rgb);
        check_jpeg(JCS_GRAYSCALE, JCS_GRAYSCALE, 1, grey, false, progressive, greys);
        check_jpeg(JCS_CMYK, JCS_CMYK, 4, cmyk, true, progressive, dark);
        check_jpeg(JCS_CMYK, JCS_YCCK, 4, cmyk, true, progressive, dark);
        check_jpeg(JCS_CMYK, JCS_CMYK, 4, ink, false, progressive, dark);
    }
}

static void round_trips(void **state)
{
    uint8_t rgb[5 * 4 * 3];
    ff_image image = {5, 4, rgb}, back;
    char folder[] = "/tmp/fetafix-decode-XXXXXX";
    (void)state;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 4);
    assert_non_null(mkdtemp(folder));
    char *png = ff_path_join(folder, "a.png"), *jpeg = ff_path_join(folder, "a.jpg");
    assert_int_equal(ff_image_save_png(&image, png, false), FF_OK);
    assert_int_equal(ff_image_save_png(&image, png, false), FF_ERR_USAGE);
    assert_int_equal(ff_image_save_png(&image, png, true), FF_OK);
    assert_int_equal(ff_image_load(png, &back), FF_OK);
    assert_memory_equal(back.rgb, rgb, sizeof rgb);
    ff_image_finish(&back);
    assert_int_equal(ff_image_save_jpeg(&image, 95, jpeg, false), FF_OK);
    assert_int_equal(ff_image_load(jpeg, &back), FF_OK);
    assert_int_equal(back.width, 5);
    assert_int_equal(back.height, 4);
    ff_image_finish(&back);
    char *missing = ff_path_join(folder, "none/a.png");
    assert_int_equal(ff_image_save_png(&image, missing, false), FF_ERR_INPUT);
    assert_int_equal(ff_image_load(missing, &back), FF_ERR_INPUT);
    assert_int_equal(ff_image_load(folder, &back), FF_ERR_INPUT);
    unlink(png);
    unlink(jpeg);
    rmdir(folder);
    free(missing);
    free(png);
    free(jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photographs),
        cmocka_unit_test(png_colour_types),
        cmocka_unit_test(jpeg_colour_spaces),
        cmocka_unit_test(round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
