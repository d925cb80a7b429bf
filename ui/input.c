/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ESCAPE_WAIT = 25,    /* ms until a lone ESC is the Escape key */
    SEQUENCE_WAIT = 100, /* ms until a cut sequence is dropped */
    PASTE_WAIT = 500,    /* ms until a paste without an end is over */
    SEQUENCE_MAX = 48,   /* longer ones are noise */
    PASTE_MAX = 65536,   /* bytes of a paste that are kept */
};

struct learned {
    char *sequence, *name;
    size_t length;
};

struct ui_input {
    ff_buf bytes;
    size_t at; /* bytes before it are eaten */
    struct learned *learned;
    size_t n_learned, capacity;
    bool pasting;
    ff_buf paste;  /* what was collected so far */
    ff_buf pasted; /* what was handed out */
};

ui_input *ui_input_create(void)
{
    return ff_alloc(sizeof(ui_input));
}

void ui_input_destroy(ui_input *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->n_learned; i++) {
        free(in->learned[i].sequence);
        free(in->learned[i].name);
    }
    free(in->learned);
    ff_buf_finish(&in->bytes);
    ff_buf_finish(&in->paste);
    ff_buf_finish(&in->pasted);
    free(in);
}

void ui_input_learn(ui_input *in, const char *sequence, const char *name)
{
    ff_grow(&in->learned, &in->capacity, in->n_learned + 1, sizeof *in->learned);
    in->learned[in->n_learned++] = (struct learned){ff_strdup(sequence), ff_strdup(name), strlen(sequence)};
}

void ui_input_feed(ui_input *in, const char *bytes, size_t n)
{
    if (in->at > 0 && in->at == in->bytes.len) {
        ff_buf_clear(&in->bytes);
        in->at = 0;
    }
    ff_buf_add(&in->bytes, bytes, n);
}

static size_t pending(const ui_input *in)
{
    return in->bytes.len - in->at;
}

int ui_input_wait(const ui_input *in)
{
    if (in->pasting)
        return PASTE_WAIT;
    if (pending(in) == 0)
        return -1;
    return pending(in) == 1 ? ESCAPE_WAIT : SEQUENCE_WAIT;
}

static void name_key(ui_key *k, const char *name)
{
    *k = (ui_key){.type = UI_KEY};
    snprintf(k->name, sizeof k->name, "%s", name);
}

static void name_control(ui_key *k, unsigned char b)
{
    switch (b) {
    case '\r':
    case '\n':
        name_key(k, "Enter");
        return;
    case '\t':
        name_key(k, "Tab");
        return;
    case 0x1b:
        name_key(k, "Escape");
        return;
    case 0x08:
    case 0x7f:
        name_key(k, "Backspace");
        return;
    case 0:
        name_key(k, "C-Space");
        return;
    default:
        name_key(k, "");
        snprintf(k->name, sizeof k->name, "C-%c", b < 27 ? b + 'a' - 1 : b + '@');
    }
}

static void name_text(ui_key *k, uint32_t c)
{
    name_key(k, "");
    k->codepoint = c;
    if (c == ' ')
        snprintf(k->name, sizeof k->name, "Space");
    else
        k->name[ff_utf8_encode(c, k->name)] = '\0';
}

/* xterm's modifier parameter: 1 + 1 Shift + 2 Meta + 4 Control. */
static void add_modifiers(ui_key *k, int m)
{
    char plain[16];
    memcpy(plain, k->name, sizeof plain);
    m = m > 1 ? m - 1 : 0;
    snprintf(k->name, sizeof k->name, "%s%s%s%.9s", m & 4 ? "C-" : "", m & 2 ? "M-" : "", m & 1 ? "S-" : "", plain);
}

