/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "fetafix/command.h"

/* In the order in which help shows them. */
static const ff_binding bindings[] = {
    {"a", "accept", "accept the repair"},
    {"r", "reject", "reject the repair"},
    {"e", "evaluate", "judge it without taking it"},
    {"s", "step", "search one repair"},
    {"A", "repair", "repair to the end"},
    {"u", "undo", "undo the last step"},
    {"C-r", "redo", "redo"},
    {"w", "prompt save", "write the Target to a file"},
    {"v", "validate", "count on validation images"},
    {"C-c", "cancel", "cancel the job"},
    {"J", "jobs", "jobs of the engine"},

    {"i", "edit", "what if: edit an attribute"},
    {"W", "what-if weights", "what if: Source's weights here"},
    {"I", "what-if inject", "what if: Source's activation"},
    {"P", "prompt what-if pre", "what if: preprocessing"},
    {"K", "keep", "keep the what-if as a step"},
    {"D", "drop", "drop the what-if"},

    {"1", "view graph", "aligned graph"},
    {"2", "view heat", "suspicious layers"},
    {"3", "view findings", "findings"},
    {"4", "view proposals", "repairs to try"},
    {"5", "view steps", "steps and discrepancy"},
    {"6", "view images", "images and labels"},
    {"7", "view equivalences", "equivalent rewrites"},
    {"8", "view log", "log"},
    {"9", "view detail", "details"},
    {"0", "view lesson", "text of the lesson"},
    {"H", "hint", "hint for the lesson"},
    {"p", "view activations", "activations"},
    {"Tab", "next-pane", "next pane"},
    {"S-Tab", "previous-pane", "previous pane"},
    {"]", "next-tab", "next view of the pane"},
    {"[", "previous-tab", "previous view of the pane"},
    {"z", "zoom", "zoom the pane"},
    {"Enter", "open", "open details"},
    {"Space", "fold", "fold or unfold"},
    {"o", "sort next", "sort by the next column"},
    {"f", "filter next", "next filter"},
    {">", "image next", "next image"},
    {"<", "image previous", "previous image"},
    {"&", "prompt filter text", "filter by a text"},

    {"j", "down", "down"},
    {"Down", "down", "down"},
    {"k", "up", "up"},
    {"Up", "up", "up"},
    {"h", "previous-tab", "previous view of the pane"},
    {"Left", "previous-tab", "previous view of the pane"},
    {"l", "next-tab", "next view of the pane"},
    {"Right", "next-tab", "next view of the pane"},
    {"PgDn", "page-down", "page down"},
    {"C-f", "page-down", "page down"},
    {"PgUp", "page-up", "page up"},
    {"C-b", "page-up", "page up"},
    {"C-d", "half-down", "half a page down"},
    {"C-u", "half-up", "half a page up"},
    {"g", "top", "first row"},
    {"Home", "top", "first row"},
    {"G", "bottom", "last row"},
    {"End", "bottom", "last row"},

    {"/", "search", "search"},
    {"n", "search-next", "next match"},
    {"N", "search-previous", "previous match"},
    {":", "prompt", "type a command"},
    {"?", "keys", "help"},
    {"F1", "keys", "help"},
    {"C-l", "redraw", "redraw"},
    {"C-z", "suspend", "suspend"},
    {"Escape", "back", "back"},
    {"q", "close", "close, quit"},
    {"Q", "quit", "quit"},
};

const ff_binding *ff_binding_at(int i)
{
    return i >= 0 && (size_t)i < FF_COUNT(bindings) ? &bindings[i] : NULL;
}

const char *ff_command_for_key(const char *key)
{
    for (size_t i = 0; i < FF_COUNT(bindings); i++) {
        if (strcmp(bindings[i].key, key) == 0)
            return bindings[i].line;
    }
    return NULL;
}
