/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables as aligned text, JSON and CSV. Numbers are written alike everywhere: %.9g in the C locale.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/report.h"

void ff_print_real(ff_buf *out, double v)
{
    ff_buf_printf(out, "%.9g", v);
}

void ff_print_json_text(ff_buf *out, const char *s)
{
    ff_buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            ff_buf_printf(out, "\\%c", c);
        else if (c == '\n')
            ff_buf_puts(out, "\\n");
        else if (c < 0x20)
            ff_buf_printf(out, "\\u%04x", c);
        else
            ff_buf_putc(out, (char)c);
    }
    ff_buf_putc(out, '"');
}

static void print_csv_text(ff_buf *out, const char *s)
{
    if (!strpbrk(s, ",\"\n\r")) {
        ff_buf_puts(out, s);
        return;
    }
    ff_buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"')
            ff_buf_putc(out, '"');
        ff_buf_putc(out, *s);
    }
    ff_buf_putc(out, '"');
}

/* A cell in few characters: lines of a list joined, reals short. */
static char *cell_text(const ff_table *t, int row, int column)
{
    ff_buf b = {0};
    if (ff_table_empty(t, row, column))
        return ff_strdup("");
    switch (ff_table_column(t, column)->type) {
    case FF_COL_INT:
        ff_buf_printf(&b, "%lld", (long long)ff_table_int(t, row, column));
        break;
    case FF_COL_REAL:
        ff_buf_printf(&b, "%.4g", ff_table_real(t, row, column));
        break;
    case FF_COL_BOOL:
        ff_buf_puts(&b, ff_table_int(t, row, column) ? "yes" : "no");
        break;
    case FF_COL_TEXT:
        for (const char *s = ff_table_text(t, row, column); *s; s++) {
            if (*s == '\n')
                ff_buf_puts(&b, "; ");
            else
                ff_buf_putc(&b, *s);
        }
        break;
    }
    return ff_buf_steal(&b);
}

static void pad(ff_buf *out, int cells)
{
    for (int i = 0; i < cells; i++)
        ff_buf_putc(out, ' ');
}

static void put_cell(ff_buf *out, const char *text, int width, bool right, bool last)
{
    char *brief = ff_brief(text, width, MB_CUR_MAX > 1 ? "\u2026" : "~", NULL);
    int cells = ff_display_width(brief);
    if (right)
        pad(out, width - cells);
    ff_buf_puts(out, brief);
    if (!right && !last)
        pad(out, width - cells);
    if (!last)
        ff_buf_puts(out, "  ");
    free(brief);
}

/* Widths that fit into a line: the widest text columns give way, but not their names. */
static void fit(const ff_table *t, const int *shown, int columns, int width, int *cells)
{
    enum { LEAST = 8 };
    for (;;) {
        int sum = 2 * (columns - 1), widest = -1;
        for (int k = 0; k < columns; k++) {
            const ff_column *c = ff_table_column(t, shown[k]);
            int least = ff_display_width(c->name);
            sum += cells[k];
            if (c->type == FF_COL_TEXT && cells[k] > (least > LEAST ? least : LEAST) &&
                (widest < 0 || cells[k] > cells[widest]))
                widest = k;
        }
        if (width <= 0 || sum <= width || widest < 0)
            return;
        cells[widest]--;
    }
}

/* A row that no line holds: a line a column. */
static void print_record(const ff_table *t, const int *shown, int columns, char *const *text, ff_buf *out)
{
    int widest = 0;
    for (int k = 0; k < columns; k++) {
        int w = ff_display_width(ff_table_column(t, shown[k])->name);
        widest = w > widest ? w : widest;
    }
    for (int k = 0; k < columns; k++) {
        const char *name = ff_table_column(t, shown[k])->name;
        ff_buf_puts(out, name);
        if (*text[k])
            pad(out, widest + 2 - ff_display_width(name));
        ff_buf_printf(out, "%s\n", text[k]);
    }
}

