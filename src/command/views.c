/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/views.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "fetafix/command_sql.h"
#include "fetafix/command_views.h"

static const ff_column label_columns[] = {
    {"image", FF_COL_INT, "number, from 0"},      {"name", FF_COL_TEXT, "file name"},
    {"side", FF_COL_TEXT, "source or target"},    {"place", FF_COL_INT, "1: the label; to 5"},
    {"class", FF_COL_INT, "number of the class"},
};

#define IN(member) (int)offsetof(ff_snapshot, member)

/* `from`: where the table is in a snapshot; -1: it is made from others. */
static const struct {
    ff_view view;
    int from;
    bool localized; /* known when the models were compared */
} all[] = {
    {{"nodes", "the nodes of both files, as they were written", "pair side node op status note",
      "nodes op=Conv differs"},
     IN(nodes),
     true},
    {{"pairs", "the aligned graph: which node is which",
      "pair layer status source_summary target_summary note reason source target",
      "query select status, count(*) from pairs group by status"},
     IN(pairs),
     true},
    {{"layers", "scores of the core layers", "layer rank isolated causal entire kw source",
      "layers isolated>0.01 by causal top 5"},
     IN(layers),
     true},
    {{"findings", "what differs, and what became of it", "type status essential layer step summary",
      "findings type=WB status=open"},
     IN(findings),
     true},
    {{"proposals", "repairs to try, in order", "number type status verdict wrong summary id", "proposals type=LH"},
     IN(proposals),
     true},
    {{"states", "the history tree", "state parent wrong distance step current summary", "states by wrong top 3"},
     IN(states)},
    {{"steps", "all decisions, in order of time", "decision step outcome before after phase type summary",
      "steps outcome=accepted"},
     IN(steps)},
    {{"images", "the images and both labels", "image name source target wrong fixed_by",
      "images wrong by target_margin top 10"},
     IN(images_table)},
    {{"labels", "both models' five best classes of every image", "image name side place class",
      "query select i.name, l.class from images i join labels l on l.image = i.image "
      "where i.wrong and l.side = 'target' and l.place = 2"},
     -1},
    {{"equivalences", "differences that cannot change a result", "rule source_nodes target_nodes deviation",
      "query select rule, count(*) from equivalences group by rule order by 2 desc"},
     IN(equivalences),
     true},
    {{"pins", "pairs that were pinned or forbidden", "word source target", "pins word=forbid"}, IN(pins)},
    {{"log", "recent notes of the engine", "line", "log accepted"}, IN(log)},
};
static_assert(FF_COUNT(all) <= FF_VIEWS_MAX, "VIEWS_MAX is too small");

const ff_view *ff_view_at(int i)
{
    return i >= 0 && (size_t)i < FF_COUNT(all) ? &all[i].view : NULL;
}

const ff_column *ff_view_columns(const ff_view *v, int *n)
{
    const ff_column *columns = ff_session_columns(v->name, n);
    if (!columns) {
        columns = label_columns;
        *n = FF_COUNT(label_columns);
    }
    return columns;
}

