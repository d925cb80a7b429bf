/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "theme.h"

#include <assert.h>

#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command.h"

static_assert((int)INK_COUNT == FF_COLOR_ELEMENTS, "an ink for each element of `color`");

/* One colour for terminals of 16 (of 8: its lower bits, and bold), and of 256 on dark and on light
 * ground. -1: the terminal's own. */
typedef struct shade {
    short c16[2], c256[2];
} shade;

typedef struct ink_row {
    shade colour;
    attr_t mono; /* what is left of it without colours */
} ink_row;

static const ink_row inks[INK_COUNT] = {
    [INK_TEXT] = {{{-1, -1}, {-1, -1}}, 0},       [INK_STRONG] = {{{15, -1}, {231, -1}}, A_BOLD},
    [INK_DIM] = {{{8, 8}, {244, 245}}, A_DIM},    [INK_FRAME] = {{{8, 7}, {239, 250}}, 0},
    [INK_FOCUS] = {{{14, 4}, {81, 26}}, A_BOLD},  [INK_KEY] = {{{11, 5}, {222, 94}}, A_BOLD},
    [INK_GOOD] = {{{10, 2}, {114, 28}}, 0},       [INK_BAD] = {{{9, 1}, {204, 160}}, A_BOLD},
    [INK_WARN] = {{{11, 3}, {215, 130}}, A_BOLD}, [INK_INFO] = {{{12, 4}, {110, 25}}, 0},
    [INK_SOURCE] = {{{12, 4}, {111, 25}}, 0},     [INK_TARGET] = {{{13, 5}, {180, 94}}, 0},
    [INK_PP] = {{{13, 5}, {176, 127}}, 0},        [INK_ID] = {{{12, 4}, {105, 62}}, 0},
    [INK_TSS] = {{{14, 6}, {80, 30}}, 0},         [INK_WB] = {{{11, 3}, {215, 130}}, 0},
    [INK_LH] = {{{9, 1}, {210, 161}}, 0},         [INK_CG] = {{{10, 2}, {149, 64}}, 0},
    [INK_HEAT0] = {{{6, 6}, {66, 66}}, 0},        [INK_HEAT1] = {{{2, 2}, {72, 29}}, 0},
    [INK_HEAT2] = {{{3, 3}, {179, 136}}, 0},      [INK_HEAT3] = {{{11, 3}, {208, 166}}, A_BOLD},
    [INK_HEAT4] = {{{9, 1}, {203, 160}}, A_BOLD}, [INK_LANE] = {{{6, 6}, {67, 67}}, 0},
};

static const struct {
    shade colour;
    attr_t few; /* on terminals of 8 and 16 colours */
    attr_t mono;
} papers[PAPER_COUNT] = {
    [PAPER_NONE] = {{{-1, -1}, {-1, -1}}, 0, 0},
    [PAPER_CURSOR] = {{{4, 6}, {24, 153}}, A_BOLD, A_REVERSE},
    [PAPER_CURSOR_OFF] = {{{-1, -1}, {237, 254}}, A_UNDERLINE, A_UNDERLINE},
    [PAPER_BAR] = {{{-1, -1}, {236, 254}}, A_BOLD, A_REVERSE},
    [PAPER_MATCH] = {{{3, 3}, {94, 222}}, 0, A_STANDOUT | A_BOLD},
    [PAPER_POPUP] = {{{-1, -1}, {235, 255}}, 0, 0},
};

static ui_theme theme;
static bool colours;
static int pairs[INK_COUNT][PAPER_COUNT]; /* 0: not yet made */
static int n_pairs;
static int changes; /* of the user's colours, when the pairs were made */

static void forget_pairs(void);

void ui_theme_start(int color)
{
    const char *no_color = getenv("NO_COLOR");
    const char *ground = getenv("COLORFGBG"); /* "15;0": rxvt and others tell their colours */
    bool wanted = color > 0 || (color < 0 && !(no_color && *no_color));

    colours = wanted && has_colors() && start_color() == OK && COLORS >= 8;
    if (colours)
        use_default_colors();
    theme = colours ? UI_DARK : UI_MONO;
    if (colours && ground) {
        const char *last = strrchr(ground, ';');
        if (last && (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0))
            theme = UI_LIGHT;
    }
    forget_pairs();
}

