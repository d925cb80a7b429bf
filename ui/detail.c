/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything about one pair of nodes, or one finding: why it is a fault, attributes, weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

enum { BIN_ROWS = 5, WORST_MAX = 10 };

static ui_doc *doc_of(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(ui_doc));
    return v->data;
}

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(v->data);
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
    for (; *s; s++) {
        depth += (*s == '[') - (*s == ']');
        if (*s == ':' || (*s == ',' && depth == 0))
            ff_buf_puts(&b, *s == ',' ? ", " : " ");
        else if (*s != '{' && *s != '}' && *s != '"' && !(*s == ' ' && depth == 0))
            ff_buf_putc(&b, *s);
    }
    return ff_buf_steal(&b);
}

static void add_finding(ui_doc *d, const ff_snapshot *s, int row, int width)
{
    const ff_table *t = s->findings;
    const char *type = ui_text(t, row, "type"), *status = ui_text(t, row, "status");
    static const struct {
        const char *type, *meaning;
    } meanings[] = {
        {"PP", "preprocessing differs"}, {"ID", "input dimensions differ"},
        {"TSS", "tensor shape and structure differ"}, {"WB", "weights and biases differ"},
        {"LH", "layer hyperparameters differ"}, {"CG", "the computation graph differs"},
    };
    ui_doc_line(d);
    ui_doc_add(d, ui_bold(ui_ink_of_type(type)), "   %s", type);
    for (size_t i = 0; i < FF_COUNT(meanings); i++) {
        if (strcmp(meanings[i].type, type) == 0)
            ui_doc_add(d, ui_plain(INK_DIM), "  %s", meanings[i].meaning);
    }
    bool repaired = strcmp(status, "repaired") == 0;
    ui_doc_add(d, ui_bold(repaired ? INK_GOOD : strcmp(status, "open") == 0 ? INK_BAD : INK_DIM), "  %s%s",
               repaired ? "\xe2\x9c\x93 " : "", status);
    if (ui_int(t, row, "essential", 0))
        ui_doc_add(d, ui_bold(INK_KEY), "  \xe2\x98\x85 essential");
    ui_doc_wrap(d, ui_bold(INK_STRONG), 3, width, ui_text(t, row, "summary"));
    ui_doc_wrap(d, ui_plain(INK_TEXT), 3, width, ui_text(t, row, "explanation"));
    int64_t before = ui_int(t, row, "before", -1), after = ui_int(t, row, "after", -1);
    if (before >= 0 && after >= 0) {
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   its repair (step %lld): wrong %lld \xe2\x86\x92 %lld",
                   (long long)ui_int(t, row, "step", 0), (long long)before, (long long)after);
    }
    entry(d, width, "cause", ui_plain(INK_DIM), ui_text(t, row, "cause"));
    char *facts = plain_json(ui_text(t, row, "details"));
    entry(d, width, "details", ui_plain(INK_DIM), facts);
    free(facts);
    entry(d, width, "id", ui_plain(INK_DIM), ui_text(t, row, "id"));
}

/* The repair of what is shown: of the finding that was opened, or of the pair. */
static int chosen_repair(const ui *u)
{
    int i = u->finding ? ui_proposal_of(u, u->finding) : -1;
    return i < 0 && u->pair >= 0 ? ui_find_int(u->snap->proposals, "pair", u->pair) : i;
}

