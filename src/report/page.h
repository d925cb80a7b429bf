/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report as one HTML page. Without scripts, network or times: the same case gives the same bytes. */
#ifndef FETAFIX_REPORT_PAGE_H
#define FETAFIX_REPORT_PAGE_H

#include "fetafix/report.h"

/* The page's parts that draw (page_figures.c). Each adds a <section>, or nothing. */
void page_curve(const ff_snapshot *s, ff_buf *out);
void page_heat(const ff_snapshot *s, ff_buf *out);
void page_examples(const ff_snapshot *s, const ff_session_options *o, ff_buf *out);

const char *page_cell(const ff_table *t, int row, const char *column);
int64_t page_number(const ff_table *t, int row, const char *column);
bool page_empty(const ff_table *t, int row, const char *column);

#endif
