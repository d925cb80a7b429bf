/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of a JSON object, whatever stands there. */
#include "model/file/keras/keras.h"

#include <string.h>

const char *config_text(const json_t *c, const char *name, const char *fallback)
{
    const char *s = json_string_value(json_object_get(c, name));
    return s ? s : fallback;
}

/* Numbers beyond this are none that a layer has; sums and products of two of them do not overflow. */
static int64_t bounded(const json_t *j, int64_t fallback)
{
    int64_t v = json_is_integer(j) ? (int64_t)json_integer_value(j) : fallback;
    return v > INT32_MAX ? INT32_MAX : v < -INT32_MAX ? -INT32_MAX : v;
}

int64_t config_int(const json_t *c, const char *name, int64_t fallback)
{
    const json_t *j = json_object_get(c, name);
    return bounded(json_is_array(j) && json_array_size(j) == 1 ? json_array_get(j, 0) : j, fallback);
}

double config_real(const json_t *c, const char *name, double fallback)
{
    const json_t *j = json_object_get(c, name);
    /* Keras 3 writes arrays as {"class_name": "__numpy__", "config": {"value": v}}. */
    if (json_is_object(j))
        j = json_object_get(json_object_get(j, "config"), "value");
    return json_is_number(j) ? json_number_value(j) : fallback;
}

bool config_bool(const json_t *c, const char *name, bool fallback)
{
    const json_t *j = json_object_get(c, name);
    return json_is_boolean(j) ? json_is_true(j) : fallback;
}

bool config_ints(const json_t *c, const char *name, int n, int64_t fallback, int64_t *out)
{
    const json_t *j = json_object_get(c, name);
    if (json_is_array(j) && json_array_size(j) != (size_t)n)
        return false;
    for (int i = 0; i < n; i++) {
        const json_t *at = json_is_array(j) ? json_array_get(j, (size_t)i) : j;
        if (at && !json_is_null(at) && !json_is_integer(at))
            return false;
        out[i] = bounded(at, fallback);
    }
    return true;
}

const char *config_class(const json_t *c, const char *fallback)
{
    if (json_is_string(c))
        return json_string_value(c);
    /* A function of the framework's: {"class_name": "function", "config": "relu"}. */
    const char *class = config_text(c, "class_name", NULL);
    if (class && strcmp(class, "function") == 0)
        return config_text(c, "config", fallback);
    return class ? class : config_text(c, "name", fallback);
}
