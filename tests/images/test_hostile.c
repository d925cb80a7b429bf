/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged picture files: each either decodes or is refused with one line, never worse. */
#include "fetafix/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jpeglib.h>
#include <zlib.h>

typedef struct sample {
    const char *name;
    char *data;
    size_t size;
} sample;

static sample samples[4]; /* PNG, baseline, progressive, CMYK */

/* A picture with enough detail to fill every table of the entropy coders. */
static ff_image picture(void)
{
    ff_image image = {40, 33, ff_alloc_array(40 * 33, 3)};
    ff_rng r = {42};
    for (int i = 0; i < 40 * 33; i++)
        for (int c = 0; c < 3; c++)
            image.rgb[3 * i + c] = (uint8_t)(i * (c + 1) / 4 + (int)ff_rng_below(&r, 40));
    return image;
}

static void jpeg_of(const ff_image *image, bool progressive, bool cmyk, sample *out)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t row[40 * 4];
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    c.image_width = (JDIMENSION)image->width;
    c.image_height = (JDIMENSION)image->height;
    c.input_components = cmyk ? 4 : 3;
    c.in_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(&c);
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < image->height; y++) {
        const uint8_t *rgb = image->rgb + y * image->width * 3;
        for (int x = 0; x < image->width; x++)
            for (int k = 0; k < c.input_components; k++)
                row[x * c.input_components + k] = rgb[3 * x + k % 3];
        JSAMPROW at = row;
        jpeg_write_scanlines(&c, &at, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    out->data = (char *)bytes;
    out->size = size;
}

static int set_up(void **state)
{
    char folder[] = "/tmp/fetafix-hostile-XXXXXX";
    ff_image image = picture();
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    char *path = ff_path_join(folder, "a.png");
    samples[0].name = "PNG";
    if (ff_image_save_png(&image, path, false) != FF_OK ||
        ff_read_file(path, 1 << 20, &samples[0].data, &samples[0].size) != FF_OK)
        return -1;
    unlink(path);
    rmdir(folder);
    free(path);
    samples[1].name = "baseline JPEG";
    jpeg_of(&image, false, false, &samples[1]);
    samples[2].name = "progressive JPEG";
    jpeg_of(&image, true, false, &samples[2]);
    samples[3].name = "CMYK JPEG";
    jpeg_of(&image, false, true, &samples[3]);
    ff_image_finish(&image);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(samples); i++)
        free(samples[i].data);
    return 0;
}

/* Decodes a copy of exactly this size, so that the sanitizers see a read past its end. */
static int decode(const char *data, size_t size)
{
    ff_image image = {-1, -1, NULL};
    char *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    int code = ff_image_decode(copy, size, &image);
    free(copy);
    if (code == FF_OK) {
        assert_true(image.width > 0 && image.height > 0);
        ff_image_finish(&image);
    } else {
        assert_true(code == FF_ERR_INPUT || code == FF_ERR_NOMEM);
        assert_true(image.width == -1 && !image.rgb);
        assert_true(ff_error()[0] && !strchr(ff_error(), '\n') && strlen(ff_error()) < 300);
    }
    return code;
}

static void whole_files_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(samples); i++)
        assert_int_equal(decode(samples[i].data, samples[i].size), FF_OK);
}

static void truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(samples); i++)
        for (size_t n = 0; n < samples[i].size; n += n < 700 ? 1 : 13)
            if (decode(samples[i].data, n) == FF_OK && n + 4 < samples[i].size)
                fail_msg("%s: %zu of %zu bytes decode", samples[i].name, n, samples[i].size);
}

static void flipped_bits(void **state)
{
    ff_rng r = {7};
    (void)state;
    for (size_t i = 0; i < FF_COUNT(samples); i++) {
        char *copy = malloc(samples[i].size);
        for (int trial = 0; trial < 600; trial++) {
            memcpy(copy, samples[i].data, samples[i].size);
            int flips = 1 + (int)ff_rng_below(&r, 4);
            /* Half of them among the headers, where they do most. */
            size_t reach = trial % 2 ? samples[i].size : 200;
            for (int k = 0; k < flips; k++)
                copy[ff_rng_below(&r, reach)] ^= (char)(1 << ff_rng_below(&r, 8));
            (void)decode(copy, samples[i].size);
        }
        free(copy);
    }
}

