/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines, whoever gave them: the explorer's own words first, the rest by the command layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ui.h"

const char *ui_chosen_proposal(ui *u)
{
    ui_view *v = ui_focused(u);
    int row = ui_view_row(v);
    const char *id = v->class->proposal && row >= 0 ? v->class->proposal(v, row) : NULL;
    return !ui_told(u) ? NULL : id && *id ? id : u->snap->next;
}

void ui_run_on(ui *u, const char *word, const char *id)
{
    ff_buf line = {0};
    ff_buf_printf(&line, "%s '", word);
    for (; *id; id++) {
        if (*id == '\'')
            ff_buf_puts(&line, "'\\''");
        else
            ff_buf_printf(&line, "%c", *id);
    }
    ff_buf_puts(&line, "'");
    ui_run(u, line.data);
    ff_buf_finish(&line);
}

/* A line goes into the line of messages, more into a view of its own. */
static void show_output(ui *u)
{
    size_t n = u->output.len;
    while (n > 0 && u->output.data[n - 1] == '\n')
        n--;
    if (u->popup == VIEW_OUTPUT)
        u->popup = -1; /* what stood there is gone */
    if (n == 0)
        return;
    if (!memchr(u->output.data, '\n', n)) {
        if (u->noted) /* of a table without rows the note tells more than its head */
            return;
        ui_say(u, INK_TEXT, "%.*s", (int)n, u->output.data);
        return;
    }
    u->popup = VIEW_OUTPUT;
    u->views[VIEW_OUTPUT].stale = true;
    ui_window_select(&u->views[VIEW_OUTPUT].window, 0);
}

/* A file that is there is asked about, where another front end wants --force. */
static bool asks_first(ui *u, const char *word, int n, char **words, const char *line)
{
    static const char *const writers[] = {"save", "export", "labels", "report", NULL};
    static const char *const force[] = {"--force", "-f", NULL};
    struct stat file;
    bool writes = ff_any_of(word, writers);
    for (int i = 1; i < n; i++)
        writes = writes && !ff_any_of(words[i], force);
    if (!writes || n < 2 || stat(words[1], &file) != 0 || !S_ISREG(file.st_mode))
        return false;
    free(u->asked_line);
    free(u->asked_file);
    u->asked_line = ff_asprintf("%s --force", line);
    u->asked_file = ff_visible(words[1]);
    u->question = ASK_OVERWRITE;
    return true;
}

/* Words of other front ends that are views here, and `accept` and the like, which mean the repair
 * under the cursor. */
static bool run_here(ui *u, const char *line)
{
    char **words;
    int n;
    if (strpbrk(line, "|>") || ff_line_split(line, &words, &n) != FF_OK)
        return false; /* not for the screen; or says so when it is run */
    const ff_command *row = n > 0 ? ff_command_find_at(words[0], FF_AT_PROMPT | FF_AT_EXPLORER) : NULL;
    bool taken = false;
    if (row && (row->max_args < 0 || n - 1 <= row->max_args)) {
        char *typed = words[0];
        words[0] = (char *)row->name;
        taken = ui_verb(u, n, words) || asks_first(u, row->name, n, words, line);
        words[0] = typed;
    }
    for (int i = 0; i < n; i++)
        free(words[i]);
    free(words);
    return taken;
}

static void show_result(ui *u, int code)
{
    if (code != FF_OK)
        ui_say(u, INK_BAD, "%s", ff_error());
    else
        show_output(u);
    ui_note_job(u);
    if (u->context.quit)
        u->quit = true;
}

void ui_run(ui *u, const char *line)
{
    u->dirty = true;
    if (run_here(u, line))
        return;
    ff_buf_clear(&u->output);
    u->noted = false;
    show_result(u, ff_command_run(&u->context, line));
}

void ui_run_later(ui *u, int64_t job, bool done)
{
    while (ff_command_waits(&u->context, job)) {
        ff_buf_clear(&u->output);
        u->noted = false;
        show_result(u, ff_command_resume(&u->context, done));
    }
}
