/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed columns: built by one thread, then read by all. */
#include "fetafix/base.h"

#include <math.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct cell {
    bool set;
    union {
        int64_t integer;
        double real;
        const char *text;
    };
} cell;

struct ff_table {
    atomic_int refs;
    char *name;
    const ff_column *columns;
    int n_columns, n_rows;
    cell *cells; /* row by row */
    size_t capacity;
    ff_arena *texts;
};

ff_table *ff_table_create(const char *name, const ff_column *columns, int n_columns)
{
    ff_table *t = ff_alloc(sizeof *t);
    atomic_init(&t->refs, 1);
    t->name = ff_strdup(name);
    t->columns = columns;
    t->n_columns = n_columns;
    t->texts = ff_arena_create();
    return t;
}

ff_table *ff_table_ref(const ff_table *t)
{
    ff_table *mine = (ff_table *)t;
    if (mine)
        atomic_fetch_add(&mine->refs, 1);
    return mine;
}

void ff_table_unref(const ff_table *t)
{
    ff_table *mine = (ff_table *)t;
    if (!mine || atomic_fetch_sub(&mine->refs, 1) > 1)
        return;
    ff_arena_destroy(mine->texts);
    free(mine->cells);
    free(mine->name);
    free(mine);
}

int ff_table_add_row(ff_table *t)
{
    size_t n = (size_t)t->n_columns;
    ff_grow(&t->cells, &t->capacity, ((size_t)t->n_rows + 1) * n, sizeof *t->cells);
    return t->n_rows++;
}

static const cell *at(const ff_table *t, int row, int column)
{
    assert(row >= 0 && row < t->n_rows && column >= 0 && column < t->n_columns);
    return &t->cells[(size_t)row * (size_t)t->n_columns + (size_t)column];
}

static cell *writable(ff_table *t, int row, const char *column, ff_column_type type)
{
    int c = ff_table_find(t, column);
    assert(c >= 0 && t->columns[c].type == type);
    (void)type;
    cell *found = (cell *)at(t, row, c);
    found->set = true;
    return found;
}

void ff_table_set_int(ff_table *t, int row, const char *column, int64_t v)
{
    writable(t, row, column, FF_COL_INT)->integer = v;
}

void ff_table_set_real(ff_table *t, int row, const char *column, double v)
{
    writable(t, row, column, FF_COL_REAL)->real = v;
}

void ff_table_set_bool(ff_table *t, int row, const char *column, bool v)
{
    writable(t, row, column, FF_COL_BOOL)->integer = v;
}

void ff_table_set_text(ff_table *t, int row, const char *column, const char *s)
{
    cell *c = writable(t, row, column, FF_COL_TEXT);
    c->set = s != NULL;
    c->text = ff_arena_strdup(t->texts, s);
}

const char *ff_table_name(const ff_table *t)
{
    return t->name;
}

int ff_table_rows(const ff_table *t)
{
    return t->n_rows;
}

int ff_table_columns(const ff_table *t)
{
    return t->n_columns;
}

const ff_column *ff_table_column(const ff_table *t, int column)
{
    assert(column >= 0 && column < t->n_columns);
    return &t->columns[column];
}

int ff_table_find(const ff_table *t, const char *column)
{
    for (int c = 0; c < t->n_columns; c++)
        if (strcmp(t->columns[c].name, column) == 0)
            return c;
    return -1;
}

bool ff_table_empty(const ff_table *t, int row, int column)
{
    return !at(t, row, column)->set;
}

int64_t ff_table_int(const ff_table *t, int row, int column)
{
    const cell *c = at(t, row, column);
    assert(t->columns[column].type == FF_COL_INT || t->columns[column].type == FF_COL_BOOL);
    return c->set ? c->integer : 0;
}

double ff_table_real(const ff_table *t, int row, int column)
{
    const cell *c = at(t, row, column);
    ff_column_type type = t->columns[column].type;
    assert(type != FF_COL_TEXT);
    if (!c->set)
        return 0;
    return type == FF_COL_REAL ? c->real : (double)c->integer;
}

const char *ff_table_text(const ff_table *t, int row, int column)
{
    const cell *c = at(t, row, column);
    assert(t->columns[column].type == FF_COL_TEXT);
    return c->set ? c->text : "";
}

/* The column of a cell that is there and not empty; -1. */
static int filled(const ff_table *t, int row, const char *column)
{
    int c = ff_table_find(t, column);
    return c >= 0 && row >= 0 && row < ff_table_rows(t) && !ff_table_empty(t, row, c) ? c : -1;
}

int64_t ff_table_int_at(const ff_table *t, int row, const char *column, int64_t empty)
{
    int c = filled(t, row, column);
    return c >= 0 ? ff_table_int(t, row, c) : empty;
}

double ff_table_real_at(const ff_table *t, int row, const char *column)
{
    int c = filled(t, row, column);
    return c >= 0 ? ff_table_real(t, row, c) : NAN;
}

const char *ff_table_text_at(const ff_table *t, int row, const char *column)
{
    int c = filled(t, row, column);
    return c >= 0 ? ff_table_text(t, row, c) : "";
}

int ff_table_row_of_int(const ff_table *t, const char *column, int64_t value)
{
    int c = ff_table_find(t, column);
    for (int i = 0; c >= 0 && i < ff_table_rows(t); i++) {
        if (!ff_table_empty(t, i, c) && ff_table_int(t, i, c) == value)
            return i;
    }
    return -1;
}

int ff_table_row_of_text(const ff_table *t, const char *column, const char *text)
{
    int c = ff_table_find(t, column);
    for (int i = 0; c >= 0 && i < ff_table_rows(t); i++) {
        if (strcmp(ff_table_text(t, i, c), text) == 0)
            return i;
    }
    return -1;
}
