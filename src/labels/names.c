/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Class names, one a line. */
#include "fetafix/labels.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES_FILE (UINT64_C(16) << 20)

struct ff_names {
    int count;
    char **at;
    size_t room;
};

int ff_names_load(const char *path, ff_names **out)
{
    char *text;
    size_t size;
    int code = ff_read_file(path, MAX_NAMES_FILE, &text, &size);
    if (code != FF_OK)
        return code;
    ff_names *n = ff_alloc(sizeof *n);
    /* An empty line is a class without a name: the number of a line is the label. */
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at, used = length;
        if (used > 0 && text[at + used - 1] == '\r')
            used--;
        ff_grow(&n->at, &n->room, (size_t)n->count + 1, sizeof *n->at);
        n->at[n->count++] = ff_visible_n(text + at, used);
        at += length + 1;
    }
    free(text);
    if (n->count == 0) {
        ff_names_destroy(n);
        return ff_fail(FF_ERR_INPUT, "'%s': no class names", path);
    }
    *out = n;
    return FF_OK;
}

void ff_names_destroy(ff_names *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->count; i++)
        free(n->at[i]);
    free(n->at);
    free(n);
}

const char *ff_names_at(const ff_names *n, int label)
{
    return n && label >= 0 && label < n->count ? n->at[label] : NULL;
}

int ff_names_find(const ff_names *n, const char *name)
{
    size_t length = strlen(name);
    int begins = -1;
    for (int i = 0; n && i < n->count; i++) {
        if (strcmp(n->at[i], name) == 0)
            return i;
        if (length && strncmp(n->at[i], name, length) == 0 && strchr(" ,\t", n->at[i][length]))
            begins = begins == -1 ? i : -2;
    }
    return begins >= 0 ? begins : -1;
}
