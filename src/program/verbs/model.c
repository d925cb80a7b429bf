/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run, apply, convert: one model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"
#include "fetafix/repair.h"
#include "program/batch.h"
#include "program/verbs.h"

static int one_model(const ff_context *c, int argc, char **argv, const char *verb, ff_model **out)
{
    if (argc != 1)
        return ff_fail(FF_ERR_USAGE, "one model is needed: fetafix %s MODEL", verb);
    return batch_load_model(c, argv[0], out);
}

/* ------------------------------------------------------------------------------- run: on images */

static const ff_column run_columns[] = {
    {"image", FF_COL_TEXT, "file name"},
    {"label", FF_COL_INT, "class of the greatest output"},
    {"name", FF_COL_TEXT, "name of the class"},
    {"margin", FF_COL_REAL, "greatest minus second greatest output"},
    {"top5", FF_COL_TEXT, "the five best classes"},
};

static ff_table *label_table(const ff_dataset *set, const ff_labels *l, const ff_names *names)
{
    ff_table *t = ff_table_create("labels", run_columns, FF_COUNT(run_columns));
    for (int i = 0; i < l->count; i++) {
        int row = ff_table_add_row(t);
        ff_buf top = {0};
        for (int k = 0; k < FF_TOP && l->at[i].top[k] >= 0; k++)
            ff_buf_printf(&top, "%s%d", k ? "," : "", l->at[i].top[k]);
        ff_table_set_text(t, row, "image", ff_dataset_name(set, i));
        ff_table_set_int(t, row, "label", l->at[i].top[0]);
        ff_table_set_text(t, row, "name", names ? ff_names_at(names, l->at[i].top[0]) : NULL);
        ff_table_set_real(t, row, "margin", l->at[i].margin);
        ff_table_set_text(t, row, "top5", top.data);
        ff_buf_finish(&top);
    }
    return t;
}

static int save_outputs(const ff_labels *l, const char *path, bool force)
{
    ff_tensor *t;
    int code = ff_tensor_create(FF_FLOAT, 2, (int64_t[]){l->count, l->width}, &t);
    if (code)
        return code;
    for (int i = 0; i < l->count; i++) {
        if (l->at[i].output)
            memcpy((float *)t->data + (size_t)i * (size_t)l->width, l->at[i].output, (size_t)l->width * sizeof(float));
    }
    code = ff_tensor_save_npy(t, path, force);
    ff_tensor_unref(t);
    return code;
}

static void labels_json(const ff_dataset *set, const ff_labels *l, const ff_names *names, ff_buf *out)
{
    ff_buf_printf(out, "{\"schema\": \"fetafix-run/1\", \"width\": %lld, \"images\": [", (long long)l->width);
    for (int i = 0; i < l->count; i++) {
        const ff_label *at = &l->at[i];
        const char *name = names ? ff_names_at(names, at->top[0]) : NULL;
        ff_buf_printf(out, "%s\n  {\"image\": ", i ? "," : "");
        ff_print_json_text(out, ff_dataset_name(set, i));
        ff_buf_puts(out, ", \"name\": ");
        if (name)
            ff_print_json_text(out, name);
        else
            ff_buf_puts(out, "null");
        ff_buf_puts(out, ", \"top\": [");
        for (int k = 0; k < FF_TOP && at->top[k] >= 0; k++)
            ff_buf_printf(out, "%s%d", k ? ", " : "", at->top[k]);
        ff_buf_puts(out, "], \"margin\": ");
        ff_print_real(out, at->margin);
        ff_buf_putc(out, '}');
    }
    ff_buf_puts(out, "\n]}\n");
}

static int report_labels(ff_context *c, const ff_dataset *set, const ff_labels *l, const ff_names *names)
{
    const ff_options *o = c->options;
    ff_table *t = label_table(set, l, names);
    ff_buf out = {0};
    int code = FF_OK;
    if (o->json) {
        labels_json(set, l, names, &out);
        code = write_text(c, o->json, &out, o->force);
        ff_buf_clear(&out);
    }
    if (!code && (!o->json || strcmp(o->json, "-") != 0)) {
        ff_table_print(t, c->format, 0, &out);
        c->print(c->sink, out.data ? out.data : "");
    }
    ff_buf_finish(&out);
    ff_table_unref(t);
    return code;
}

