/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about one place: detail, layer, diff, weights; and about one image: why. */
#include "program/verbs/look.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetafix/command_job.h"
#include "fetafix/command_place.h"
#include "fetafix/command_say.h"
#include "fetafix/command_sql.h"
#include "fetafix/command_views.h"

/*
 * The detail of a pair, made by the engine. Where the front end does not wait, *out is NULL and the
 * line is run again when the job has ended.
 */
static int get_detail(ff_context *c, int pair, const ff_detail **out)
{
    bool done;
    *out = ff_session_detail(c->session, pair);
    if (*out)
        return FF_OK;
    int code = ff_later_need(c, &(ff_request){.kind = FF_JOB_DETAIL, .number = pair}, &done);
    if (code || !done)
        return code;
    *out = ff_session_detail(c->session, pair);
    return *out ? FF_OK : ff_fail(FF_ERR_USAGE, "there is no detail of pair %d yet", pair);
}

/* ---------------------------------------------------------------------------------- sections */

/* Tables under one another: in JSON one object with a list each. */
typedef struct section {
    const char *name;
    const char *sql; /* over the views and the detail's tables */
} section;

enum { DETAIL_TABLES = 5 };

static void add_detail(const ff_detail *d, ff_views *v)
{
    const ff_sql_source tables[DETAIL_TABLES] = {{"attributes", d->attributes},
                                                 {"origins", d->origins},
                                                 {"weights", d->weights},
                                                 {"histogram", d->histogram},
                                                 {"worst", d->worst}};
    for (int i = 0; i < DETAIL_TABLES; i++)
        v->at[v->n++] = tables[i];
}
static_assert(DETAIL_TABLES + 12 < FF_VIEWS_MAX, "VIEWS_MAX is too small");

enum { SECTIONS = 6 };

static int print_sections(ff_context *c, const ff_snapshot *s, const ff_detail *d, const section *sections, int n)
{
    ff_views v;
    ff_sql_result results[SECTIONS] = {0};
    ff_named_table tables[SECTIONS];
    int code = FF_OK, rows = 0;
    ff_sql_limits limits = ff_view_limits(c);
    assert(n <= SECTIONS);
    ff_views_open(s, &v);
    if (d)
        add_detail(d, &v);
    for (int i = 0; i < n && !code; i++) {
        code = ff_sql_run(v.at, v.n, sections[i].sql, &limits, &results[i]);
        tables[i] = (ff_named_table){sections[i].name, results[i].table, NULL};
        rows += code ? 0 : ff_table_rows(results[i].table);
    }
    if (!code && !rows && c->format == FF_FORMAT_TEXT)
        ff_say(c, "nothing differs here\n");
    else if (!code)
        ff_show_tables(c, tables, n);
    for (int i = 0; i < n; i++)
        ff_sql_finish(&results[i]);
    ff_views_close(&v);
    return code;
}

/* ---------------------------------------------------------------------------------- commands */

#define WEIGHTS "select role, shape, count, different, relative, max_abs, cause from weights"
/* The N worst elements of each constant. */
#define WORST(n) "select role, at, source, target, difference from worst where place <= " n

static int print_layer(ff_context *c, const ff_snapshot *s, const ff_detail *d)
{
    char *pair = ff_asprintf("select pair, layer, status, source_summary, target_summary, note, source, "
                             "target from pairs where pair = %d",
                             d->pair);
    char *scores = ff_asprintf("select rank, isolated, causal, entire, kw, effect from layers where "
                               "pair = %d",
                               d->pair);
    char *findings = ff_asprintf("select id, status, summary, step, before, after from findings "
                                 "where pair = %d",
                                 d->pair);
    const section all[] = {
        {"pair", pair},         {"scores", scores},
        {"findings", findings}, {"attributes", "select name, source, target, same from attributes where not same"},
        {"weights", WEIGHTS},   {"nodes", "select side, label, op, role, shape from origins"},
    };
    int code = print_sections(c, s, d, all, FF_COUNT(all));
    free(pair);
    free(scores);
    free(findings);
    return code;
}

static int print_detail(ff_context *c, const ff_snapshot *s, const ff_detail *d)
{
    static const section all[] = {
        {"attributes", "select * from attributes"},
        {"nodes", "select * from origins"},
        {"weights", "select * from weights"},
        {"worst", WORST("10")},
    };
    return print_sections(c, s, d, all, FF_COUNT(all));
}

