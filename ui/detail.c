/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything about one pair of nodes, or one finding: why it is a fault, attributes, weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

/* The page, and which of its lines can be edited. */
typedef struct page {
    ui_doc doc;
    int first; /* line of the first attribute, or of the first word of the preprocessing */
    int n;     /* of these, a line each */
    int pair;  /* it is about */
} page;

static ui_doc *doc_of(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(page));
    return &((page *)v->data)->doc;
}

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(doc_of(v));
    free(v->data);
    v->data = NULL;
}

/* A label of two columns: "name      text", the text wrapped. */
static void entry(ui_doc *d, int width, const char *name, ui_style s, const char *text)
{
    size_t at = d->n;
    if (!*text)
        return;
    ui_doc_wrap(d, s, 14, width, text);
    ui_line *l = &d->lines[at];
    char *first = ff_asprintf("   %-11s%s", name, l->spans[0].text + 14);
    free(l->spans[0].text);
    l->spans[0].text = first;
}

/* {"levels":74,"shape":[32,16]} as "levels 74, shape [32,16]". */
static char *plain_json(const char *s)
{
    ff_buf b = {0};
    int depth = 0;
    bool quoted = false;
    for (; *s; s++) {
        quoted ^= *s == '"' && (s[1] || quoted);
        depth += (*s == '[') - (*s == ']');
        if (quoted && *s != '"')
            ff_buf_putc(&b, *s);
        else if (*s == ':' || (*s == ',' && depth == 0))
            ff_buf_puts(&b, *s == ',' ? ", " : " ");
        else if (*s != '{' && *s != '}' && *s != '"' && !(*s == ' ' && depth == 0))
            ff_buf_putc(&b, *s);
    }
    return ff_buf_steal(&b);
}

static void add_finding(ui_doc *d, const ff_snapshot *s, int row, int width)
{
    const ff_table *t = s->findings;
    const char *type = ff_table_text_at(t, row, "type"), *status = ff_table_text_at(t, row, "status");
    static const struct {
        const char *type, *meaning;
    } meanings[] = {
        {"PP", "preprocessing differs"},
        {"ID", "input dimensions differ"},
        {"TSS", "tensor shape and structure differ"},
        {"WB", "weights and biases differ"},
        {"LH", "layer hyperparameters differ"},
        {"CG", "the computation graph differs"},
    };
    ui_doc_line(d);
    ui_doc_add(d, ui_bold(ui_ink_of_type(type)), "   %s", type);
    for (size_t i = 0; i < FF_COUNT(meanings); i++) {
        if (strcmp(meanings[i].type, type) == 0)
            ui_doc_add(d, ui_plain(INK_DIM), "  %s", meanings[i].meaning);
    }
    bool repaired = strcmp(status, "repaired") == 0;
    ui_doc_add(d,
               ui_bold(repaired                      ? INK_GOOD
                       : strcmp(status, "open") == 0 ? INK_BAD
                                                     : INK_DIM),
               "  %s%s", repaired ? "\xe2\x9c\x93 " : "", status);
    if (ff_table_int_at(t, row, "essential", 0))
        ui_doc_add(d, ui_bold(INK_KEY), "  \xe2\x98\x85 essential");
    ui_doc_wrap(d, ui_bold(INK_STRONG), 3, width, ff_table_text_at(t, row, "summary"));
    ui_doc_wrap(d, ui_plain(INK_TEXT), 3, width, ff_table_text_at(t, row, "explanation"));
    int64_t before = ff_table_int_at(t, row, "before", -1), after = ff_table_int_at(t, row, "after", -1);
    if (before >= 0 && after >= 0) {
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   its repair (step %lld): wrong %lld \xe2\x86\x92 %lld",
                   (long long)ff_table_int_at(t, row, "step", 0), (long long)before, (long long)after);
    }
    entry(d, width, "cause", ui_plain(INK_DIM), ff_table_text_at(t, row, "cause"));
    if (strcmp(type, "PP") != 0) { /* a table says it better */
        char *facts = plain_json(ff_table_text_at(t, row, "details"));
        entry(d, width, "details", ui_plain(INK_DIM), facts);
        free(facts);
    }
    entry(d, width, "id", ui_plain(INK_DIM), ff_table_text_at(t, row, "id"));
}