static void add_findings(ui_view *v, ui_doc *d, int pair, int width)
{
    const ff_snapshot *s = v->ui->snap;
    int only = v->ui->finding ? ui_find_id(s->findings, "id", v->ui->finding) : -1;
    bool first = true;

    for (int k = -1; k < ff_table_rows(s->findings); k++) { /* the one that was opened comes first */
        int i = k < 0 ? only : k;
        bool here = i >= 0 && (k < 0 || (i != only && ui_int(s->findings, i, "pair", -1) == pair));
        if (!here || (k >= 0 && pair < 0) ||
            (k < 0 && pair >= 0 && ui_int(s->findings, i, "pair", -1) != pair))
            continue;
        if (first)
            ui_doc_heading(d, "What is wrong");
        else
            ui_doc_line(d);
        first = false;
        add_finding(d, s, i, width);
    }
    int chosen = chosen_repair(v->ui);
    for (int k = -1; k < ff_table_rows(s->proposals); k++) { /* what `accept` takes comes first */
        int i = k < 0 ? chosen : k;
        if (i < 0 || (k >= 0 && (i == chosen || pair < 0 ||
                                 ui_int(s->proposals, i, "pair", -1) != pair)))
            continue;
        ui_doc_heading(d, k < 0 ? "Repair" : "Another repair here");
        ui_doc_wrap(d, ui_plain(INK_TEXT), 3, width, ui_text(s->proposals, i, "patch"));
        int64_t wrong = ui_int(s->proposals, i, "wrong", -1);
        const char *verdict = ui_text(s->proposals, i, "verdict");
        if (wrong >= 0 || *verdict) {
            ui_doc_line(d);
            ui_doc_add(d, ui_plain(INK_INFO), "   judged: %s", verdict);
            if (wrong >= 0)
                ui_doc_add(d, ui_plain(INK_INFO), "  wrong %d \xe2\x86\x92 %lld", s->wrong, (long long)wrong);
        }
    }
}

static void add_scores(ui_view *v, ui_doc *d, int pair)
{
    static const struct {
        const char *column, *meaning;
    } scores[] = {
        {"isolated", "its own error, fed with the Source's input"},
        {"entire", "its error, with all that came before it"},
        {"causal", "wrong labels the Source's output here puts right"},
        {"kw", "share of its elements that tell wrong from right"},
    };
    const ff_table *t = v->ui->snap->layers;
    int row = ui_find_int(t, "pair", pair);
    char text[16];

    if (row < 0)
        return;
    ui_doc_heading(d, "Scores");
    for (size_t i = 0; i < FF_COUNT(scores); i++) {
        double x = ui_real(t, row, scores[i].column);
        if (isnan(x))
            continue;
        if (strcmp(scores[i].column, "causal") == 0)
            snprintf(text, sizeof text, "%.0f%%", 100 * x);
        else
            ui_format_real(text, x);
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_DIM), "   %-9s", scores[i].column);
        ui_doc_field(d, ui_bold(INK_STRONG), -8, text);
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", scores[i].meaning);
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
        bool same = ui_int(t, i, "same", 1);
        const char *a = ui_text(t, i, "source"), *b = ui_text(t, i, "target");
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        ui_doc_field(d, ui_plain(INK_DIM), name, ui_text(t, i, "name"));
        ui_doc_field(d, ui_plain(same ? INK_TEXT : INK_STRONG), value, *a ? a : "-");
        ui_doc_add(d, same ? ui_plain(INK_DIM) : ui_bold(INK_BAD), same ? " = " : " \xe2\x89\xa0 ");
        ui_doc_field(d, same ? ui_plain(INK_TEXT) : ui_bold(INK_BAD), value, *b ? b : "-");
    }
}

/* ------------------------------------------------------------------------------------- weights */

/* Both histograms side by side, five rows high, in eighths of a row. */
static void add_histogram(ui_doc *d, const ff_table *t, const char *role, int width)
{
    int first = -1, n = 0;
    int64_t most = 1;

    for (int i = 0; i < ff_table_rows(t); i++) {
        if (strcmp(ui_text(t, i, "role"), role) != 0)
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
            sum[0] += ui_int(t, first + i, "source", 0);
            sum[1] += ui_int(t, first + i, "target", 0);
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
                    sum += ui_int(t, first + i, side ? "target" : "source", 0);
                double part = (double)sum / (double)most * BIN_ROWS - (BIN_ROWS - 1 - row);
                uint32_t c = part >= 1 ? 0x2588 : part > 0 ? ui_block(part) : row == BIN_ROWS - 1 ? 0x2581 : ' ';
                ui_doc_char(d, ui_plain(side ? INK_TARGET : INK_SOURCE), c);
            }
            if (!side)
                ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        }
    }
    char low[16], high[16];
    ui_format_real(low, ui_real(t, first, "low"));
    ui_format_real(high, ui_real(t, first + n - 1, "high"));
    ui_doc_line(d);
    for (int side = 0; side < 2; side++) {
        ui_doc_add(d, ui_plain(INK_DIM), "   %s", low);
        ui_doc_to(d, 3 + columns + side * (columns + 3) - (int)strlen(high));
        ui_doc_add(d, ui_plain(INK_DIM), "%s", high);
    }
}