/* Is there a row with this text? Otherwise the names there are grow by it. */
static bool has_name(const ff_table *t, const char *column, const char *name, const char **names, size_t *n)
{
    int k = ff_table_find(t, column);
    bool found = false;
    for (int i = 0; i < ff_table_rows(t); i++) {
        names[*n] = ff_table_text(t, i, k);
        found |= strcasecmp(names[(*n)++], name) == 0;
    }
    return found;
}

static int no_attribute(const char *name, const char *const *names, size_t n)
{
    const char *near = ff_nearest(name, names, n);
    ff_buf all = {0};
    for (size_t i = 0; i < n; i++)
        ff_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    int code =
        near ? ff_fail(FF_ERR_USAGE, "there is no attribute '%s' here; did you mean '%s'?", name, near)
             : ff_fail(FF_ERR_USAGE, "there is no attribute '%s' here; there are: %s", name, n ? all.data : "none");
    ff_buf_finish(&all);
    return code;
}

/* diff PLACE NAME...: these attributes and weights. */
static int diff_names(const ff_detail *d, int argc, char **argv, ff_buf *list, bool *attributes, bool *weights)
{
    size_t most = (size_t)ff_table_rows(d->attributes) + (size_t)ff_table_rows(d->weights) + 1;
    const char **names = ff_alloc_array(most, sizeof *names);
    int code = FF_OK;
    ff_buf_puts(list, "(");
    for (int i = 0; i < argc && !code; i++) {
        size_t n = 0;
        bool attribute = has_name(d->attributes, "name", argv[i], names, &n);
        bool weight = has_name(d->weights, "role", argv[i], names, &n);
        *attributes |= attribute;
        *weights |= weight;
        if (!attribute && !weight)
            code = no_attribute(argv[i], names, n);
        ff_buf_puts(list, i ? ", lower(" : "lower(");
        ff_sql_put_text(list, argv[i]);
        ff_buf_puts(list, ")");
    }
    ff_buf_puts(list, ")");
    free(names);
    return code;
}

/* What differs, or what is named, whether it differs or not. */
static int print_diff(ff_context *c, const ff_snapshot *s, const ff_detail *d, int argc, char **argv)
{
    ff_buf list = {0};
    bool attributes = !argc, weights = !argc;
    int code = diff_names(d, argc, argv, &list, &attributes, &weights);
    char *first = ff_asprintf("select name, source, target, same from attributes where %s%s",
                              argc ? "lower(name) in " : "not same", argc ? list.data : "");
    char *second =
        ff_asprintf(WEIGHTS " where %s%s", argc ? "lower(role) in " : "cause is not 'equal'", argc ? list.data : "");
    section sections[2];
    int n = 0;
    if (attributes)
        sections[n++] = (section){"attributes", first};
    if (weights)
        sections[n++] = (section){"weights", second};
    if (!code)
        code = print_sections(c, s, d, sections, n);
    free(first);
    free(second);
    ff_buf_finish(&list);
    return code;
}

/* weights PLACE [worst N] */
static int print_weights(ff_context *c, const ff_snapshot *s, const ff_detail *d, int argc, char **argv)
{
    int64_t n = 10;
    if (argc == 0)
        return print_sections(c, s, d, &(section){"weights", WEIGHTS}, 1);
    if (argc > 2 || strcmp(argv[0], "worst") != 0)
        return ff_fail(FF_ERR_USAGE, "expected: weights NODE | layer NUMBER [worst [N]], not '%s'", argv[0]);
    if (argc > 1 && (!ff_parse_int(argv[1], &n) || n < 1))
        return ff_fail(FF_ERR_USAGE, "weights: worst '%s': a whole number from 1 is expected", argv[1]);
    char *worst = ff_asprintf(WORST("%lld"), (long long)n);
    const section both[] = {{"weights", WEIGHTS}, {"worst", worst}};
    int code = print_sections(c, s, d, both, FF_COUNT(both));
    free(worst);
    return code;
}

