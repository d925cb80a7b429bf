/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inks and papers as the attributes and colours of the present terminal. */
#ifndef FF_UI_THEME_H
#define FF_UI_THEME_H

#include <stdbool.h>

#include "style.h"

typedef enum ui_theme { UI_DARK, UI_LIGHT, UI_MONO, UI_THEMES } ui_theme;

/* How characters look: colours of the terminal by number, -1 its own, or UI_RGB | 0xRRGGBB; curses attributes. */
typedef struct ui_look {
    int ink, paper;
    unsigned attributes;
} ui_look;

/* When terminfo has been read. `color` -1: as the terminal and NO_COLOR say, 0: never, 1: if it can. */
void ui_theme_start(int color);
ui_theme ui_theme_present(void);
/* False when the terminal has no colours for it. */
bool ui_theme_choose(ui_theme t);
bool ui_theme_parse(const char *name, ui_theme *out);
ui_look ui_theme_look(ui_style s);
/* Can cells have any colours of a picture? False: with few colours or none, and without Unicode. */
bool ui_theme_pixels(void);
void ui_theme_set_pixels(bool possible); /* half blocks can be drawn */
/* What is nearest to two colours 0xRRGGBB. */
ui_look ui_theme_pixels_look(unsigned ink, unsigned paper);

#endif
