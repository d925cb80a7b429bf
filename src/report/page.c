/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The HTML report. It is well-formed XML as well, so that any tool can read it. Whatever comes from
 * a file goes through page_text; the policy in the head refuses scripts and anything from
 * elsewhere.
 */
#include "report/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/faults.h"

static const char head[] = "<!DOCTYPE html>\n"
                           "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                           "style-src 'unsafe-inline'; img-src data:\"/>\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                           "<meta name=\"color-scheme\" content=\"light dark\"/>\n";

static const char style[] =
    "<style>\n"
    ":root { --paper: #fdfdfc; --ink: #1d2327; --soft: #5d686f; --line: #dfe3e6; --card: #f4f6f7;\n"
    "  --good: #18794e; --bad: #c2331f; --mark: #0b68cb; --heat: #d9480f; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --paper: #15191c; --ink: #e6eaed; --soft: #98a4ac; --line: #2f373d; --card: "
    "#1d2327;\n"
    "    --good: #4cc38a; --bad: #ff8a75; --mark: #70b8ff; --heat: #ff922b; } }\n"
    "body { margin: 2.5rem auto; max-width: 58rem; padding: 0 1.25rem; background: var(--paper);\n"
    "  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }\n"
    "h1 { font-size: 1.5rem; margin: 0 0 1rem; }\n"
    "h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }\n"
    ".verdict { border-left: 5px solid var(--bad); background: var(--card); padding: 1rem "
    "1.25rem;\n"
    "  font-size: 1.1rem; border-radius: 0 6px 6px 0; }\n"
    ".verdict.good { border-color: var(--good); }\n"
    ".verdict p { margin: .2rem 0; }\n"
    "table { border-collapse: collapse; width: 100%; font-size: .92rem; }\n"
    "th, td { text-align: left; padding: .35rem .7rem .35rem 0; vertical-align: top;\n"
    "  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }\n"
    "th { font-weight: 600; color: var(--soft); white-space: nowrap; }\n"
    "td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
    "code { font: .88em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }\n"
    ".soft { color: var(--soft); font-size: .92rem; }\n"
    ".good { color: var(--good); }\n.bad { color: var(--bad); }\n.verdict.good { color: inherit; "
    "}\n"
    "article { border: 1px solid var(--line); border-radius: 6px; padding: .7rem 1rem;\n"
    "  margin: 0 0 .7rem; }\n"
    "article h3 { font-size: 1rem; margin: 0; display: flex; gap: .6rem; align-items: baseline; }\n"
    "article h3 span.what { flex: 1; overflow-wrap: anywhere; }\n"
    "article p { margin: .4rem 0 0; }\n"
    ".tag { font: 600 .8rem/1.6 ui-monospace, monospace; background: var(--card);\n"
    "  border: 1px solid var(--line); border-radius: 4px; padding: 0 .45rem; }\n"
    "summary { cursor: pointer; font-weight: 600; margin: 2.5rem 0 .75rem; font-size: 1.15rem; }\n"
    "svg { display: block; width: 100%; height: auto; }\n"
    "svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }\n"
    ".grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr));\n"
    "  gap: .8rem; }\n"
    "figure { margin: 0; display: flex; gap: .8rem; border: 1px solid var(--line);\n"
    "  border-radius: 6px; padding: .6rem; }\n"
    "figure img { border-radius: 4px; flex: none; align-self: flex-start; }\n"
    "figcaption { font-size: .88rem; overflow-wrap: anywhere; min-width: 0; }\n";

void ff_page_text(ff_buf *out, const char *s)
{
    char *seen = ff_visible(s ? s : "");
    for (const char *p = seen; *p; p++) {
        switch (*p) {
        case '&':
            ff_buf_puts(out, "&amp;");
            break;
        case '<':
            ff_buf_puts(out, "&lt;");
            break;
        case '>':
            ff_buf_puts(out, "&gt;");
            break;
        case '"':
            ff_buf_puts(out, "&quot;");
            break;
        case '\'':
            ff_buf_puts(out, "&#39;");
            break;
        default:
            ff_buf_putc(out, *p);
        }
    }
    free(seen);
}

const char *page_cell(const ff_table *t, int row, const char *column)
{
    int k = ff_table_find(t, column);
    return k < 0 ? "" : ff_table_text(t, row, k);
}

int64_t page_number(const ff_table *t, int row, const char *column)
{
    int k = ff_table_find(t, column);
    return k < 0 ? 0 : ff_table_int(t, row, k);
}

