/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The explorer's state, one object, used by one thread.
 *
 *     loop.c     waits for keys, signals and the engine; nothing else waits
 *     input.c    bytes -> keys            press.c, run.c: keys -> command lines -> verbs.c, the command layer
 *     events.c   what the engine says     snapshots make views stale
 *     screen.c   state -> canvas          terminal.c paints the difference
 */
#ifndef FF_UI_UI_H
#define FF_UI_UI_H

#include <string.h>

#include "fetafix/command.h"
#include "fetafix/session.h"

#include "canvas.h"
#include "input.h"
#include "latency.h"
#include "layout.h"
#include "prompt.h"
#include "view.h"

/* As a pair: what happens to the images before the first node. */
enum { UI_PIXELS = -2 };

typedef enum ui_question { ASK_NOTHING, ASK_QUIT, ASK_OVERWRITE } ui_question;

typedef struct ui {
    ff_session *session;
    const ff_options *options;
    const ff_snapshot *snap; /* a reference of ours */
    ff_context context;      /* for ff_command_run */
    ff_table *nothing;       /* in place of findings and repairs while a lesson asks for them */

    ui_canvas canvas;
    int width, height;
    ui_input *input;
    ui_layout layout;
    ui_view views[VIEW_COUNT];
    ui_view_id focus;
    bool zoomed;
    int popup;           /* a view over all others, or -1 */
    ui_view_id back[16]; /* where `close` goes */
    int n_back;
    int64_t seen[VIEW_COUNT]; /* when a view was looked at last, by `clock` */
    int64_t clock;
    ui_view_id tab_at[64]; /* titles and where they were drawn, for the mouse */
    ui_rect tab_rects[64];
    int n_tabs;

    ui_prompt prompt;
    char *match;     /* the text that is searched */
    int search_from; /* where the cursor was when the search was begun */
    ui_question question;
    char *asked_line, *asked_file; /* the line that overwrites this file, when that is what is asked */
    ff_buf output;                 /* what the last command printed */
    bool noted;                    /* by the command that runs */
    char *message;                 /* one line, until the next key */
    ui_ink message_ink;

    int pair;      /* what the cursor speaks of, UI_PIXELS, or -1: nothing */
    char *finding; /* id of the finding, when a finding was opened; else NULL */
    const ff_detail *detail;
    int detail_wanted;      /* pair asked for, -1 */
    int64_t detail_version; /* snapshot's, when it was asked for */
    int64_t detail_due_ns;  /* ask then; 0: no need */
    int64_t detail_job;
    bool values_wanted; /* by the last key: the cursor of the details goes to the values when they are read */
    int image;          /* that is looked at */
    const ff_picture *picture;
    int64_t picture_due_ns; /* ask then; 0: no need */
    int64_t picture_job;
    int64_t picture_version; /* snapshot's, when it was asked for */

    int64_t running; /* the job that runs; 0: idle */
    ff_job_kind running_kind;
    int interrupts;      /* C-c in a row while nothing runs */
    int64_t saved_state; /* what was written last */
    bool quit_after_save;
    bool touched; /* the user moved: the cursor is hers */
    ui_latency latency;
    bool dirty, quit;
    int code;      /* what ff_explore returns */
    char *failure; /* message that goes with it */
} ui;

/* explore.c */
void ui_say(ui *u, ui_ink ink, const char *format, ...) FF_PRINTF(3, 4);
void ui_stale(ui *u); /* every view is refreshed before the next paint */

/* events.c */
void ui_take_events(ui *u);
void ui_note_job(ui *u);    /* a request was posted: it runs from now on, as far as the user is concerned */
void ui_want_detail(ui *u); /* of u->pair, when it stayed for a moment */
void ui_detail_tick(ui *u);
void ui_want_picture(ui *u); /* of u->image and, where its activations are seen, u->pair */
/* The last change of models is in no file. */
bool ui_unsaved(const ui *u);

