/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings in a few words, for notes and narrow lists. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/case.h"

/* A value of the details as a person writes it: 6, [0,0,1,1], SAME_UPPER. */
static char *plain_value(const json_t *v)
{
    if (!v || json_is_null(v))
        return ff_strdup("absent");
    if (json_is_string(v))
        return ff_strdup(json_string_value(v));
    if (json_is_number(v))
        return ff_asprintf("%.6g", json_number_value(v));
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    char *out = ff_strdup(text ? text : "");
    free(text);
    return out;
}

/* A cause without its dashes: "int8 per tensor". */
static void put_cause(const char *cause, ff_buf *out)
{
    for (; *cause; cause++)
        ff_buf_putc(out, *cause == '-' ? ' ' : *cause);
}

void case_brief(ff_fault_type type, const char *cause, const char *details, double magnitude, bool note,
                ff_buf *out)
{
    json_t *j = details ? json_loads(details, 0, NULL) : NULL;
    const char *attribute = json_string_value(json_object_get(j, "attribute"));
    const char *role = json_string_value(json_object_get(j, "role"));

    if (type != FF_WB && attribute) {
        char *source = plain_value(json_object_get(j, "source")), *target = plain_value(json_object_get(j, "target"));
        ff_buf_printf(out, "%s %s -> %s", attribute, source, target);
        free(source);
        free(target);
    } else {
        if (type == FF_WB && role && !(note && strcmp(role, "weight") == 0))
            ff_buf_printf(out, "%s ", role);
        put_cause(cause, out);
        if (type == FF_WB && magnitude > 0 && isfinite(magnitude))
            ff_buf_printf(out, " %.2g%%", 100 * magnitude);
    }
    json_decref(j);
}