bool page_empty(const ff_table *t, int row, const char *column)
{
    int k = ff_table_find(t, column);
    return k < 0 || ff_table_empty(t, row, k);
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static double percent(int part, int whole)
{
    return whole ? 100.0 * part / whole : 0;
}

/* Names, a line each in the table, as a list in one line. */
static void nodes(ff_buf *out, const char *what, const char *lines)
{
    if (!*lines)
        return;
    ff_buf_printf(out, "%s ", what);
    for (int k = 0; *lines; k++) {
        size_t n = strcspn(lines, "\n");
        char *name = ff_strndup(lines, n);
        ff_buf_puts(out, k ? ", <code>" : "<code>");
        ff_page_text(out, name);
        ff_buf_puts(out, "</code>");
        free(name);
        lines += n + (lines[n] == '\n');
    }
}

/* -------------------------------------------------------------------------------------- verdict */

static int count_status(const ff_snapshot *s, const char *status)
{
    int n = 0;
    for (int i = 0; i < ff_table_rows(s->findings); i++)
        n += strcmp(page_cell(s->findings, i, "status"), status) == 0;
    return n;
}

static void say_labels(const ff_snapshot *s, ff_buf *out)
{
    if (s->verdicts)
        ff_buf_printf(out, "As it was converted, <b>%d of %d</b> %s (%.2f%%).", s->initial, s->images, s->wrong_words,
                      percent(s->initial, s->images));
    else if (s->initial == 0 && s->wrong == 0)
        ff_buf_printf(out, "Both models give all %d images the same label.", s->images);
    else
        ff_buf_printf(out, "The conversion changed the label of <b>%d of %d</b> images (%.2f%%).", s->initial,
                      s->images, percent(s->initial, s->images));
    if (s->wrong == s->initial)
        return;
    if (s->wrong == 0)
        ff_buf_puts(out, " Repaired, both models <b class=\"good\">agree on all of them</b>.");
    else
        ff_buf_printf(out, " Repaired as far as it went, <b>%d</b> of them still differ%s (%.2f%%).", s->wrong,
                      s->wrong == 1 ? "s" : "", percent(s->wrong, s->images));
}

/* What was wrong, by type. */
static void say_causes(const ff_snapshot *s, ff_buf *out)
{
    int said = 0;
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        int n = 0;
        for (int i = 0; i < ff_table_rows(s->findings); i++)
            n += strcmp(page_cell(s->findings, i, "type"), ff_fault_type_name((ff_fault_type)t)) == 0;
        if (n)
            ff_buf_printf(out, "%s%s (%d)",
                          said++ ? "; " : "<p>What was wrong: ", ff_fault_type_title((ff_fault_type)t), n);
    }
    if (said)
        ff_buf_puts(out, ".</p>\n");
}

static void verdict(const ff_snapshot *s, ff_buf *out)
{
    int faults = ff_table_rows(s->findings), repaired = count_status(s, "repaired");
    ff_buf_printf(out, "<div class=\"verdict%s\">\n<p>", s->wrong == 0 ? " good" : "");
    say_labels(s, out);
    ff_buf_puts(out, "</p>\n");
    if (s->target_error) {
        ff_buf_puts(out, "<p>The Target cannot run, it counts as wrong on every image: ");
        ff_page_text(out, s->target_error);
        ff_buf_puts(out, "</p>\n");
    }
    if (s->localized) {
        int same = ff_table_rows(s->equivalences);
        ff_buf_printf(out,
                      "<p>%d fault%s found, %d repaired; %d difference%s only another way of "
                      "writing the same.</p>\n",
                      faults, faults == 1 ? " was" : "s were", repaired, same, same == 1 ? " is" : "s are");
    }
    say_causes(s, out);
    if (s->timed_out)
        ff_buf_puts(out, "<p>The time limit was reached before the search came to its end.</p>\n");
    if (s->validation_images >= 0 && s->validation_wrong >= 0)
        ff_buf_printf(out,
                      "<p>On %d independent image%s, never used to decide: %d differed at "
                      "first, %d now; %d got worse.</p>\n",
                      s->validation_images, plural(s->validation_images), s->validation_initial, s->validation_wrong,
                      s->validation_regressed);
    if (s->validation_labelled)
        ff_buf_printf(out,
                      "<p>Accuracy on the %d of them whose class is given: Source %.2f%%, Target %.2f%% at first, "
                      "%.2f%% now.</p>\n",
                      s->validation_labelled, 100.0 * s->validation_source_right / s->validation_labelled,
                      100.0 * s->validation_initial_right / s->validation_labelled,
                      100.0 * s->validation_right / s->validation_labelled);
    if (s->validation_harm) {
        ff_buf_puts(out, "<p class=\"bad\">");
        ff_page_text(out, s->validation_harm);
        ff_buf_puts(out, ".</p>\n");
    }
    ff_buf_puts(out, "</div>\n");
}

