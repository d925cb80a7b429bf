/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The constants of a pair on the page of details: both histograms, error by channel, worst elements. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

enum { BIN_ROWS = 5, WORST_MAX = 10 };

/* Both histograms side by side, five rows high, in eighths of a row. */
static void add_histogram(ui_doc *d, const ff_table *t, const char *role, int width)
{
    int first = -1, n = 0;
    int64_t most = 1;

    for (int i = 0; i < ff_table_rows(t); i++) {
        if (strcmp(ff_table_text_at(t, i, "role"), role) != 0)
            continue;
        if (first < 0)
            first = i;
        n++;
    }
    int group = 1; /* bins a column */
    while (n / group > (width - 9) / 2)
        group++;
    int columns = n / group;
    if (columns < 4)
        return;
    for (int k = 0; k < columns; k++) {
        int64_t sum[2] = {0, 0};
        for (int i = k * group; i < (k + 1) * group; i++) {
            sum[0] += ff_table_int_at(t, first + i, "source", 0);
            sum[1] += ff_table_int_at(t, first + i, "target", 0);
        }
        most = sum[0] > most ? sum[0] : most;
        most = sum[1] > most ? sum[1] : most;
    }
    for (int row = 0; row < BIN_ROWS; row++) {
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < columns; k++) {
                int64_t sum = 0;
                for (int i = k * group; i < (k + 1) * group; i++)
                    sum += ff_table_int_at(t, first + i, side ? "target" : "source", 0);
                double part = (double)sum / (double)most * BIN_ROWS - (BIN_ROWS - 1 - row);
                uint32_t c = part >= 1 ? 0x2588 : part > 0 ? ui_block(part) : row == BIN_ROWS - 1 ? 0x2581 : ' ';
                ui_doc_char(d, ui_plain(side ? INK_TARGET : INK_SOURCE), c);
            }
            if (!side)
                ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        }
    }
    char low[16], high[16];
    ui_format_real(low, ff_table_real_at(t, first, "low"));
    ui_format_real(high, ff_table_real_at(t, first + n - 1, "high"));
    ui_doc_line(d);
    for (int side = 0; side < 2; side++) {
        ui_doc_add(d, ui_plain(INK_DIM), "   %s", low);
        ui_doc_to(d, 3 + columns + side * (columns + 3) - (int)strlen(high));
        ui_doc_add(d, ui_plain(INK_DIM), "%s", high);
    }
}

/* The worst elements, side by side. */
static void add_worst(ui_doc *d, const ff_table *t, const char *role)
{
    static const char *const columns[] = {"source", "target", "difference"};
    char text[16];
    int shown = 0;
    for (int k = 0; t && k < ff_table_rows(t) && shown < WORST_MAX; k++) {
        if (strcmp(ff_table_text_at(t, k, "role"), role) != 0)
            continue;
        if (shown++ == 0) {
            ui_doc_line(d);
            ui_doc_add(d, ui_plain(INK_DIM), "   %-10s%12s%12s%12s", "worst", "Source", "Target", "difference");
        }
        ui_doc_line(d);
        snprintf(text, sizeof text, "[%lld]", (long long)ff_table_int_at(t, k, "index", 0));
        ui_doc_add(d, ui_plain(INK_DIM), "   %-10s", text);
        for (int c = 0; c < 3; c++) {
            ui_format_real(text, ff_table_real_at(t, k, columns[c]));
            ui_doc_field(d, c == 2 ? ui_plain(INK_BAD) : ui_plain(INK_TEXT), -12, text);
        }
    }
}

/* The error of each output channel, in the order of the channels; several share a column where there are many. */
static void add_channels(ui_doc *d, const ff_table *t, const char *role, int width)
{
    int first = -1, n = 0, worst = 0;
    for (int i = 0; t && i < ff_table_rows(t); i++) {
        if (strcmp(ff_table_text_at(t, i, "role"), role) != 0)
            continue;
        if (first < 0)
            first = i;
        if (ff_table_real_at(t, i, "error") > ff_table_real_at(t, first + worst, "error"))
            worst = i - first;
        n++;
    }
    double most = n ? ff_table_real_at(t, first + worst, "error") : 0;
    if (n < 2 || !(most > 0))
        return;
    int group = (n + width - 7) / (width - 6);
    char text[16];
    ui_format_real(text, most);
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_DIM), "   error by output channel, %s at most (channel %d)", text, worst);
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_TEXT), "   ");
    for (int k = 0; k < n; k += group) {
        double e = 0;
        for (int i = k; i < k + group && i < n; i++)
            e = fmax(e, ff_table_real_at(t, first + i, "error"));
        double f = isfinite(most) ? e / most : isfinite(e) ? 0 : 1;
        ui_doc_char(d, ui_plain(ui_ink_of_heat(f)), f > 0 ? ui_block(f) : 0x2581);
    }
}

static void add_numbers(ui_doc *d, const ff_table *t, int i)
{
    static const char *const statistics[] = {"min", "max", "mean", "sd"};
    char text[16], column[32];
    for (int side = 0; side < 2; side++) {
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(side ? INK_TARGET : INK_SOURCE), "   %s ", side ? "Target" : "Source");
        for (size_t k = 0; k < FF_COUNT(statistics); k++) {
            snprintf(column, sizeof column, "%s_%s", side ? "target" : "source", statistics[k]);
            ui_format_real(text, ff_table_real_at(t, i, column));
            ui_doc_add(d, ui_plain(INK_DIM), "  %s ", statistics[k]);
            ui_doc_field(d, ui_plain(INK_TEXT), 8, text);
        }
    }
}

void ui_doc_weights(ui_doc *d, const ff_detail *x, int width)
{
    const ff_table *t = x->weights;
    char text[16];

    for (int i = 0; t && i < ff_table_rows(t); i++) {
        const char *role = ff_table_text_at(t, i, "role"), *cause = ff_table_text_at(t, i, "cause");
        char *title = ff_asprintf("Weights: %s  %s  %s", role, ff_table_text_at(t, i, "shape"), cause);
        int64_t different = ff_table_int_at(t, i, "different", 0), count = ff_table_int_at(t, i, "count", 0);
        ui_doc_heading(d, title);
        free(title);
        ui_doc_line(d);
        if (different == 0) {
            ui_doc_add(d, ui_plain(INK_GOOD), "   all %lld values are the same", (long long)count);
        } else {
            bool rounding = strcmp(cause, "rounding") == 0;
            ui_doc_add(d, rounding ? ui_plain(INK_GOOD) : ui_bold(INK_BAD), "   %s %lld of %lld values differ%s",
                       rounding ? "\xe2\x89\x88" : "\xe2\x89\xa0", (long long)different, (long long)count,
                       rounding ? " by rounding" : "");
            snprintf(text, sizeof text, "%.3g", 100 * ff_table_real_at(t, i, "relative"));
            ui_doc_add(d, ui_plain(INK_TEXT), "  relative %s%%", text);
            ui_format_real(text, ff_table_real_at(t, i, "max_abs"));
            ui_doc_add(d, ui_plain(INK_TEXT), "  at most %s", text);
        }
        add_numbers(d, t, i);
        if (x->histogram)
            add_histogram(d, x->histogram, role, width);
        add_channels(d, x->channels, role, width);
        add_worst(d, x->worst, role);
    }
}
