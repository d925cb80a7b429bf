/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys and commands do to the explorer itself. Everything else is the command layer's. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "theme.h"
#include "ui.h"

ui_view *ui_focused(ui *u)
{
    return &u->views[u->popup >= 0 ? (ui_view_id)u->popup : u->focus];
}

void ui_show_view(ui *u, ui_view_id id, bool remember)
{
    if (id >= VIEW_KEYS) {
        u->popup = id;
        u->views[id].stale = true;
        return;
    }
    if (id == VIEW_LESSON && !u->context.lesson) {
        ui_say(u, INK_INFO, "no lesson is held; `fetafix teach` in a shell lists them");
        return;
    }
    u->popup = -1;
    if (id == VIEW_LESSON)
        ui_stale(u); /* an answer lets the other views tell more */
    if (remember && u->focus != id) {
        if (u->n_back == (int)FF_COUNT(u->back)) {
            memmove(u->back, u->back + 1, sizeof u->back - sizeof u->back[0]);
            u->n_back--;
        }
        u->back[u->n_back++] = u->focus;
    }
    u->focus = id;
    u->seen[id] = ++u->clock;
    if (id == VIEW_DETAIL) {
        u->views[id].stale = true;
        ui_want_detail(u);
        u->detail_due_ns = ff_now_ns(); /* asked for by hand: at once */
    }
    if (id == VIEW_ACTIVATIONS || id == VIEW_IMAGES) {
        u->views[id].stale = true;
        ui_want_picture(u);
        u->picture_due_ns = ff_now_ns();
    }
    u->dirty = true;
}

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
        taken = ui_verb(u, n, words);
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

/* --------------------------------------------------------------------------------------- panes */

static void next_pane(ui *u, int step)
{
    if (!u->zoomed && u->height < ui_view_classes[u->focus]->alone) {
        ui_show_view(u, VIEW_GRAPH, false); /* it has the screen to itself: back to the panes */
        u->n_back = 0;
        return;
    }
    int pane = ui_layout_pane_of(&u->layout, u->focus);
    if (u->zoomed || u->layout.count < 2)
        return;
    pane = (pane + step + u->layout.count) % u->layout.count;
    ui_show_view(u, u->layout.panes[pane].shown, false);
    u->n_back = 0;
}

static void next_tab(ui *u, int step)
{
    int pane = ui_layout_pane_of(&u->layout, u->focus);
    if (pane < 0)
        return;
    const ui_pane *p = &u->layout.panes[pane];
    for (int i = 0; i < p->n_views; i++) {
        if (p->views[i] == u->focus) {
            ui_show_view(u, p->views[(i + step + p->n_views) % p->n_views], false);
            return;
        }
    }
}

/* Closes what was opened last; false when nothing was. */
static bool close_one(ui *u)
{
    ui_view *v = ui_focused(u);
    u->dirty = true;
    if (u->popup >= 0)
        u->popup = -1;
    else if (u->n_back > 0)
        ui_show_view(u, u->back[--u->n_back], false);
    else if (u->zoomed)
        u->zoomed = false;
    else if (v->filter) {
        free(v->filter);
        v->filter = NULL;
        v->stale = true;
    } else
        return false;
    return true;
}

static void quit(ui *u)
{
    bool written = u->options && u->options->output; /* by whoever opened the explorer, when it is left */
    if (ui_unsaved(u) && !written && u->question != ASK_QUIT)
        u->question = ASK_QUIT;
    else
        u->quit = true;
}

/* -------------------------------------------------------------------------------------- search */

static void search_on(ui *u, int step)
{
    ui_view *v = ui_focused(u);
    if (!u->match || !*u->match)
        ui_say(u, INK_INFO, "nothing was searched yet (/)");
    else if (!ui_view_search(v, u->match, step, false))
        ui_say(u, INK_WARN, "'%s' is not in this view", u->match);
    else
        ui_cursor_moved(u);
}

