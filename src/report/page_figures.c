/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of the HTML report: discrepancy curve, layers, images whose label changed. */
#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/images.h"
#include "report/page.h"

enum { WIDTH = 880, LEFT = 46, RIGHT = 14 };

/* ------------------------------------------------------------------------- discrepancy by step */

static int row_of_state(const ff_table *t, int64_t state)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (page_number(t, i, "state") == state)
            return i;
    }
    return -1;
}

/* Rows of the states from the root to the present one; how many. The caller frees. */
static int way(const ff_snapshot *s, int **out)
{
    const ff_table *t = s->states;
    int n = 0, limit = ff_table_rows(t);
    int *rows = ff_alloc_array((size_t)limit + 1, sizeof *rows);
    for (int row = row_of_state(t, s->state); row >= 0 && n < limit;) {
        rows[n++] = row;
        row = page_empty(t, row, "parent") ? -1 : row_of_state(t, page_number(t, row, "parent"));
    }
    for (int i = 0; i < n / 2; i++) {
        int kept = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = kept;
    }
    *out = rows;
    return n;
}

static void draw_curve(const ff_table *t, const int *rows, int n, int64_t top, ff_buf *out)
{
    enum { HEIGHT = 220, ABOVE = 22, BELOW = 30 };
    double dx = (double)(WIDTH - LEFT - RIGHT) / (n - 1), dy = HEIGHT - ABOVE - BELOW;
    ff_buf_printf(out,
                  "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"wrong labels after each "
                  "step\">\n",
                  WIDTH, HEIGHT);
    for (int k = 0; k <= 2; k++) {
        double y = ABOVE + dy * k / 2;
        ff_buf_printf(out,
                      "<path d=\"M%d %.1fH%d\" stroke=\"var(--line)\"/><text x=\"%d\" y=\"%.1f\" "
                      "text-anchor=\"end\">%g</text>\n",
                      LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4, (double)top * (2 - k) / 2);
    }
    ff_buf_puts(out, "<polyline fill=\"none\" stroke=\"var(--mark)\" stroke-width=\"2\" points=\"");
    for (int i = 0; i < n; i++)
        ff_buf_printf(out, "%s%.1f,%.1f", i ? " " : "", LEFT + dx * i,
                      ABOVE + dy * (1 - (double)page_number(t, rows[i], "wrong") / (double)top));
    ff_buf_puts(out, "\"/>\n");
    for (int i = 0; i < n; i++) {
        long long wrong = (long long)page_number(t, rows[i], "wrong");
        double x = LEFT + dx * i, y = ABOVE + dy * (1 - (double)wrong / (double)top);
        ff_buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"var(--mark)\"><title>", x, y);
        ff_buf_printf(out, "step %d: ", i);
        ff_page_text(out, i ? page_cell(t, rows[i], "summary") : "as converted");
        ff_buf_printf(out, " (%lld wrong)</title></circle>\n", wrong);
        if (n <= 30)
            ff_buf_printf(out,
                          "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%lld</text>"
                          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n",
                          x, y - 9, wrong, x, HEIGHT - 8, i);
    }
    ff_buf_puts(out, "</svg>\n");
}

void page_curve(const ff_snapshot *s, ff_buf *out)
{
    const ff_table *t = s->states;
    int *rows, n = way(s, &rows);
    int64_t top = 1;
    for (int i = 0; i < n; i++)
        top = page_number(t, rows[i], "wrong") > top ? page_number(t, rows[i], "wrong") : top;
    if (n > 1) {
        ff_buf_puts(out, "<section>\n<h2>Wrong labels after each step</h2>\n");
        draw_curve(t, rows, n, top, out);
        ff_buf_puts(out, "<table>\n<tr><th class=\"n\">step</th><th>repair</th>"
                         "<th class=\"n\">wrong</th></tr>\n");
        for (int i = 1; i < n; i++) {
            ff_buf_printf(out, "<tr><td class=\"n\">%d</td><td>", i);
            ff_page_text(out, page_cell(t, rows[i], "summary"));
            ff_buf_printf(out, "</td><td class=\"n\">%lld</td></tr>\n", (long long)page_number(t, rows[i], "wrong"));
        }
        ff_buf_puts(out, "</table>\n</section>\n");
    }
    free(rows);
}

/* --------------------------------------------------------------------------------------- layers */

