/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys and commands do to the explorer itself: a row of the table and a function each. Everything else is the
 * command layer's. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "theme.h"
#include "ui.h"

static char *join(int argc, char **argv, int from)
{
    ff_buf b = {0};
    for (int i = from; i < argc; i++)
        ff_buf_printf(&b, "%s%s", i > from ? " " : "", argv[i]);
    return ff_buf_steal(&b);
}

/* ------------------------------------------------------------------------------------- leaving */

/* The Target is being written, or will be. */
static bool is_saving(const ui *u)
{
    ff_job_info jobs[64];
    int n = ff_session_jobs(u->session, jobs, (int)FF_COUNT(jobs));
    for (int i = 0; i < n; i++) {
        if (jobs[i].kind == FF_JOB_SAVE)
            return true;
    }
    return false;
}

static void quit(ui *u)
{
    bool written = u->options && u->options->output; /* by whoever opened the explorer, when it is left */
    if (u->question == ASK_NOTHING && is_saving(u) && !u->quit_after_save) {
        u->quit_after_save = true;
        ui_say(u, INK_INFO, "leaves as soon as the file is written (again: at once)");
    } else if (ui_unsaved(u) && !written && u->question != ASK_QUIT) {
        u->question = ASK_QUIT;
    } else {
        u->quit = true;
    }
}

static bool verb_quit(ui *u, int argc, char **argv)
{
    quit(u);
    return true;
}

static bool verb_close(ui *u, int argc, char **argv)
{
    if (!ui_close_one(u))
        quit(u);
    return true;
}

static bool verb_back(ui *u, int argc, char **argv)
{
    ui_set_match(u, "");
    ui_close_one(u);
    return true;
}

static bool verb_cancel(ui *u, int argc, char **argv)
{
    if (ui_busy(u)) {
        if (u->interrupts > 0)
            ff_session_cancel(u->session, true);
        else /* that one, also where it is only about to begin */
            ff_session_cancel_job(u->session, u->running);
        ui_say(u, INK_WARN, "cancelling");
        u->interrupts++;
    } else if (u->interrupts++ > 0) {
        quit(u);
    } else {
        ff_session_cancel(u->session, true);
        ui_say(u, INK_INFO, "no job runs (q quits; so does C-c again)");
    }
    return true;
}

/* ----------------------------------------------------------------------------------- the screen */

static bool verb_mouse(ui *u, int argc, char **argv)
{
    bool on = strcmp(argv[1], "on") == 0;
    if (on || strcmp(argv[1], "off") == 0)
        ui_term_set_mouse(on);
    else
        ui_say(u, INK_BAD, "'%s' is neither on nor off", argv[1]);
    return true;
}

static bool verb_theme(ui *u, int argc, char **argv)
{
    ui_theme theme;
    if (!ui_theme_parse(argv[1], &theme))
        ui_say(u, INK_BAD, "'%s' is no theme: dark, light, mono", argv[1]);
    else if (!ui_theme_choose(theme))
        ui_say(u, INK_WARN, "this terminal has no colours");
    else
        ui_term_redraw();
    return true;
}

static bool verb_glyphs(ui *u, int argc, char **argv)
{
    ui_term_set_glyphs(strcmp(argv[1], "ascii") == 0  ? UI_GLYPHS_ASCII
                       : strcmp(argv[1], "utf8") == 0 ? UI_GLYPHS_UTF8
                                                      : UI_GLYPHS_AUTO);
    return true;
}

static bool verb_redraw(ui *u, int argc, char **argv)
{
    ui_term_redraw();
    return true;
}

static bool verb_suspend(ui *u, int argc, char **argv)
{
    kill(getpid(), SIGTSTP); /* comes back by the loop, as from outside */
    return true;
}

