/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A view is a list of rows and a few functions. The rows come from tables of the snapshot; scrolling,
 * search, filters, the cursor and the mouse are the same for all and know no view.
 *
 * To add one: ui/NAME.c with `const ui_view_class ui_NAME_class`, and a line with its name, its key and a few
 * words in ui/meson.build. From those lines meson makes explorer_views.h, a list macro of which the ids below, the
 * table of classes, the words of `view` and the bindings of keys are made; where a view has its tab and
 * all that it does stands in the class. equivalences.c is a short example.
 */
#ifndef FF_UI_VIEW_H
#define FF_UI_VIEW_H

#include "canvas.h"
#include "explorer_views.h"
#include "window.h"

/* Those with a tab first, then those that lie over the others, as in meson.build. */
#define UI_VIEW_ID(NAME, ...) VIEW_##NAME,
typedef enum ui_view_id { FF_EXPLORER_VIEWS(UI_VIEW_ID) FF_EXPLORER_POPUPS(UI_VIEW_ID) VIEW_COUNT } ui_view_id;

/* Plans of the screen, smallest first; the smallest has one pane. */
enum { UI_PLAN_SMALL, UI_PLAN_MEDIUM, UI_PLAN_WIDE, UI_PLANS };

typedef struct ui_view ui_view;
struct ui;

typedef struct ui_view_class {
    const char *title;          /* in the frame */
    const char *keys;           /* what is special here: "Enter details  o sort" */
    int pane[UI_PLANS];         /* where its tab is, by the size of the screen (layout.h) */
    bool popup;                 /* it has no tab and lies over the others */
    const char *tables;         /* commands that open it here and print a table elsewhere: " steps states " */
    const char *opens;          /* what Enter does, for the key bar; NULL: "details" */
    bool text;                  /* a page that is broken to the width; no cursor: moving scrolls */
    bool cursor;                /* a page with a cursor all the same: its lines can be chosen */
    bool filters;               /* `filter next` goes through filters of its own */
    int alone;                  /* a screen with fewer rows shows this view alone while it has the keys */
    bool about;                 /* a page about what is under another view's cursor: closing it goes back there */
    bool details;               /* it shows the details of a node, which are read when it is opened */
    bool pictured;              /* it shows the image that is looked at */
    bool led;                   /* its cursor says nothing to the other panes */
    bool folds;                 /* a row without a pair is a fold: what was looked at stays */
    bool fits;                  /* which rows there are depends on the size */
    void (*finish)(ui_view *v); /* frees v->data; may be NULL */
    /* Something changed: say with ui_view_rows() how many rows there are, in which order. */
    void (*refresh)(ui_view *v);
    /* Writes one row (a number of the view's own, as given to ui_view_rows). */
    void (*draw)(ui_view *v, int row, ui_pen *p);
    /* The rest may be NULL. */
    int (*head_height)(const ui_view *v, int height); /* fixed rows above the list */
    void (*draw_head)(ui_view *v, ui_canvas *c, ui_rect r);
    void (*head_click)(ui_view *v, int x, int y);       /* in the head; from its last row up: y 0, 1.. */
    void (*badge)(const ui_view *v, ff_buf *out);       /* after the title in the frame: "12" */
    void (*corner)(const ui_view *v, ff_buf *out);      /* at the right of the frame: "by isolated" */
    bool (*unread)(const ui_view *v);                   /* part of it is still to come */
    const char *(*empty)(const ui_view *v);             /* what to say when there are no rows */
    int (*pair)(const ui_view *v, int row);             /* the pair a row speaks of, or -1 */
    bool (*follow)(ui_view *v, int pair);               /* put the cursor on this pair */
    const char *(*proposal)(const ui_view *v, int row); /* id of the repair a row offers, or NULL */
    int64_t (*step)(const ui_view *v, int row);         /* number of the step that a row is, 0: none */
    const char *(*finding)(const ui_view *v, int row);  /* id of the finding that a row is */
    void (*effect)(ui_view *v);                         /* what `effect` does here, when it is not the usual */
    void (*hint)(const ui_view *v, ff_buf *out);        /* the hint line while it has the keys; nothing: the usual */
    void (*bar)(const ui_view *v, ui_pen *p);           /* keys of its own for the key bar: ui_hint() */
    void (*bar_more)(const ui_view *v, ui_pen *p);      /* such as give way to the general ones */
    bool (*verb)(ui_view *v, int argc, char **argv);    /* "open", "sort", "fold", "filter": taken? */
    /* The next row from `from` in direction `step` that holds the text; for rows that are folded away. */
    int (*find)(ui_view *v, const char *text, int from, int step);
} ui_view_class;

struct ui_view {
    const ui_view_class *class;
    struct ui *ui;
    ui_window window;
    int *rows; /* numbers of the class's own, in the order shown */
    int n_rows;
    size_t capacity;
    char *filter;   /* text that rows have to hold, or NULL */
    int mode, sort; /* the class's own filter and order */
    int shift;      /* columns scrolled to the right */
    bool stale;     /* refresh before the next paint */
    bool turn;      /* set by refresh(): the cursor goes to row `turn_to` */
    int turn_to;
    ui_rect list; /* where the rows are on the screen, for the mouse */
    int head;     /* rows above them that belong to the view */
    void *data;
};

extern const ui_view_class *const ui_view_classes[VIEW_COUNT];
const char *ui_view_name(ui_view_id id); /* as in ":view heat" */

void ui_view_init(ui_view *v, struct ui *ui, ui_view_id id);
void ui_view_finish(ui_view *v);
/* Refreshes when stale. The cursor stays on its row (by number), the text filter is applied. */
void ui_view_update(ui_view *v);
/* For refresh(): n rows; order NULL: 0..n-1. */
void ui_view_rows(ui_view *v, int n, const int *order);
/* Orders rows by falling keys[row]; equal ones stay as they are. */
void ui_sort_rows(int *rows, int n, const double *keys);
int ui_view_row(const ui_view *v);        /* under the cursor, or -1 */
bool ui_view_select(ui_view *v, int row); /* false when the row is not shown */
void ui_view_draw(ui_view *v, ui_canvas *c, ui_rect r, bool focused, const char *match);
/* Moves to the next row that holds `text`; false when none does. `here`: this one counts too. */
bool ui_view_search(ui_view *v, const char *text, int step, bool here);
/* What a row says, as plain text; appended. */
void ui_view_row_text(ui_view *v, int row, ff_buf *out);
/* Finds `needle` in `text`, ignoring case when needle has no capitals (ASCII); NULL when absent. */
const char *ui_find_text(const char *text, const char *needle);

#endif
