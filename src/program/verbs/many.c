/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program/verbs/many.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/command_say.h"
#include "program/batch.h"

/* MODEL@SPEC; a file of that whole name comes first. */
static void take_word(const char *word, const char *pre, entrant *e, char **spec)
{
    const char *at = strrchr(word, '@');
    bool both = at && at > word && at[1] && access(word, F_OK) != 0;
    e->path = both ? ff_strndup(word, (size_t)(at - word)) : ff_strdup(word);
    *spec = ff_strdup(both ? at + 1 : pre);
}

static int choose_pre(ff_context *c, const many *all, const ff_model *m, const char *spec, entrant *e, ff_pre *pre)
{
    const char *why = NULL;
    if (!ff_dataset_is_pictures(all->set)) {
        ff_pre_guess(m, pre, &why); /* not looked at */
        return FF_OK;
    }
    if (spec) {
        int code = ff_pre_parse(spec, pre);
        if (code)
            return code;
    } else {
        ff_pre_guess(m, pre, &why);
    }
    ff_pre_assume_size(pre, m, !spec);
    e->spec = ff_pre_print(pre);
    if (why)
        ff_note(c, "%s: preprocessing guessed (%s): %s", e->path, why, e->spec);
    return FF_OK;
}

/* Runs one model over the images. */
static int label(ff_context *c, const many *all, const char *spec, entrant *e)
{
    const ff_options *o = c->options;
    ff_model *m = NULL;
    ff_pre pre;
    int code = batch_load_model(c, e->path, &m);
    if (code)
        return code;
    e->sha256 = *ff_model_sha256(m);
    e->producer = ff_visible(ff_model_producer(m));
    e->opset = ff_model_opset(m, "");
    uint64_t memory = ff_session_memory(&o->session) / 4;
    code = choose_pre(c, all, m, spec, e, &pre);
    if (!code)
        code =
            ff_label_model(m, ff_comparator_output(all->comparator, NULL), &pre, all->set, o->session.reference, memory,
                           NULL, ff_comparator_keep(all->comparator, FF_KEEP_NOTHING), &all->task, &e->labels);
    if (code == FF_ERR_GRAPH || code == FF_ERR_UNSUPPORTED)
        code = ff_fail_prefix(code, "'%s'", e->path);
    if (!code && e->labels->error)
        ff_note(c, "'%s' cannot run, it counts as wrong on every image: %s", e->path, e->labels->error);
    ff_model_unref(m);
    return code;
}

int many_wrong(many *m, const ff_labels *source, ff_labels *target, int *offset, int *wrong)
{
    *offset = 0;
    *wrong = m->images;
    if (source->error || target->error)
        return FF_OK;
    *offset = ff_labels_offset(source, target);
    int code = ff_labels_compare(m->comparator, m->set, source, target, *offset, NULL, 0, &m->task);
    if (!code)
        *wrong = ff_labels_wrong(source, target, *offset);
    return code;
}

void many_print_count(const many *m, const char *from, ff_buf *out)
{
    if (ff_comparator_by_label(m->comparator))
        ff_buf_printf(out, "labels that differ%s, of %d %s\n", from, m->images, m->samples);
    else
        ff_buf_printf(out, "%s (%s), of %d %s\n", ff_comparator_wrong(m->comparator), ff_comparator_spec(m->comparator),
                      m->images, m->samples);
}

static int open_samples(const ff_context *c, many *out)
{
    const ff_options *o = c->options;
    const char *path = o->input ? o->input : o->session.images;
    int code = !path                           ? ff_fail(FF_ERR_USAGE, "no images are given (--images DIR|LIST)")
               : o->input && o->session.images ? ff_fail(FF_ERR_USAGE, "--input and --images exclude each other")
                                               : batch_check_outputs(o);
    if (!code)
        code = ff_comparator_create(o->session.comparator, &out->comparator);
    if (!code)
        code = ff_dataset_open(path, o->session.limit, &out->set);
    if (code)
        return code;
    out->images = ff_dataset_count(out->set);
    out->samples = ff_dataset_is_pictures(out->set) ? "images" : "samples";
    out->task =
        (ff_task){.pool = ff_pool_create(o->session.threads, NULL), .cancel = batch_cancel(c), .team = o->session.team};
    out->task.progress = c->task ? c->task->progress : NULL;
    return FF_OK;
}

int many_label(ff_context *c, char **words, const char *const *pre, int n, many_pairs pairs, many *out)
{
    *out = (many){.n = n};
    int code = open_samples(c, out);
    if (code)
        return code;
    out->at = ff_alloc_array((size_t)n, sizeof *out->at);
    out->wrong = ff_alloc_array((size_t)n * (size_t)n, sizeof *out->wrong);
    out->offset = ff_alloc_array((size_t)n * (size_t)n, sizeof *out->offset);
    for (int i = 0; i < n && !code; i++) {
        char *spec;
        take_word(words[i], pre[i], &out->at[i], &spec);
        code = label(c, out, spec, &out->at[i]);
        free(spec);
    }
    for (int i = 0; i < (pairs == MANY_ALL ? n : 1) && !code; i++)
        for (int k = 0; k < n && !code; k++)
            if (i != k)
                code = many_wrong(out, out->at[i].labels, out->at[k].labels, &out->offset[i * n + k],
                                  &out->wrong[i * n + k]);
    return code;
}

void many_finish(many *m)
{
    for (int i = 0; m->at && i < m->n; i++) {
        ff_labels_destroy(m->at[i].labels);
        free(m->at[i].path);
        free(m->at[i].spec);
        free(m->at[i].producer);
    }
    free(m->at);
    free(m->wrong);
    free(m->offset);
    ff_pool_destroy(m->task.pool);
    ff_comparator_destroy(m->comparator);
    ff_dataset_destroy(m->set);
    *m = (many){0};
}

void many_print_model(const entrant *e, ff_buf *out)
{
    char hex[65];
    ff_key_hex(&e->sha256, hex);
    ff_buf_puts(out, "\"path\": ");
    ff_print_json_text(out, e->path);
    ff_buf_printf(out, ", \"sha256\": \"%s\", \"opset\": %d, \"producer\": ", hex, e->opset);
    ff_print_json_text(out, e->producer);
    if (e->spec) {
        ff_buf_puts(out, ", \"preprocessing\": ");
        ff_print_json_text(out, e->spec);
    }
    ff_buf_printf(out, ", \"width\": %lld, \"error\": ", (long long)e->labels->width);
    if (e->labels->error)
        ff_print_json_text(out, e->labels->error);
    else
        ff_buf_puts(out, "null");
}
