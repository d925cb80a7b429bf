/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two states of the history side by side: counts, the images on which they differ (in their label; where another
 * comparator decides, in its verdict), and the edits of one alone. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"
#include "session/show/snapshot.h"

typedef struct box {
    ff_comparison c; /* first: the public pointer is the box's */
    atomic_int refs;
} box;

const ff_comparison *comparison_ref(const ff_comparison *c)
{
    atomic_fetch_add(&((box *)c)->refs, 1);
    return c;
}

void ff_comparison_unref(const ff_comparison *c)
{
    box *b = (box *)c;
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    ff_table_unref(c->states);
    ff_table_unref(c->images);
    ff_table_unref(c->edits);
    free(b);
}

static const ff_column state_columns[] = {
    {"state", FF_COL_INT, "number"},
    {"wrong", FF_COL_INT, "images whose labels differ from the Source's"},
    {"distance", FF_COL_REAL, "mean relative distance of the outputs"},
    {"step", FF_COL_INT, "accepted steps since state 0"},
    {"summary", FF_COL_TEXT, "the step that made it"},
    {"preprocessing", FF_COL_TEXT, "what the Target is fed"},
};

static void add_state(const ff_case *c, ff_table *t, int64_t number)
{
    const case_state *p = &c->history.states[number];
    int row = ff_table_add_row(t);
    char *pre = ff_pre_print(&p->pre);
    ff_table_set_int(t, row, "state", number);
    ff_table_set_int(t, row, "wrong", p->wrong);
    if (isfinite(p->distance))
        ff_table_set_real(t, row, "distance", p->distance);
    ff_table_set_int(t, row, "step", p->depth);
    ff_table_set_text(t, row, "summary", number ? p->summary : "as it came");
    ff_table_set_text(t, row, "preprocessing", pre);
    free(pre);
}

static const ff_column image_columns[] = {
    {"image", FF_COL_INT, "number, from 0"},
    {"name", FF_COL_TEXT, "file name"},
    {"source", FF_COL_INT, "the Source's class"},
    {"a", FF_COL_INT, "class in the first state"},
    {"b", FF_COL_INT, "class in the second state"},
    {"right", FF_COL_TEXT, "which of the two agrees with the Source: a, b or neither"},
    {"a_score", FF_COL_REAL, "what the comparator found in the first state"}, /* unless labels decide */
    {"b_score", FF_COL_REAL, "what it found in the second"},
};
enum { SCORES = 2 };

static bool differ(const ff_case *c, const ff_label *source, const ff_label *x, const ff_label *y)
{
    return !ff_comparator_by_label(c->comparator)
               ? ff_label_wrong(source, x, c->offset) != ff_label_wrong(source, y, c->offset)
               : x->top[0] != y->top[0];
}

static void set_side(ff_table *t, int row, const char *label, const char *score, const ff_label *l)
{
    if (l->top[0] >= 0)
        ff_table_set_int(t, row, label, l->top[0]);
    if (l->verdict != FF_BY_LABEL)
        ff_table_set_real(t, row, score, l->score);
}

static ff_table *compare_images(const ff_case *c, const case_state *a, const case_state *b)
{
    bool judged = !ff_comparator_by_label(c->comparator);
    ff_table *t = ff_table_create("images", image_columns, FF_COUNT(image_columns) - (judged ? 0 : SCORES));
    for (int i = 0; i < a->labels->count; i++) {
        const ff_label *source = &c->source_labels->at[i], *x = &a->labels->at[i], *y = &b->labels->at[i];
        if (!differ(c, source, x, y))
            continue;
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "image", i);
        ff_table_set_text(t, row, "name", ff_dataset_name(c->set, i));
        if (source->top[0] >= 0)
            ff_table_set_int(t, row, "source", source->top[0]);
        set_side(t, row, "a", "a_score", x);
        set_side(t, row, "b", "b_score", y);
        ff_table_set_text(t, row, "right",
                          !ff_label_wrong(source, x, c->offset)   ? "a"
                          : !ff_label_wrong(source, y, c->offset) ? "b"
                                                                  : "neither");
    }
    return t;
}

static const ff_column edit_columns[] = {
    {"state", FF_COL_INT, "the state it belongs to"},
    {"edit", FF_COL_TEXT, "in words"},
};

/* The edits on the way to a state, a line each: the graph's, then the preprocessing where it is another than at first. */
static char *edits_to(const ff_case *c, int64_t number)
{
    const case_state *at = &c->history.states[number];
    int n = at->depth + 1;
    int64_t *way = ff_alloc_array((size_t)n, sizeof *way);
    case_path(c, number, way, n);
    ff_buf b = {0};
    ff_buf_puts(&b, "");
    for (int i = 1; i < n; i++) {
        char *edits = c->history.states[way[i]].patch ? ff_patch_describe(c->history.states[way[i]].patch) : NULL;
        if (edits && *edits)
            ff_buf_printf(&b, "%s%s", b.len ? "\n" : "", edits);
        free(edits);
    }
    if (!ff_pre_equal(&at->pre, &c->target_pre)) {
        char *pre = ff_pre_print(&at->pre);
        ff_buf_printf(&b, "%spreprocess the Target's images with %s", b.len ? "\n" : "", pre);
        free(pre);
    }
    free(way);
    return ff_buf_steal(&b);
}

static void add_edits(ff_table *t, int64_t number, const char *mine, const char *others)
{
    char **lines;
    int n = case_split_lines(mine, &lines);
    for (int i = 0; i < n; i++) {
        if (!case_lists(others, lines[i])) {
            int row = ff_table_add_row(t);
            ff_table_set_int(t, row, "state", number);
            ff_table_set_text(t, row, "edit", lines[i]);
        }
        free(lines[i]);
    }
    free(lines);
}

int case_compare(ff_case *c, int64_t a, int64_t b, const ff_comparison **out)
{
    const int64_t numbers[] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (!case_state_at(c, numbers[i]))
            return ff_fail(FF_ERR_USAGE, "there is no state %lld", (long long)numbers[i]);
    }
    const case_state *x = &c->history.states[a], *y = &c->history.states[b];
    box *made = ff_alloc(sizeof *made);
    atomic_init(&made->refs, 1);
    ff_table *states = ff_table_create("states", state_columns, FF_COUNT(state_columns));
    ff_table *edits = ff_table_create("edits", edit_columns, FF_COUNT(edit_columns));
    char *of_a = edits_to(c, a), *of_b = edits_to(c, b);
    add_state(c, states, a);
    add_state(c, states, b);
    add_edits(edits, a, of_a, of_b);
    add_edits(edits, b, of_b, of_a);
    made->c = (ff_comparison){
        .a = a,
        .b = b,
        .same_model = strcmp(x->model_hex, y->model_hex) == 0 && ff_pre_equal(&x->pre, &y->pre),
        .states = states,
        .images = compare_images(c, x, y),
        .edits = edits,
    };
    free(of_a);
    free(of_b);
    *out = &made->c;
    return FF_OK;
}