ui_theme ui_theme_present(void)
{
    return theme;
}

bool ui_theme_choose(ui_theme t)
{
    if (t != UI_MONO && !colours)
        return false;
    theme = t;
    forget_pairs();
    return true;
}

bool ui_theme_parse(const char *name, ui_theme *out)
{
    static const char *const names[UI_THEMES] = {"dark", "light", "mono"};
    for (int i = 0; i < UI_THEMES; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (ui_theme)i;
            return true;
        }
    }
    return false;
}

/* The 256-colour cube and grey ramp as red, green, blue, for terminals of direct colour. */
static int direct_colour(int c)
{
    static const int steps[6] = {0, 95, 135, 175, 215, 255};
    if (c < 16)
        return c < 0 ? -1 : c;
    if (c >= 232) {
        int v = 8 + 10 * (c - 232);
        return v << 16 | v << 8 | v;
    }
    c -= 16;
    return steps[c / 36] << 16 | steps[c / 6 % 6] << 8 | steps[c % 6];
}

static int colour_number(const shade *s)
{
    int ground = theme == UI_LIGHT;
    if (COLORS > 256)
        return direct_colour(s->c256[ground]);
    if (COLORS == 256)
        return s->c256[ground];
    int c = s->c16[ground];
    if (COLORS >= 16 || c < 0)
        return c;
    return c == 8 ? -1 : c & 7; /* no grey among eight: faint instead */
}

/* ------------------------------------------------------------------------------------- pictures */

/* Pairs of pictures by their two colour numbers: open addressing, never full. */
enum { PIXEL_SLOTS = 1 << 17 };
typedef struct pixel_pair {
    int fg, bg, pair; /* pair 0: a free slot */
} pixel_pair;
static pixel_pair *pixel_pairs;
static bool can_pixels;

void ui_theme_set_pixels(bool possible)
{
    can_pixels = possible;
}

bool ui_theme_pixels(void)
{
    return can_pixels && theme != UI_MONO && COLORS >= 256 && COLOR_PAIRS > 4096;
}

/* Terminals of direct colour take five bits a channel here, so that pairs are few; of 256 the colour cube or the grey
 * ramp, whichever is nearer. */
static int pixel_colour(unsigned rgb)
{
    int r = (int)(rgb >> 16 & 255), g = (int)(rgb >> 8 & 255), b = (int)(rgb & 255);
    if (COLORS > 256)
        return (int)(rgb & 0xf8f8f8) | (int)(rgb >> 5 & 0x070707);
    int cube[3], distance = 0;
    const int wanted[3] = {r, g, b};
    static const int steps[6] = {0, 95, 135, 175, 215, 255};
    for (int k = 0; k < 3; k++) {
        cube[k] = wanted[k] < 48 ? 0 : wanted[k] < 115 ? 1 : (wanted[k] - 35) / 40;
        int d = steps[cube[k]] - wanted[k];
        distance += d * d;
    }
    int grey = ((r + g + b) / 3 - 3) / 10, value, off = 0;
    grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
    value = 8 + 10 * grey;
    for (int k = 0; k < 3; k++)
        off += (value - wanted[k]) * (value - wanted[k]);
    return off < distance ? 232 + grey : 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
}

static void forget_pairs(void)
{
    memset(pairs, 0, sizeof pairs);
    n_pairs = 0;
    if (pixel_pairs)
        memset(pixel_pairs, 0, PIXEL_SLOTS * sizeof *pixel_pairs);
}

int ui_theme_pixel_pair(unsigned fg_rgb, unsigned bg_rgb)
{
    int fg = pixel_colour(fg_rgb), bg = pixel_colour(bg_rgb);
    if (!pixel_pairs)
        pixel_pairs = ff_alloc_array(PIXEL_SLOTS, sizeof *pixel_pairs);
    unsigned slot = ((unsigned)fg * 2654435761u ^ (unsigned)bg * 40503u) % PIXEL_SLOTS;
    while (pixel_pairs[slot].pair && (pixel_pairs[slot].fg != fg || pixel_pairs[slot].bg != bg))
        slot = (slot + 1) % PIXEL_SLOTS;
    if (!pixel_pairs[slot].pair) {
        /* Some are left for the inks. */
        if (n_pairs + INK_COUNT * PAPER_COUNT >= COLOR_PAIRS || n_pairs >= PIXEL_SLOTS / 2 ||
            init_extended_pair(n_pairs + 1, fg, bg) != OK)
            return 0;
        pixel_pairs[slot] = (pixel_pair){fg, bg, ++n_pairs};
    }
    return pixel_pairs[slot].pair;
}

