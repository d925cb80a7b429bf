/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What colours mean. Views name an ink (what the text is) and a paper (what lies behind it); the
 * theme turns both into the terminal's colours, or into bold, underlined and reversed text where
 * there are none. Nothing is told by colour alone: each ink goes with a glyph or a word.
 */
#ifndef FF_UI_STYLE_H
#define FF_UI_STYLE_H

#include <stdint.h>

typedef enum ui_ink {
    INK_TEXT,
    INK_STRONG, /* names, numbers that matter */
    INK_DIM,    /* equal, equivalent, secondary */
    INK_FRAME,
    INK_FOCUS, /* frame and title of the pane that has the keys */
    INK_KEY,   /* a key one can press */
    INK_GOOD,  /* repaired, right */
    INK_BAD,   /* different, wrong */
    INK_WARN,  /* missing, rejected, needs care */
    INK_INFO,  /* notes of the engine */
    INK_SOURCE,
    INK_TARGET,
    INK_PP,
    INK_ID,
    INK_TSS,
    INK_WB,
    INK_LH,
    INK_CG, /* the fault types */
    INK_HEAT0,
    INK_HEAT1,
    INK_HEAT2,
    INK_HEAT3,
    INK_HEAT4, /* from harmless to bad */
    INK_LANE,  /* lines of the graph */
    INK_COUNT
} ui_ink;

typedef enum ui_paper {
    PAPER_NONE,
    PAPER_CURSOR,     /* the row the keys work on */
    PAPER_CURSOR_OFF, /* the selected row of another pane */
    PAPER_BAR,        /* title and key lines */
    PAPER_MATCH,      /* what a search found */
    PAPER_POPUP,
    PAPER_COUNT
} ui_paper;

enum { UI_BOLD = 1, UI_UNDERLINE = 2, UI_REVERSE = 4 };

typedef struct ui_style {
    uint8_t ink, paper, attrs;
} ui_style;

static inline ui_style ui_plain(ui_ink ink)
{
    return (ui_style){ink, PAPER_NONE, 0};
}

static inline ui_style ui_bold(ui_ink ink)
{
    return (ui_style){ink, PAPER_NONE, UI_BOLD};
}

/* The ink of a fault type by its name; INK_TEXT for an unknown one. */
ui_ink ui_ink_of_type(const char *type);
/* The heat of a fraction 0..1. */
ui_ink ui_ink_of_heat(double fraction);

#endif
