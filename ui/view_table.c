/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All views. */
#include "ui.h"

#define DECLARED(NAME, name, ...) extern const ui_view_class ui_##name##_class;
FF_EXPLORER_VIEWS(DECLARED)
FF_EXPLORER_POPUPS(DECLARED)

#define CLASS(NAME, name, ...) [VIEW_##NAME] = &ui_##name##_class,
const ui_view_class *const ui_view_classes[VIEW_COUNT] = {FF_EXPLORER_VIEWS(CLASS) FF_EXPLORER_POPUPS(CLASS)};

const char *ui_view_name(ui_view_id id)
{
#define NAMED(NAME, name, ...) [VIEW_##NAME] = #name,
    static const char *const names[VIEW_COUNT] = {FF_EXPLORER_VIEWS(NAMED) FF_EXPLORER_POPUPS(NAMED)};
    return names[id];
}