/* -------------------------------------------------------------------------------------- styles */

/* A number of 256 where there are fewer: the nearest of eight, as a cube of two steps. */
static int own_colour(int number)
{
    if (number < 0 || COLORS == 256)
        return number;
    if (COLORS > 256)
        return direct_colour(number);
    if (number < 16)
        return COLORS >= 16 ? number : number & 7;
    if (number >= 232)
        return number >= 244 ? COLOR_WHITE : COLOR_BLACK;
    number -= 16;
    return (number / 36 > 2) | (number / 6 % 6 > 2) << 1 | (number % 6 > 2) << 2;
}

static int pair_of(ui_style s)
{
    if (changes != ff_color_changes()) {
        changes = ff_color_changes();
        forget_pairs();
    }
    int *p = &pairs[s.ink][s.paper];
    if (*p == 0) {
        if (n_pairs + 1 >= COLOR_PAIRS)
            return 0;
        const shade *ink = &inks[s.ink].colour;
        shade plain = {{7, 0}, {252, 236}};
        /* Faint inks cannot be read on the cursor's paper. */
        if ((s.paper == PAPER_CURSOR || s.paper == PAPER_MATCH) &&
            (s.ink == INK_DIM || s.ink == INK_LANE || s.ink == INK_FRAME))
            ink = &plain;
        /* The terminal's own text colour suits its own ground only. */
        int bg = colour_number(&papers[s.paper].colour);
        if (colour_number(ink) < 0 && bg >= 0)
            ink = &plain;
        int fg = colour_number(ink);
        ff_color own = ff_color_of(s.ink);
        if (own.set)
            fg = own_colour(own.number);
        if (COLORS < 16 && fg == bg && fg >= 0)
            fg = COLOR_WHITE;
        if (init_extended_pair(n_pairs + 1, fg, bg) != OK)
            return 0;
        *p = ++n_pairs;
    }
    return *p;
}

unsigned ui_theme_attributes(ui_style s, int *pair)
{
    attr_t a = 0;
    if (s.attrs & UI_BOLD)
        a |= A_BOLD;
    if (s.attrs & UI_UNDERLINE)
        a |= A_UNDERLINE;
    if (s.attrs & UI_REVERSE)
        a |= A_REVERSE;
    ff_color own = ff_color_of(s.ink);
    a |= (own.attributes & FF_COLOR_BOLD ? A_BOLD : 0) | (own.attributes & FF_COLOR_UNDERLINE ? A_UNDERLINE : 0) |
         (own.attributes & FF_COLOR_REVERSE ? A_REVERSE : 0);
    if (theme == UI_MONO) {
        *pair = 0;
        a |= inks[s.ink].mono | papers[s.paper].mono;
        if (a & (A_REVERSE | A_BOLD))
            a &= ~A_DIM;
        return a;
    }
    *pair = pair_of(s);
    if (COLORS < 256)
        a |= papers[s.paper].few;
    if (COLORS < 16) {
        int c = inks[s.ink].colour.c16[theme == UI_LIGHT];
        a |= c > 8 ? A_BOLD : c == 8 && s.paper == PAPER_NONE ? A_DIM : 0;
    }
    return a;
}

ui_ink ui_ink_of_type(const char *type)
{
    static const char *const names[] = {"PP", "ID", "TSS", "WB", "LH", "CG"};
    for (int i = 0; i < 6; i++) {
        if (strcmp(names[i], type) == 0)
            return (ui_ink)(INK_PP + i);
    }
    return INK_TEXT;
}

ui_ink ui_ink_of_heat(double f)
{
    return f > 0.75 ? INK_HEAT4 : f > 0.5 ? INK_HEAT3 : f > 0.25 ? INK_HEAT2 : f > 0.05 ? INK_HEAT1 : INK_HEAT0;
}
