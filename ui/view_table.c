/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All views, and how they read tables. */
#include <math.h>
#include <string.h>

#include "ui.h"

extern const ui_view_class ui_graph_class, ui_heat_class, ui_findings_class, ui_proposals_class, ui_steps_class,
    ui_images_class, ui_equivalences_class, ui_log_class, ui_detail_class, ui_lesson_class, ui_activations_class,
    ui_jobs_class, ui_keys_class, ui_stats_class, ui_output_class;

const ui_view_class *const ui_view_classes[VIEW_COUNT] = {
    [VIEW_GRAPH] = &ui_graph_class,
    [VIEW_HEAT] = &ui_heat_class,
    [VIEW_FINDINGS] = &ui_findings_class,
    [VIEW_PROPOSALS] = &ui_proposals_class,
    [VIEW_STEPS] = &ui_steps_class,
    [VIEW_IMAGES] = &ui_images_class,
    [VIEW_EQUIVALENCES] = &ui_equivalences_class,
    [VIEW_LOG] = &ui_log_class,
    [VIEW_DETAIL] = &ui_detail_class,
    [VIEW_LESSON] = &ui_lesson_class,
    [VIEW_ACTIVATIONS] = &ui_activations_class,
    [VIEW_JOBS] = &ui_jobs_class,
    [VIEW_KEYS] = &ui_keys_class,
    [VIEW_STATS] = &ui_stats_class,
    [VIEW_OUTPUT] = &ui_output_class,
};

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
