/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conversion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "draw.h"

static char folder[64];
static int pictures;

ff_dataset *conversion_pictures(int count)
{
    ff_dataset *set = NULL;
    snprintf(folder, sizeof folder, "/tmp/fetafix-conversion-XXXXXX");
    if (!mkdtemp(folder))
        return NULL;
    pictures = count;
    for (int i = 0; i < pictures; i++) {
        ff_image picture;
        int label;
        char *path = ff_asprintf("%s/%d.png", folder, i);
        draw_series("simulate", i, &picture, &label);
        if (ff_image_save_png(&picture, path, true) != FF_OK)
            fprintf(stderr, "%s\n", ff_error());
        ff_image_finish(&picture);
        free(path);
    }
    if (ff_dataset_open(folder, 0, &set) != FF_OK)
        fprintf(stderr, "%s\n", ff_error());
    return set;
}

void conversion_remove_pictures(void)
{
    for (int i = 0; i < pictures; i++) {
        char *path = ff_asprintf("%s/%d.png", folder, i);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

bool conversion_names_layer(const ff_node *const *nodes, int n, const char *where)
{
    char *part = ff_asprintf("/%s/", where);
    bool found = false;
    for (int i = 0; i < n && !found; i++)
        found = strstr(nodes[i]->label, part) != NULL;
    free(part);
    return found;
}

bool conversion_at_layer(const ff_finding *f, const char *where)
{
    return conversion_names_layer(f->source_nodes, f->n_source_nodes, where) ||
           conversion_names_layer(f->target_nodes, f->n_target_nodes, where);
}

ff_subject *conversion_subject(const network *source, const style *source_style, const network *target,
                               const style *target_style, const ff_dataset *set)
{
    ff_model *s = NULL, *t = NULL;
    ff_subject *subject = NULL;
    ff_pre pre;
    int status = ff_pre_parse("unit", &pre);
    if (status == FF_OK)
        status = style_write(source, source_style, &s);
    if (status == FF_OK)
        status = style_write(target, target_style, &t);
    if (status == FF_OK)
        status = ff_subject_create(s, &pre, t, &pre, set, &(ff_subject_options){.seed = 1}, NULL, &subject);
    ff_model_unref(s);
    ff_model_unref(t);
    return status == FF_OK ? subject : NULL;
}
