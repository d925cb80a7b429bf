/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings: what is wrong, in plain words, by fault type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { ALL, OPEN, REPAIRED, ESSENTIAL, MODES };
enum { ALONG_NETWORK, BY_TYPE, BY_SIZE, ORDERS };

static const char *const types[] = {"PP", "ID", "TSS", "WB", "LH", "CG"};

static const ff_table *findings_of(const ui_view *v)
{
    return ui_findings(v->ui);
}

static bool has_status(const ff_table *t, int row, const char *status)
{
    return strcmp(ff_table_text_at(t, row, "status"), status) == 0;
}

/* What the rows are ordered by; the table itself goes along the network. */
static double key_of(const ff_table *t, int row, int order)
{
    size_t k = 0;
    if (order == BY_SIZE)
        return ff_table_real_at(t, row, "magnitude");
    while (order == BY_TYPE && k < FF_COUNT(types) && strcmp(types[k], ff_table_text_at(t, row, "type")) != 0)
        k++;
    return -(double)k;
}

static void refresh(ui_view *v)
{
    const ff_table *t = findings_of(v);
    int n = 0, *order = ff_alloc_array((size_t)ff_table_rows(t) + 1, sizeof *order);
    double *keys = ff_alloc_array((size_t)ff_table_rows(t) + 1, sizeof *keys);
    for (int i = 0; i < ff_table_rows(t); i++) {
        if ((v->mode == OPEN && !has_status(t, i, "open")) || (v->mode == REPAIRED && !has_status(t, i, "repaired")) ||
            (v->mode == ESSENTIAL && !ff_table_int_at(t, i, "essential", 0)))
            continue;
        keys[i] = key_of(t, i, v->sort);
        order[n++] = i;
    }
    ui_sort_rows(order, n, keys);
    free(keys);
    ui_view_rows(v, n, order);
    free(order);
}

/* "max 6 -> 3", with the operator before it where no number of a layer says the place. */
static char *brief_of(const ui_view *v, int row)
{
    const ff_table *t = findings_of(v), *pairs = v->ui->snap->pairs;
    const char *brief = ff_table_text_at(t, row, "brief");
    int at = ff_table_row_of_int(pairs, "pair", ff_table_int_at(t, row, "pair", -1));
    bool place = at >= 0 && *brief && !ff_table_int_at(t, row, "layer", 0);
    return ff_asprintf("%s%s%s", place ? ff_table_text_at(pairs, at, "op") : "", place ? " " : "", brief);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = findings_of(v);
    const char *type = ff_table_text_at(t, row, "type");
    bool repaired = has_status(t, row, "repaired"), open = has_status(t, row, "open");
    bool undone = has_status(t, row, "undone");
    uint32_t glyph = repaired ? 0x2713 : open ? 0x25cb : undone ? 0x21b6 : 0x00b7;
    ui_ink ink = repaired ? INK_GOOD : open ? INK_BAD : INK_DIM;
    int64_t layer = ff_table_int_at(t, row, "layer", 0), before = ff_table_int_at(t, row, "before", -1);
    int64_t after = ff_table_int_at(t, row, "after", -1);
    char text[48];

    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_char(p, ui_bold(ink), glyph);
    ui_pen_char(p, ui_bold(INK_KEY), ff_table_int_at(t, row, "essential", 0) ? 0x2605 : ' ');
    ui_pen_field(p, ui_bold(open || repaired ? ui_ink_of_type(type) : INK_DIM), 4, type);
    if (repaired && before >= 0 && after >= 0) {
        snprintf(text, sizeof text, " %lld\xe2\x86\x92%lld ", (long long)before, (long long)after);
        ui_pen_right(p, ui_plain(INK_GOOD), text);
    }
    snprintf(text, sizeof text, "L%lld", (long long)layer);
    ui_pen_field(p, ui_plain(INK_DIM), 4, layer ? text : "");
    char *brief = brief_of(v, row);
    ui_pen_brief(p, ui_plain(open ? INK_TEXT : INK_DIM), ff_table_text_at(t, row, "summary"), brief);
    free(brief);
}

