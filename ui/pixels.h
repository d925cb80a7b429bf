/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures made of cells: half blocks where there are colours enough, else characters by brightness. */
#ifndef FF_UI_PIXELS_H
#define FF_UI_PIXELS_H

#include "canvas.h"

/* Colours 0xRRGGBB, row by row. */
typedef struct ui_pixels {
    int width, height;
    uint32_t *at;
} ui_pixels;

/* From 3 * width bytes a row. */
void ui_pixels_of_rgb(ui_pixels *p, const uint8_t *rgb, int width, int height);
/* A plane of numbers: grey from `low` to `high`. */
void ui_pixels_of_values(ui_pixels *p, const float *values, int width, int height, float low, float high);
/* A plane of differences: blue below 0, red above, to +-most; 0 is dark. */
void ui_pixels_of_differences(ui_pixels *p, const float *from, const float *to, int width, int height, float most);
void ui_pixels_finish(ui_pixels *p);
/* As large as fits with its proportions kept (a cell is about twice as high as wide), at the top left of r. Returns the
 * cells that were used. */
ui_rect ui_pixels_draw(const ui_pixels *p, ui_canvas *c, ui_rect r);

#endif