static int run_images(ff_context *c, ff_model *m, const char *path)
{
    const ff_options *o = c->options;
    ff_dataset *set = NULL;
    ff_names *names = NULL;
    ff_labels *l = NULL;
    ff_pool *pool = NULL;
    ff_pre pre;
    const char *why = "given";
    int code = ff_dataset_open(path, o->session.limit, &set);
    if (!code && o->session.labels)
        code = ff_names_load(o->session.labels, &names);
    if (!code && o->session.source_pre) {
        code = ff_pre_parse(o->session.source_pre, &pre);
    } else if (!code) {
        ff_pre_guess(m, &pre, &why);
    }
    bool pictures = !code && ff_dataset_is_pictures(set);
    bool assumed = pictures && ff_pre_assume_size(&pre, m, !o->session.source_pre);
    if (pictures && (assumed || !o->session.source_pre)) {
        char *spec = ff_pre_print(&pre);
        ff_note(c, "preprocessing %s (%s): %s", o->session.source_pre ? "with a size assumed" : "guessed", why, spec);
        free(spec);
    }
    if (code)
        goto out;
    pool = ff_pool_create(o->session.threads, NULL);
    ff_task task = {.pool = pool, .cancel = batch_cancel(c)};
    task.progress = c->task ? c->task->progress : NULL;
    uint64_t memory = ff_session_memory(&o->session) / 4;
    code = ff_label_model(m, NULL, &pre, set, o->session.reference, memory, NULL, o->output != NULL, &task, &l);
    if (!code && l->error)
        code = ff_fail(FF_ERR_GRAPH, "%s", l->error);
    if (!code && o->output)
        code = save_outputs(l, o->output, o->force);
    if (!code)
        code = report_labels(c, set, l, names);
out:
    ff_labels_destroy(l);
    ff_pool_destroy(pool);
    ff_names_destroy(names);
    ff_dataset_destroy(set);
    return code;
}

/* -------------------------------------------------------------------------- run: on a tensor */

/* A batch for a model that takes one sample at a time is run sample by sample. */
static int run_slices(ff_runner *r, const ff_plan *p, const ff_tensor *in, ff_cancel *cancel, ff_tensor **out)
{
    const ff_shape *shape = ff_plan_input_shape(p, 0);
    int64_t n = in->dims[0] / shape->dims[0];
    size_t bytes = in->bytes / (size_t)n;
    ff_hooks hooks = {.cancel = cancel};
    ff_tensor *all = NULL;
    int code = FF_OK;
    for (int64_t i = 0; !code && i < n; i++) {
        ff_tensor *slice, *result[64] = {0};
        if ((code = ff_tensor_create(in->dtype, in->rank, shape->dims, &slice)))
            break;
        memcpy(slice->data, (const char *)in->data + (size_t)i * bytes, bytes);
        code = ff_run(r, (const ff_tensor *const[]){slice}, &hooks, NULL, 0, result);
        ff_tensor_unref(slice);
        if (!code && !all) {
            int64_t dims[FF_MAX_RANK];
            memcpy(dims, result[0]->dims, sizeof dims);
            if (result[0]->rank)
                dims[0] *= n;
            code = ff_tensor_create(result[0]->dtype, result[0]->rank, dims, &all);
        }
        if (!code && all->bytes == result[0]->bytes * (size_t)n)
            memcpy((char *)all->data + (size_t)i * result[0]->bytes, result[0]->data, result[0]->bytes);
        for (int k = 0; k < 64; k++)
            ff_tensor_unref(result[k]);
    }
    if (code) {
        ff_tensor_unref(all);
        return code;
    }
    *out = all;
    return FF_OK;
}