/* The repair of what is shown: of the finding that was opened, or of the pair. */
static int chosen_repair(const ui *u)
{
    const ff_table *t = u->snap->proposals;
    int i = u->finding ? ui_proposal_of(u, u->finding) : -1;
    for (int k = 0; i < 0 && u->pair != -1 && k < ff_table_rows(t); k++) {
        if (ui_place(t, k) == u->pair)
            i = k;
    }
    return i;
}

static void add_findings(ui_view *v, ui_doc *d, int pair, int width)
{
    const ff_snapshot *s = v->ui->snap;
    int only = v->ui->finding ? ff_table_row_of_text(s->findings, "id", v->ui->finding) : -1;
    bool first = true;

    for (int k = -1; k < ff_table_rows(s->findings); k++) { /* the one that was opened comes first */
        int i = k < 0 ? only : k;
        if (i < 0 || (k >= 0 && i == only) || (k >= 0 && pair == -1) ||
            (pair != -1 && ui_place(s->findings, i) != pair))
            continue;
        if (first)
            ui_doc_heading(d, "What is wrong");
        else
            ui_doc_line(d);
        first = false;
        add_finding(d, s, i, width);
    }
}

static void add_repairs(ui_view *v, ui_doc *d, int pair, int width)
{
    const ff_snapshot *s = v->ui->snap;
    int chosen = chosen_repair(v->ui);
    for (int k = -1; k < ff_table_rows(s->proposals); k++) { /* what `accept` takes comes first */
        int i = k < 0 ? chosen : k;
        if (i < 0 || (k >= 0 && (i == chosen || pair == -1 || ui_place(s->proposals, i) != pair)))
            continue;
        ui_doc_heading(d, k < 0 ? "Repair" : "Another repair here");
        const char *patch = ff_table_text_at(s->proposals, i, "patch");
        ui_doc_wrap(d, ui_plain(INK_TEXT), 3, width, *patch ? patch : ff_table_text_at(s->proposals, i, "summary"));
        int64_t wrong = ff_table_int_at(s->proposals, i, "wrong", -1);
        const char *verdict = ff_table_text_at(s->proposals, i, "verdict");
        if (wrong >= 0 || *verdict) {
            ui_doc_line(d);
            ui_doc_add(d, ui_plain(INK_INFO), "   judged: %s", verdict);
            if (wrong >= 0)
                ui_doc_add(d, ui_plain(INK_INFO), "  wrong %d \xe2\x86\x92 %s%lld", s->wrong,
                           ff_table_int_at(s->proposals, i, "complete", 1) ? "" : "at least ", (long long)wrong);
        }
    }
}

static void format_score(char text[16], bool share, double x)
{
    if (share)
        snprintf(text, 16, "%.0f%%", 100 * x);
    else
        ui_format_real(text, x);
}

static void add_scores(ui_view *v, ui_doc *d, int pair)
{
    static const struct {
        const char *column, *meaning, *now;
    } scores[] = {
        {"isolated", "its own error, fed with the Source's input", "isolated_now"},
        {"entire", "its error, with all that came before it", "entire_now"},
        {"causal", "wrong labels the Source's output here puts right", "causal_now"},
        {"kw", "share of its elements that tell wrong from right", "kw_now"},
    };
    const ff_table *t = v->ui->snap->layers;
    int row = ff_table_row_of_int(t, "pair", pair);
    char text[16];

    if (row < 0)
        return;
    ui_doc_heading(d, "Scores of the layer, as it came");
    for (size_t i = 0; i < FF_COUNT(scores); i++) {
        double x = ff_table_real_at(t, row, scores[i].column), now = ff_table_real_at(t, row, scores[i].now);
        bool share = strcmp(scores[i].column, "causal") == 0;
        if (isnan(x))
            continue;
        format_score(text, share, x);
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_DIM), "   %-9s", scores[i].column);
        ui_doc_field(d, ui_bold(INK_STRONG), -8, text);
        if (!isnan(now)) {
            format_score(text, share, now);
            ui_doc_add(d, ui_bold(INK_INFO), "  now %s", text);
        }
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", scores[i].meaning);
    }
    if (*ff_table_text_at(t, row, "note")) {
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_WARN), "   not compared: %s", ff_table_text_at(t, row, "note"));
    }
}

