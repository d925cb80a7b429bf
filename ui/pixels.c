/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pixels.h"

#include <math.h>
#include <stdlib.h>

#include "theme.h"

static void make(ui_pixels *p, int width, int height)
{
    *p = (ui_pixels){width, height, ff_alloc_array((size_t)width * (size_t)height + 1, sizeof *p->at)};
}

void ui_pixels_finish(ui_pixels *p)
{
    free(p->at);
    *p = (ui_pixels){0};
}

static uint32_t rgb_of(double r, double g, double b)
{
    return (uint32_t)(r + 0.5) << 16 | (uint32_t)(g + 0.5) << 8 | (uint32_t)(b + 0.5);
}

void ui_pixels_of_rgb(ui_pixels *p, const uint8_t *rgb, int width, int height)
{
    make(p, width, height);
    for (int i = 0; i < width * height; i++)
        p->at[i] = (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
}

void ui_pixels_of_values(ui_pixels *p, const float *values, int width, int height, float low, float high)
{
    make(p, width, height);
    for (int i = 0; i < width * height; i++) {
        double f = high > low ? ((double)values[i] - low) / ((double)high - low) : 0;
        f = f >= 0 ? (f > 1 ? 1 : f) : 0; /* a NaN is black */
        p->at[i] = rgb_of(255 * f, 255 * f, 255 * f);
    }
}

void ui_pixels_of_differences(ui_pixels *p, const float *from, const float *to, int width, int height, float most)
{
    make(p, width, height);
    for (int i = 0; i < width * height; i++) {
        double f = most > 0 ? ((double)to[i] - from[i]) / most : 0;
        f = f > 1 ? 1 : f >= -1 ? f : -1;
        double strong = sqrt(fabs(f)); /* small differences are to be seen, too */
        p->at[i] =
            f > 0 ? rgb_of(255 * strong, 80 * strong, 40 * strong) : rgb_of(40 * strong, 110 * strong, 255 * strong);
    }
}

/* The mean colour of a stretch of the picture, between 0 and 1 each way. */
static uint32_t mean(const ui_pixels *p, double x0, double y0, double x1, double y1)
{
    int left = (int)(x0 * p->width), top = (int)(y0 * p->height);
    int right = (int)ceil(x1 * p->width - 1e-9), bottom = (int)ceil(y1 * p->height - 1e-9);
    double sum[3] = {0}, n = 0;
    for (int y = top; y < (bottom > top ? bottom : top + 1) && y < p->height; y++) {
        for (int x = left; x < (right > left ? right : left + 1) && x < p->width; x++, n++) {
            uint32_t c = p->at[(size_t)y * (size_t)p->width + (size_t)x];
            sum[0] += c >> 16;
            sum[1] += c >> 8 & 255;
            sum[2] += c & 255;
        }
    }
    return n > 0 ? rgb_of(sum[0] / n, sum[1] / n, sum[2] / n) : 0;
}

static uint32_t by_brightness(uint32_t rgb)
{
    static const char ramp[] = " .:-=+*#%@";
    double light = 0.3 * (rgb >> 16) + 0.59 * (rgb >> 8 & 255) + 0.11 * (rgb & 255);
    return (uint32_t)(unsigned char)ramp[(int)(light / 256 * (sizeof ramp - 1))];
}

ui_rect ui_pixels_draw(const ui_pixels *p, ui_canvas *c, ui_rect r)
{
    if (p->width < 1 || p->height < 1 || r.width < 1 || r.height < 1)
        return (ui_rect){r.x, r.y, 0, 0};
    double scale = fmin((double)r.width / p->width, 2.0 * r.height / p->height);
    int width = (int)(p->width * scale + 0.01), height = (int)(p->height * scale / 2 + 0.5);
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height > r.height ? r.height : height;
    bool colour = ui_theme_pixels();
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            ui_cell *cell = ui_canvas_at(c, r.x + x, r.y + y);
            double x0 = (double)x / width, x1 = (x + 1.0) / width;
            double y0 = (double)y / height, y1 = (y + 1.0) / height, middle = (y0 + y1) / 2;
            if (!cell)
                continue;
            *cell = (ui_cell){.c = ' '};
            if (colour) {
                cell->c = 0x2580; /* upper half block */
                cell->fg = UI_RGB | mean(p, x0, y0, x1, middle);
                cell->bg = UI_RGB | mean(p, x0, middle, x1, y1);
            } else {
                cell->c = by_brightness(mean(p, x0, y0, x1, y1));
            }
        }
    }
    return (ui_rect){r.x, r.y, width, height};
}
