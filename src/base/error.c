/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message of the last failure, one per thread. */
#include "fetafix/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for two paths; what does not fit ends in "...". */
#define MESSAGE_SIZE 2048

static _Thread_local char message[MESSAGE_SIZE];

/* Copies one line into the thread's message, control characters visible, cut at a character. */
static void keep_message(const char *text)
{
    char *shown = ff_visible(text);
    size_t n = strlen(shown);
    if (n >= MESSAGE_SIZE) {
        n = MESSAGE_SIZE - 4;
        while (n > 0 && ((unsigned char)shown[n] & 0xC0) == 0x80)
            n--;
        memcpy(message, shown, n);
        memcpy(message + n, "...", 4);
    } else {
        memcpy(message, shown, n + 1);
    }
    free(shown);
}

void ff_set_error(const char *format, ...)
{
    /* The old message may be among the arguments, so the new one is complete before it is kept. */
    ff_buf text = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&text, format, args);
    va_end(args);
    keep_message(text.data ? text.data : "");
    ff_buf_finish(&text);
}

void ff_set_error_prefix(const char *format, ...)
{
    ff_buf text = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&text, format, args);
    va_end(args);
    ff_buf_puts(&text, ": ");
    ff_buf_puts(&text, message);
    keep_message(text.data);
    ff_buf_finish(&text);
}

const char *ff_error(void)
{
    return message;
}

int ff_exit_code(int code)
{
    switch (code) {
    case FF_OK:
        return 0;
    case FF_ERR_USAGE:
        return 2;
    case FF_ERR_INPUT:
    case FF_ERR_GRAPH:
        return 3;
    case FF_ERR_UNSUPPORTED:
        return 4;
    case FF_ERR_CANCELLED:
        return 130;
    default:
        return 5;
    }
}
