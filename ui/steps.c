/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history tree of repairs with the decisions taken on the way, under the discrepancy curve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { DECISION = 1 << 24, DEPTH_MAX = 12, PATH_MAX_LENGTH = 4096 };

typedef struct history {
    int *depth; /* of a state's branch */
    int count;
    int path[PATH_MAX_LENGTH]; /* states from the root to the present one, and the way redo would go */
    int n_path, present;       /* present: index in path */
    int64_t state;             /* that was present at the last refresh */
} history;

static const ff_table *states_of(const ui_view *v)
{
    return v->ui->snap->states;
}

static history *data_of(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(history));
    return v->data;
}

static void finish(ui_view *v)
{
    history *h = v->data;
    if (h)
        free(h->depth);
    free(h);
    v->data = NULL;
}

static int row_of_state(const ff_table *t, int64_t state)
{
    return state < 0 ? -1 : ff_table_row_of_int(t, "state", state);
}

/* parents[row]; the child that redo would take is the youngest, or the one that leads to the present. */
static void find_path(history *h, const ff_table *t, const int *parents, const int *main_child, int present)
{
    int n = 0, up[PATH_MAX_LENGTH];
    for (int r = present; r >= 0 && n < PATH_MAX_LENGTH; r = parents[r])
        up[n++] = r;
    h->n_path = 0;
    while (n > 0)
        h->path[h->n_path++] = up[--n];
    h->present = h->n_path - 1;
    for (int r = present; r >= 0 && (r = main_child[r]) >= 0 && h->n_path < PATH_MAX_LENGTH;)
        h->path[h->n_path++] = r;
}

static void refresh(ui_view *v)
{
    history *h = data_of(v);
    const ff_table *t = states_of(v), *steps = v->ui->snap->steps;
    int n = ff_table_rows(t), n_steps = ff_table_rows(steps), n_order = 0;
    size_t room = (size_t)n + 1;
    int *parents = ff_alloc_array(room, sizeof *parents);
    int *main_child = ff_alloc_array(room, sizeof *main_child);
    int *order = ff_alloc_array(room + (size_t)n_steps, sizeof *order);
    int *stack = ff_alloc_array(room, sizeof *stack), top = 0;
    int present = row_of_state(t, v->ui->snap->state);

    free(h->depth);
    h->depth = ff_alloc_array(room, sizeof *h->depth);
    h->count = n;
    for (int i = 0; i < n; i++)
        main_child[i] = -1;
    for (int i = 0; i < n; i++) {
        parents[i] = row_of_state(t, ff_table_int_at(t, i, "parent", -1));
        if (parents[i] >= i)
            parents[i] = -1; /* states are numbered in order of time */
        if (parents[i] >= 0)
            main_child[parents[i]] = i;
    }
    for (int r = present; r >= 0 && parents[r] >= 0; r = parents[r])
        main_child[parents[r]] = r;
    if (present >= 0)
        find_path(h, t, parents, main_child, present);
    else
        h->n_path = 0;

    for (int i = n - 1; i >= 0; i--) {
        if (parents[i] < 0)
            stack[top++] = i;
    }
    while (top > 0) {
        int r = stack[--top];
        order[n_order++] = r;
        for (int k = 0; k < n_steps; k++) {
            const char *outcome = ff_table_text_at(steps, k, "outcome");
            if (strcmp(outcome, "rejected") == 0 || strcmp(outcome, "broken") == 0) {
                if (row_of_state(t, ff_table_int_at(steps, k, "state", -1)) == r)
                    order[n_order++] = DECISION + k;
            }
        }
        if (main_child[r] >= 0) { /* alternatives first, indented; the main way goes on below them */
            h->depth[main_child[r]] = h->depth[r];
            stack[top++] = main_child[r];
        }
        for (int i = n - 1; i > r; i--) {
            if (parents[i] == r && i != main_child[r]) {
                h->depth[i] = h->depth[r] + 1;
                stack[top++] = i;
            }
        }
    }
    ui_view_rows(v, n_order, order);
    if (h->state != v->ui->snap->state && present >= 0) { /* the cursor goes along */
        h->state = v->ui->snap->state;
        v->turn = true;
        v->turn_to = present;
    }
    free(parents);
    free(main_child);
    free(order);
    free(stack);
}