static void add_weights(ui_doc *d, const ff_detail *x, int width)
{
    static const char *const statistics[] = {"min", "max", "mean", "sd"};
    const ff_table *t = x->weights;

    for (int i = 0; t && i < ff_table_rows(t); i++) {
        const char *role = ui_text(t, i, "role"), *cause = ui_text(t, i, "cause");
        char *title = ff_asprintf("Weights: %s  %s", role, ui_text(t, i, "shape")), text[16];
        int64_t different = ui_int(t, i, "different", 0), count = ui_int(t, i, "count", 0);
        ui_doc_heading(d, title);
        free(title);
        ui_doc_line(d);
        if (different == 0) {
            ui_doc_add(d, ui_plain(INK_GOOD), "   all %lld values are the same", (long long)count);
        } else {
            ui_doc_add(d, ui_bold(INK_BAD), "   \xe2\x89\xa0 %lld of %lld values differ", (long long)different,
                       (long long)count);
            snprintf(text, sizeof text, "%.3g", 100 * ui_real(t, i, "relative"));
            ui_doc_add(d, ui_plain(INK_TEXT), "  relative %s%%", text);
            ui_format_real(text, ui_real(t, i, "max_abs"));
            ui_doc_add(d, ui_plain(INK_TEXT), "  at most %s", text);
            if (*cause)
                ui_doc_add(d, ui_bold(INK_WARN), "  %s", cause);
        }
        for (int side = 0; side < 2; side++) {
            ui_doc_line(d);
            ui_doc_add(d, ui_plain(side ? INK_TARGET : INK_SOURCE), "   %s ", side ? "Target" : "Source");
            for (size_t k = 0; k < FF_COUNT(statistics); k++) {
                char column[32];
                snprintf(column, sizeof column, "%s_%s", side ? "target" : "source", statistics[k]);
                ui_format_real(text, ui_real(t, i, column));
                ui_doc_add(d, ui_plain(INK_DIM), "  %s ", statistics[k]);
                ui_doc_field(d, ui_plain(INK_TEXT), 8, text);
            }
        }
        if (x->histogram)
            add_histogram(d, x->histogram, role, width);
        int shown = 0;
        for (int k = 0; x->worst && k < ff_table_rows(x->worst) && shown < WORST_MAX; k++) {
            if (strcmp(ui_text(x->worst, k, "role"), role) != 0)
                continue;
            if (shown++ == 0) {
                ui_doc_line(d);
                ui_doc_add(d, ui_plain(INK_DIM), "   %-10s%12s%12s%12s", "worst", "Source", "Target",
                           "difference");
            }
            ui_doc_line(d);
            snprintf(text, sizeof text, "[%lld]", (long long)ui_int(x->worst, k, "index", 0));
            ui_doc_add(d, ui_plain(INK_DIM), "   %-10s", text);
            static const char *const columns[] = {"source", "target", "difference"};
            for (int c = 0; c < 3; c++) {
                ui_format_real(text, ui_real(x->worst, k, columns[c]));
                ui_doc_field(d, c == 2 ? ui_plain(INK_BAD) : ui_plain(INK_TEXT), -12, text);
            }
        }
    }
}