/* Moves by rows; true when the word was one of these. */
static bool move_verb(ui_view *v, const char *word, const char *count)
{
    int64_t n = 1;
    int page = v->window.height > 1 ? v->window.height - 1 : 1;
    if (count && (!ff_parse_int(count, &n) || n < 0))
        return false;
    if (n > 1 << 24)
        n = 1 << 24;
    if (strcmp(word, "down") == 0)
        ui_window_move(&v->window, (int)n);
    else if (strcmp(word, "up") == 0)
        ui_window_move(&v->window, -(int)n);
    else if (strcmp(word, "page-down") == 0)
        ui_window_move(&v->window, page);
    else if (strcmp(word, "page-up") == 0)
        ui_window_move(&v->window, -page);
    else if (strcmp(word, "half-down") == 0)
        ui_window_move(&v->window, (page + 1) / 2);
    else if (strcmp(word, "half-up") == 0)
        ui_window_move(&v->window, -(page + 1) / 2);
    else if (strcmp(word, "top") == 0)
        ui_window_select(&v->window, 0);
    else if (strcmp(word, "bottom") == 0)
        ui_window_select(&v->window, v->n_rows - 1);
    else
        return false;
    return true;
}

/* ------------------------------------------------------------------------------------- the views */

static void open_view(ui *u, ui_view_id id)
{
    u->n_back = 0;
    ui_show_view(u, id, ui_view_classes[id]->about); /* `close` goes back to what it is about, and does not quit */
}

static bool verb_view(ui *u, int argc, char **argv)
{
    for (int i = 0; i < VIEW_COUNT; i++) {
        if (strcmp(ui_view_name((ui_view_id)i), argv[1]) == 0) {
            open_view(u, (ui_view_id)i);
            return true;
        }
    }
    ui_say(u, INK_BAD, "'%s' is no view", argv[1]);
    return true;
}

/* Commands that print a table, or more, elsewhere. */
static bool verb_table(ui *u, int argc, char **argv)
{
    char word[64];
    snprintf(word, sizeof word, " %s ", argv[0]);
    for (int i = 0; i < VIEW_COUNT; i++) {
        if (ui_view_classes[i]->tables && strstr(ui_view_classes[i]->tables, word))
            open_view(u, (ui_view_id)i);
    }
    return true;
}

/* Over the others: help, figures, jobs. */
static bool verb_popup(ui *u, int argc, char **argv)
{
    ui_show_view(u,
                 strcmp(argv[0], "stats") == 0  ? VIEW_STATS
                 : strcmp(argv[0], "jobs") == 0 ? VIEW_JOBS
                                                : VIEW_KEYS,
                 false);
    return true;
}

static bool verb_detail(ui *u, int argc, char **argv)
{
    int64_t number;
    if (!ff_parse_int(argv[1], &number) || ff_table_row_of_int(u->snap->pairs, "pair", number) < 0)
        return false;
    ui_look_at(u, (int)number);
    ui_show_view(u, VIEW_DETAIL, true);
    return true;
}

static bool verb_open(ui *u, int argc, char **argv)
{
    const ui_view *v = ui_focused(u);
    if (v->class->pair && !v->class->text && u->pair != -1)
        ui_show_view(u, VIEW_DETAIL, true);
    return true;
}

static bool verb_pane(ui *u, int argc, char **argv)
{
    ui_next_pane(u, *argv[0] == 'n' ? 1 : -1);
    return true;
}

static bool verb_tab(ui *u, int argc, char **argv)
{
    ui_next_tab(u, *argv[0] == 'n' ? 1 : -1);
    return true;
}

static bool verb_zoom(ui *u, int argc, char **argv)
{
    u->zoomed = !u->zoomed;
    return true;
}

static bool verb_image(ui *u, int argc, char **argv)
{
    int64_t to;
    if (strcmp(argv[1], "next") == 0)
        to = u->image + 1;
    else if (strcmp(argv[1], "previous") == 0)
        to = u->image - 1;
    else if (!ff_parse_int(argv[1], &to))
        to = -1;
    if (to < 0 || to >= u->snap->images)
        ui_say(u, INK_INFO, "there is no such image");
    else
        ui_look_at_image(u, (int)to);
    return true;
}