static void add_attributes(ui_doc *d, const ff_table *t, int width)
{
    int name = width / 4 < 12 ? 12 : width / 4 > 24 ? 24 : width / 4, value = (width - name - 8) / 2;

    value = value > 40 ? 40 : value;

    if (!t || ff_table_rows(t) == 0)
        return;
    ui_doc_heading(d, "Attributes");
    ui_doc_line(d);
    ui_doc_to(d, 3 + name);
    ui_doc_field(d, ui_plain(INK_SOURCE), value, "Source");
    ui_doc_add(d, ui_plain(INK_TEXT), "   ");
    ui_doc_field(d, ui_plain(INK_TARGET), value, "Target");
    for (int i = 0; i < ff_table_rows(t); i++) {
        bool same = ff_table_int_at(t, i, "same", 1);
        const char *a = ff_table_text_at(t, i, "source"), *b = ff_table_text_at(t, i, "target");
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        ui_doc_field(d, ui_plain(INK_DIM), name, ff_table_text_at(t, i, "name"));
        ui_doc_field(d, ui_plain(same ? INK_TEXT : INK_STRONG), value, *a ? a : "-");
        ui_doc_add(d, same ? ui_plain(INK_DIM) : ui_bold(INK_BAD), same ? " = " : " \xe2\x89\xa0 ");
        ui_doc_field(d, same ? ui_plain(INK_TEXT) : ui_bold(INK_BAD), value, *b ? b : "-");
    }
}

static void add_origins(ui_doc *d, const ff_table *t, int width)
{
    if (!t || ff_table_rows(t) == 0)
        return;
    ui_doc_heading(d, "Nodes of the files");
    for (int i = 0; i < ff_table_rows(t); i++) {
        bool target = strcmp(ff_table_text_at(t, i, "side"), "target") == 0;
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(target ? INK_TARGET : INK_SOURCE), "   %s  ", target ? "Target" : "Source");
        ui_doc_add(d, ui_bold(INK_TEXT), "%s ", ff_table_text_at(t, i, "op"));
        ui_doc_add(d, ui_plain(INK_TEXT), "%s", ff_table_text_at(t, i, "label"));
        const char *role = ff_table_text_at(t, i, "role");
        if (*role)
            ui_doc_add(d, ui_plain(INK_DIM), "  (%s)", role);
        entry(d, width, "  reads", ui_plain(INK_DIM), ff_table_text_at(t, i, "inputs"));
        entry(d, width, "  gives", ui_plain(INK_DIM), ff_table_text_at(t, i, "outputs"));
        entry(d, width, "  shape", ui_plain(INK_DIM), ff_table_text_at(t, i, "shape"));
    }
}

/* The attributes of the pair that is shown, or NULL: then what can be edited is the preprocessing. */
static const ff_table *attributes_of(const ui *u)
{
    return u->detail && u->detail->pair == u->pair ? u->detail->attributes : NULL;
}

/* The line of the first value that differs, else of the first; -1: there are none yet. */
static int first_value(const ui_view *v)
{
    const page *p = v->data;
    const ff_table *t = attributes_of(v->ui);
    if (!p || !p->n)
        return -1;
    int i = t ? 0 : ui_pre_first_difference(v->ui->snap);
    while (t && i < p->n && ff_table_int_at(t, i, "same", 1))
        i++;
    return p->first + (i < p->n ? i : 0);
}

