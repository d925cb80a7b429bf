/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of borrowed names, for indexing a graph in one go. */
#ifndef FETAFIX_MODEL_NAMES_H
#define FETAFIX_MODEL_NAMES_H

#include <stddef.h>

typedef struct names {
    struct name_entry {
        const char *name;
        void *value;
    } *at;
    size_t capacity, used;
} names;

void names_init(names *n, size_t expected);
void names_finish(names *n);
/* The place of a name: its value can be read and, when the name was new (NULL), be set at once. */
void **names_place(names *n, const char *name);
void *names_get(const names *n, const char *name);

#endif