/* Every dim as declared, but for symbolic ones; of the first one any multiple, which is run part by part. */
static bool fits_input(const ff_tensor *in, const ff_shape *declared)
{
    bool fits = declared->rank < 0 || declared->rank == in->rank;
    for (int i = 0; fits && i < declared->rank; i++) {
        int64_t d = declared->dims[i];
        fits = d < 0 || d == in->dims[i] || (i == 0 && d > 0 && in->dims[0] > 0 && in->dims[0] % d == 0);
    }
    return fits;
}

static int check_input(const ff_tensor *in, const ff_value *input)
{
    const ff_shape *d = &input->declared;
    if (fits_input(in, d))
        return FF_OK;
    ff_buf b = {0};
    for (int i = 0; i < d->rank; i++)
        ff_buf_printf(&b, d->dims[i] < 0 ? "%s?" : "%s%lld", i ? "," : "", (long long)d->dims[i]);
    char *name = ff_visible(input->name), *given = ff_tensor_describe(in);
    int code = ff_fail(FF_ERR_GRAPH, "the input '%s' takes [%s], --input gives %s", name, b.data ? b.data : "", given);
    ff_buf_finish(&b);
    free(name);
    free(given);
    return code;
}

static int run_tensor_on(ff_model *m, bool reference, const ff_tensor *given, ff_cancel *cancel, ff_tensor **out)
{
    const ff_graph *g = ff_model_graph(m);
    ff_tensor *in = NULL;
    if (g->n_inputs != 1)
        return ff_fail(FF_ERR_GRAPH, "the model has %d inputs, --input gives one", g->n_inputs);
    const ff_shape *declared = &g->inputs[0]->declared;
    int code = check_input(given, g->inputs[0]);
    if (!code) /* numbers are numbers: NumPy's are float64 unless told otherwise */
        code = ff_tensor_convert(given, declared->dtype == FF_UNDEFINED ? given->dtype : declared->dtype, &in);
    if (code)
        return code;
    ff_shape feed = {.dtype = in->dtype, .rank = in->rank};
    memcpy(feed.dims, in->dims, sizeof feed.dims);
    /* As many samples as the tensor holds where the model leaves the batch open, else one at a
     * time. */
    if (declared->rank == in->rank && in->rank > 0 && declared->dims[0] > 0 && in->dims[0] % declared->dims[0] == 0 &&
        in->dims[0] > 0)
        feed.dims[0] = declared->dims[0];
    ff_plan_options o = {.reference = reference, .feeds = &feed};
    ff_plan *p = NULL;
    ff_runner *r = NULL;
    code = ff_plan_create(m, &o, &p);
    if (!code)
        code = ff_runner_create(p, &r);
    if (!code && in->rank == 0) {
        ff_hooks hooks = {.cancel = cancel};
        code = ff_run(r, (const ff_tensor *const[]){in}, &hooks, NULL, 0, out);
    } else if (!code) {
        code = run_slices(r, p, in, cancel, out);
    }
    ff_runner_destroy(r);
    ff_plan_unref(p);
    ff_tensor_unref(in);
    return code;
}

enum { SHOWN = 16 };

static int run_tensor(ff_context *c, ff_model *m)
{
    const ff_options *o = c->options;
    ff_tensor *in = NULL, *out = NULL;
    int code = ff_tensor_load_npy(o->input, &in);
    if (!code)
        code = run_tensor_on(m, o->session.reference, in, batch_cancel(c), &out);
    if (!code && o->output)
        code = ff_tensor_save_npy(out, o->output, o->force);
    if (!code) {
        char *shape = ff_tensor_describe(out);
        char *name = ff_visible(ff_model_graph(m)->outputs[0]->name);
        ff_buf b = {0};
        int64_t n = c->verbose || out->count < SHOWN ? out->count : SHOWN;
        if (o->json) {
            ff_buf_puts(&b, "{\"schema\": \"fetafix-run/1\", \"output\": ");
            ff_print_json_text(&b, name);
            ff_buf_puts(&b, ", \"shape\": [");
            for (int i = 0; i < out->rank; i++)
                ff_buf_printf(&b, "%s%lld", i ? ", " : "", (long long)out->dims[i]);
            ff_buf_puts(&b, "], \"values\": [");
            n = out->count;
        } else {
            ff_buf_printf(&b, "%s  %s\n ", name, shape);
        }
        for (int64_t i = 0; i < n; i++) {
            ff_buf_puts(&b, o->json ? (i ? ", " : "") : " ");
            double v = ff_tensor_get_real(out, i);
            if (o->json && v - v != 0)
                ff_buf_puts(&b, "null");
            else
                ff_print_real(&b, v);
        }
        ff_buf_puts(&b, o->json ? "]}\n" : n < out->count ? " ... (--verbose shows all)\n" : "\n");
        code = write_text(c, o->json ? o->json : "-", &b, o->force);
        ff_buf_finish(&b);
        free(shape);
        free(name);
    }
    ff_tensor_unref(out);
    ff_tensor_unref(in);
    return code;
}