/* What the line of the cursor says, when the page is about the pair that it is to be about; else NULL. */
static char *line_kept(ui_view *v, const page *p, int pair)
{
    ff_buf b = {0};
    if (p->pair == pair && v->window.cursor > 0 && (size_t)v->window.cursor < p->doc.n)
        ui_view_row_text(v, v->window.cursor, &b);
    return b.len ? ff_buf_steal(&b) : NULL;
}

/* What is learnt meanwhile makes the page longer: the line under the cursor stays under it. Where a value was, its
 * name stands; elsewhere the same words. */
static void keep_line(ui_view *v, const page *p, int value, const char *line)
{
    int at = v->window.cursor, n = (int)p->doc.n, to = value >= 0 && value < p->n ? p->first + value : -1;
    for (int away = 0; to < 0 && line && away < n; away++) {
        for (int side = -1; side <= 1 && to < 0; side += 2) {
            ff_buf b = {0};
            int row = at + side * away;
            if (row >= 0 && row < n)
                ui_view_row_text(v, row, &b);
            if (b.len && strcmp(b.data, line) == 0)
                to = row;
            ff_buf_finish(&b);
        }
    }
    if (to >= 0) {
        v->window.top += to - at;
        v->window.cursor = to;
    }
}

static void refresh(ui_view *v)
{
    ui *u = v->ui;
    ui_doc *d = doc_of(v);
    int width = v->list.width > 20 ? v->list.width - 1 : 76, pair = u->pair;
    int row = pair >= 0 ? ff_table_row_of_int(u->snap->pairs, "pair", pair) : -1;

    page *all = v->data;
    int value = all->pair == pair && all->n ? v->window.cursor - all->first : -1;
    char *line = line_kept(v, all, pair);

    ui_doc_clear(d);
    all->n = 0;
    all->pair = pair;
    if (row >= 0) {
        const ff_table *t = u->snap->pairs;
        const char *source = ff_table_text_at(t, row, "source"), *target = ff_table_text_at(t, row, "target");
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_SOURCE), " Source ");
        ui_doc_add(d, ui_bold(INK_STRONG), "%s", *source ? ff_table_text_at(t, row, "source_summary") : "missing");
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", source);
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TARGET), " Target ");
        ui_doc_add(d, ui_bold(INK_STRONG), "%s", *target ? ff_table_text_at(t, row, "target_summary") : "missing");
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", target);
        ui_doc_line(d);
        const char *status = ff_table_text_at(t, row, "status"), *note = ff_table_text_at(t, row, "note");
        bool quiet = strcmp(status, "equal") == 0 || strcmp(status, "equivalent") == 0;
        int64_t layer = ff_table_int_at(t, row, "layer", 0);
        ui_doc_add(d, quiet ? ui_plain(INK_GOOD) : ui_bold(INK_BAD), "        %s", status);
        if (*note)
            ui_doc_add(d, ui_plain(INK_TEXT), "  %s", note);
        if (layer)
            ui_doc_add(d, ui_plain(INK_DIM), "  layer L%lld", (long long)layer);
    }
    int place = row >= 0 || pair == UI_PIXELS ? pair : -1;
    bool about_images = u->finding && strncmp(u->finding, "PP", 2) == 0;
    add_findings(v, d, place, width);
    if (row < 0 && (pair == UI_PIXELS || about_images)) {
        all->n = ui_doc_pre(d, u->snap, width);
        all->first = (int)d->n - all->n;
    }
    add_repairs(v, d, place, width);
    if (row >= 0) {
        add_scores(v, d, pair);
        if (u->detail && u->detail->pair == pair) {
            add_attributes(d, u->detail->attributes, width);
            all->n = ff_table_rows(u->detail->attributes);
            all->first = (int)d->n - all->n;
            ui_doc_weights(d, u->detail, width);
            add_origins(d, u->detail->origins, width);
        } else {
            ui_doc_heading(d, ui_busy(u) ? "attributes and weights come when the engine has a moment"
                                         : "attributes and weights are being read");
        }
    }
    ui_view_rows(v, (int)d->n, NULL);
    keep_line(v, all, value, line);
    free(line);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(doc_of(v), row, p);
}

