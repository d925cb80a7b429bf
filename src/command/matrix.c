/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix: many conversions of one model against each other. Every model labels the images once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/batch.h"
#include "command/print.h"
#include "fetafix/repair.h"

typedef struct entrant {
    const char *path;
    ff_key sha256;
    ff_labels *labels;
} entrant;

/* Runs one model over the images with its own preprocessing. */
static int label(ff_context *c, const ff_dataset *set, ff_pool *pool, entrant *e)
{
    const ff_options *o = c->options;
    ff_model *m = NULL;
    ff_pre pre;
    const char *why;
    int code = ff_model_load(e->path, &m);
    if (code)
        return code;
    if (o->session.source_pre) {
        code = ff_pre_parse(o->session.source_pre, &pre);
    } else {
        ff_pre_guess(m, &pre, &why);
        char *spec = ff_pre_print(&pre);
        note(c, "%s: preprocessing guessed (%s): %s", e->path, why, spec);
        free(spec);
    }
    ff_task task = {.pool = pool, .cancel = &interrupted};
    uint64_t memory = (o->session.memory ? o->session.memory : ff_memory_total() / 4) / 4;
    e->sha256 = *ff_model_sha256(m);
    if (!code)
        code = ff_label_model(m, o->session.source_output, &pre, set, o->session.reference, memory,
                              false, &task, &e->labels);
    if (code == FF_ERR_GRAPH || code == FF_ERR_UNSUPPORTED)
        code = ff_fail_prefix(code, "'%s'", e->path);
    if (!code && e->labels->error)
        note(c, "'%s' cannot run, it counts as wrong on every image: %s", e->path,
             e->labels->error);
    ff_model_unref(m);
    return code;
}

typedef struct matrix {
    entrant *at;
    int n, images;
    int *wrong, *offset; /* [n * n], row against column; the diagonal stays 0 */
} matrix;

static bool compare_all(matrix *m)
{
    bool differs = false;
    for (int i = 0; i < m->n; i++) {
        for (int k = 0; k < m->n; k++) {
            if (i == k)
                continue;
            const ff_labels *a = m->at[i].labels, *b = m->at[k].labels;
            int at = i * m->n + k;
            bool runs = !a->error && !b->error;
            m->offset[at] = runs ? ff_labels_offset(a, b) : 0;
            m->wrong[at] = runs ? ff_labels_wrong(a, b, m->offset[at]) : m->images;
            differs |= m->wrong[at] != 0;
        }
    }
    return differs;
}

static void write_json(const matrix *m, ff_buf *out)
{
    ff_buf_printf(out, "{\"schema\": \"fetafix-matrix/1\", \"images\": %d, \"models\": [",
                  m->images);
    for (int i = 0; i < m->n; i++) {
        char hex[65];
        ff_key_hex(&m->at[i].sha256, hex);
        ff_buf_printf(out, "%s\n  {\"path\": ", i ? "," : "");
        print_json_text(out, m->at[i].path);
        ff_buf_printf(out, ", \"sha256\": \"%s\", \"width\": %lld, \"error\": ", hex,
                      (long long)m->at[i].labels->width);
        if (m->at[i].labels->error)
            print_json_text(out, m->at[i].labels->error);
        else
            ff_buf_puts(out, "null");
        ff_buf_putc(out, '}');
    }
    static const char *const names[] = {"wrong", "offset"};
    for (int what = 0; what < 2; what++) {
        const int *values = what ? m->offset : m->wrong;
        ff_buf_printf(out, "],\n \"%s\": [", names[what]);
        for (int i = 0; i < m->n; i++) {
            ff_buf_printf(out, "%s\n  [", i ? "," : "");
            for (int k = 0; k < m->n; k++)
                ff_buf_printf(out, "%s%d", k ? ", " : "", values[i * m->n + k]);
            ff_buf_putc(out, ']');
        }
    }
    ff_buf_puts(out, "]}\n");
}

/* A column for each model, headed by its number: paths would make the table too wide. */
static void print_matrix(const matrix *m, ff_format format, ff_buf *out)
{
    ff_column *columns = ff_alloc_array((size_t)m->n + 2, sizeof *columns);
    char(*names)[12] = ff_alloc_array((size_t)m->n, sizeof *names);
    columns[0] = (ff_column){"model", FF_COL_INT, "number of the model"};
    for (int i = 0; i < m->n; i++) {
        snprintf(names[i], sizeof names[i], "%d", i + 1);
        columns[i + 1] = (ff_column){names[i], FF_COL_INT, "images whose labels differ"};
    }
    columns[m->n + 1] = (ff_column){"path", FF_COL_TEXT, "file"};
    ff_table *t = ff_table_create("matrix", columns, m->n + 2);
    for (int i = 0; i < m->n; i++) {
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "model", i + 1);
        for (int k = 0; k < m->n; k++)
            ff_table_set_int(t, row, names[k], m->wrong[i * m->n + k]);
        ff_table_set_text(t, row, "path", m->at[i].path);
    }
    ff_table_print(t, format, 0, out);
    ff_table_unref(t);
    free(columns);
    free(names);
}

static int report(ff_context *c, const matrix *m)
{
    const ff_options *o = c->options;
    ff_buf out = {0};
    int code = FF_OK;
    if (o->json) {
        write_json(m, &out);
        code = write_text(c, o->json, &out, o->force);
        ff_buf_clear(&out);
    }
    if (!code && (!o->json || strcmp(o->json, "-") != 0)) {
        if (c->format == FF_FORMAT_JSON) {
            write_json(m, &out);
        } else {
            print_matrix(m, c->format, &out);
            for (int i = 0; c->format == FF_FORMAT_TEXT && i < m->n; i++) {
                for (int k = i + 1; k < m->n; k++) {
                    if (m->offset[i * m->n + k])
                        ff_buf_printf(&out, "classes of %d are counted %+d against those of %d\n",
                                      k + 1, m->offset[i * m->n + k], i + 1);
                }
            }
            if (c->format == FF_FORMAT_TEXT)
                ff_buf_printf(&out, "labels that differ, of %d images\n", m->images);
        }
        c->print(c->sink, out.data);
    }
    ff_buf_finish(&out);
    return code;
}

int verb_matrix(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    if (argc < 2)
        return ff_fail(FF_ERR_USAGE, "two or more models are needed: fetafix matrix MODEL...");
    if (!o->session.images)
        return ff_fail(FF_ERR_USAGE, "no images are given (--images DIR|LIST)");
    ff_dataset *set = NULL;
    ff_pool *pool = NULL;
    matrix m = {.n = argc};
    bool differs = false;
    int code = batch_check_outputs(o);
    if (!code)
        code = ff_dataset_open(o->session.images, o->session.limit, &set);
    if (code)
        return code;
    m.images = ff_dataset_count(set);
    m.at = ff_alloc_array((size_t)argc, sizeof *m.at);
    m.wrong = ff_alloc_array((size_t)argc * (size_t)argc, sizeof *m.wrong);
    m.offset = ff_alloc_array((size_t)argc * (size_t)argc, sizeof *m.offset);
    pool = ff_pool_create(o->session.threads, NULL);
    for (int i = 0; i < argc && !code; i++) {
        m.at[i].path = argv[i];
        code = label(c, set, pool, &m.at[i]);
    }
    if (!code) {
        differs = compare_all(&m);
        code = report(c, &m);
    }
    for (int i = 0; i < argc; i++)
        ff_labels_destroy(m.at[i].labels);
    free(m.at);
    free(m.wrong);
    free(m.offset);
    ff_pool_destroy(pool);
    ff_dataset_destroy(set);
    return code ? code : differs;
}
