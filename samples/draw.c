/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "draw.h"

#include <math.h>

typedef enum { DISC, CROSS, TRIANGLE, RING, SQUARE, STAR, DIAMOND, FIELD } shape;
typedef enum { PLAIN, STRIPES, CHECKER, DOTS, BARS } texture;

static const struct {
    const char *name;
    shape shape;
    texture texture;
    double hue, saturation, value; /* hue in turns */
} classes[DRAW_CLASSES] = {
    {"red-disc", DISC, PLAIN, 0.00, 0.85, 0.85},        {"lime-disc", DISC, DOTS, 0.25, 0.80, 0.85},
    {"white-cross", CROSS, PLAIN, 0.00, 0.03, 1.00},    {"blue-triangle", TRIANGLE, PLAIN, 0.64, 0.85, 0.80},
    {"cyan-ring", RING, PLAIN, 0.50, 0.85, 0.90},       {"green-square", SQUARE, PLAIN, 0.38, 0.85, 0.60},
    {"yellow-star", STAR, PLAIN, 0.16, 0.95, 1.00},     {"pink-stripes", FIELD, STRIPES, 0.92, 0.55, 0.95},
    {"grey-checker", FIELD, CHECKER, 0.00, 0.04, 0.85}, {"brown-dots", FIELD, DOTS, 0.07, 0.70, 0.55},
    {"violet-bars", FIELD, BARS, 0.76, 0.75, 0.80},     {"orange-diamond", DIAMOND, CHECKER, 0.08, 0.95, 1.00},
};

const char *draw_class_name(int label)
{
    return classes[label].name;
}

static double between(ff_rng *r, double low, double high)
{
    return low + (high - low) * ff_rng_real(r);
}

static void hsv_to_rgb(double h, double s, double v, double rgb[3])
{
    for (int c = 0; c < 3; c++) {
        double k = fmod(h * 6 + (c == 0 ? 5 : c == 1 ? 3 : 1) + 6, 6);
        double t = fmin(fmin(k, 4 - k), 1);
        rgb[c] = v - v * s * fmax(t, 0);
    }
}

/* Distance to the outline in units of the shape's radius: negative inside. */
static double outline(shape s, double x, double y)
{
    double radius = sqrt(x * x + y * y);
    switch (s) {
    case DISC:
        return radius - 1;
    case RING:
        return fabs(radius - 0.75) - 0.25;
    case SQUARE:
        return fmax(fabs(x), fabs(y)) - 0.85;
    case DIAMOND:
        return (fabs(x) + fabs(y)) - 1.1;
    case CROSS: {
        double a = fmax(fabs(x) - 1, fabs(y) - 0.3), b = fmax(fabs(x) - 0.3, fabs(y) - 1);
        return fmin(a, b);
    }
    case TRIANGLE:
        return fmax(fmax(0.866 * x - 0.5 * y, -0.866 * x - 0.5 * y), y) - 0.55;
    case STAR: {
        double turn = fmod(atan2(y, x) / (2 * M_PI) * 5 + 10, 1);
        return radius - (0.45 + 0.6 * pow(fabs(turn - 0.5) * 2, 1.5));
    }
    case FIELD:
        return -1;
    }
    return 1;
}

/* Light and dark of the texture: 0..1 at a place given in cells of the texture. */
static double pattern(texture t, double u, double v)
{
    switch (t) {
    case PLAIN:
        return 1;
    case STRIPES:
        return sin(2 * M_PI * v) > 0 ? 1 : 0.25;
    case BARS:
        return sin(2 * M_PI * u) > 0 ? 1 : 0.25;
    case CHECKER:
        return sin(2 * M_PI * u) * sin(2 * M_PI * v) > 0 ? 1 : 0.2;
    case DOTS: {
        double du = u - floor(u) - 0.5, dv = v - floor(v) - 0.5;
        return du * du + dv * dv < 0.09 ? 0.2 : 1;
    }
    }
    return 1;
}

/* A pale colour. Each number is drawn in a statement of its own: C leaves open in which order arguments are evaluated. */
static void draw_ground(ff_rng *r, double *rgb)
{
    double brightness = between(r, 0.3, 0.7), saturation = between(r, 0, 0.15);
    hsv_to_rgb(ff_rng_real(r), saturation, brightness, rgb);
}

void draw_picture(int label, uint64_t seed, ff_image *out)
{
    ff_rng r = {seed};
    int width = 72 + (int)ff_rng_below(&r, 57), height = 72 + (int)ff_rng_below(&r, 57);
    shape s = classes[label].shape;
    texture t = classes[label].texture;

    double object[3], ground_from[3], ground_to[3];
    double brightness = classes[label].value * between(&r, 0.8, 1.05);
    double saturation = classes[label].saturation * between(&r, 0.8, 1);
    hsv_to_rgb(classes[label].hue + between(&r, -0.025, 0.025), saturation, brightness, object);
    draw_ground(&r, ground_from);
    draw_ground(&r, ground_to);

    double small = fmin(width, height);
    double radius = small * between(&r, 0.34, 0.46);
    double cx = width * between(&r, 0.42, 0.58), cy = height * between(&r, 0.42, 0.58);
    /* Stripes and bars are told apart by their direction, so they turn only a little. */
    double turn = s == FIELD                                     ? between(&r, -0.15, 0.15)
                  : s == SQUARE || s == DIAMOND || s == TRIANGLE ? between(&r, -0.25, 0.25)
                                                                 : between(&r, 0, 2 * M_PI);
    double cosine = cos(turn), sine = sin(turn);
    double cell = small / between(&r, 5, 9), phase_u = ff_rng_real(&r), phase_v = ff_rng_real(&r);
    double light = between(&r, 0.75, 1.05), slope = between(&r, -0.2, 0.2);
    double noise = between(&r, 2, 9), ground_turn = between(&r, 0, 2 * M_PI);

    *out = (ff_image){width, height, ff_alloc_array((size_t)width * (size_t)height, 3)};
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            double dx = x + 0.5 - cx, dy = y + 0.5 - cy;
            double u = cosine * dx + sine * dy, v = cosine * dy - sine * dx;
            double inside = 0.5 - outline(s, u / radius, v / radius) * radius;
            inside = fmax(0, fmin(1, inside));
            double shade = pattern(t, u / cell + phase_u, v / cell + phase_v);
            double along = 0.5 + 0.5 * (cos(ground_turn) * dx + sin(ground_turn) * dy) / small;
            along = fmax(0, fmin(1, along));
            double lit = light * (1 + slope * dx / width);
            for (int c = 0; c < 3; c++) {
                double ground = ground_from[c] + (ground_to[c] - ground_from[c]) * along;
                double value = ground + (object[c] * shade - ground) * inside;
                value = 255 * value * lit + noise * ff_rng_normal(&r);
                out->rgb[3 * ((size_t)y * (size_t)width + (size_t)x) + (size_t)c] =
                    (uint8_t)fmax(0, fmin(255, floor(value + 0.5)));
            }
        }
    }
}

void draw_series(const char *series, int i, ff_image *out, int *label)
{
    /* The name and the number make the seed, so that series never meet. */
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, series);
    ff_hasher_add_u64(&h, (uint64_t)i);
    ff_key key = ff_hasher_done(&h);
    uint64_t seed = 0;
    for (int b = 0; b < 8; b++)
        seed = seed << 8 | key.bytes[b];
    *label = i % DRAW_CLASSES;
    draw_picture(*label, seed, out);
}
