/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way from the Target as it came to the present state: as a patch that `apply` replays, or as a script of the
 * commands that take it. */
#include <stdlib.h>
#include <string.h>

#include "session/case.h"

static int way_here(const ff_case *c, const char *path, int64_t **way, int *n)
{
    if (!path || !*path)
        return ff_fail(FF_ERR_USAGE, "export needs a file name");
    if (!c->n_points)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be exported");
    *n = c->points[c->current].depth + 1;
    *way = ff_alloc_array((size_t)*n, sizeof **way);
    case_path(c, c->current, *way, *n);
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
        if (c->points[way[i]].patch)
            ff_patch_append(p.patch, c->points[way[i]].patch);
    }
    if (!ff_pre_equal(&c->points[c->current].pre, &c->target_pre))
        p.pre = ff_pre_print(&c->points[c->current].pre);
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

int case_export_script(ff_case *c, const char *path, bool force)
{
    int64_t *way = NULL;
    int n = 0, code = way_here(c, path, &way, &n);
    if (code)
        return code;
    ff_buf b = {0};
    char *source = ff_visible(c->options.source), *target = ff_visible(c->options.target);
    ff_buf_printf(&b, "# fetafix script THIS %s %s --images DIR|LIST\nlocalize\n", source, target);
    free(source);
    free(target);
    for (int i = 1; i < n; i++) {
        const point *p = &c->points[way[i]];
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