static bool verb_effect(ui *u, int argc, char **argv)
{
    ui_effect(u);
    return true;
}

/* What is known needs no engine. */
static bool verb_bisect(ui *u, int argc, char **argv)
{
    if (!u->snap->parting)
        return false;
    ui_go_to_parting(u);
    return true;
}

/* Where the new scores will be seen; the command layer has them made. */
static bool verb_measure(ui *u, int argc, char **argv)
{
    bool causal = argc > 1 && strcmp(argv[1], "causal") == 0;
    ui_view *heat = &u->views[VIEW_HEAT];
    char *words[] = {(char *)"sort", (char *)"causal"};
    if (u->snap->localized && (argc == 1 || causal)) {
        ui_show_view(u, VIEW_HEAT, true);
        if (causal)
            heat->class->verb(heat, 2, words);
    }
    return false;
}

/* What the view did not take itself. */
static bool verb_unable(ui *u, int argc, char **argv)
{
    ui_say(u, INK_INFO, "this view cannot %s", argv[0]);
    return true;
}

/* ------------------------------------------------------------------------------ searching, prompt */

static bool verb_search(ui *u, int argc, char **argv)
{
    if (argc == 1) {
        ui_begin_search(u);
        return true;
    }
    char *text = join(argc, argv, 1);
    ui_set_match(u, text);
    free(text);
    ui_search_on(u, 1);
    return true;
}

static bool verb_search_on(ui *u, int argc, char **argv)
{
    ui_search_on(u, strcmp(argv[0], "search-next") == 0 ? 1 : -1);
    return true;
}

static bool verb_filter(ui *u, int argc, char **argv)
{
    ui_view *v = ui_focused(u);
    if (v->filter || strcmp(argv[1], "text") == 0 || strcmp(argv[1], "off") == 0) {
        free(v->filter);
        v->filter = NULL;
        v->stale = true;
        if (argc > 2 && strcmp(argv[1], "text") == 0)
            v->filter = join(argc, argv, 2);
        if (strcmp(argv[1], "off") == 0)
            v->mode = 0;
        return true;
    }
    ui_say(u, INK_INFO, "this view has no filter; & filters by a text");
    return true;
}

static bool verb_prompt(ui *u, int argc, char **argv)
{
    char *text = join(argc, argv, 1);
    if (strcmp(text, "save") == 0) {
        const char *name = u->options && u->options->output ? u->options->output : "repaired.onnx";
        free(text);
        text = ff_asprintf("save %s", name);
    } else if (*text) {
        char *with_blank = ff_asprintf("%s ", text);
        free(text);
        text = with_blank;
    }
    ui_prompt_open(&u->prompt, UI_PROMPT_COMMAND, text);
    free(text);
    return true;
}

/* ------------------------------------------------------------------------------ edits, repairs */

/* To the first value that differs, on the page of what the cursor speaks of. */
static bool verb_edit(ui *u, int argc, char **argv)
{
    ui_view *v = &u->views[VIEW_DETAIL];
    if (u->pair != -1) {
        char *words[] = {(char *)"edit"};
        ui_show_view(u, VIEW_DETAIL, true);
        ui_view_update(v);
        v->class->verb(v, 1, words);
    } else {
        ui_prompt_open(&u->prompt, UI_PROMPT_COMMAND, "what-if pre ");
    }
    return true;
}

/* Without a node the words are about the row under the cursor; false: they name one. */
static bool verb_what_if(ui *u, int argc, char **argv)
{
    bool swap = strcmp(argv[1], "weights") == 0 || strcmp(argv[1], "inject") == 0;
    if (!(argc == 2 && (swap || strchr(argv[1], '='))))
        return false;
    if (u->pair < 0) {
        ui_say(u, INK_INFO, "choose a node first");
        return true;
    }
    char *line =
        swap ? ff_asprintf("what-if %s %d", argv[1], u->pair) : ff_asprintf("what-if %d '%s'", u->pair, argv[1]);
    ui_run(u, line);
    free(line);
    return true;
}