/* One tensor for one input. What is in an NPZ is run sample by sample, like images. */
static bool is_npy(const char *path)
{
    char magic[2] = {0};
    FILE *f = fopen(path, "rb");
    bool zip = f && fread(magic, 1, 2, f) == 2 && memcmp(magic, "PK", 2) == 0;
    if (f)
        fclose(f);
    return !zip;
}

int verb_run(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    if (!o->session.images == !o->input)
        return ff_fail(FF_ERR_USAGE, "run needs --images DIR|LIST or --input NPY|NPZ");
    int code = batch_check_outputs(o);
    ff_model *m;
    if (code || (code = one_model(c, argc, argv, "run", &m)))
        return code;
    bool one = o->input && is_npy(o->input);
    code = one ? run_tensor(c, m) : run_images(c, m, o->input ? o->input : o->session.images);
    if (code == FF_ERR_GRAPH || code == FF_ERR_UNSUPPORTED)
        code = ff_fail_prefix(code, "'%s'", argv[0]);
    ff_model_unref(m);
    return code;
}

/* ------------------------------------------------------------------------------------- apply */

int verb_apply(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    if (argc != 2)
        return ff_fail(FF_ERR_USAGE, "a patch and a model are needed: fetafix apply PATCH MODEL -o OUT");
    if (!o->output)
        return ff_fail(FF_ERR_USAGE, "apply needs -o OUT");
    ff_repair_file p = {0};
    ff_model *m = NULL, *repaired = NULL;
    int code = batch_check_outputs(o);
    if (!code)
        code = ff_repair_file_read(argv[0], &p);
    if (!code)
        code = batch_load_model(c, argv[1], &m);
    if (!code && !ff_key_equal(ff_model_sha256(m), &p.target))
        code = ff_fail(FF_ERR_INPUT, "'%s' is not the model that '%s' was made for", argv[1], argv[0]);
    if (!code && (code = ff_model_apply(m, p.patch, &repaired, NULL)))
        code = ff_fail_prefix(FF_ERR_INPUT, "'%s'", argv[0]);
    if (!code)
        code = ff_model_save(repaired, o->output, o->force);
    if (!code) {
        ff_say(c, "%d edits, saved %s\n", ff_patch_length(p.patch), o->output);
        if (p.pre)
            ff_say(c, "the model wants this preprocessing:\n  %s\n", p.pre);
    }
    ff_model_unref(repaired);
    ff_model_unref(m);
    ff_repair_file_finish(&p);
    return code;
}

/* ----------------------------------------------------------------------------------- convert */

int verb_convert(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    ff_model *m = NULL;
    if (argc != 1)
        return ff_fail(FF_ERR_USAGE, "one model is needed: fetafix convert MODEL -o OUT.onnx");
    if (!o->output)
        return ff_fail(FF_ERR_USAGE, "convert needs -o OUT.onnx");
    int code = batch_check_outputs(o);
    if (!code)
        code = batch_load_model(c, argv[0], &m);
    if (!code)
        code = ff_model_save(m, o->output, o->force);
    if (!code)
        ff_say(c, "saved %s (from %s, %d nodes)\n", o->output, ff_model_format(m), ff_model_graph(m)->n_nodes);
    ff_model_unref(m);
    return code;
}
