/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pictures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "draw.h"

int make_folder(const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        return ff_fail(FF_ERR_INPUT, "cannot make '%s': %s", path, strerror(errno));
    return FF_OK;
}

int write_pictures(const char *folder, const char *series, int count)
{
    ff_buf list = {0};
    char *images = ff_path_join(folder, "images");
    int status = make_folder(images);
    for (int i = 0; i < count && status == FF_OK; i++) {
        ff_image picture;
        int label;
        bool png = i % 3 == 2;
        draw_series(series, i, &picture, &label);
        char *name = ff_asprintf("images/%s_%03d_%s.%s", series, i, draw_class_name(label), png ? "png" : "jpg");
        char *path = ff_path_join(folder, name);
        status = png ? ff_image_save_png(&picture, path, true) : ff_image_save_jpeg(&picture, 92, path, true);
        ff_buf_printf(&list, "%s\n", name);
        ff_image_finish(&picture);
        free(path);
        free(name);
    }
    char *name = ff_asprintf("%s.txt", series), *path = ff_path_join(folder, name);
    if (status == FF_OK)
        status = ff_write_file(path, list.data, list.len, true);
    ff_buf_finish(&list);
    free(name);
    free(path);
    free(images);
    return status;
}
