/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "images/arrays.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARRAYS_FILE (UINT64_C(8) << 30)

void arrays_destroy(arrays *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->n; i++) {
        free(a->names[i]);
        ff_tensor_unref(a->at[i]);
    }
    free(a->names);
    free(a->at);
    free(a);
}

typedef struct loading {
    const char *path;
    arrays *a;
} loading;

static int take(void *context, const char *name, const uint8_t *bytes, size_t size)
{
    loading *l = context;
    arrays *a = l->a;
    size_t n = strlen(name);
    ff_tensor *t;
    int code = FF_OK;
    if (n && name[n - 1] == '/') /* a folder */
        return FF_OK;
    if (n > 4 && strcmp(name + n - 4, ".npy") == 0)
        n -= 4;
    char *key = ff_asprintf("%.*s", (int)n, name), *shown = ff_visible(key);
    if (a->n == FF_MOST_INPUTS)
        code = ff_fail(FF_ERR_INPUT, "'%s': more than %d arrays", l->path, FF_MOST_INPUTS);
    for (int i = 0; i < a->n && !code; i++)
        if (strcmp(a->names[i], key) == 0)
            code = ff_fail(FF_ERR_INPUT, "'%s': two arrays are named '%s'", l->path, shown);
    if (!code && (code = ff_tensor_parse_npy(bytes, size, &t)))
        code = ff_fail_prefix(code, *shown ? "'%s': '%s'" : "'%s'", l->path, shown);
    if (!code) {
        a->names[a->n] = key;
        a->at[a->n++] = t;
        key = NULL;
        if (t->rank < 1)
            code = ff_fail(FF_ERR_INPUT, "'%s': array '%s' has no axis that counts samples", l->path, shown);
    }
    if (!code && a->n == 1) {
        a->count = t->dims[0];
        if (a->count < 1 || a->count > INT_MAX)
            code = ff_fail(FF_ERR_INPUT, "'%s': %lld samples", l->path, (long long)a->count);
    } else if (!code && t->dims[0] != a->count) {
        code = ff_fail(FF_ERR_INPUT, "'%s': array '%s' has %lld samples, '%s' has %lld", l->path, shown,
                       (long long)t->dims[0], a->names[0], (long long)a->count);
    }
    free(key);
    free(shown);
    return code;
}

int arrays_load(const char *path, arrays **out)
{
    char *data;
    size_t size;
    *out = NULL;
    /* Only files that begin like one are read whole. */
    uint8_t magic[6];
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(magic, 1, sizeof magic, f) : 0;
    if (f)
        fclose(f);
    bool npy = got == 6 && memcmp(magic, "\x93NUMPY", 6) == 0,
         npz = got >= 4 && memcmp(magic, "PK", 2) == 0 &&
               ((magic[2] == 3 && magic[3] == 4) || (magic[2] == 5 && magic[3] == 6));
    if (!npy && !npz)
        return FF_OK;
    int code = ff_read_file(path, MAX_ARRAYS_FILE, &data, &size);
    if (code)
        return code;
    arrays *a = ff_alloc(sizeof *a);
    a->names = ff_alloc_array(FF_MOST_INPUTS, sizeof *a->names);
    a->at = ff_alloc_array(FF_MOST_INPUTS, sizeof *a->at);
    loading l = {path, a};
    code = npy ? take(&l, "", (const uint8_t *)data, size)
               : ff_zip_read(path, (const uint8_t *)data, size, ff_memory_total() / 4, take, &l);
    free(data);
    if (!code && a->n == 0)
        code = ff_fail(FF_ERR_INPUT, "'%s': no arrays", path);
    if (code) {
        arrays_destroy(a);
        return code;
    }
    *out = a;
    return FF_OK;
}

static int find(const arrays *a, const char *name)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->names[i], name) == 0)
            return i;
    return -1;
}

int arrays_of_input(const arrays *a, const ff_model *m, int i, int *out)
{
    const ff_graph *g = ff_model_graph(m);
    bool named = true;
    for (int k = 0; k < g->n_inputs; k++)
        named &= find(a, g->inputs[k]->name) >= 0;
    if (!named && a->n != g->n_inputs) {
        char *name = ff_visible(g->inputs[i]->name);
        int code = ff_fail(FF_ERR_GRAPH, "no array is named '%s', and %d arrays are not its %d inputs in order", name,
                           a->n, g->n_inputs);
        free(name);
        return code;
    }
    *out = named ? find(a, g->inputs[i]->name) : i;
    return FF_OK;
}

static char *describe(const ff_shape *s)
{
    ff_buf b = {0};
    ff_buf_putc(&b, '[');
    for (int i = 0; i < s->rank; i++) {
        if (s->dims[i] < 0)
            ff_buf_printf(&b, "%s?", i ? "," : "");
        else
            ff_buf_printf(&b, "%s%lld", i ? "," : "", (long long)s->dims[i]);
    }
    ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

/* The first axis counts samples: it is the batch where the input has as many axes, and gone where it has one less. */
int arrays_shape(const arrays *a, int array, const ff_value *input, ff_shape *out)
{
    const ff_tensor *t = a->at[array];
    const ff_shape *d = &input->declared;
    ff_shape s = {.dtype = d->dtype == FF_UNDEFINED ? t->dtype : d->dtype, .rank = t->rank};
    memcpy(s.dims, t->dims, sizeof s.dims);
    s.dims[0] = 1;
    bool fits = d->rank < 0 || d->rank == t->rank || d->rank == t->rank - 1;
    if (fits && d->rank >= 0 && d->rank == t->rank - 1) {
        s.rank = d->rank;
        for (int i = 0; i < s.rank; i++)
            s.dims[i] = t->dims[i + 1];
    } else if (fits && d->rank == t->rank && d->dims[0] > 1) {
        s.dims[0] = d->dims[0]; /* a batch that the model fixes: the sample again and again */
    }
    for (int i = 0; fits && i < d->rank; i++)
        fits = d->dims[i] < 0 || d->dims[i] == s.dims[i];
    if (!fits) {
        ff_shape whole = {.rank = t->rank};
        memcpy(whole.dims, t->dims, sizeof whole.dims);
        char *name = ff_visible(input->name), *wanted = describe(d), *got = describe(&whole);
        int code = ff_fail(FF_ERR_GRAPH, "input '%s' of shape %s does not take samples of an array of shape %s", name,
                           wanted, got);
        free(name);
        free(wanted);
        free(got);
        return code;
    }
    if (t->dtype == FF_STRING || s.dtype == FF_STRING || ff_dtype_size(s.dtype) == 0)
        return ff_fail(FF_ERR_GRAPH, "input '%s' does not take numbers", input->name);
    *out = s;
    return FF_OK;
}

int arrays_sample(const arrays *a, int array, int64_t sample, const ff_shape *shape, ff_tensor **out)
{
    const ff_tensor *t = a->at[array];
    size_t bytes = t->bytes / (size_t)a->count;
    ff_tensor *s, *converted;
    int64_t batch = 1;
    if (shape->rank == t->rank && shape->rank > 0)
        batch = shape->dims[0];
    int code = ff_tensor_create(t->dtype, shape->rank, shape->dims, &s);
    if (code)
        return code;
    for (int64_t i = 0; i < batch; i++)
        memcpy((char *)s->data + (size_t)i * bytes, (const char *)t->data + (size_t)sample * bytes, bytes);
    if (t->dtype == shape->dtype) {
        *out = s;
        return FF_OK;
    }
    code = ff_tensor_convert(s, shape->dtype, &converted);
    ff_tensor_unref(s);
    if (!code)
        *out = converted;
    return code;
}
