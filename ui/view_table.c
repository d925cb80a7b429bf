/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All views, and how they read tables. */
#include <math.h>
#include <string.h>

#include "ui.h"

#define DECLARED(NAME, name, ...) extern const ui_view_class ui_##name##_class;
FF_EXPLORER_VIEWS(DECLARED)
FF_EXPLORER_POPUPS(DECLARED)

#define CLASS(NAME, name, ...) [VIEW_##NAME] = &ui_##name##_class,
const ui_view_class *const ui_view_classes[VIEW_COUNT] = {FF_EXPLORER_VIEWS(CLASS) FF_EXPLORER_POPUPS(CLASS)};

const char *ui_view_name(ui_view_id id)
{
#define NAMED(NAME, name, ...) [VIEW_##NAME] = #name,
    static const char *const names[VIEW_COUNT] = {FF_EXPLORER_VIEWS(NAMED) FF_EXPLORER_POPUPS(NAMED)};
    return names[id];
}

double ui_real(const ff_table *t, int row, const char *column)
{
    int c = ff_table_find(t, column);
    if (c < 0 || row < 0 || row >= ff_table_rows(t) || ff_table_empty(t, row, c))
        return NAN;
    return ff_table_real(t, row, c);
}

int ui_find_int(const ff_table *t, const char *column, int64_t value)
{
    int c = ff_table_find(t, column);
    for (int i = 0; c >= 0 && i < ff_table_rows(t); i++) {
        if (!ff_table_empty(t, i, c) && ff_table_int(t, i, c) == value)
            return i;
    }
    return -1;
}

int ui_find_id(const ff_table *t, const char *column, const char *id)
{
    int c = ff_table_find(t, column);
    for (int i = 0; c >= 0 && i < ff_table_rows(t); i++) {
        if (strcmp(ff_table_text(t, i, c), id) == 0)
            return i;
    }
    return -1;
}