static int head_height(const ui_view *v, int height)
{
    const ff_snapshot *s = v->ui->snap;
    if (ff_table_rows(findings_of(v)) == 0 || height < 5)
        return 0;
    return s->parting && height >= 10 ? 2 : 1;
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_table *t = findings_of(v);
    ui_pen p = ui_pen_at(c, r, 0);
    int repaired = 0;

    ui_pen_char(&p, ui_plain(INK_TEXT), ' ');
    for (size_t k = 0; k < FF_COUNT(types); k++) {
        int n = 0;
        for (int i = 0; i < ff_table_rows(t); i++)
            n += strcmp(ff_table_text_at(t, i, "type"), types[k]) == 0;
        if (n) {
            ui_pen_printf(&p, ui_bold(ui_ink_of_type(types[k])), "%s", types[k]);
            ui_pen_printf(&p, ui_plain(INK_TEXT), " %d  ", n);
        }
    }
    for (int i = 0; i < ff_table_rows(t); i++)
        repaired += has_status(t, i, "repaired");
    if (repaired)
        ui_pen_printf(&p, ui_plain(INK_GOOD), "\xe2\x9c\x93 %d repaired", repaired);
    if (r.height > 1) {
        char *where = ff_asprintf("the models part %s", v->ui->snap->parting);
        p = ui_pen_at(c, r, 1);
        ui_pen_to(&p, 1);
        if (v->ui->snap->parting_pair >= 0 && *ui_key_of("bisect")) {
            char *key = ff_asprintf(" %s ", ui_key_of("bisect"));
            ui_pen_right(&p, ui_bold(INK_KEY), key);
            free(key);
        }
        ui_pen_brief(&p, ui_plain(INK_INFO), where, NULL);
        free(where);
    }
}

static void badge(const ui_view *v, ff_buf *out)
{
    if (ff_table_rows(findings_of(v)))
        ff_buf_printf(out, "%d", ff_table_rows(findings_of(v)));
}

static void corner(const ui_view *v, ff_buf *out)
{
    static const char *const names[MODES] = {"", "open only", "repaired only", "essential only"};
    static const char *const orders[ORDERS] = {"", "by type \xe2\x96\xbe", "by size \xe2\x96\xbe"};
    ff_buf_printf(out, "%s%s%s", names[v->mode], v->mode && v->sort ? "  " : "", orders[v->sort]);
}

static const char *empty(const ui_view *v)
{
    if (!v->ui->snap->localized)
        return v->ui->snap->loaded ? "the models were not compared yet" : "loading the models";
    if (!ui_told(v->ui))
        return "yours to find: 0 shows the question";
    return v->mode == ALL ? "no faults: the models are equivalent" : "none of this kind (f: all)";
}

static int pair(const ui_view *v, int row)
{
    return ui_place(findings_of(v), row);
}

static bool follow(ui_view *v, int number)
{
    int row = ui_view_row(v);
    if (row >= 0 && pair(v, row) == number)
        return true;
    for (row = 0; row < ff_table_rows(findings_of(v)); row++) {
        if (pair(v, row) == number && ui_view_select(v, row))
            return true;
    }
    return false;
}

int ui_proposal_of(const ui *u, const char *id)
{
    const ff_table *t = ui_proposals(u);
    size_t n = strlen(id);
    for (int i = 0; i < ff_table_rows(t); i++) {
        const char *s = ff_table_text_at(t, i, "findings");
        while (*s) {
            size_t k = strcspn(s, ", \n");
            if (k == n && memcmp(s, id, n) == 0)
                return i;
            s += k + (s[k] != '\0');
        }
    }
    return -1;
}

static const char *proposal(const ui_view *v, int row)
{
    int i = ui_proposal_of(v->ui, ff_table_text_at(findings_of(v), row, "id"));
    return i >= 0 ? ff_table_text_at(ui_proposals(v->ui), i, "id") : NULL;
}

static bool verb(ui_view *v, int argc, char **argv)
{
    int row = ui_view_row(v);
    if (strcmp(argv[0], "open") == 0 && row >= 0) {
        free(v->ui->finding);
        v->ui->finding = ff_strdup(ff_table_text_at(findings_of(v), row, "id"));
        v->ui->pair = pair(v, row);
        ui_show_view(v->ui, VIEW_DETAIL, true);
        return true;
    }
    if (strcmp(argv[0], "sort") == 0 && (argc == 1 || strcmp(argv[1], "next") == 0)) {
        v->sort = (v->sort + 1) % ORDERS;
        v->stale = true;
        return true;
    }
    if (strcmp(argv[0], "filter") == 0 && argc > 1 && strcmp(argv[1], "next") == 0) {
        v->mode = (v->mode + 1) % MODES;
        v->stale = true;
        return true;
    }
    return false;
}

static const char *finding(const ui_view *v, int row)
{
    return ff_table_text_at(v->ui->snap->findings, row, "id");
}

static void bar(const ui_view *v, ui_pen *p)
{
    (void)v;
    ui_hint(p, "effect", "its images");
    ui_hint(p, "sort next", "sort");
}

const ui_view_class ui_findings_class = {
    .title = "Findings",
    .keys = "Enter explain  a repair it  x its images  o along the network, by type, by size  f filter",
    .pane = {2, 2, 2},
    .tables = " findings ",
    .finding = finding,
    .bar = bar,
    .bar_more = ui_bar_bisect,
    .filters = true,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .badge = badge,
    .corner = corner,
    .empty = empty,
    .pair = pair,
    .follow = follow,
    .proposal = proposal,
    .verb = verb,
};