static void set_match(ui *u, const char *text)
{
    free(u->match);
    u->match = *text ? ff_strdup(text) : NULL;
}

static char *join(int argc, char **argv, int from)
{
    ff_buf b = {0};
    for (int i = from; i < argc; i++)
        ff_buf_printf(&b, "%s%s", i > from ? " " : "", argv[i]);
    return ff_buf_steal(&b);
}

static void begin_search(ui *u)
{
    ui_view *v = ui_focused(u);
    u->search_from = v->window.free ? v->window.top : v->window.cursor;
    ui_prompt_open(&u->prompt, UI_PROMPT_SEARCH, "");
}

/* ---------------------------------------------------------------------------------- the verbs */

static bool on_off(ui *u, const char *word, bool *out)
{
    *out = strcmp(word, "on") == 0;
    if (*out || strcmp(word, "off") == 0)
        return true;
    ui_say(u, INK_BAD, "'%s' is neither on nor off", word);
    return false;
}

static void open_prompt(ui *u, int argc, char **argv)
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
}

static void filter(ui *u, int argc, char **argv)
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
        return;
    }
    ui_say(u, INK_INFO, "this view has no filter; & filters by a text");
}

static void cancel(ui *u)
{
    if (ui_busy(u)) {
        ff_session_cancel(u->session, u->interrupts > 0);
        ui_say(u, INK_WARN, "cancelling");
        u->interrupts++;
    } else if (u->interrupts++ > 0) {
        quit(u);
    } else {
        ff_session_cancel(u->session, true);
        ui_say(u, INK_INFO, "no job runs (q quits; so does C-c again)");
    }
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

static bool screen_verb(ui *u, int argc, char **argv)
{
    const char *word = argv[0], *first = argc > 1 ? argv[1] : "";
    bool on;
    ui_theme theme;

    if (strcmp(word, "mouse") == 0) {
        if (on_off(u, first, &on))
            ui_term_set_mouse(on);
    } else if (strcmp(word, "theme") == 0) {
        if (!ui_theme_parse(first, &theme))
            ui_say(u, INK_BAD, "'%s' is no theme: dark, light, mono", first);
        else if (!(ui_theme_choose(theme) ? (ui_term_redraw(), true) : false))
            ui_say(u, INK_WARN, "this terminal has no colours");
    } else if (strcmp(word, "glyphs") == 0) {
        ui_term_set_glyphs(strcmp(first, "ascii") == 0  ? UI_GLYPHS_ASCII
                           : strcmp(first, "utf8") == 0 ? UI_GLYPHS_UTF8
                                                        : UI_GLYPHS_AUTO);
    } else if (strcmp(word, "redraw") == 0) {
        ui_term_redraw();
    } else if (strcmp(word, "suspend") == 0) {
        kill(getpid(), SIGTSTP); /* comes back by the loop, as from outside */
    } else {
        return false;
    }
    return true;
}

/* Commands that print a table elsewhere. */
static bool table_view(const char *word, ui_view_id *out)
{
    static const struct {
        const char *word;
        ui_view_id view;
    } tables[] = {
        {"pairs", VIEW_GRAPH}, {"layers", VIEW_HEAT},  {"findings", VIEW_FINDINGS}, {"proposals", VIEW_PROPOSALS},
        {"steps", VIEW_STEPS}, {"states", VIEW_STEPS}, {"images", VIEW_IMAGES},     {"equivalences", VIEW_EQUIVALENCES},
        {"log", VIEW_LOG},
    };
    for (size_t i = 0; i < FF_COUNT(tables); i++) {
        if (strcmp(tables[i].word, word) == 0) {
            *out = tables[i].view;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------- what-if */

/* To the first value that differs, on the page of what the cursor speaks of. */
static void begin_edit(ui *u)
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
}

/* Without a node the words are about the row under the cursor; false: they name one. */
static bool what_if_here(ui *u, int argc, char **argv)
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

static void move_image(ui *u, const char *where)
{
    int64_t to;
    int images = u->snap->images;
    if (strcmp(where, "next") == 0)
        to = u->image + 1;
    else if (strcmp(where, "previous") == 0)
        to = u->image - 1;
    else if (!ff_parse_int(where, &to))
        to = -1;
    if (to < 0 || to >= images)
        ui_say(u, INK_INFO, "there is no such image");
    else
        ui_look_at_image(u, (int)to);
}

bool ui_verb(void *sink, int argc, char **argv)
{
    ui *u = sink;
    ui_view *v = ui_focused(u);
    const char *word = argv[0];
    ui_view_id id;
    int64_t number;

    u->dirty = true;
    ui_view_update(v); /* its rows may be an older snapshot's */
    if (move_verb(v, word, argc > 1 ? argv[1] : NULL)) {
        ui_cursor_moved(u);
        return true;
    }
    if (screen_verb(u, argc, argv))
        return true;
    if (v->class->verb && v->class->verb(v, argc, argv)) {
        ui_cursor_moved(u);
        return true;
    }
    if (strcmp(word, "view") == 0 && argc > 1) {
        for (int i = 0; i < VIEW_COUNT; i++) {
            if (strcmp(ui_view_classes[i]->name, argv[1]) == 0) {
                u->n_back = 0;
                ui_show_view(u, (ui_view_id)i, false);
                return true;
            }
        }
        ui_say(u, INK_BAD, "'%s' is no view", argv[1]);
    } else if (argc == 1 && table_view(word, &id)) {
        u->n_back = 0;
        ui_show_view(u, id, false);
    } else if (strcmp(word, "detail") == 0 && argc == 2 && ff_parse_int(argv[1], &number) &&
               ui_find_int(u->snap->pairs, "pair", number) >= 0) {
        ui_look_at(u, (int)number);
        ui_show_view(u, VIEW_DETAIL, true);
    } else if (strcmp(word, "keys") == 0 || (strcmp(word, "help") == 0 && argc == 1)) {
        ui_show_view(u, VIEW_KEYS, false);
    } else if (strcmp(word, "stats") == 0) {
        ui_show_view(u, VIEW_STATS, false);
    } else if (strcmp(word, "jobs") == 0 && argc == 1) {
        ui_show_view(u, VIEW_JOBS, false);
    } else if (strcmp(word, "edit") == 0) {
        begin_edit(u);
    } else if (strcmp(word, "what-if") == 0 && argc > 1) {
        return what_if_here(u, argc, argv);
    } else if (strcmp(word, "effect") == 0) {
        ui_effect(u);
    } else if (strcmp(word, "image") == 0 && argc == 2) {
        move_image(u, argv[1]);
    } else if (strcmp(word, "next-pane") == 0) {
        next_pane(u, 1);
    } else if (strcmp(word, "previous-pane") == 0) {
        next_pane(u, -1);
    } else if (strcmp(word, "next-tab") == 0) {
        next_tab(u, 1);
    } else if (strcmp(word, "previous-tab") == 0) {
        next_tab(u, -1);
    } else if (strcmp(word, "zoom") == 0) {
        u->zoomed = !u->zoomed;
    } else if (strcmp(word, "open") == 0) {
        if (v->class->pair && !v->class->text && u->pair != -1)
            ui_show_view(u, VIEW_DETAIL, true);
    } else if (strcmp(word, "back") == 0) {
        set_match(u, "");
        close_one(u);
    } else if (strcmp(word, "close") == 0) {
        if (!close_one(u))
            quit(u);
    } else if (strcmp(word, "quit") == 0) {
        quit(u);
    } else if (strcmp(word, "cancel") == 0) {
        cancel(u);
    } else if (strcmp(word, "prompt") == 0) {
        open_prompt(u, argc, argv);
    } else if (strcmp(word, "search") == 0 && argc == 1) {
        begin_search(u);
    } else if (strcmp(word, "search") == 0) {
        char *text = join(argc, argv, 1);
        set_match(u, text);
        free(text);
        search_on(u, 1);
    } else if (strcmp(word, "search-next") == 0) {
        search_on(u, 1);
    } else if (strcmp(word, "search-previous") == 0) {
        search_on(u, -1);
    } else if (strcmp(word, "filter") == 0 && argc > 1) {
        filter(u, argc, argv);
    } else if (strcmp(word, "sort") == 0 || strcmp(word, "fold") == 0) {
        ui_say(u, INK_INFO, "this view cannot %s", word);
    } else if (argc == 1 &&
               (strcmp(word, "accept") == 0 || strcmp(word, "reject") == 0 || strcmp(word, "evaluate") == 0)) {
        const char *chosen = ui_chosen_proposal(u);
        if (!chosen) {
            ui_say(u, INK_INFO, u->snap->localized ? "there is no repair to %s" : "there is no repair to %s yet", word);
            return true;
        }
        ui_run_on(u, word, chosen);
    } else {
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------------------------------- keys */

static char **complete(void *context, const char *line, int *n)
{
    ui *u = context;
    return ff_command_complete(&u->context, line, n);
}

static void prompt_key(ui *u, const ui_key *k)
{
    ui_prompt_kind kind = u->prompt.kind;
    ui_view *v = ui_focused(u);
    ui_prompt_result r = ui_prompt_key(&u->prompt, k, complete, u);

    if (kind == UI_PROMPT_SEARCH && r == UI_PROMPT_CHANGED) { /* as one types */
        set_match(u, ui_prompt_text(&u->prompt));
        ui_window_select(&v->window, u->search_from);
        if (u->match && ui_view_search(v, u->match, 1, true))
            ui_cursor_moved(u);
    } else if (r == UI_PROMPT_GONE) {
        ui_prompt_close(&u->prompt);
        if (kind == UI_PROMPT_SEARCH) {
            set_match(u, "");
            ui_window_select(&v->window, u->search_from);
            ui_cursor_moved(u);
        }
    } else if (r == UI_PROMPT_DONE) {
        char *line = ff_strdup(ui_prompt_text(&u->prompt));
        ui_prompt_close(&u->prompt);
        if (kind == UI_PROMPT_SEARCH) {
            if (*line && !ui_view_search(v, line, 1, true))
                ui_say(u, INK_WARN, "'%s' is not in this view%s", line,
                       v->class->unread && v->class->unread(v) ? "; part of it is still being read" : "");
        } else if (*line) {
            ui_prompt_remember(&u->prompt, line);
            ui_run(u, line);
        }
        free(line);
    }
}

static void answer(ui *u, const ui_key *k)
{
    u->question = ASK_NOTHING;
    if (strcmp(k->name, "y") == 0 || strcmp(k->name, "Y") == 0 || strcmp(k->name, "q") == 0 ||
        strcmp(k->name, "C-c") == 0) {
        u->quit = true;
    } else if (strcmp(k->name, "w") == 0) {
        u->quit_after_save = true;
        ui_run(u, "prompt save");
    }
}

void ui_key_pressed(ui *u, const ui_key *k)
{
    u->values_wanted = false; /* the cursor is where this key takes it */
    if (u->prompt.kind != UI_PROMPT_NONE) {
        if (strcmp(k->name, "C-l") == 0 || strcmp(k->name, "C-z") == 0)
            ui_run(u, ff_command_for_key(k->name));
        else
            prompt_key(u, k);
        return;
    }
    if (k->type == UI_PASTE)
        return; /* a text pasted by mistake is no sequence of commands */
    free(u->message);
    u->message = NULL;
    if (u->question != ASK_NOTHING) {
        answer(u, k);
        return;
    }
    if (strcmp(k->name, "C-c") != 0)
        u->interrupts = 0;
    u->touched = true;
    const char *line = ff_command_for_key(k->name);
    if (line)
        ui_run(u, line);
    else if (k->name[0])
        ui_say(u, INK_DIM, "%s does nothing here; ? lists the keys", k->name);
}