/* Columns as wide as their widest cell, where the line has room. */
static void print_text(const ff_table *t, const int *shown, int columns, int width, ff_buf *out)
{
    int rows = ff_table_rows(t);
    int *cells = ff_alloc_array((size_t)columns + 1, sizeof *cells);
    char **text = ff_alloc_array((size_t)rows * (size_t)columns + 1, sizeof *text);
    for (int k = 0; k < columns; k++) {
        cells[k] = ff_display_width(ff_table_column(t, shown[k])->name);
        for (int i = 0; i < rows; i++) {
            char *s = text[i * columns + k] = cell_text(t, i, shown[k]);
            int w = ff_display_width(s);
            cells[k] = w > cells[k] ? w : cells[k];
        }
    }
    int wanted = 2 * (columns - 1);
    for (int k = 0; k < columns; k++)
        wanted += cells[k];
    fit(t, shown, columns, width, cells);
    bool record = rows == 1 && width > 0 && wanted > width;
    if (record)
        print_record(t, shown, columns, text, out);
    for (int i = -1; i < rows && !record; i++) {
        for (int k = 0; k < columns; k++) {
            const ff_column *c = ff_table_column(t, shown[k]);
            bool number = c->type == FF_COL_INT || c->type == FF_COL_REAL;
            put_cell(out, i < 0 ? c->name : text[i * columns + k], cells[k], number, k == columns - 1);
        }
        ff_buf_putc(out, '\n');
    }
    for (int i = 0; i < rows * columns; i++)
        free(text[i]);
    free(text);
    free(cells);
}

static void print_value(const ff_table *t, int row, int column, bool json, ff_buf *out)
{
    if (ff_table_empty(t, row, column)) {
        ff_buf_puts(out, json ? "null" : "");
        return;
    }
    switch (ff_table_column(t, column)->type) {
    case FF_COL_INT:
        ff_buf_printf(out, "%lld", (long long)ff_table_int(t, row, column));
        break;
    case FF_COL_REAL:
        ff_print_real(out, ff_table_real(t, row, column));
        break;
    case FF_COL_BOOL:
        ff_buf_puts(out, ff_table_int(t, row, column) ? "true" : "false");
        break;
    case FF_COL_TEXT:
        if (json)
            ff_print_json_text(out, ff_table_text(t, row, column));
        else
            print_csv_text(out, ff_table_text(t, row, column));
        break;
    }
}

void ff_print_table(const ff_table *t, const char *columns, ff_format format, int width, ff_buf *out)
{
    int rows = ff_table_rows(t), n = 0;
    int *shown = ff_alloc_array((size_t)ff_table_columns(t) + 1, sizeof *shown);
    while (columns && *columns) {
        size_t len = strcspn(columns, " ");
        char *name = ff_strndup(columns, len);
        int k = ff_table_find(t, name);
        if (k >= 0)
            shown[n++] = k;
        free(name);
        columns += len + (columns[len] == ' ');
    }
    for (int k = 0; !n && k < ff_table_columns(t); k++)
        shown[k] = k;
    n = n ? n : ff_table_columns(t);
    bool json = format == FF_FORMAT_JSON;
    if (format == FF_FORMAT_TEXT) {
        print_text(t, shown, n, width, out);
        goto done;
    }
    if (json)
        ff_buf_puts(out, "[");
    for (int k = 0; !json && k < n; k++)
        ff_buf_printf(out, "%s%s", k ? "," : "", ff_table_column(t, shown[k])->name);
    if (!json)
        ff_buf_putc(out, '\n');
    for (int i = 0; i < rows; i++) {
        ff_buf_puts(out, !json ? "" : i ? ",\n {" : "\n {");
        for (int k = 0; k < n; k++) {
            if (json)
                ff_buf_printf(out, "%s\"%s\": ", k ? ", " : "", ff_table_column(t, shown[k])->name);
            else if (k)
                ff_buf_putc(out, ',');
            print_value(t, i, shown[k], json, out);
        }
        ff_buf_puts(out, json ? "}" : "\n");
    }
    if (json)
        ff_buf_puts(out, rows ? "\n]\n" : "]\n");
done:
    free(shown);
}

void ff_print_wrapped(ff_buf *out, const char *text, int margin, int width)
{
    int used = margin;
    for (bool first = true; *text; first = false) {
        size_t n = strcspn(text, " \n");
        char *word = ff_strndup(text, n);
        int cells = ff_display_width(word);
        if (!first && width > 0 && used + 1 + cells > width) {
            ff_buf_printf(out, "\n%*s", margin, "");
            used = margin;
        } else if (!first) {
            ff_buf_putc(out, ' ');
            used++;
        }
        ff_buf_puts(out, word);
        used += cells;
        free(word);
        text += n;
        text += strspn(text, " \n");
    }
    ff_buf_putc(out, '\n');
}

void ff_table_print(const ff_table *t, ff_format format, int width, ff_buf *out)
{
    ff_print_table(t, NULL, format, width, out);
}
