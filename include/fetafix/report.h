/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/report.h: what is told of a case: tables as text, JSON and CSV, the report as JSON and as one page.
 *
 *     ff_table_print(table, FF_FORMAT_CSV, 0, &out)
 *     text = ff_report_json(snapshot, options, seconds)      the whole case; caller frees
 *     ff_report_page(snapshot, options, &out)                the same, to look at
 *
 * Nothing here prints or writes files; the same snapshot gives the same bytes.
 */
#ifndef FETAFIX_REPORT_H
#define FETAFIX_REPORT_H

#include "fetafix/session.h"

typedef enum ff_format { FF_FORMAT_TEXT, FF_FORMAT_JSON, FF_FORMAT_CSV } ff_format;

/* A table as aligned text, JSON (array of objects) or CSV. `width`: cells of a line; 0: lines have no end. */
void ff_table_print(const ff_table *t, ff_format format, int width, ff_buf *out);
/* Some columns, by name with a blank between; NULL: all. */
void ff_print_table(const ff_table *t, const char *columns, ff_format format, int width, ff_buf *out);
void ff_print_real(ff_buf *out, double v);
void ff_print_json_text(ff_buf *out, const char *s);
enum { FF_PRINT_WIDTH = 79 };
/* Text behind a margin that is there already, broken at blanks (a newline is one); width 0: not broken. */
void ff_print_wrapped(ff_buf *out, const char *text, int margin, int width);

/* seconds < 0: no timing, so that reports compare equal. */
char *ff_report_json(const ff_snapshot *s, const ff_session_options *o, double seconds); /* caller frees */
struct json_t;
struct json_t *ff_work_json(const ff_snapshot *s); /* a row a phase; a new reference */

/* Without scripts, network or times. */
void ff_report_page(const ff_snapshot *s, const ff_session_options *o, ff_buf *out);
/* The head of such a page up to <body>, with a few rules of style of the page's own. */
void ff_page_begin(const char *title, const char *more, ff_buf *out);
/* Text for elements and quoted attributes: control characters visible, markup escaped. */
void ff_page_text(ff_buf *out, const char *s);

#endif
