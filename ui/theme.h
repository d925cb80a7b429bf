/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inks and papers as the attributes and colours of the present terminal. */
#ifndef FF_UI_THEME_H
#define FF_UI_THEME_H

#include <stdbool.h>

#include "style.h"

typedef enum ui_theme { UI_DARK, UI_LIGHT, UI_MONO, UI_THEMES } ui_theme;

/* After curses has started. `color` -1: as the terminal and NO_COLOR say, 0: never, 1: if it can. */
void ui_theme_start(int color);
ui_theme ui_theme_present(void);
/* False when the terminal has no colours for it. */
bool ui_theme_choose(ui_theme t);
bool ui_theme_parse(const char *name, ui_theme *out);
/* curses attributes (a value of attr_t) and colour pair of a style. */
unsigned ui_theme_attributes(ui_style s, int *pair);
/* Can cells have any colours of a picture? False: with few colours or none, and without Unicode. */
bool ui_theme_pixels(void);
void ui_theme_set_pixels(bool possible); /* half blocks can be drawn */
/* The pair nearest to two colours 0xRRGGBB. */
int ui_theme_pixel_pair(unsigned fg, unsigned bg);

#endif
