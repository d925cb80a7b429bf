/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_VIEWS_LIST_H
#define FETAFIX_COMMAND_VIEWS_LIST_H

#include "fetafix/command_views.h"

int views_list(ff_context *c); /* names, rows, what they are */
void view_help(const ff_view *v, ff_buf *out);

#endif
