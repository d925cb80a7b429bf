/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event loop: one poll() over the keyboard, the engine, signals and the clock. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "ui.h"

enum { FRAME_MS = 80 }; /* between two looks at the progress of a job */

static void end(ui *u, int code, const char *why)
{
    if (u->quit)
        return;
    u->quit = true;
    u->code = code;
    free(u->failure);
    u->failure = ff_strdup(why);
}

static void take_signals(ui *u)
{
    int set = ui_term_signals();

    if (set & UI_SIG_END)
        end(u, FF_ERR_CANCELLED, "ended by a signal");
    if (set & UI_SIG_STOP) {
        ui_term_suspend();
        set |= UI_SIG_RESIZE;
    } else if (set & UI_SIG_CONTINUE) {
        ui_term_restart();
        set |= UI_SIG_RESIZE;
    }
    if (set & UI_SIG_RESIZE) {
        int width, height;
        ui_term_size(&width, &height);
        ui_resized(u, width, height);
    }
    if (set & UI_SIG_INTERRUPT)
        ui_run(u, "cancel");
}

static void take_keys(ui *u, bool late)
{
    ui_key k;
    while (!u->quit && ui_input_next(u->input, &k, late)) {
        u->dirty = true;
        if (k.type == UI_MOUSE)
            ui_mouse(u, &k);
        else
            ui_key_pressed(u, &k);
    }
}

/* False when the terminal is gone. */
static bool read_keys(ui *u)
{
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false;
    ui_latency_key(&u->latency);
    ui_input_feed(u->input, bytes, (size_t)n);
    take_keys(u, false);
    return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b < 0 ? a : a < 0 ? b : a < b ? a : b;
}

static int wait_ms(const ui *u)
{
    int64_t ms = ui_input_wait(u->input);
    if (u->running)
        ms = earlier(ms, FRAME_MS);
    const int64_t due[] = {u->detail_due_ns, u->picture_due_ns};
    for (size_t i = 0; i < FF_COUNT(due); i++) {
        int64_t rest = (due[i] - ff_now_ns()) / 1000000 + 1;
        if (due[i])
            ms = earlier(ms, rest < 0 ? 0 : rest);
    }
    return (int)ms;
}

void ui_loop(ui *u)
{
    int width, height;
    ui_term_size(&width, &height);
    ui_resized(u, width, height);
    ui_note_job(u); /* the models are being loaded */
    ui_paint(u);
    ui_latency_painted(&u->latency);

    while (!u->quit) {
        struct pollfd fds[3] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = ff_session_fd(u->session), .events = POLLIN},
            {.fd = ui_term_signal_fd(), .events = POLLIN},
        };
        int n = poll(fds, 3, wait_ms(u));
        if (n < 0 && errno != EINTR)
            end(u, FF_ERR_INTERNAL, "poll failed");
        if (n < 0)
            continue;
        if (fds[2].revents)
            take_signals(u);
        if (u->quit)
            break;
        if (fds[0].revents & POLLIN) {
            if (!read_keys(u))
                end(u, FF_ERR_CANCELLED, "the terminal is gone");
        } else if (fds[0].revents) {
            end(u, FF_ERR_CANCELLED, "the terminal is gone");
        } else if (n == 0 && ui_input_wait(u->input) >= 0) {
            ui_latency_key(&u->latency);
            take_keys(u, true);
        }
        if (fds[1].revents & POLLIN)
            ui_take_events(u);
        if (u->running)
            u->dirty = true; /* its progress */
        if (u->dirty && !u->quit) {
            ui_paint(u);
            u->dirty = false;
            ui_latency_painted(&u->latency);
        }
        ui_detail_tick(u); /* after the paint: it asks for what is seen */
    }
}
