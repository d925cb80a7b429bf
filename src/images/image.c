/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images by content, whatever their name. */
#include "images/decode.h"

#include <stdlib.h>
#include <string.h>

int image_begin(const char *format, uint64_t width, uint64_t height, uint64_t least_bytes, size_t file_size,
                ff_image *out)
{
    if (width == 0 || height == 0)
        return ff_fail(FF_ERR_INPUT, "%s: no pixels", format);
    if (width > MAX_PIXELS || height > MAX_PIXELS || width * height > MAX_PIXELS)
        return ff_fail(FF_ERR_INPUT, "%s: %llux%llu is more than %d million pixels", format, (unsigned long long)width,
                       (unsigned long long)height, MAX_PIXELS / 1000000);
    if (least_bytes > file_size)
        return ff_fail(FF_ERR_INPUT, "%s: %llux%llu pixels cannot come from %zu bytes", format,
                       (unsigned long long)width, (unsigned long long)height, file_size);
    out->rgb = malloc((size_t)(3 * width * height));
    if (!out->rgb)
        return ff_fail(FF_ERR_NOMEM, "%s: out of memory for %llux%llu pixels", format, (unsigned long long)width,
                       (unsigned long long)height);
    out->width = (int)width;
    out->height = (int)height;
    return FF_OK;
}

int ff_image_decode(const void *data, size_t size, ff_image *out)
{
    static const uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    const uint8_t *bytes = data;
    ff_image image = {0};
    int code;

    if (size == 0)
        return ff_fail(FF_ERR_INPUT, "empty file");
    if (size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
        code = jpeg_decode(bytes, size, &image);
    else if (size >= 8 && memcmp(bytes, png_magic, 8) == 0)
        code = png_decode(bytes, size, &image);
    else
        return ff_fail(FF_ERR_INPUT, "neither JPEG nor PNG");
    if (code != FF_OK) {
        ff_image_finish(&image);
        return code;
    }
    *out = image;
    return FF_OK;
}

int ff_image_load(const char *path, ff_image *out)
{
    char *data;
    size_t size;
    int code = ff_read_file(path, MAX_IMAGE_FILE, &data, &size);
    if (code != FF_OK)
        return code;
    code = ff_image_decode(data, size, out);
    free(data);
    return code == FF_OK ? FF_OK : ff_fail_prefix(code, "'%s'", path);
}

void ff_image_finish(ff_image *image)
{
    free(image->rgb);
    *image = (ff_image){0};
}
