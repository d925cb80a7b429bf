/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text and names quoted for SQL. */
#include "fetafix/command_sql.h"

void ff_sql_put_text(ff_buf *out, const char *s)
{
    ff_buf_putc(out, '\'');
    for (; *s; s++)
        ff_buf_printf(out, *s == '\'' ? "''" : "%c", *s);
    ff_buf_putc(out, '\'');
}

void ff_sql_put_name(ff_buf *out, const char *s)
{
    ff_buf_putc(out, '"');
    for (; *s; s++)
        ff_buf_printf(out, *s == '"' ? "\"\"" : "%c", *s);
    ff_buf_putc(out, '"');
}
