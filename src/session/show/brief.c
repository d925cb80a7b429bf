/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings in a few words, for notes and narrow lists. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

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

/* Keys of the words that a spec has and the other has not: "scale, mean differ". The layout is the model's own. False:
 * there are none. */
static bool put_keys(const char *spec, const char *other, ff_buf *out)
{
    size_t begun = out->len;
    for (size_t n; (n = strcspn(spec, " ")) > 0; spec += n + (spec[n] == ' ')) {
        bool there = strncmp(spec, "layout=", 7) == 0;
        for (const char *w = other; !there && *w; w += strcspn(w, " "), w += *w == ' ')
            there = strcspn(w, " ") == n && memcmp(w, spec, n) == 0;
        if (!there)
            ff_buf_printf(out, "%s%.*s", out->len > begun ? ", " : "", (int)strcspn(spec, "= "), spec);
    }
    if (out->len == begun)
        return false;
    ff_buf_puts(out, " differ");
    return true;
}

static void put_values(const char *name, const json_t *source, const json_t *target, ff_buf *out)
{
    char *from = plain_value(source), *to = plain_value(target);
    ff_buf_printf(out, "%s %s -> %s", name, from, to);
    free(from);
    free(to);
}

void case_brief(ff_fault_type type, const char *cause, const char *details, double magnitude, bool note, ff_buf *out)
{
    json_t *j = details ? json_loads(details, 0, NULL) : NULL;
    const json_t *source = json_object_get(j, "source"), *target = json_object_get(j, "target");
    const char *attribute = json_string_value(json_object_get(j, "attribute"));
    const char *role = json_string_value(json_object_get(j, "role"));
    bool specs = type == FF_PP && json_is_string(source) && json_is_string(target);

    if (type == FF_WB) {
        if (role && !(note && strcmp(role, "weight") == 0))
            ff_buf_printf(out, "%s ", role);
        put_cause(cause, out);
        if (magnitude > 0 && isfinite(magnitude))
            ff_buf_printf(out, " %.2g%%", 100 * magnitude);
    } else if (json_is_object(source)) { /* several attributes */
        const char *name;
        const json_t *v;
        json_t *o = json_object_get(j, "source");
        bool more = false;
        json_object_foreach(o, name, v)
        {
            ff_buf_puts(out, more ? "; " : "");
            put_values(name, v, json_object_get(target, name), out);
            more = true;
        }
    } else if (attribute || (type == FF_ID && source && target)) {
        put_values(attribute ? attribute : "input", source, target, out);
    } else if (!specs || !put_keys(json_string_value(source), json_string_value(target), out)) {
        put_cause(cause, out);
    }
    json_decref(j);
}
