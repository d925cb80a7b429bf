/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of borrowed names, for indexing a graph in one go. */
#ifndef FETAFIX_MODEL_NAMES_H
#define FETAFIX_MODEL_NAMES_H

#include <stddef.h>

typedef struct name_table {
    struct name_entry {
        const char *name;
        void *value;
    } * at;
    size_t capacity, used;
} name_table;

void names_init(name_table *n, size_t expected);
void names_finish(name_table *n);
/* The place of a name: its value can be read and, when the name was new (NULL), be set at once. */
void **names_place(name_table *n, const char *name);
void *names_get(const name_table *n, const char *name);

#endif
