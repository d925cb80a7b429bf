/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare with several Targets: which conversion of a Source is best, and what made it. */
#include "program/verbs/rank.h"

#include <stdlib.h>
#include <string.h>

#include "program/batch.h"
#include "program/verbs/many.h"

static const ff_column columns[] = {
    {"rank", FF_COL_INT, "equal counts share a rank"},
    {"wrong", FF_COL_INT, "images whose labels differ from the Source's"},
    {"percent", FF_COL_REAL, "the same of all images"},
    {"producer", FF_COL_TEXT, "what wrote the file, as it says"},
    {"opset", FF_COL_INT, "of the default domain"},
    {"offset", FF_COL_INT, "how its classes are counted against the Source's"},
    {"path", FF_COL_TEXT, "file"},
};

typedef struct place {
    int entrant, wrong, rank;
} place;

static int by_wrong(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->wrong != y->wrong ? (x->wrong > y->wrong) - (x->wrong < y->wrong) : x->entrant - y->entrant;
}

/* The Targets (entrants 1..n-1) with the fewest wrong labels first. The caller frees. */
static place *rank(const many *m)
{
    place *p = ff_alloc_array((size_t)m->n, sizeof *p);
    for (int i = 1; i < m->n; i++)
        p[i - 1] = (place){i, m->wrong[i], 0};
    qsort(p, (size_t)m->n - 1, sizeof *p, by_wrong);
    for (int i = 0; i < m->n - 1; i++)
        p[i].rank = i > 0 && p[i].wrong == p[i - 1].wrong ? p[i - 1].rank : i + 1;
    return p;
}

static double percent(const many *m, const place *p)
{
    return 100.0 * p->wrong / m->images;
}

static void write_json(const many *m, const place *p, ff_buf *out)
{
    ff_buf_printf(out, "{\"schema\": \"fetafix-ranking/1\", \"images\": %d, \"comparator\": ", m->images);
    ff_print_json_text(out, ff_comparator_spec(m->comparator));
    ff_buf_puts(out, ", \"source\": {");
    many_print_model(&m->at[0], out);
    ff_buf_puts(out, "},\n \"targets\": [");
    for (int i = 0; i < m->n - 1; i++) {
        ff_buf_printf(out, "%s\n  {\"rank\": %d, \"wrong\": %d, \"percent\": ", i ? "," : "", p[i].rank, p[i].wrong);
        ff_print_real(out, percent(m, &p[i]));
        ff_buf_printf(out, ", \"offset\": %d, ", m->offset[p[i].entrant]);
        many_print_model(&m->at[p[i].entrant], out);
        ff_buf_putc(out, '}');
    }
    ff_buf_puts(out, "]}\n");
}

static void print_ranking(const many *m, const place *p, ff_format format, ff_buf *out)
{
    ff_table *t = ff_table_create("ranking", columns, FF_COUNT(columns));
    bool offsets = format != FF_FORMAT_TEXT;
    for (int i = 0; i < m->n - 1; i++) {
        const entrant *e = &m->at[p[i].entrant];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "rank", p[i].rank);
        ff_table_set_int(t, row, "wrong", p[i].wrong);
        ff_table_set_real(t, row, "percent", percent(m, &p[i]));
        ff_table_set_text(t, row, "producer", *e->producer ? e->producer : "unknown");
        ff_table_set_int(t, row, "opset", e->opset);
        ff_table_set_int(t, row, "offset", m->offset[p[i].entrant]);
        ff_table_set_text(t, row, "path", e->path);
        offsets |= m->offset[p[i].entrant] != 0;
    }
    if (format == FF_FORMAT_TEXT)
        ff_buf_printf(out, "Source  %s  (opset %d%s%s)\n", m->at[0].path, m->at[0].opset,
                      *m->at[0].producer ? ", " : "", m->at[0].producer);
    ff_print_table(t, offsets ? NULL : "rank wrong percent producer opset path", format, 0, out);
    if (format == FF_FORMAT_TEXT)
        many_print_count(m, " from the Source's", out);
    ff_table_unref(t);
}

/* What compares one pair only. */
static int check_options(const ff_options *o)
{
    const struct {
        const char *name, *value;
    } others[] = {{"report", o->report},
                  {"labels-csv", o->labels_csv},
                  {"session", o->session.path},
                  {"validate", o->session.validate},
                  {"source-output", o->session.source_output},
                  {"target-output", o->session.target_output}};
    for (size_t i = 0; i < FF_COUNT(others); i++) {
        if (others[i].value)
            return ff_fail(FF_ERR_USAGE, "--%s goes with one Target and --format text", others[i].name);
    }
    return FF_OK;
}

int compare_many(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    const char **pre = ff_alloc_array((size_t)argc, sizeof *pre);
    many m = {0};
    int wrong = 0, code = argc < 2 ? ff_fail(FF_ERR_USAGE, "expected: compare SOURCE TARGET...") : check_options(o);
    for (int i = 0; i < argc; i++)
        pre[i] = i ? o->session.target_pre : o->session.source_pre;
    if (!code)
        code = many_label(c, argv, pre, argc, MANY_FIRST, &m);
    if (!code && m.at[0].labels->error)
        code = ff_fail(FF_ERR_GRAPH, "the Source cannot run: %s", m.at[0].labels->error);
    if (!code) {
        place *p = rank(&m);
        bool json = !o->json && c->format == FF_FORMAT_JSON;
        ff_buf out = {0};
        if (o->json || json) {
            write_json(&m, p, &out);
            code = write_text(c, json ? "-" : o->json, &out, o->force);
            ff_buf_clear(&out);
        }
        if (!code && !json && !(o->json && strcmp(o->json, "-") == 0)) {
            print_ranking(&m, p, c->format, &out);
            c->print(c->sink, out.data);
        }
        wrong = p[m.n - 2].wrong; /* the worst */
        ff_buf_finish(&out);
        free(p);
    }
    many_finish(&m);
    free(pre);
    return code ? code : wrong > 0;
}