int prompt_look(ff_context *c, int argc, char **argv)
{
    bool done, layer = strcmp(argv[0], "layer") == 0;
    int pair = -1, used = 0, code = ff_need_localized(c, &done);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const ff_detail *d = NULL;
    code = (layer ? ff_place_layer : ff_place_pair)(s, argc - 1, argv + 1, &used, &pair);
    int n = argc - 1 - used;
    char **rest = argv + 1 + used;
    if (!code && n > 0 && (layer || strcmp(argv[0], "detail") == 0))
        code = ff_fail(FF_ERR_USAGE, "expected: %s %s", argv[0], ff_command_find(argv[0])->arguments);
    if (!code)
        code = get_detail(c, pair, &d);
    if (!code && d) {
        code = layer                             ? print_layer(c, s, d)
               : strcmp(argv[0], "diff") == 0    ? print_diff(c, s, d, n, rest)
               : strcmp(argv[0], "weights") == 0 ? print_weights(c, s, d, n, rest)
                                                 : print_detail(c, s, d);
    }
    ff_detail_unref(d);
    ff_snapshot_unref(s);
    return code;
}

/* ------------------------------------------------------------------------------------ images */

/* The answer in a sentence: text only, the tables below hold it too. */
static void say_why(ff_context *c, const ff_snapshot *s, int row)
{
    const ff_table *t = s->images_table;
    int step = ff_table_find(t, "fixed_by"), wrong = ff_table_find(t, "wrong");
    int source = ff_table_find(t, "source"), initial = ff_table_find(t, "initial");
    if (!ff_table_empty(t, row, step))
        ff_say(c, "%s: put right by step %lld\n", ff_table_text_at(t, row, "name"),
               (long long)ff_table_int(t, row, step));
    else if (!ff_table_int(t, row, wrong))
        ff_say(c, "%s: both models give it class %lld\n", ff_table_text_at(t, row, "name"),
               (long long)ff_table_int(t, row, source));
    else if (ff_table_int(t, row, initial) == ff_table_int(t, row, source))
        ff_say(c, "%s: wrong since a step was taken; it was right at first\n", ff_table_text_at(t, row, "name"));
    else
        ff_say(c, "%s: wrong; the Source is ahead by %.4g, the open findings are below\n",
               ff_table_text_at(t, row, "name"), ff_table_real(t, row, ff_table_find(t, "source_margin")));
}

int prompt_why(ff_context *c, int argc, char **argv)
{
    bool says_image = argc > 1 && strncmp(argv[1], "image", 5) == 0 && (!argv[1][5] || strcmp(argv[1] + 5, "s") == 0);
    bool done;
    if (argc == 3 ? !says_image : says_image)
        return ff_fail(FF_ERR_USAGE, "expected: why image IMAGE");
    int row, code = ff_need_localized(c, &done);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    code = ff_place_image(s, argv[argc - 1], &row);
    if (!code) {
        const ff_table *t = s->images_table;
        long long image = (long long)ff_table_int(t, row, ff_table_find(t, "image"));
        int fixed = ff_table_find(t, "fixed_by"), wrong = ff_table_find(t, "wrong");
        char *labels =
            ff_asprintf("select source, source_name, source_margin, target, target_name, target_margin, initial "
                        "from images where image = %lld",
                        image);
        char *best = ff_asprintf("select a.place, a.class as source, b.class as target from labels a "
                                 "join labels b on b.image = a.image and b.place = a.place and b.side = "
                                 "'target' where a.image = %lld and a.side = 'source'",
                                 image);
        char *cause = ff_table_empty(t, row, fixed)
                          ? ff_asprintf("select type, layer, summary from findings where status != "
                                        "'repaired' and %d",
                                        ff_table_int(t, row, wrong) != 0)
                          : ff_asprintf("select state, summary, wrong from states where step = %lld and "
                                        "state in (with recursive way(n) as (select state from states where "
                                        "current union select parent from states, way where state = n) "
                                        "select n from way)",
                                        (long long)ff_table_int(t, row, fixed));
        const section all[] = {
            {"labels", labels}, {"best", best}, {ff_table_empty(t, row, fixed) ? "open" : "step", cause}};
        if (c->format == FF_FORMAT_TEXT)
            say_why(c, s, row);
        code = print_sections(c, s, NULL, all, FF_COUNT(all));
        free(labels);
        free(best);
        free(cause);
    }
    ff_snapshot_unref(s);
    return code;
}