static const char *empty(const ui_view *v)
{
    return "choose a row and press Enter";
}

static const char *proposal(const ui_view *v, int row)
{
    int i = chosen_repair(v->ui);
    return i >= 0 ? ff_table_text_at(v->ui->snap->proposals, i, "id") : NULL;
}

/* Perhaps below what is seen. */
static bool unread(const ui_view *v)
{
    const ui *u = v->ui;
    return u->pair >= 0 && u->snap->loaded && !(u->detail && u->detail->pair == u->pair);
}

static void corner(const ui_view *v, ff_buf *out)
{
    if (unread(v))
        ff_buf_puts(out, "reading\xe2\x80\xa6");
}

static int pair_of(const ui_view *v, int row)
{
    return v->ui->pair;
}

/* The value in a line as a command to be changed: "what-if 12 pads=[0,0,1,1]". */
static bool edit_line(ui_view *v, int line)
{
    ui *u = v->ui;
    const page *p = v->data;
    int i = p ? line - p->first : -1;
    if (!p || i < 0 || i >= p->n)
        return false;
    const ff_table *t = attributes_of(u);
    const char *now = t ? ff_table_text_at(t, i, "target") : "";
    char *text = t ? ff_asprintf("what-if %d %s=%s", u->pair, ff_table_text_at(t, i, "name"),
                                 *now ? now : ff_table_text_at(t, i, "source"))
                   : ui_pre_edit(u->snap, i);
    if (text)
        ui_prompt_open(&u->prompt, UI_PROMPT_COMMAND, text);
    free(text);
    return true;
}

bool ui_go_to_values(ui *u)
{
    ui_view *v = &u->views[VIEW_DETAIL];
    ui_view_update(v);
    int line = first_value(v);
    u->values_wanted = line < 0 && u->pair >= 0 && !attributes_of(u);
    if (line < 0 || !ui_view_select(v, line))
        return false;
    ui_say(u, INK_INFO, "i edits the value in the line of the cursor");
    return true;
}

static bool verb(ui_view *v, int argc, char **argv)
{
    ui *u = v->ui;
    bool open = strcmp(argv[0], "open") == 0;
    if (!open && strcmp(argv[0], "edit") != 0)
        return false;
    if (edit_line(v, ui_view_row(v)) || (!open && ui_go_to_values(u)))
        return true;
    if (u->values_wanted)
        ui_say(u, INK_INFO, "the cursor goes to the values when they are read");
    else
        ui_say(u, INK_INFO, "W tries the Source's weights here, I its activation, P another preprocessing");
    return true;
}

static void hint(const ui_view *v, ff_buf *out)
{
    if (!v->ui->snap->what_if.summary && ui_told(v->ui) && ui_chosen_proposal(v->ui))
        ff_buf_printf(out, "a takes the repair named above, i edits a value, q goes back.");
}

static void bar(const ui_view *v, ui_pen *p)
{
    if (v->ui->pair != -1)
        ui_hint(p, "edit", "edit");
}

const ui_view_class ui_detail_class = {
    .alone = 28,
    .title = "Details",
    .text = true,
    .cursor = true,
    .about = true,
    .keys = "i edit a value  W Source's weights  I inject  a accept its repair  q back",
    .pane = {0, 0, 3},
    .details = true,
    .hint = hint,
    .bar = bar,
    .verb = verb,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .corner = corner,
    .unread = unread,
    .empty = empty,
    .proposal = proposal,
    .pair = pair_of,
};
