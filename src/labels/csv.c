/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels of both models as comma-separated values (RFC 4180 quoting, lines end in LF). */
#include "fetafix/labels.h"

#include <stdlib.h>
#include <string.h>

static void add_text(ff_buf *b, const char *s)
{
    if (!strpbrk(s, ",\"")) {
        ff_buf_puts(b, s);
        return;
    }
    ff_buf_putc(b, '"');
    for (; *s; s++) {
        if (*s == '"')
            ff_buf_putc(b, '"');
        ff_buf_putc(b, *s);
    }
    ff_buf_putc(b, '"');
}

/* A label that is not known and the margin of an image without label are empty. */
static void add_label(ff_buf *b, const ff_label *l)
{
    for (int k = 0; k < FF_TOP; k++) {
        ff_buf_putc(b, ',');
        if (l && l->top[k] >= 0)
            ff_buf_printf(b, "%d", l->top[k]);
    }
    ff_buf_putc(b, ',');
    if (l && l->top[0] >= 0)
        ff_buf_printf(b, "%.9g", (double)l->margin);
}

int ff_labels_write_csv(const ff_dataset *d, const ff_labels *source, const ff_labels *target, const char *path,
                        bool force)
{
    ff_buf b = {0};
    ff_buf_puts(&b, "image,source1,source2,source3,source4,source5,source_margin,"
                    "target1,target2,target3,target4,target5,target_margin\n");
    for (int i = 0; i < ff_dataset_count(d); i++) {
        add_text(&b, ff_dataset_name(d, i));
        add_label(&b, source ? &source->at[i] : NULL);
        add_label(&b, target ? &target->at[i] : NULL);
        ff_buf_putc(&b, '\n');
    }
    int code = ff_write_file(path, b.data, b.len, force);
    ff_buf_finish(&b);
    return code;
}