/* run.c */
void ui_run(ui *u, const char *line);                    /* a command line; errors become the message */
void ui_run_on(ui *u, const char *word, const char *id); /* "WORD 'ID'", whatever signs the id holds */
void ui_run_later(ui *u, int64_t job, bool done);        /* the lines that waited for this job, if there are any */
/* The repair that `accept` would take: under the cursor, or the next; NULL when there is none. */
const char *ui_chosen_proposal(ui *u);

/* verbs.c */
bool ui_verb(void *u, int argc, char **argv); /* ff_context.view */

/* panes.c */
ui_view *ui_focused(ui *u); /* the view that has the keys */
void ui_show_view(ui *u, ui_view_id id, bool remember);
void ui_next_pane(ui *u, int step);
void ui_next_tab(ui *u, int step);
bool ui_close_one(ui *u); /* what was opened last; false when nothing was */

/* press.c */
void ui_key_pressed(ui *u, const ui_key *k);
void ui_set_match(ui *u, const char *text); /* what is marked and searched; "": nothing */
void ui_begin_search(ui *u);
void ui_search_on(ui *u, int step);

/* False while the question of a lesson is open: findings and repairs would tell the answer. */
bool ui_told(const ui *u);
const ff_table *ui_findings(const ui *u); /* the snapshot's, or an empty table */
const ff_table *ui_proposals(const ui *u);

/* jumps.c */
void ui_cursor_moved(ui *u);                                 /* the other panes follow */
void ui_look_at(ui *u, int pair);                            /* all panes turn to a pair */
void ui_go_to_parting(ui *u);                                /* where it is known */
void ui_effect_of_image(ui *u, int row, const char *repair); /* to the repair that puts it right */
void ui_effect(ui *u); /* from a repair to the images it puts right, from an image to its repair */
bool ui_in_list(const char *list, int64_t number); /* "3,17,40" */

/* pre.c: the spec that is the Target's now; do the two differ; a spec's words, those that differ first */
const char *ui_target_pre(const ff_snapshot *s);
bool ui_pre_differs(const ff_snapshot *s);
void ui_pre_words(const char *spec, const char *other, ff_buf *out);
/* The command line that changes the word in a line of ui_doc_pre's table; NULL: no such line. The caller frees. */
char *ui_pre_edit(const ff_snapshot *s, int line);
int ui_pre_first_difference(const ff_snapshot *s);

/* detail.c: to the first value that differs, else to the first; false: none is there, perhaps not yet (values_wanted) */
bool ui_go_to_values(ui *u);

/* images.c: the image that is looked at, by hand */
void ui_look_at_image(ui *u, int image);

/* findings.c: the row of the repair that names this finding (its ids have blanks or commas between), -1 */
int ui_proposal_of(const ui *u, const char *id);

/* mouse.c */
void ui_mouse(ui *u, const ui_key *k);

/* screen.c */
void ui_paint(ui *u);
void ui_resized(ui *u, int width, int height);

/* status.c: the lines around the panes */
void ui_draw_title(ui *u, ui_rect r);
void ui_draw_next(ui *u, ui_rect r);
void ui_draw_status(ui *u, ui_rect r);
void ui_draw_keys(ui *u, ui_rect r);
void ui_hint(ui_pen *p, const char *line, const char *what); /* the key of a line and what it does, where both fit */
void ui_bar_bisect(const ui_view *v, ui_pen *p);
/* Key that a command line is bound to, "" when none. */
const char *ui_key_of(const char *line);

/* loop.c */
void ui_loop(ui *u);

/* A job runs that is worth a word: what views read for themselves is quick and frequent. */
static inline bool ui_busy(const ui *u)
{
    return u->running && !ff_job(u->running_kind)->looks;
}

/* What a finding or a repair is about: a pair, UI_PIXELS, or -1. */
static inline int ui_place(const ff_table *t, int row)
{
    return (int)ff_table_int_at(t, row, "pair", strcmp(ff_table_text_at(t, row, "type"), "PP") == 0 ? UI_PIXELS : -1);
}

#endif
