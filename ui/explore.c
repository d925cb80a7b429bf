/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "terminal.h"
#include "ui.h"

void ui_say(ui *u, ui_ink ink, const char *format, ...)
{
    ff_buf b = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    free(u->message);
    u->message = ff_visible(b.data ? b.data : "");
    u->message_ink = ink;
    u->dirty = true;
    ff_buf_finish(&b);
}

void ui_stale(ui *u)
{
    for (int i = 0; i < VIEW_COUNT; i++)
        u->views[i].stale = true;
    u->dirty = true;
}

bool ui_told(const ui *u)
{
    return ff_lesson_done(u->context.lesson);
}

const ff_table *ui_findings(const ui *u)
{
    return ui_told(u) ? u->snap->findings : u->nothing;
}

const ff_table *ui_proposals(const ui *u)
{
    return ui_told(u) ? u->snap->proposals : u->nothing;
}

/* What commands print: ui_run() shows it when the command is done. */
static void on_print(void *sink, const char *text)
{
    ui *u = sink;
    ff_buf_puts(&u->output, text);
}

static void on_note(void *sink, const char *text)
{
    ui_say(sink, INK_INFO, "%s", text);
    ((ui *)sink)->noted = true;
}

static void init(ui *u, ff_session *s, const ff_options *o)
{
    *u = (ui){.session = s,
              .options = o,
              .snap = ff_session_snapshot(s),
              .popup = -1,
              .pair = -1,
              .detail_wanted = -1,
              .saved_state = -1,
              .focus = VIEW_GRAPH,
              .dirty = true};
    u->context = (ff_context){.session = s,
                              .options = o,
                              .print = on_print,
                              .note = on_note,
                              .sink = u,
                              .view = ui_verb,
                              .terminal = true,
                              .margin = 4,
                              .lesson = o ? o->lesson : NULL};
    u->nothing = ff_table_create("nothing", NULL, 0);
    for (int i = 0; i < VIEW_COUNT; i++)
        ui_view_init(&u->views[i], u, (ui_view_id)i);
    u->seen[VIEW_GRAPH] = u->seen[VIEW_HEAT] = u->seen[VIEW_FINDINGS] = u->seen[VIEW_STEPS] = 1;
    u->seen[VIEW_LESSON] = u->context.lesson ? 2 : -1;
    u->focus = u->context.lesson ? VIEW_LESSON : VIEW_GRAPH;
    u->clock = 2;
    u->input = ui_input_create();
    ui_prompt_init(&u->prompt);
}

static void finish(ui *u)
{
    for (int i = 0; i < VIEW_COUNT; i++)
        ui_view_finish(&u->views[i]);
    ui_input_destroy(u->input);
    ui_prompt_finish(&u->prompt);
    ui_canvas_finish(&u->canvas);
    if (u->detail)
        ff_detail_unref(u->detail);
    ff_picture_unref(u->picture);
    ff_snapshot_unref(u->snap);
    ff_table_unref(u->nothing);
    free(u->match);
    free(u->asked_line);
    free(u->asked_file);
    free(u->message);
    free(u->finding);
    ff_buf_finish(&u->output);
    free(u->failure);
    ff_command_forget(&u->context);
}

int ff_explore(ff_session *s, const ff_options *o)
{
    ui *u = ff_alloc(sizeof *u); /* large: latencies, layout */
    u->latency.started_ns = ff_now_ns();
    int64_t started = u->latency.started_ns;
    int code = ui_term_enter(o ? o->color : -1);

    if (code != FF_OK) {
        free(u);
        return code;
    }
    ff_set_oom_handler(ui_term_leave);
    init(u, s, o);
    u->latency.started_ns = started;
    ui_term_learn_keys(u->input);
    ui_loop(u);
    ui_term_leave();
    ff_set_oom_handler(NULL);
    code = u->code;
    if (code != FF_OK)
        ff_fail(code, "%s", u->failure ? u->failure : "the explorer was ended");
    finish(u);
    free(u);
    return code;
}
