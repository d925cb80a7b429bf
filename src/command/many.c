/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/many.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/batch.h"
#include "command/print.h"

/* MODEL@SPEC; a file of that whole name comes first. */
static void take_word(const char *word, const char *pre, entrant *e, char **spec)
{
    const char *at = strrchr(word, '@');
    bool both = at && at > word && at[1] && access(word, F_OK) != 0;
    e->path = both ? ff_strndup(word, (size_t)(at - word)) : ff_strdup(word);
    *spec = ff_strdup(both ? at + 1 : pre);
}

static int choose_pre(ff_context *c, const ff_model *m, const char *spec, entrant *e, ff_pre *pre)
{
    const char *why = NULL;
    if (spec) {
        int code = ff_pre_parse(spec, pre);
        if (code)
            return code;
    } else {
        ff_pre_guess(m, pre, &why);
    }
    e->spec = ff_pre_print(pre);
    if (why)
        note(c, "%s: preprocessing guessed (%s): %s", e->path, why, e->spec);
    return FF_OK;
}

/* Runs one model over the images. */
static int label(ff_context *c, const ff_dataset *set, ff_pool *pool, const char *spec, entrant *e)
{
    const ff_options *o = c->options;
    ff_model *m = NULL;
    ff_pre pre;
    int code = ff_model_load(e->path, &m);
    if (code)
        return code;
    e->sha256 = *ff_model_sha256(m);
    e->producer = ff_visible(ff_model_producer(m));
    e->opset = ff_model_opset(m, "");
    ff_task task = {.pool = pool, .cancel = &interrupted};
    uint64_t memory = (o->session.memory ? o->session.memory : ff_memory_total() / 4) / 4;
    code = choose_pre(c, m, spec, e, &pre);
    if (!code)
        code = ff_label_model(m, NULL, &pre, set, o->session.reference, memory, false, &task, &e->labels);
    if (code == FF_ERR_GRAPH || code == FF_ERR_UNSUPPORTED)
        code = ff_fail_prefix(code, "'%s'", e->path);
    if (!code && e->labels->error)
        note(c, "'%s' cannot run, it counts as wrong on every image: %s", e->path, e->labels->error);
    ff_model_unref(m);
    return code;
}

static void count_wrong(many *m)
{
    for (int i = 0; i < m->n * m->n; i++) {
        const ff_labels *a = m->at[i / m->n].labels, *b = m->at[i % m->n].labels;
        if (a == b)
            continue;
        bool runs = !a->error && !b->error;
        m->offset[i] = runs ? ff_labels_offset(a, b) : 0;
        m->wrong[i] = runs ? ff_labels_wrong(a, b, m->offset[i]) : m->images;
    }
}

int many_label(ff_context *c, char **words, const char *const *pre, int n, many *out)
{
    const ff_options *o = c->options;
    ff_dataset *set = NULL;
    *out = (many){.n = n};
    int code = o->session.images ? batch_check_outputs(o)
                                 : ff_fail(FF_ERR_USAGE, "no images are given (--images DIR|LIST)");
    if (!code)
        code = ff_dataset_open(o->session.images, o->session.limit, &set);
    if (code)
        return code;
    out->images = ff_dataset_count(set);
    out->at = ff_alloc_array((size_t)n, sizeof *out->at);
    out->wrong = ff_alloc_array((size_t)n * (size_t)n, sizeof *out->wrong);
    out->offset = ff_alloc_array((size_t)n * (size_t)n, sizeof *out->offset);
    ff_pool *pool = ff_pool_create(o->session.threads, NULL);
    for (int i = 0; i < n && !code; i++) {
        char *spec;
        take_word(words[i], pre[i], &out->at[i], &spec);
        code = label(c, set, pool, spec, &out->at[i]);
        free(spec);
    }
    if (!code)
        count_wrong(out);
    ff_pool_destroy(pool);
    ff_dataset_destroy(set);
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
    *m = (many){0};
}

void many_print_model(const entrant *e, ff_buf *out)
{
    char hex[65];
    ff_key_hex(&e->sha256, hex);
    ff_buf_puts(out, "\"path\": ");
    print_json_text(out, e->path);
    ff_buf_printf(out, ", \"sha256\": \"%s\", \"opset\": %d, \"producer\": ", hex, e->opset);
    print_json_text(out, e->producer);
    ff_buf_puts(out, ", \"preprocessing\": ");
    print_json_text(out, e->spec);
    ff_buf_printf(out, ", \"width\": %lld, \"error\": ", (long long)e->labels->width);
    if (e->labels->error)
        print_json_text(out, e->labels->error);
    else
        ff_buf_puts(out, "null");
}