const ff_view *ff_view_find(const char *name)
{
    for (size_t i = 0; i < FF_COUNT(all); i++) {
        if (strcmp(all[i].view.name, name) == 0)
            return &all[i].view;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------ tables */

/* The classes of "12,94,26", best first. */
static void add_classes(ff_table *t, const ff_table *images, int image, const char *side, const char *column)
{
    int number = ff_table_find(images, "image"), name = ff_table_find(images, "name");
    const char *s = ff_table_text(images, image, ff_table_find(images, column));
    for (int place = 1; *s; place++) {
        char *end;
        long class = strtol(s, &end, 10);
        if (end == s)
            return;
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "image", ff_table_int(images, image, number));
        ff_table_set_text(t, row, "name", ff_table_text(images, image, name));
        ff_table_set_text(t, row, "side", side);
        ff_table_set_int(t, row, "place", place);
        ff_table_set_int(t, row, "class", class);
        s = *end == ',' ? end + 1 : end;
    }
}

static ff_table *make_labels(const ff_table *images)
{
    ff_table *t = ff_table_create("labels", label_columns, FF_COUNT(label_columns));
    for (int i = 0; images && i < ff_table_rows(images); i++) {
        add_classes(t, images, i, "source", "top_source");
        add_classes(t, images, i, "target", "top_target");
    }
    return t;
}

void ff_views_open(const ff_snapshot *s, ff_views *out)
{
    *out = (ff_views){.made = make_labels(s->images_table)};
    for (size_t i = 0; i < FF_COUNT(all); i++) {
        const ff_table *t = out->made;
        if (all[i].from >= 0)
            t = *(const ff_table *const *)((const char *)s + all[i].from);
        if (t)
            out->at[out->n++] = (ff_sql_source){all[i].view.name, t};
    }
}

void ff_views_close(ff_views *v)
{
    ff_table_unref(v->made);
    *v = (ff_views){0};
}

int views_list(ff_context *c)
{
    static const ff_column columns[] = {
        {"view", FF_COL_TEXT, "name, as a command and in SQL"},
        {"rows", FF_COL_INT, "how many there are"},
        {"summary", FF_COL_TEXT, "what it holds"},
    };
    bool done;
    int code = ff_need_localized(c, &done);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_table *t = ff_table_create("views", columns, FF_COUNT(columns));
    ff_views v;
    ff_views_open(s, &v);
    for (int i = 0; i < v.n; i++) {
        int row = ff_table_add_row(t);
        ff_table_set_text(t, row, "view", v.at[i].name);
        ff_table_set_int(t, row, "rows", ff_table_rows(v.at[i].table));
        ff_table_set_text(t, row, "summary", ff_view_find(v.at[i].name)->summary);
    }
    ff_show_table(c, t, NULL);
    ff_views_close(&v);
    ff_table_unref(t);
    ff_snapshot_unref(s);
    return FF_OK;
}

/* Does SQL, or a view's name, speak of what is known only when the models were compared? */
bool ff_views_need_localized(const char *sql)
{
    for (size_t i = 0; i < FF_COUNT(all); i++) {
        if (all[i].localized && strcasestr(sql, all[i].view.name))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------------------------- printing */

ff_sql_limits ff_view_limits(const ff_context *c)
{
    ff_sql_limits limits = ff_sql_usual;
    limits.cancel = &ff_interrupted;
    if (c->view)
        limits.steps /= 10; /* keys wait for it */
    return limits;
}

int ff_view_query(ff_context *c, const char *sql, const char *shown)
{
    if (!c->session)
        return ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_sql_limits limits = ff_view_limits(c);
    ff_sql_result r;
    ff_views v;
    ff_views_open(s, &v);
    int code = ff_sql_run(v.at, v.n, sql, &limits, &r);
    if (!code) {
        ff_show_table(c, r.table, shown);
        if (r.more)
            ff_note(c, "only the first %d rows are shown", limits.rows);
        ff_sql_finish(&r);
    }
    ff_views_close(&v);
    ff_snapshot_unref(s);
    return code;
}

void view_help(const ff_view *v, ff_buf *out)
{
    static const char *const types[] = {"number", "real", "text", "yes|no"};
    int n;
    const ff_column *columns = ff_view_columns(v, &n);
    ff_buf_printf(out, "%s: %s\n", v->name, v->summary);
    for (int i = 0; i < n; i++) {
        ff_buf_printf(out, "    %-15s %-7s ", columns[i].name, types[columns[i].type]);
        ff_print_wrapped(out, columns[i].help, 28, FF_PRINT_WIDTH);
    }
    ff_buf_puts(out, "    as: ");
    ff_print_wrapped(out, v->example, 8, FF_PRINT_WIDTH);
}