/* `ESC [ < button ; x ; y M|m` */
static bool parse_mouse(const int *args, int n, char final, ui_key *k)
{
    if (n < 3 || args[1] < 1 || args[2] < 1)
        return false;
    *k = (ui_key){.type = UI_MOUSE, .x = args[1] - 1, .y = args[2] - 1};
    int code = args[0];
    if (code & 64) {
        if ((code & 3) > 1)
            return false; /* sideways wheels */
        k->mouse = code & 1 ? UI_MOUSE_WHEEL_DOWN : UI_MOUSE_WHEEL_UP;
    } else if (code & 32) {
        return false; /* motion */
    } else {
        k->button = code & 3;
        k->mouse = final == 'm' ? UI_MOUSE_RELEASE : UI_MOUSE_PRESS;
    }
    return true;
}

/* A complete CSI sequence (without ESC and [). False: not a key. */
static bool parse_csi(ui_input *in, const char *s, size_t n, ui_key *k)
{
    char final = s[n - 1];
    int args[4] = {0};
    int n_args = 0;
    size_t i = 0;
    bool private = n > 1 && s[0] >= '<' && s[0] <= '?';

    for (i = private ? 1 : 0; i < n - 1; i++) {
        if (s[i] >= '0' && s[i] <= '9') {
            if (n_args == 0)
                n_args = 1;
            int *a = &args[n_args - 1];
            if (*a < 100000)
                *a = *a * 10 + (s[i] - '0');
        } else if (s[i] == ';' && n_args < 4) {
            n_args += n_args == 0 ? 2 : 1;
            if (n_args > 4)
                return false;
        } else {
            return false;
        }
    }
    if (private)
        return s[0] == '<' && (final == 'M' || final == 'm') && parse_mouse(args, n_args, final, k);

    static const char *const tilde[] = {
        [1] = "Home", [2] = "Insert", [3] = "Delete", [4] = "End",  [5] = "PgUp", [6] = "PgDn", [7] = "Home",
        [8] = "End",  [11] = "F1",    [12] = "F2",    [13] = "F3",  [14] = "F4",  [15] = "F5",  [17] = "F6",
        [18] = "F7",  [19] = "F8",    [20] = "F9",    [21] = "F10", [23] = "F11", [24] = "F12",
    };
    if (final == '~') {
        if (args[0] == 200) {
            in->pasting = true;
            ff_buf_clear(&in->paste);
            return false;
        }
        if (args[0] < 0 || (size_t)args[0] >= FF_COUNT(tilde) || !tilde[args[0]])
            return false;
        name_key(k, tilde[args[0]]);
        add_modifiers(k, args[1]);
        return true;
    }
    static const struct {
        char final;
        const char *name;
    } letters[] = {
        {'A', "Up"},    {'B', "Down"}, {'C', "Right"}, {'D', "Left"}, {'H', "Home"}, {'F', "End"},
        {'Z', "S-Tab"}, {'P', "F1"},   {'Q', "F2"},    {'R', "F3"},   {'S', "F4"},
    };
    for (size_t j = 0; j < FF_COUNT(letters); j++) {
        if (letters[j].final == final) {
            name_key(k, letters[j].name);
            add_modifiers(k, args[1]);
            return true;
        }
    }
    return false;
}

/* What one attempt to read a key from the front of the bytes came to. */
typedef enum outcome { MORE, KEY, NOTHING } outcome;

