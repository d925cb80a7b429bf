/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The containers of Keras' models, and which array of them is which weight. */
#include "model/file/keras/keras.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* "kernel" of "conv/kernel:0". */
static bool has_role(const char *path, const char *role)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(role);
    return strncmp(name, role, n) == 0 && (name[n] == '\0' || name[n] == ':');
}

/* Is `word` one of the parts of a path between slashes, or (for `start`) does one begin with it? */
static bool has_part(const char *path, const char *word, bool start)
{
    size_t n = strlen(word);
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (start || p[n] == '/' || p[n] == '\0'))
            return true;
    return false;
}

static const char *below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return n == 0 ? path : strncmp(path, folder, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* Weights of a .h5 have names; those of one group belong to the layer of that name, or to the layers in it. */
static const hdf5_array *by_name(const keras_layer *l, const char *part, const char *role)
{
    const hdf5_file *f = l->r->arrays;
    const hdf5_array *found = NULL;
    char side[16] = "";
    if (part) /* "forward_layer": the parts of the path begin with "forward_" */
        snprintf(side, sizeof side, "%.*s", (int)(strchr(part, '_') ? strchr(part, '_') - part + 1 : 0), part);
    for (int pass = 0; pass < 2 && !found; pass++) /* first under the layer's own name, then anywhere in the group */
        for (int i = 0; i < f->n_arrays && !found; i++) {
            const char *inner = below(f->arrays[i].path, l->path);
            if (inner && has_role(inner, role) && (!*side || has_part(inner, side, true)) &&
                (pass || has_part(inner, l->name, false)))
                found = &f->arrays[i];
        }
    return found;
}

static const hdf5_array *by_number(const keras_layer *l, const char *part, int index)
{
    const hdf5_file *f = l->r->arrays;
    const hdf5_array *found = NULL;
    static const char *const forms[] = {"%s%s%s/vars/%d", "%s%s%s/cell/vars/%d"};
    for (size_t k = 0; k < FF_COUNT(forms) && !found; k++) {
        char *path = k ? ff_asprintf("%s%s%s/cell/vars/%d", l->path, part ? "/" : "", part ? part : "", index)
                       : ff_asprintf("%s%s%s/vars/%d", l->path, part ? "/" : "", part ? part : "", index);
        for (int i = 0; i < f->n_arrays && !found; i++)
            if (strcmp(f->arrays[i].path, path) == 0)
                found = &f->arrays[i];
        free(path);
    }
    return found;
}

const hdf5_array *keras_weight(const keras_layer *l, const char *part, const char *role, int index)
{
    return l->r->by_number ? by_number(l, part, index) : by_name(l, part, role);
}

int keras_fail(keras_layer *l, const char *format, ...)
{
    va_list args;
    ff_buf b = {0};
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    l->code = ff_fail(FF_ERR_UNSUPPORTED, "layer '%s' (%s): %s", l->name, l->class, b.data);
    ff_buf_finish(&b);
    return l->code;
}

const char *keras_constant(keras_layer *l, const char *role, int n_pieces, const origin_piece *pieces, int rank,
                           const int64_t *dims)
{
    keras_reader *r = l->r;
    char *key = ff_asprintf("%s\x01%s\x01%s", l->path, l->name, role);
    const char *known = ff_map_get(r->constants, key);
    if (!known) {
        keras_origin o = {.n_pieces = n_pieces};
        int64_t count = 1, total = 0;
        for (int i = 0; i < rank; i++)
            count = dims[i] < 0 || __builtin_mul_overflow(count, dims[i], &count) ? -1 : count;
        for (int k = 0; k < n_pieces; k++) {
            o.pieces[k] = pieces[k];
            total += pieces[k].count;
        }
        ff_tensor *t = count == total ? origin_tensor(&o, rank, dims) : NULL;
        if (t) {
            known = o.constant = builder_constant(r->b, keras_sub(l, role), t);
            ff_map_put(r->constants, key, (void *)known);
            ff_grow(&r->origins, &r->capacity, (size_t)r->n_origins + 1, sizeof *r->origins);
            r->origins[r->n_origins++] = o;
        } else if (count == total) {
            l->code = FF_ERR_NOMEM;
        } else {
            keras_fail(l, "its '%s' has %lld numbers, not %lld", role, (long long)total, (long long)count);
        }
    }
    free(key);
    return known;
}

const char *keras_weight_constant(keras_layer *l, const char *part, const char *role, int index, const int *perm,
                                  int rank, const int64_t *dims)
{
    const hdf5_array *a = keras_weight(l, part, role, index);
    int64_t own[FF_MAX_RANK];
    if (!a) {
        l->code = ff_fail(FF_ERR_INPUT, "layer '%s' (%s): the file has no '%s'", l->name, l->class, role);
        return NULL;
    }
    origin_piece p = origin_of(a, perm);
    for (int i = 0; i < p.rank; i++)
        own[i] = p.dims[p.perm[i]];
    return keras_constant(l, role, 1, &p, rank < 0 ? p.rank : rank, rank < 0 ? own : dims);
}

const char *keras_sub(keras_layer *l, const char *what)
{
    char *stem = ff_asprintf("%s/%s", l->name, what);
    const char *name = builder_keep(l->r->b, stem);
    free(stem);
    return name;
}