/* Errors span many decades: 0 at a millionth and below, 1 at 1 and above. */
static double heat(const ff_table *t, int row, const char *column)
{
    int k = ff_table_find(t, column);
    double v = k < 0 || ff_table_empty(t, row, k) ? 0 : ff_table_real(t, row, k);
    if (!(v > 1e-6))
        return 0;
    return v >= 1 ? 1 : 1 + log10(v) / 6;
}

static void strip(const ff_table *t, const char *column, const char *words, double y, ff_buf *out)
{
    int n = ff_table_rows(t), k = ff_table_find(t, column);
    double w = (double)(WIDTH - 2 * RIGHT) / n;
    ff_buf_printf(out, "<text x=\"%d\" y=\"%.1f\">%s</text>\n", RIGHT, y, words);
    for (int i = 0; i < n; i++) {
        ff_buf_printf(out,
                      "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"34\" "
                      "fill=\"var(--heat)\" fill-opacity=\"%.3f\" stroke=\"var(--line)\" "
                      "stroke-width=\".5\"><title>layer %lld ",
                      RIGHT + w * i, y + 6, w, heat(t, i, column), (long long)page_number(t, i, "layer"));
        ff_page_text(out, page_cell(t, i, "source"));
        if (k >= 0 && !ff_table_empty(t, i, k))
            ff_buf_printf(out, ": %.3g", ff_table_real(t, i, k));
        ff_buf_puts(out, "</title></rect>\n");
    }
}

static void score(const ff_table *t, int row, const char *column, ff_buf *out)
{
    int k = ff_table_find(t, column);
    if (k < 0 || ff_table_empty(t, row, k))
        ff_buf_puts(out, "<td class=\"n\">–</td>");
    else
        ff_buf_printf(out, "<td class=\"n\">%.3g</td>", ff_table_real(t, row, k));
}

void page_heat(const ff_snapshot *s, ff_buf *out)
{
    enum { SHOWN = 5 };
    const ff_table *t = s->layers;
    int n = ff_table_rows(t);
    if (!n)
        return;
    ff_buf_printf(out,
                  "<section>\n<h2>Layers</h2>\n<p class=\"soft\">From the input to the output, "
                  "%d layers. The isolated error is what a layer adds itself: the Source's "
                  "activation goes in. The entire error is what arrives there.</p>\n"
                  "<svg viewBox=\"0 0 %d 126\" role=\"img\" aria-label=\"errors of the "
                  "layers\">\n",
                  n, WIDTH);
    strip(t, "isolated", "isolated error", 14, out);
    strip(t, "entire", "entire error", 78, out);
    ff_buf_puts(out, "</svg>\n<table>\n<tr><th class=\"n\">rank</th><th class=\"n\">layer</th>"
                     "<th>node</th><th class=\"n\">isolated</th><th class=\"n\">causal</th>"
                     "<th class=\"n\">entire</th></tr>\n");
    for (int rank = 1; rank <= SHOWN; rank++) {
        for (int i = 0; i < n; i++) {
            if (page_number(t, i, "rank") != rank)
                continue;
            ff_buf_printf(out, "<tr><td class=\"n\">%d</td><td class=\"n\">%lld</td><td><code>", rank,
                          (long long)page_number(t, i, "layer"));
            ff_page_text(out, page_cell(t, i, "source"));
            ff_buf_puts(out, "</code></td>");
            score(t, i, "isolated", out);
            score(t, i, "causal", out);
            score(t, i, "entire", out);
            ff_buf_puts(out, "</tr>\n");
        }
    }
    ff_buf_puts(out, "</table>\n</section>\n");
}

/* --------------------------------------------------------------------------------------- images */

enum { SIDE = 96, EXAMPLES = 12 };

/* Shrinks by the mean over whole pixels; small pictures stay as they are. */
static void shrink(const ff_image *in, ff_image *out)
{
    int longer = in->width > in->height ? in->width : in->height;
    int side = longer < SIDE ? longer : SIDE;
    out->width = (int)((int64_t)in->width * side / longer);
    out->height = (int)((int64_t)in->height * side / longer);
    out->width += out->width < 1;
    out->height += out->height < 1;
    out->rgb = ff_alloc_array((size_t)out->width * (size_t)out->height, 3);
    for (int y = 0; y < out->height; y++) {
        int y0 = (int)((int64_t)y * in->height / out->height);
        int y1 = (int)((int64_t)(y + 1) * in->height / out->height);
        for (int x = 0; x < out->width; x++) {
            int x0 = (int)((int64_t)x * in->width / out->width);
            int x1 = (int)((int64_t)(x + 1) * in->width / out->width);
            for (int c = 0; c < 3; c++) {
                uint64_t sum = 0, n = (uint64_t)(y1 - y0) * (uint64_t)(x1 - x0);
                for (int v = y0; v < y1; v++) {
                    for (int u = x0; u < x1; u++)
                        sum += in->rgb[((size_t)v * (size_t)in->width + (size_t)u) * 3 + (size_t)c];
                }
                out->rgb[((size_t)y * (size_t)out->width + (size_t)x) * 3 + (size_t)c] = (uint8_t)((sum + n / 2) / n);
            }
        }
    }
}

