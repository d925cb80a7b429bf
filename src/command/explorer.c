/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/explorer.h"
#include "explorer_views.h"

/* These verbs have no meaning of their own: the explorer's callback knows the views. */
static int run_in_view(ff_context *c, int argc, char **argv)
{
    if (!c->view)
        return ff_fail(FF_ERR_USAGE, "'%s' works in the explorer only", argv[0]);
    if (!c->view(c->sink, argc, argv))
        return ff_fail(FF_ERR_USAGE, "'%s': the explorer does not know these words", argv[0]);
    return FF_OK;
}

/* "|graph|heat..." and " 1 2...": the first sign is left out. */
#define NAME_OF(NAME, name, key, words) "|" #name
#define KEY_OF(NAME, name, key, words)  " " key
#define VIEW_NAMES                      FF_EXPLORER_VIEWS(NAME_OF)
#define VIEW_KEYS                       FF_EXPLORER_VIEWS(KEY_OF)

#define VERB(name, arguments, summary, keys, min, max)                                                                 \
    {                                                                                                                  \
        name, arguments, summary, NULL, keys, FF_AT_EXPLORER, min, max, run_in_view                                    \
    }

const ff_command ff_explorer_commands[] = {
    VERB("back", "", "close what was opened last; never quits", "Escape", 0, 0),
    VERB("bottom", "", "go to the last row", "G End", 0, 0),
    VERB("close", "", "close this view; at the bottom of the pile: quit", "q", 0, 0),
    VERB("down", "[N]", "go down one row, or N", "j Down", 0, 1),
    VERB("edit", "", "edit what is under the cursor: an attribute, else the preprocessing", "i", 0, 0),
    VERB("effect", "", "the images that a repair puts right; in the images: the repair that puts one right", "x", 0, 0),
    VERB("filter", "[next | off | step N | repair ID | text TEXT]",
         "show only some rows (next: the view's next filter; step, repair: of images)", "f", 0, -1),
    VERB("fold", "[all | none]", "fold or unfold equal rows", "Space", 0, 1),
    VERB("glyphs", "auto|utf8|ascii", "draw with Unicode or with ASCII", NULL, 1, 1),
    VERB("half-down", "", "go down half a page", "C-d", 0, 0),
    VERB("half-up", "", "go up half a page", "C-u", 0, 0),
    VERB("image", "next|previous|N", "look at another image", "> <", 1, 1),
    VERB("keys", "", "what the keys of this view do", "? F1", 0, 0),
    VERB("mouse", "on|off", "use the mouse, or leave it to the terminal", NULL, 1, 1),
    VERB("next-pane", "", "go to the next pane", "Tab", 0, 0),
    VERB("next-tab", "", "show the next view in this pane", "] l Right", 0, 0),
    VERB("open", "", "open the details of this row", "Enter", 0, 0),
    VERB("page-down", "", "go down one page", "PgDn C-f", 0, 0),
    VERB("page-up", "", "go up one page", "PgUp C-b", 0, 0),
    VERB("previous-pane", "", "go to the previous pane", "S-Tab", 0, 0),
    VERB("previous-tab", "", "show the previous view in this pane", "[ h Left", 0, 0),
    VERB("prompt", "[TEXT]", "type a command", ":", 0, -1),
    VERB("redraw", "", "draw the screen anew", "C-l", 0, 0),
    VERB("search", "[TEXT]", "search for a text; without one: ask for it", "/", 0, -1),
    VERB("search-next", "", "go to the next match", "n", 0, 0),
    VERB("search-previous", "", "go to the previous match", "N", 0, 0),
    VERB("sort", "[COLUMN | next]", "sort the rows by another column", "o", 0, 1),
    VERB("stats", "", "how fast the explorer answers keys, and what the engine saved", NULL, 0, 0),
    VERB("suspend", "", "stop here and go back to the shell", "C-z", 0, 0),
    VERB("theme", "dark|light|mono", "choose the colours", NULL, 1, 1),
    VERB("top", "", "go to the first row", "g Home", 0, 0),
    VERB("up", "[N]", "go up one row, or N", "k Up", 0, 1),
    VERB("view", &VIEW_NAMES[1], "show a view", &VIEW_KEYS[1], 1, 1),
    VERB("zoom", "", "let this pane fill the screen, and back", "z", 0, 0),
    {NULL},
};