static void indent(const history *h, int depth, ui_pen *p)
{
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    for (int i = 0; i < depth && i < DEPTH_MAX; i++) {
        ui_pen_char(p, ui_plain(INK_LANE), i == depth - 1 ? 0x251c : 0x2502);
        ui_pen_char(p, ui_plain(INK_LANE), i == depth - 1 ? 0x2500 : ' ');
    }
}

/* The decision that made a state, or -1. */
static int decision_of(const ff_table *steps, int64_t state)
{
    for (int k = ff_table_rows(steps) - 1; k >= 0; k--) {
        const char *outcome = ff_table_text_at(steps, k, "outcome");
        if (ff_table_int_at(steps, k, "state", -1) == state &&
            (strcmp(outcome, "accepted") == 0 || strcmp(outcome, "kept") == 0))
            return k;
    }
    return -1;
}

/* "LH L3 set pads to [0,0,1,1]"; the layer only where the decision is about one. */
static void draw_decision(const ui_view *v, int k, const char *summary, bool dim, ui_pen *p)
{
    const ff_table *steps = v->ui->snap->steps, *findings = v->ui->snap->findings;
    const char *type = ff_table_text_at(steps, k, "type"), *ids = ff_table_text_at(steps, k, "findings");
    int64_t layer = ff_table_int_at(findings, ff_table_row_of_text(findings, "id", ids), "layer", 0);
    char place[24] = "";

    if (layer)
        snprintf(place, sizeof place, "L%lld ", (long long)layer);
    if (*type)
        ui_pen_printf(p, dim ? ui_plain(INK_DIM) : ui_bold(ui_ink_of_type(type)), "%s ", type);
    ui_pen_text(p, ui_plain(INK_DIM), place);
    ui_pen_brief(p, ui_plain(dim ? INK_DIM : INK_TEXT), summary, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    history *h = v->data;
    const ff_table *t = states_of(v), *steps = v->ui->snap->steps;
    char text[32];

    if (row >= DECISION) {
        int k = row - DECISION, state = row_of_state(t, ff_table_int_at(steps, k, "state", -1));
        indent(h, state >= 0 ? h->depth[state] : 0, p);
        ui_pen_char(p, ui_plain(INK_LANE), 0x2502);
        ui_pen_text(p, ui_plain(INK_WARN), " \xe2\x9c\x97 ");
        draw_decision(v, k, ff_table_text_at(steps, k, "summary"), true, p);
        return;
    }
    bool current = ff_table_int_at(t, row, "current", 0);
    int parent = row_of_state(t, ff_table_int_at(t, row, "parent", -1));
    int64_t wrong = ff_table_int_at(t, row, "wrong", -1),
            before = parent >= 0 ? ff_table_int_at(t, parent, "wrong", -1) : -1;
    bool ahead = true; /* not on the way to the present state */
    for (int i = 0; i <= h->present && i < h->n_path; i++)
        ahead = ahead && h->path[i] != row;

    indent(h, h->depth[row], p);
    ui_pen_char(p, current ? ui_bold(INK_FOCUS) : ui_plain(INK_LANE), current || !ahead ? 0x25cf : 0x25cb);
    snprintf(text, sizeof text, "%lld", (long long)ff_table_int_at(t, row, "state", 0));
    ui_pen_field(p, ui_plain(INK_DIM), -4, text);
    snprintf(text, sizeof text, "%lld", (long long)wrong);
    ui_pen_field(p, ahead ? ui_plain(INK_DIM) : ui_bold(wrong > 0 ? INK_STRONG : INK_GOOD), -5,
                 wrong >= 0 ? text : "?");
    snprintf(text, sizeof text, "%+lld", (long long)(wrong - before));
    ui_pen_field(p,
                 ui_plain(wrong < before   ? INK_GOOD
                          : wrong > before ? INK_BAD
                                           : INK_DIM),
                 -5, before >= 0 && wrong >= 0 ? text : "");
    ui_pen_text(p, ui_plain(INK_TEXT), "  ");
    if (current)
        ui_pen_right(p, ui_plain(INK_FOCUS), " now ");
    int made = decision_of(steps, ff_table_int_at(t, row, "state", -1));
    if (made >= 0)
        draw_decision(v, made, ff_table_text_at(t, row, "summary"), ahead, p);
    else
        ui_pen_brief(p, ui_plain(ahead ? INK_DIM : INK_TEXT), ff_table_text_at(t, row, "summary"), NULL);
}

/* ---------------------------------------------------------------------------------- the curve */

static int head_height(const ui_view *v, int height)
{
    if (ff_table_rows(states_of(v)) < 2)
        return 0;
    return height >= 24 ? 10 : height >= 14 ? 5 : height >= 7 ? 3 : 0;
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const history *h = data_of(v);
    const ff_table *t = states_of(v);
    int rows = r.height - 1, left = 6, room = r.width - left - 1;
    int64_t most = 1;
    char text[32];

    for (int i = 0; i < h->n_path; i++) {
        int64_t w = ff_table_int_at(t, h->path[i], "wrong", 0);
        most = w > most ? w : most;
    }
    int columns = h->n_path < room ? h->n_path : room;
    int each = columns > 0 ? room / columns : 1;
    each = each > 6 ? 6 : each < 1 ? 1 : each;
    for (int row = 0; row < rows; row++) {
        ui_pen p = ui_pen_at(c, r, row);
        text[0] = '\0';
        if (row == 0)
            snprintf(text, sizeof text, "%lld", (long long)most);
        else if (row == rows - 1)
            snprintf(text, sizeof text, "0");
        ui_pen_field(&p, ui_plain(INK_DIM), -(left - 2), text);
        ui_pen_char(&p, ui_plain(INK_FRAME), row == 0 ? 0x2510 : row == rows - 1 ? 0x2518 : 0x2502);
        ui_pen_char(&p, ui_plain(INK_TEXT), ' ');
        for (int k = 0; k < columns; k++) {
            int i = (int)((int64_t)k * h->n_path / columns);
            double f = (double)ff_table_int_at(t, h->path[i], "wrong", 0) / (double)most;
            double part = f * rows - (rows - 1 - row);
            uint32_t block = part >= 1 ? 0x2588 : part > 0 ? ui_block(part) : row == rows - 1 ? 0x2581 : ' ';
            ui_ink ink = i > h->present ? INK_DIM : i == h->present ? INK_FOCUS : ui_ink_of_heat(f);
            for (int e = 0; e < each; e++)
                ui_pen_char(&p, ui_plain(ink), e == each - 1 && each > 2 ? ' ' : block);
        }
    }
    ui_pen p = ui_pen_at(c, r, rows);
    ui_pen_text(&p, ui_plain(INK_DIM), "   state wrong  step");
}

static const char *empty(const ui_view *v)
{
    return "loading the models";
}

/* Steps are counted along the way to the present state: what lies beside it has none. */
static int64_t step(const ui_view *v, int row)
{
    const history *h = v->data;
    for (int i = 1; h && i <= h->present && i < h->n_path; i++) {
        if (h->path[i] == row)
            return i;
    }
    return 0;
}

static void badge(const ui_view *v, ff_buf *out)
{
    int n = ff_table_rows(states_of(v));
    if (n > 1)
        ff_buf_printf(out, "%d", n - 1);
}

static bool verb(ui_view *v, int argc, char **argv)
{
    int row = ui_view_row(v);
    if (strcmp(argv[0], "open") != 0 || row < 0 || row >= DECISION)
        return false;
    if (ff_table_int_at(states_of(v), row, "current", 0)) {
        ui_say(v->ui, INK_INFO, "this is the present state");
        return true;
    }
    char line[48];
    snprintf(line, sizeof line, "goto %lld", (long long)ff_table_int_at(states_of(v), row, "state", 0));
    ui_run(v->ui, line);
    return true;
}

static void bar(const ui_view *v, ui_pen *p)
{
    (void)v;
    ui_hint(p, "effect", "its images");
}

const ui_view_class ui_steps_class = {
    .title = "Steps",
    .keys = "Enter go to this state  x its images  u undo  C-r redo",
    .pane = {1, 3, 4},
    .tables = " steps states ",
    .opens = "go there",
    .bar = bar,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .badge = badge,
    .empty = empty,
    .step = step,
    .verb = verb,
};