/* --------------------------------------------------------------------------------------- faults */

static void say_status(const ff_table *t, int row, ff_buf *out)
{
    const char *status = page_cell(t, row, "status");
    bool repaired = strcmp(status, "repaired") == 0;
    ff_buf_printf(out, "<span class=\"%s\">", repaired ? "good" : "soft");
    ff_page_text(out, status);
    ff_buf_puts(out, repaired && !page_number(t, row, "essential") ? ", not essential</span>" : "</span>");
}

/* Where it lies, and which step did away with it. */
static void say_place(const ff_table *t, int row, ff_buf *out)
{
    const char *source = page_cell(t, row, "source_nodes"), *target = page_cell(t, row, "target_nodes");
    nodes(out, "Source", source);
    ff_buf_puts(out, *source && *target ? " · " : "");
    nodes(out, "Target", target);
    const char *gap = *source || *target ? " · " : "";
    if (!page_empty(t, row, "step")) {
        ff_buf_printf(out, "%sstep %lld", gap, (long long)page_number(t, row, "step"));
        gap = " · ";
    }
    if (!page_empty(t, row, "before") && !page_empty(t, row, "after"))
        ff_buf_printf(out, "%swrong %lld → %lld", gap, (long long)page_number(t, row, "before"),
                      (long long)page_number(t, row, "after"));
}

static void begin_article(const char *type, const char *class, ff_buf *out)
{
    ff_buf_printf(out, "<article%s>\n<h3><span class=\"tag\">", class);
    ff_page_text(out, type);
    ff_buf_puts(out, "</span> <span class=\"what\">");
}

static void fault(const ff_table *t, int row, ff_buf *out)
{
    begin_article(page_cell(t, row, "type"), " class=\"fault\"", out);
    ff_page_text(out, page_cell(t, row, "summary"));
    ff_buf_puts(out, "</span> ");
    say_status(t, row, out);
    ff_buf_puts(out, "</h3>\n<p>");
    ff_page_text(out, page_cell(t, row, "explanation"));
    ff_buf_puts(out, "</p>\n<p class=\"soft\">");
    say_place(t, row, out);
    ff_buf_puts(out, "</p>\n</article>\n");
}

/* Many of one cause are explained once. */
static void fault_group(const ff_table *t, const int *rows, int n, ff_buf *out)
{
    begin_article(page_cell(t, rows[0], "type"), "", out);
    ff_buf_printf(out, "%d faults of one cause: ", n);
    ff_page_text(out, page_cell(t, rows[0], "cause"));
    ff_buf_puts(out, "</span></h3>\n<p>");
    ff_page_text(out, page_cell(t, rows[0], "explanation"));
    ff_buf_puts(out, " <span class=\"soft\">(Figures of the first.)</span></p>\n<table>\n");
    for (int i = 0; i < n; i++) {
        ff_buf_puts(out, "<tr class=\"fault\"><td>");
        ff_page_text(out, page_cell(t, rows[i], "summary"));
        ff_buf_puts(out, "<br/><span class=\"soft\">");
        say_place(t, rows[i], out);
        ff_buf_puts(out, "</span></td><td class=\"n\">");
        say_status(t, rows[i], out);
        ff_buf_puts(out, "</td></tr>\n");
    }
    ff_buf_puts(out, "</table>\n</article>\n");
}

enum { MANY = 4 };

/* By type and cause, each in the order in which the table has it first. */
static void faults(const ff_snapshot *s, ff_buf *out)
{
    const ff_table *t = s->findings;
    int n = ff_table_rows(t), *rows = ff_alloc_array((size_t)n + 1, sizeof *rows);
    bool *done = ff_alloc_array((size_t)n + 1, sizeof *done);
    if (n)
        ff_buf_puts(out, "<section>\n<h2>Faults</h2>\n");
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = i; !done[i] && k < n; k++)
            if (strcmp(page_cell(t, i, "type"), page_cell(t, k, "type")) == 0 &&
                strcmp(page_cell(t, i, "cause"), page_cell(t, k, "cause")) == 0)
                rows[same++] = k;
        if (same >= MANY)
            fault_group(t, rows, same, out);
        for (int k = 0; k < same; k++) {
            done[rows[k]] = rows[k] != i;
            if (same < MANY)
                fault(t, rows[k], out);
        }
    }
    free(rows);
    free(done);
    if (n)
        ff_buf_puts(out, "</section>\n");
}

