/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way from the Target as it came to the present state: as a patch that `apply` replays, or as a script of the
 * commands that take it. */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static int way_here(const ff_case *c, const char *path, int64_t **way, int *n)
{
    if (!path || !*path)
        return ff_fail(FF_ERR_USAGE, "export needs a file name");
    if (!c->history.n_states)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be exported");
    *n = c->history.states[c->history.current].depth + 1;
    *way = ff_alloc_array((size_t)*n, sizeof **way);
    case_path(c, c->history.current, *way, *n);
    return FF_OK;
}

int case_export_patch(ff_case *c, const char *path, bool force)
{
    int64_t *way = NULL;
    int n = 0, code = way_here(c, path, &way, &n);
    if (code)
        return code;
    ff_repair_file p = {.target = *ff_model_sha256(c->target), .patch = ff_patch_create()};
    for (int i = 1; i < n; i++) {
        if (c->history.states[way[i]].patch)
            ff_patch_append(p.patch, c->history.states[way[i]].patch);
    }
    if (!ff_pre_equal(&c->history.states[c->history.current].pre, &c->target_pre))
        p.pre = ff_pre_print(&c->history.states[c->history.current].pre);
    code = ff_repair_file_write(&p, path, force);
    if (!code)
        case_note(c, "exported '%s'", path);
    ff_repair_file_finish(&p);
    free(way);
    return code;
}

/* In single quotes, as the commands' words are read. */
static void put_word(ff_buf *b, const char *word)
{
    ff_buf_puts(b, " '");
    for (; *word; word++)
        ff_buf_printf(b, *word == '\'' ? "'\\''" : "%c", *word);
    ff_buf_putc(b, '\'');
}

/* A step is taken whatever it brings, as it was by whoever took it: the counts may be others on other images. */
static void put_step(ff_buf *b, const char *ids)
{
    char **lines;
    int n = case_split_lines(ids, &lines);
    ff_buf_puts(b, "accept --force");
    for (int i = 0; i < n; i++) {
        put_word(b, lines[i]);
        free(lines[i]);
    }
    ff_buf_putc(b, '\n');
    free(lines);
}

/* Of the command in the first line: nothing where the option was not given. */
static void put_option(ff_buf *b, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    char *shown = ff_visible(value); /* the line is one */
    ff_buf_printf(b, "%s%s", *name ? " --" : "", name);
    put_word(b, shown);
    free(shown);
}

/* The command that runs the script on the same case. */
static void put_command(const ff_case *c, const char *path, ff_buf *b)
{
    const ff_session_options *o = &c->options;
    char *source_pre = ff_pre_print(&c->source_pre), *target_pre = ff_pre_print(&c->target_pre);
    ff_buf_puts(b, "# fetafix script");
    put_option(b, "", path);
    put_option(b, "", o->source);
    put_option(b, "", o->target);
    bool pictures = !c->set || ff_dataset_is_pictures(c->set);
    put_option(b, pictures ? "images" : "input", o->images ? o->images : "DIR|LIST");
    put_option(b, "source-pre", pictures ? source_pre : NULL);
    put_option(b, "target-pre", pictures ? target_pre : NULL);
    put_option(b, "source-output", o->source_output);
    put_option(b, "target-output", o->target_output);
    put_option(b, "comparator", o->comparator);
    put_option(b, "core-ops", o->core_ops);
    if (o->limit)
        ff_buf_printf(b, " --limit %d", o->limit);
    ff_buf_puts(b, o->keep_quantized ? " --keep-quantized\n" : "\n");
    free(source_pre);
    free(target_pre);
}

int case_export_script(ff_case *c, const char *path, bool force)
{
    int64_t *way = NULL;
    int n = 0, code = way_here(c, path, &way, &n);
    if (code)
        return code;
    ff_buf b = {0};
    put_command(c, path, &b);
    for (int i = 0; i < c->n_pins; i++) {
        ff_buf_puts(&b, c->pins[i].forbid ? "forbid" : "pin");
        put_word(&b, c->pins[i].source);
        put_word(&b, c->pins[i].target);
        ff_buf_putc(&b, '\n');
    }
    ff_buf_puts(&b, "localize\n");
    for (int i = 1; i < n; i++) {
        const case_state *p = &c->history.states[way[i]];
        char *summary = ff_visible(p->summary);
        ff_buf_printf(&b, "# %d wrong: %s\n", p->wrong, summary);
        free(summary);
        if (strcmp(p->ids, "pre-into-graph") == 0)
            ff_buf_puts(&b, "pre-into-graph\n");
        else if (strncmp(p->ids, "what-if ", 8) == 0)
            ff_buf_printf(&b, "%s\nkeep\n", p->ids);
        else
            put_step(&b, p->ids);
    }
    code = ff_write_file(path, b.data, b.len, force);
    if (!code)
        case_note(c, "exported '%s'", path);
    ff_buf_finish(&b);
    free(way);
    return code;
}