static outcome parse_escape(ui_input *in, const char *s, size_t n, bool late, size_t *used, ui_key *k)
{
    bool partial = false;

    for (size_t i = 0; i < in->n_learned; i++) {
        const struct learned *l = &in->learned[i];
        if (n >= l->length && memcmp(s, l->sequence, l->length) == 0) {
            name_key(k, l->name);
            *used = l->length;
            return KEY;
        }
        if (n < l->length && memcmp(s, l->sequence, n) == 0)
            partial = true;
    }
    if (n == 1) {
        if (!late)
            return MORE;
        *used = 1;
        name_key(k, "Escape");
        return KEY;
    }
    if (partial && !late)
        return MORE;
    if (s[1] == '[') {
        if (n >= 3 && s[2] == 'M') { /* the old mouse report: three bytes follow */
            if (n < 6 && !late)
                return MORE;
            *used = n < 6 ? n : 6;
            if (n < 6)
                return NOTHING;
            int b = (unsigned char)s[3] - 32;
            int args[3] = {(b & 3) == 3 && !(b & 64) ? 0 : b, (unsigned char)s[4] - 32, (unsigned char)s[5] - 32};
            return parse_mouse(args, 3, (b & 3) == 3 && !(b & 64) ? 'm' : 'M', k) ? KEY : NOTHING;
        }
        for (size_t i = 2; i < n && i < SEQUENCE_MAX; i++) {
            unsigned char b = (unsigned char)s[i];
            if (b >= 0x40 && b <= 0x7e) {
                *used = i + 1;
                return parse_csi(in, s + 2, i - 1, k) ? KEY : NOTHING;
            }
            if (b < 0x20 || b > 0x7e) { /* cut: another key begins here */
                *used = i;
                return NOTHING;
            }
        }
        if (n < SEQUENCE_MAX && !late)
            return MORE;
        *used = n < SEQUENCE_MAX ? n : SEQUENCE_MAX;
        return NOTHING;
    }
    if (s[1] == 'O') {
        if (n < 3 && !late)
            return MORE;
        if (n >= 3) {
            *used = 3;
            return parse_csi(in, s + 2, 1, k) ? KEY : NOTHING;
        }
    }
    if ((unsigned char)s[1] < 0x20 && s[1] != 0x08) { /* Escape, and something new */
        *used = 1;
        name_key(k, "Escape");
        return KEY;
    }
    *used = 2;
    ui_key plain;
    if (s[1] == 0x08 || s[1] == 0x7f)
        name_control(&plain, (unsigned char)s[1]);
    else if ((unsigned char)s[1] < 0x7f)
        name_text(&plain, (uint32_t)s[1]);
    else
        return NOTHING;
    name_key(k, "");
    snprintf(k->name, sizeof k->name, "M-%.12s", plain.name);
    return KEY;
}

/* Collects a paste. True when it is complete. */
static bool parse_paste(ui_input *in, bool late)
{
    static const char end[] = "\x1b[201~";
    size_t length = sizeof end - 1;
    const char *s = in->bytes.data + in->at;
    size_t n = pending(in), take = n;
    bool done = late;

    const char *hit = n ? memmem(s, n, end, length) : NULL;
    if (hit) {
        take = (size_t)(hit - s);
        done = true;
    } else if (!late) { /* the end may be cut by the read */
        take = n > length ? n - length : 0;
    }
    size_t room = in->paste.len < PASTE_MAX ? PASTE_MAX - in->paste.len : 0;
    if (take)
        ff_buf_add(&in->paste, s, take < room ? take : room);
    in->at += take + (hit ? length : 0);
    return done;
}

bool ui_input_next(ui_input *in, ui_key *out, bool late)
{
    for (;;) {
        if (in->pasting) {
            if (!parse_paste(in, late))
                return false;
            in->pasting = false;
            ff_buf_clear(&in->pasted);
            if (in->paste.len)
                ff_buf_add(&in->pasted, in->paste.data, in->paste.len);
            *out = (ui_key){.type = UI_PASTE, .text = in->pasted.data ? in->pasted.data : ""};
            return true;
        }
        size_t n = pending(in);
        if (n == 0)
            return false;
        const char *s = in->bytes.data + in->at;
        unsigned char b = (unsigned char)s[0];
        if (b == 0x1b) {
            size_t used = 0;
            outcome o = parse_escape(in, s, n, late, &used, out);
            if (o == MORE)
                return false;
            in->at += used;
            if (o == KEY)
                return true;
            continue;
        }
        if (b < 0x20 || b == 0x7f) {
            in->at++;
            name_control(out, b);
            return true;
        }
        size_t need = b < 0x80 ? 1 : b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
        if (need > n && !late)
            return false;
        size_t used;
        uint32_t c = ff_utf8_decode(s, n, &used);
        in->at += used;
        if (c == 0xfffd || ff_codepoint_width(c) < 0)
            continue; /* noise */
        name_text(out, c);
        return true;
    }
}