static void pieces_swapped_and_repeated(void **state)
{
    ff_rng r = {8};
    (void)state;
    for (size_t i = 0; i < FF_COUNT(samples); i++) {
        size_t size = samples[i].size;
        char *copy = malloc(2 * size);
        for (int trial = 0; trial < 200; trial++) {
            size_t a = ff_rng_below(&r, size), b = ff_rng_below(&r, size);
            memcpy(copy, samples[i].data, a);
            memcpy(copy + a, samples[i].data + b, size - b);
            (void)decode(copy, a + size - b);
        }
        free(copy);
    }
}

/* Corrects the checksum of the chunk at `at`, so that what it says is believed. */
static void seal_chunk(char *png, size_t at)
{
    uint8_t *p = (uint8_t *)png + at;
    uint32_t n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    uint32_t crc = (uint32_t)crc32(0, p + 4, n + 4);
    for (int k = 0; k < 4; k++)
        p[8 + n + (uint32_t)k] = (uint8_t)(crc >> (24 - 8 * k));
}

static void bombs_are_refused_before_memory_is_taken(void **state)
{
    static const uint8_t widths[][4] = {{0x7F, 0xFF, 0xFF, 0xFF}, {0, 1, 0, 0}, {0, 0, 0x27, 0x10}, {0, 0, 0, 0}};
    (void)state;
    uint64_t before = ff_memory_peak();
    for (size_t k = 0; k < FF_COUNT(widths); k++) {
        char *copy = malloc(samples[0].size);
        memcpy(copy, samples[0].data, samples[0].size);
        memcpy(copy + 16, widths[k], 4); /* IHDR: width, height */
        memcpy(copy + 20, widths[k], 4);
        seal_chunk(copy, 8);
        assert_int_equal(decode(copy, samples[0].size), FF_ERR_INPUT);
        free(copy);
    }
    for (size_t i = 1; i < 3; i++) {
        char *copy = malloc(samples[i].size);
        memcpy(copy, samples[i].data, samples[i].size);
        size_t at = 2;
        while ((uint8_t)copy[at + 1] != 0xC0 && (uint8_t)copy[at + 1] != 0xC2) /* SOF */
            at += 2 + ((size_t)(uint8_t)copy[at + 2] << 8 | (uint8_t)copy[at + 3]);
        memcpy(copy + at + 5, "\xFF\xF0\xFF\xF0", 4);
        assert_int_equal(decode(copy, samples[i].size), FF_ERR_INPUT);
        memcpy(copy + at + 5, "\x20\x00\x20\x00", 4); /* 67 million pixels from a few kilobytes */
        assert_int_equal(decode(copy, samples[i].size), FF_ERR_INPUT);
        free(copy);
    }
    assert_true(ff_memory_peak() - before < (UINT64_C(64) << 20));
}

static void endless_scans_are_refused(void **state)
{
    const sample *s = &samples[2];
    (void)state;
    /* Repeat the first scan, from its SOS to the next marker, a thousand times. */
    const uint8_t *p = (const uint8_t *)s->data;
    size_t first = 2, end;
    while (p[first + 1] != 0xDA)
        first += 2 + ((size_t)p[first + 2] << 8 | p[first + 3]);
    for (end = first + 2; p[end] != 0xFF || p[end + 1] == 0; end++)
        assert_true(end + 2 < s->size);
    ff_buf b = {0};
    ff_buf_add(&b, s->data, first);
    for (int i = 0; i < 1000; i++)
        ff_buf_add(&b, s->data + first, end - first);
    ff_buf_add(&b, s->data + end, s->size - end);
    assert_int_equal(decode(b.data, b.len), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "scans"));
    ff_buf_finish(&b);
}

static void not_pictures(void **state)
{
    (void)state;
    assert_int_equal(decode("", 0), FF_ERR_INPUT);
    assert_int_equal(decode("GIF89a", 6), FF_ERR_INPUT);
    assert_int_equal(decode("\xFF\xD8\xFF", 3), FF_ERR_INPUT);
    assert_int_equal(decode("\x89PNG\r\n\x1A\n", 8), FF_ERR_INPUT);
    assert_int_equal(decode("\xFF\xD8\xFF\xD9", 4), FF_ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_decode),
        cmocka_unit_test(truncation_is_refused),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(pieces_swapped_and_repeated),
        cmocka_unit_test(bombs_are_refused_before_memory_is_taken),
        cmocka_unit_test(endless_scans_are_refused),
        cmocka_unit_test(not_pictures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
