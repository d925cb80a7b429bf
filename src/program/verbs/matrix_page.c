/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrix as a heat map: a cell a pair, the darker the more labels differ. */
#include "program/verbs/matrix_page.h"

#include "program/verbs/many.h"

static const char style[] =
    "table.heat { width: auto; margin: 0 0 1rem; }\n"
    "table.heat th, table.heat td { text-align: center; padding: .4rem .6rem; border: 1px solid var(--line);\n"
    "  font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
    "table.heat th.path { text-align: left; white-space: normal; }\n";

static double share(const many *m, int i, int k)
{
    return m->images ? (double)m->wrong[i * m->n + k] / m->images : 0;
}

static void add_cell(const many *m, int i, int k, ff_buf *out)
{
    if (i == k) {
        ff_buf_puts(out, "<td class=\"soft\">&#183;</td>");
        return;
    }
    /* The colour says the same as the number, and the text stays readable on it. */
    int strength = (int)(70 * share(m, i, k) + 0.5);
    ff_buf_printf(out,
                  "<td style=\"background: color-mix(in srgb, var(--heat) %d%%, transparent)\" "
                  "title=\"%d against %d: %d of %d\">%.1f%%</td>",
                  strength, i + 1, k + 1, m->wrong[i * m->n + k], m->images, 100 * share(m, i, k));
}

static void add_heat(const many *m, ff_buf *out)
{
    ff_buf_puts(out, "<table class=\"heat\">\n<tr><th></th><th class=\"path\">model</th>");
    for (int k = 0; k < m->n; k++)
        ff_buf_printf(out, "<th>%d</th>", k + 1);
    ff_buf_puts(out, "</tr>\n");
    for (int i = 0; i < m->n; i++) {
        ff_buf_printf(out, "<tr><th>%d</th><th class=\"path\">", i + 1);
        ff_page_text(out, ff_path_basename(m->at[i].path));
        ff_buf_puts(out, "</th>");
        for (int k = 0; k < m->n; k++)
            add_cell(m, i, k, out);
        ff_buf_puts(out, "</tr>\n");
    }
    ff_buf_puts(out, "</table>\n");
}

static void add_models(const many *m, ff_buf *out)
{
    ff_buf_puts(out, "<h2>Models</h2>\n<table>\n<tr><th class=\"n\">#</th><th>file</th><th>producer</th>"
                     "<th class=\"n\">opset</th><th class=\"n\">classes</th><th>preprocessing</th></tr>\n");
    for (int i = 0; i < m->n; i++) {
        const entrant *e = &m->at[i];
        ff_buf_printf(out, "<tr><td class=\"n\">%d</td><td><code>", i + 1);
        ff_page_text(out, e->path);
        ff_buf_puts(out, "</code>");
        if (e->labels->error) {
            ff_buf_puts(out, "<br/><span class=\"bad\">cannot run: ");
            ff_page_text(out, e->labels->error);
            ff_buf_puts(out, "</span>");
        }
        ff_buf_puts(out, "</td><td>");
        ff_page_text(out, *e->producer ? e->producer : "unknown");
        ff_buf_printf(out, "</td><td class=\"n\">%d</td><td class=\"n\">%lld</td><td><code>", e->opset,
                      (long long)e->labels->width);
        ff_page_text(out, e->spec ? e->spec : "");
        ff_buf_puts(out, "</code></td></tr>\n");
    }
    ff_buf_puts(out, "</table>\n");
}

void matrix_page(const many *m, ff_buf *out)
{
    int offsets = 0;
    ff_page_begin("Who agrees with whom", style, out);
    ff_buf_puts(out, "<h1>Who agrees with whom</h1>\n");
    if (ff_comparator_by_label(m->comparator)) {
        ff_buf_printf(out, "<p>Share of %d %s to which two models give different labels.</p>\n", m->images, m->samples);
    } else {
        ff_buf_printf(out, "<p>Share of %d %s whose %s, by <code>", m->images, m->samples,
                      ff_comparator_wrong(m->comparator));
        ff_page_text(out, ff_comparator_spec(m->comparator));
        ff_buf_puts(out, "</code>, the row as Source.</p>\n");
    }
    add_heat(m, out);
    for (int i = 0; i < m->n; i++) {
        for (int k = i + 1; k < m->n; k++) {
            int offset = m->offset[i * m->n + k];
            if (offset)
                ff_buf_printf(out, "%sclasses of %d are counted %+d against those of %d",
                              offsets++ ? "; " : "<p class=\"soft\">", k + 1, offset, i + 1);
        }
    }
    if (offsets)
        ff_buf_puts(out, ".</p>\n");
    add_models(m, out);
    ff_buf_puts(out, "</body>\n</html>\n");
}