/* A picture that cannot be read any more is left out: the labels say enough. */
static void thumbnail(const char *path, ff_buf *out)
{
    ff_image image = {0}, small = {0};
    ff_buf png = {0};
    if (ff_image_load(path, &image))
        return;
    shrink(&image, &small);
    if (!ff_image_encode_png(&small, &png)) {
        char *text = ff_alloc(BASE64_ENCODE_RAW_LENGTH(png.len) + 1);
        base64_encode_raw(text, png.len, (const uint8_t *)png.data);
        ff_buf_printf(out, "<img alt=\"\" width=\"%d\" height=\"%d\" src=\"data:image/png;base64,", small.width,
                      small.height);
        ff_buf_puts(out, text);
        ff_buf_puts(out, "\"/>");
        free(text);
    }
    ff_buf_finish(&png);
    ff_image_finish(&small);
    ff_image_finish(&image);
}

static void label(const ff_table *t, int row, const char *who, const char *number, const char *name, bool good,
                  ff_buf *out)
{
    ff_buf_printf(out, "<br/>%s <span class=\"%s\">", who, good ? "good" : "bad");
    if (page_empty(t, row, number)) {
        ff_buf_puts(out, "cannot run</span>");
        return;
    }
    const char *words = page_cell(t, row, name);
    ff_page_text(out, words);
    ff_buf_printf(out, "%s%lld%s</span>", *words ? " (" : "class ", (long long)page_number(t, row, number),
                  *words ? ")" : "");
}

static bool agrees(const ff_snapshot *s, int row, const char *column)
{
    const ff_table *t = s->images_table;
    return !page_empty(t, row, column) && page_number(t, row, column) + s->offset == page_number(t, row, "source");
}

static void example(const ff_snapshot *s, int row, const ff_dataset *set, ff_buf *out)
{
    const ff_table *t = s->images_table;
    int image = (int)page_number(t, row, "image");
    ff_buf_puts(out, "<figure>");
    if (set && image < ff_dataset_count(set) && strcmp(ff_dataset_name(set, image), page_cell(t, row, "name")) == 0)
        thumbnail(ff_dataset_path(set, image), out);
    ff_buf_puts(out, "<figcaption><b>");
    ff_page_text(out, page_cell(t, row, "name"));
    ff_buf_puts(out, "</b>");
    label(t, row, "Source", "source", "source_name", true, out);
    label(t, row, "Target", "initial", "initial_name", agrees(s, row, "initial"), out);
    if (ff_table_rows(s->states) > 1)
        label(t, row, "repaired", "target", "target_name", agrees(s, row, "target"), out);
    ff_buf_puts(out, "</figcaption></figure>\n");
}

void page_examples(const ff_snapshot *s, const ff_session_options *o, ff_buf *out)
{
    static const char *const titles[] = {"Images that got worse", "Images with another label", "Images put right"};
    const ff_table *t = s->images_table;
    ff_dataset *set = NULL;
    if (s->images_path && ff_dataset_open(s->images_path, o ? o->limit : 0, &set))
        set = NULL;
    for (int kind = 0; kind < 3; kind++) {
        int n = 0;
        for (int i = 0; i < ff_table_rows(t); i++) {
            bool before = agrees(s, i, "initial"), now = agrees(s, i, "target");
            if (kind == 0 ? !before || now : kind == 1 ? before || now : before || !now)
                continue;
            if (n == 0)
                ff_buf_printf(out, "<section>\n<h2>%s</h2>\n<div class=\"grid\">\n", titles[kind]);
            if (n++ < EXAMPLES)
                example(s, i, set, out);
        }
        if (n > 0)
            ff_buf_puts(out, "</div>\n");
        if (n > EXAMPLES)
            ff_buf_printf(out, "<p class=\"soft\">and %d more</p>\n", n - EXAMPLES);
        if (n > 0)
            ff_buf_puts(out, "</section>\n");
    }
    ff_dataset_destroy(set);
}
