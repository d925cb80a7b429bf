/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix: many conversions of one model against each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/batch.h"
#include "program/verbs.h"
#include "program/verbs/many.h"
#include "program/verbs/matrix_page.h"

static void write_json(const many *m, ff_buf *out)
{
    ff_buf_printf(out, "{\"schema\": \"fetafix-matrix/1\", \"images\": %d, \"comparator\": ", m->images);
    ff_print_json_text(out, ff_comparator_spec(m->comparator));
    ff_buf_puts(out, ", \"models\": [");
    for (int i = 0; i < m->n; i++) {
        ff_buf_printf(out, "%s\n  {", i ? "," : "");
        many_print_model(&m->at[i], out);
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
static void print_matrix(const many *m, ff_format format, ff_buf *out)
{
    ff_column *columns = ff_alloc_array((size_t)m->n + 2, sizeof *columns);
    char(*names)[12] = ff_alloc_array((size_t)m->n, sizeof *names);
    columns[0] = (ff_column){"model", FF_COL_INT, "number of the model"};
    for (int i = 0; i < m->n; i++) {
        snprintf(names[i], sizeof names[i], "%d", i + 1);
        columns[i + 1] = (ff_column){names[i], FF_COL_INT, "samples on which the column differs from the row"};
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

static void print_text(const many *m, ff_format format, ff_buf *out)
{
    print_matrix(m, format, out);
    if (format != FF_FORMAT_TEXT)
        return;
    for (int i = 0; i < m->n; i++) {
        for (int k = i + 1; k < m->n; k++) {
            if (m->offset[i * m->n + k])
                ff_buf_printf(out, "classes of %d are counted %+d against those of %d\n", k + 1,
                              m->offset[i * m->n + k], i + 1);
        }
    }
    many_print_count(m, "", out);
}

static int report(ff_context *c, const many *m)
{
    const ff_options *o = c->options;
    const char *const files[] = {o->json, o->report};
    void (*const write[])(const many *, ff_buf *) = {write_json, matrix_page};
    bool taken = false; /* standard output is, by `--json -` or `--report -` */
    ff_buf out = {0};
    int code = FF_OK;
    for (size_t i = 0; i < FF_COUNT(files) && !code; i++) {
        if (!files[i])
            continue;
        taken |= strcmp(files[i], "-") == 0;
        ff_buf_clear(&out);
        write[i](m, &out);
        code = write_text(c, files[i], &out, o->force);
    }
    if (!code && !taken) {
        ff_buf_clear(&out);
        if (c->format == FF_FORMAT_JSON)
            write_json(m, &out);
        else
            print_text(m, c->format, &out);
        c->print(c->sink, out.data);
    }
    ff_buf_finish(&out);
    return code;
}

int verb_matrix(ff_context *c, int argc, char **argv)
{
    if (argc < 2)
        return ff_fail(FF_ERR_USAGE, "two or more models are needed: fetafix matrix MODEL...");
    const char **pre = ff_alloc_array((size_t)argc, sizeof *pre);
    many m;
    bool differs = false;
    for (int i = 0; i < argc; i++)
        pre[i] = c->options->session.source_pre;
    int code = many_label(c, argv, pre, argc, MANY_ALL, &m);
    if (!code)
        code = report(c, &m);
    for (int i = 0; !code && i < m.n * m.n; i++)
        differs |= m.wrong[i] != 0;
    many_finish(&m);
    free(pre);
    return code ? code : differs;
}