static void equivalences(const ff_snapshot *s, ff_buf *out)
{
    const ff_table *t = s->equivalences;
    int n = ff_table_rows(t);
    if (!n)
        return;
    ff_buf_printf(out,
                  "<details>\n<summary>%d equivalent rewrite%s</summary>\n<table>\n<tr>"
                  "<th>rule</th><th>meaning</th><th>nodes</th></tr>\n",
                  n, plural(n));
    for (int i = 0; i < n; i++) {
        ff_buf_puts(out, "<tr><td><code>");
        ff_page_text(out, page_cell(t, i, "rule"));
        ff_buf_puts(out, "</code></td><td>");
        ff_page_text(out, page_cell(t, i, "meaning"));
        ff_buf_puts(out, "</td><td>");
        nodes(out, "Source", page_cell(t, i, "source_nodes"));
        if (*page_cell(t, i, "source_nodes"))
            ff_buf_puts(out, "<br/>");
        nodes(out, "Target", page_cell(t, i, "target_nodes"));
        ff_buf_puts(out, "</td></tr>\n");
    }
    ff_buf_puts(out, "</table>\n</details>\n");
}

/* ------------------------------------------------------------------------------------ inputs */

static void fact(ff_buf *out, const char *name, const char *source, const char *target)
{
    ff_buf_printf(out, "<tr><th>%s</th><td><code>", name);
    ff_page_text(out, source);
    ff_buf_puts(out, "</code></td><td><code>");
    ff_page_text(out, target);
    ff_buf_puts(out, "</code></td></tr>\n");
}

static void inputs(const ff_snapshot *s, ff_buf *out)
{
    char opset[2][32];
    snprintf(opset[0], sizeof opset[0], "%d", s->source_opset);
    snprintf(opset[1], sizeof opset[1], "%d", s->target_opset);
    ff_buf_puts(out, "<section>\n<h2>What was compared</h2>\n<table>\n"
                     "<tr><th></th><th>Source</th><th>Target</th></tr>\n");
    fact(out, "file", s->source_path, s->target_path);
    fact(out, "SHA-256", s->source_sha256, s->target_sha256);
    fact(out, "opset", opset[0], opset[1]);
    fact(out, "producer", s->source_producer, s->target_producer);
    fact(out, "preprocessing", s->source_pre, s->target_pre);
    fact(out, "which was", s->source_pre_why, s->target_pre_why);
    if (s->target_pre_repaired)
        fact(out, "repaired to", "", s->target_pre_repaired);
    ff_buf_printf(out, "</table>\n<p class=\"soft\">%d image%s", s->images, plural(s->images));
    if (s->offset)
        ff_buf_printf(out, "; the Target's classes are counted %+d against the Source's", s->offset);
    ff_buf_puts(out, ". FetaFix " FETAFIX_VERSION ".</p>\n</section>\n");
}

void ff_page_begin(const char *title, const char *more, ff_buf *out)
{
    ff_buf_puts(out, head);
    ff_buf_puts(out, "<title>FetaFix: ");
    ff_page_text(out, title);
    ff_buf_puts(out, "</title>\n");
    ff_buf_puts(out, style);
    ff_buf_puts(out, more);
    ff_buf_puts(out, "</style>\n</head>\n<body>\n");
}

void ff_report_page(const ff_snapshot *s, const ff_session_options *o, ff_buf *out)
{
    ff_page_begin(ff_path_basename(s->target_path), "", out);
    ff_buf_puts(out, "<h1>");
    ff_page_text(out, ff_path_basename(s->source_path));
    ff_buf_puts(out, " → ");
    ff_page_text(out, ff_path_basename(s->target_path));
    ff_buf_puts(out, "</h1>\n");
    verdict(s, out);
    page_curve(s, out);
    faults(s, out);
    page_heat(s, out);
    page_examples(s, o, out);
    equivalences(s, out);
    inputs(s, out);
    ff_buf_puts(out, "</body>\n</html>\n");
}
