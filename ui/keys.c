/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help: the keys, the commands and the signs, made from the command table. */
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(v->data);
    free(v->data);
    v->data = NULL;
}

static void add_sign(ui_doc *d, ui_ink ink, const char *sign, const char *meaning)
{
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_TEXT), "   ");
    ui_doc_field(d, ui_bold(ink), strlen(sign) > 4 ? 10 : 4, sign);
    ui_doc_add(d, ui_plain(INK_TEXT), "%s", meaning);
}

/* Keys of one command line on one line: "j Down". */
static void keys_of(const char *line, ff_buf *out)
{
    const ff_binding *b;
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        if (strcmp(b->line, line) == 0)
            ff_buf_printf(out, "%s%s", out->len ? " " : "", b->key);
    }
}

static void add_bindings(ui_doc *d, int width)
{
    const ff_binding *b, *shown[128]; /* one for each line that keys are bound to */
    int columns = width >= 100 ? 3 : width >= 66 ? 2 : 1, each = (width - 2) / columns, n = 0;

    for (int i = 0; (b = ff_binding_at(i)) && n < (int)FF_COUNT(shown); i++) {
        bool again = false;
        for (int j = 0; j < n && !again; j++)
            again = strcmp(shown[j]->line, b->line) == 0;
        if (!again)
            shown[n++] = b;
    }
    int rows = (n + columns - 1) / columns;
    for (int row = 0; row < rows; row++) {
        ui_doc_line(d);
        for (int k = row; k < n; k += rows) {
            ff_buf keys = {0};
            keys_of(shown[k]->line, &keys);
            ui_doc_to(d, 3 + k / rows * each);
            ui_doc_field(d, ui_bold(INK_KEY), 10, keys.data);
            ui_doc_field(d, ui_plain(INK_TEXT), each - 11, shown[k]->help);
            ff_buf_finish(&keys);
        }
    }
}

static void refresh(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(ui_doc));
    ui_doc *d = v->data;
    int width = v->list.width > 20 ? v->list.width - 1 : 76;
    const ui_view_class *class = ui_view_classes[v->ui->focus];
    const ff_command *c;

    ui_doc_clear(d);
    ui_doc_line(d);
    ui_doc_add(d, ui_bold(INK_STRONG), " %s", class->title);
    if (class->keys)
        ui_doc_add(d, ui_plain(INK_TEXT), ":  %s", class->keys);
    ui_doc_heading(d, "Keys");
    add_bindings(d, width);
    ui_doc_heading(d, "Signs");
    add_sign(d, INK_DIM, "=", "the same on both sides");
    add_sign(d, INK_DIM, "\xe2\x89\x88", "written differently, but cannot give another result (equivalent)");
    add_sign(d, INK_BAD, "\xe2\x89\xa0", "different: a fault");
    add_sign(d, INK_WARN, "\xe2\x88\x92", "missing in the Target");
    add_sign(d, INK_WARN, "+", "the Target alone has it");
    add_sign(d, INK_GOOD, "\xe2\x9c\x93", "repaired, put right");
    add_sign(d, INK_WARN, "\xe2\x9c\x97", "wrong label; a repair that did not help");
    add_sign(d, INK_KEY, "\xe2\x98\x85", "essential: without this repair labels would be wrong");
    add_sign(d, INK_KEY, "\xe2\x89\xa1", "a group: several repairs of one cause, taken as one step");
    ui_doc_heading(d, "Scores of a layer (2)");
    add_sign(d, INK_STRONG, "isolated", "its own error, fed with the Source's input: what is wrong here");
    add_sign(d, INK_STRONG, "entire", "its error with all that came before it: where the error has got to");
    add_sign(d, INK_STRONG, "causal", "wrong labels that come right with the Source's output here (--causal)");
    add_sign(d, INK_STRONG, "kw", "elements that tell wrong images from right ones, beyond chance");
    ui_doc_heading(d, "Fault types");
    add_sign(d, INK_PP, "PP", "preprocessing of the images differs");
    add_sign(d, INK_ID, "ID", "input dimensions differ");
    add_sign(d, INK_TSS, "TSS", "tensor shape and structure: right size, wrong order");
    add_sign(d, INK_WB, "WB", "weights and biases differ");
    add_sign(d, INK_LH, "LH", "layer hyperparameters differ (pads, strides, limits, ...)");
    add_sign(d, INK_CG, "CG", "computation graph: nodes missing or added");
    ui_doc_heading(d, "Commands, typed after :");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (!(c->where & (FF_AT_PROMPT | FF_AT_EXPLORER)))
            continue;
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        char *usage = ff_asprintf("%s %s", c->name, ff_command_prompt_arguments(c));
        ui_doc_field(d, ui_plain(INK_KEY), width / 3, usage);
        ui_doc_add(d, ui_plain(INK_TEXT), " %s", c->summary ? c->summary : "");
        free(usage);
    }
    ui_view_rows(v, (int)d->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(v->data, row, p);
}

const ui_view_class ui_keys_class = {
    .title = "Help",
    .keys = "j k scroll  / search  q back",
    .popup = true,
    .text = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
};