static void add_origins(ui_doc *d, const ff_table *t, int width)
{
    if (!t || ff_table_rows(t) == 0)
        return;
    ui_doc_heading(d, "Nodes of the files");
    for (int i = 0; i < ff_table_rows(t); i++) {
        bool target = strcmp(ui_text(t, i, "side"), "target") == 0;
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(target ? INK_TARGET : INK_SOURCE), "   %s  ", target ? "Target" : "Source");
        ui_doc_add(d, ui_bold(INK_TEXT), "%s ", ui_text(t, i, "op"));
        ui_doc_add(d, ui_plain(INK_TEXT), "%s", ui_text(t, i, "label"));
        const char *role = ui_text(t, i, "role");
        if (*role)
            ui_doc_add(d, ui_plain(INK_DIM), "  (%s)", role);
        entry(d, width, "  reads", ui_plain(INK_DIM), ui_text(t, i, "inputs"));
        entry(d, width, "  gives", ui_plain(INK_DIM), ui_text(t, i, "outputs"));
        entry(d, width, "  shape", ui_plain(INK_DIM), ui_text(t, i, "shape"));
    }
}

static void refresh(ui_view *v)
{
    ui *u = v->ui;
    ui_doc *d = doc_of(v);
    int width = v->list.width > 20 ? v->list.width - 1 : 76, pair = u->pair;
    int row = pair >= 0 ? ui_find_int(u->snap->pairs, "pair", pair) : -1;

    ui_doc_clear(d);
    if (row >= 0) {
        const ff_table *t = u->snap->pairs;
        const char *source = ui_text(t, row, "source"), *target = ui_text(t, row, "target");
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_SOURCE), " Source ");
        ui_doc_add(d, ui_bold(INK_STRONG), "%s", *source ? ui_text(t, row, "source_summary") : "missing");
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", source);
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TARGET), " Target ");
        ui_doc_add(d, ui_bold(INK_STRONG), "%s", *target ? ui_text(t, row, "target_summary") : "missing");
        ui_doc_add(d, ui_plain(INK_DIM), "  %s", target);
        ui_doc_line(d);
        const char *status = ui_text(t, row, "status"), *note = ui_text(t, row, "note");
        bool quiet = strcmp(status, "equal") == 0 || strcmp(status, "equivalent") == 0;
        int64_t layer = ui_int(t, row, "layer", 0);
        ui_doc_add(d, quiet ? ui_plain(INK_GOOD) : ui_bold(INK_BAD), "        %s", status);
        if (*note)
            ui_doc_add(d, ui_plain(INK_TEXT), "  %s", note);
        if (layer)
            ui_doc_add(d, ui_plain(INK_DIM), "  layer L%lld", (long long)layer);
    }
    add_findings(v, d, row >= 0 ? pair : -1, width);
    if (row >= 0) {
        add_scores(v, d, pair);
        if (u->detail && u->detail->pair == pair) {
            add_attributes(d, u->detail->attributes, width);
            add_weights(d, u->detail, width);
            add_origins(d, u->detail->origins, width);
        } else {
            ui_doc_heading(d, u->running ? "attributes and weights come when the engine is free"
                                         : "attributes and weights are being read");
        }
    }
    ui_view_rows(v, (int)d->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(v->data, row, p);
}

static const char *empty(const ui_view *v)
{
    return "choose a row and press Enter";
}

static const char *proposal(const ui_view *v, int row)
{
    int i = chosen_repair(v->ui);
    return i >= 0 ? ui_text(v->ui->snap->proposals, i, "id") : NULL;
}

/* Part of the page is still to come, perhaps below what is seen. */
static void corner(const ui_view *v, ff_buf *out)
{
    const ui *u = v->ui;
    if (u->pair >= 0 && u->snap->loaded && !(u->detail && u->detail->pair == u->pair))
        ff_buf_puts(out, "reading\xe2\x80\xa6");
}

static int pair_of(const ui_view *v, int row)
{
    return v->ui->pair;
}

const ui_view_class ui_detail_class = {
    .name = "detail", .title = "Details", .keys = "a accept its repair  q back", .text = true,
    .finish = finish, .refresh = refresh, .draw = draw, .corner = corner, .empty = empty, .proposal = proposal,
    .pair = pair_of,
};