/* Without a name: the repair under the cursor, or the next. */
static bool verb_repair(ui *u, int argc, char **argv)
{
    const char *chosen = ui_chosen_proposal(u);
    if (chosen)
        ui_run_on(u, argv[0], chosen);
    else
        ui_say(u, INK_INFO, u->snap->localized ? "there is no repair to %s" : "there is no repair to %s yet", argv[0]);
    return true;
}

/* ------------------------------------------------------------------------------------- the table */

/* How many words may stand behind the first; false: it is for the command layer, as with other numbers of words. */
static const struct verb {
    const char *word;
    int min, max;
    bool (*run)(ui *u, int argc, char **argv);
} verbs[] = {
    {"accept", 0, 0, verb_repair},
    {"back", 0, 99, verb_back},
    {"bisect", 0, 0, verb_bisect},
    {"cancel", 0, 99, verb_cancel},
    {"close", 0, 99, verb_close},
    {"detail", 1, 1, verb_detail},
    {"edit", 0, 99, verb_edit},
    {"effect", 0, 99, verb_effect},
    {"equivalences", 0, 0, verb_table},
    {"evaluate", 0, 0, verb_repair},
    {"filter", 1, 99, verb_filter},
    {"findings", 0, 0, verb_table},
    {"fold", 0, 99, verb_unable},
    {"glyphs", 0, 99, verb_glyphs},
    {"help", 0, 0, verb_popup},
    {"image", 1, 1, verb_image},
    {"images", 0, 0, verb_table},
    {"jobs", 0, 0, verb_popup},
    {"keys", 0, 99, verb_popup},
    {"layers", 0, 0, verb_table},
    {"log", 0, 0, verb_table},
    {"measure", 0, 1, verb_measure},
    {"mouse", 1, 99, verb_mouse},
    {"next-pane", 0, 99, verb_pane},
    {"next-tab", 0, 99, verb_tab},
    {"open", 0, 99, verb_open},
    {"pairs", 0, 0, verb_table},
    {"previous-pane", 0, 99, verb_pane},
    {"previous-tab", 0, 99, verb_tab},
    {"prompt", 0, 99, verb_prompt},
    {"proposals", 0, 0, verb_table},
    {"quit", 0, 99, verb_quit},
    {"redraw", 0, 99, verb_redraw},
    {"reject", 0, 0, verb_repair},
    {"search", 0, 99, verb_search},
    {"search-next", 0, 99, verb_search_on},
    {"search-previous", 0, 99, verb_search_on},
    {"sort", 0, 99, verb_unable},
    {"states", 0, 0, verb_table},
    {"stats", 0, 99, verb_popup},
    {"steps", 0, 0, verb_table},
    {"suspend", 0, 99, verb_suspend},
    {"theme", 1, 99, verb_theme},
    {"view", 1, 99, verb_view},
    {"what-if", 1, 99, verb_what_if},
    {"zoom", 0, 99, verb_zoom},
};

bool ui_verb(void *sink, int argc, char **argv)
{
    ui *u = sink;
    ui_view *v = ui_focused(u);

    u->dirty = true;
    ui_view_update(v); /* its rows may be an older snapshot's */
    if (move_verb(v, argv[0], argc > 1 ? argv[1] : NULL) || (v->class->verb && v->class->verb(v, argc, argv))) {
        ui_cursor_moved(u);
        return true;
    }
    for (size_t i = 0; i < FF_COUNT(verbs); i++) {
        if (strcmp(verbs[i].word, argv[0]) == 0)
            return argc > verbs[i].min && argc - 1 <= verbs[i].max && verbs[i].run(u, argc, argv);
    }
    return false;
}
