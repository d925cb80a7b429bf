/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HDF5 files through libhdf5. What is found is handed over as a plain list of records:
 *
 *     'A' path \0 dtype rank dims bytes data       an array (lengths and dims are 64 bits)
 *     'T' path \0 name \0 bytes text               a text
 */
#include "model/file/hdf5.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_DEPTH = 32,
    MOST_OBJECTS = 100000,
    MOST_TEXT = 64 << 20,
    EXPANSION = 64, /* a packed array may be so many times as large as the file */
};

typedef struct visit {
    const void *bytes;
    size_t size;
    ff_buf *out;
    uint64_t room; /* bytes of arrays that may still come */
    int objects, depth;
    int code;
} visit;

/* ------------------------------------------------------------------------------- in the other process */

static hid_t open_image(const void *bytes, size_t size)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = H5I_INVALID_HID;
    /* The image is copied by the library; growth by what a changed array may need. */
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0 &&
        H5Pset_file_image(access, (void *)(uintptr_t)bytes, size) >= 0)
        file = H5Fopen("image", H5F_ACC_RDWR, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

static void put_number(ff_buf *b, uint64_t v)
{
    ff_buf_add(b, &v, sizeof v);
}

/* FF_UNDEFINED: elements of a type that weights do not have. */
static ff_dtype dtype_of(hid_t type)
{
    size_t size = H5Tget_size(type);
    bool is_signed;
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return size == 2 ? FF_FLOAT16 : size == 4 ? FF_FLOAT : size == 8 ? FF_DOUBLE : FF_UNDEFINED;
    case H5T_ENUM: /* h5py's bool */
        return size == 1 ? FF_UINT8 : FF_UNDEFINED;
    case H5T_INTEGER:
        is_signed = H5Tget_sign(type) == H5T_SGN_2;
        return size == 1   ? is_signed ? FF_INT8 : FF_UINT8
               : size == 2 ? is_signed ? FF_INT16 : FF_UINT16
               : size == 4 ? is_signed ? FF_INT32 : FF_UINT32
               : size == 8 ? is_signed ? FF_INT64 : FF_UINT64
                           : FF_UNDEFINED;
    default:
        return FF_UNDEFINED;
    }
}

/* The same type in this machine's order of bytes. */
static hid_t native(hid_t type)
{
    hid_t t = H5Tcopy(type);
    if (t >= 0 && H5Tget_class(t) != H5T_ENUM && H5Tset_order(t, H5Tget_order(H5T_NATIVE_INT)) < 0) {
        H5Tclose(t);
        return H5I_INVALID_HID;
    }
    return t;
}

/* Dims of an array of a readable type; false: it is none. */
static bool extent_of(hid_t set, int *rank, hsize_t dims[FF_MAX_RANK], uint64_t *count)
{
    hid_t space = H5Dget_space(set);
    bool good = false;
    if (space >= 0 && H5Sget_simple_extent_type(space) != H5S_NULL) {
        *rank = H5Sget_simple_extent_ndims(space);
        good = *rank >= 0 && *rank <= FF_MAX_RANK && H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
        *count = 1;
        for (int i = 0; good && i < *rank; i++)
            good = dims[i] <= INT64_MAX && !__builtin_mul_overflow(*count, (uint64_t)dims[i], count);
    }
    if (space >= 0)
        H5Sclose(space);
    return good;
}

static void put_array(visit *v, hid_t set, const char *path)
{
    hid_t type = H5Dget_type(set), memory = H5I_INVALID_HID;
    hsize_t dims[FF_MAX_RANK];
    uint64_t count, bytes;
    int rank;
    ff_dtype dtype = type >= 0 ? dtype_of(type) : FF_UNDEFINED;
    if (dtype == FF_UNDEFINED || !extent_of(set, &rank, dims, &count))
        goto out;
    if (__builtin_mul_overflow(count, (uint64_t)H5Tget_size(type), &bytes) || bytes > v->room) {
        v->code = ff_fail(FF_ERR_INPUT, "array '%s' is larger than the file can hold", path);
        goto out;
    }
    v->room -= bytes;
    memory = native(type);
    void *data = ff_try_alloc((size_t)bytes);
    if (!data || memory < 0 || H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        v->code = data ? ff_fail(FF_ERR_INPUT, "array '%s' cannot be read", path) : FF_ERR_NOMEM;
        free(data);
        goto out;
    }
    ff_buf_putc(v->out, 'A');
    ff_buf_add(v->out, path, strlen(path) + 1);
    put_number(v->out, (uint64_t)dtype);
    put_number(v->out, (uint64_t)rank);
    for (int i = 0; i < rank; i++)
        put_number(v->out, dims[i]);
    put_number(v->out, bytes);
    ff_buf_add(v->out, data, (size_t)bytes);
    free(data);
out:
    if (memory >= 0)
        H5Tclose(memory);
    if (type >= 0)
        H5Tclose(type);
}

/* An attribute that is one text, of a fixed length or not. */
static void put_text(visit *v, hid_t attribute, const char *path, const char *name)
{
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    char *text = NULL, *held = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
        goto out;
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Tis_variable_str(type) > 0) {
        H5Tset_size(memory, H5T_VARIABLE);
        if (H5Aread(attribute, memory, &held) >= 0 && held)
            text = ff_strdup(held);
    } else if (H5Tget_size(type) < MOST_TEXT) {
        size_t size = H5Tget_size(type);
        text = ff_alloc(size + 1);
        H5Tset_size(memory, size + 1);
        if (H5Aread(attribute, memory, text) < 0)
            text[0] = '\0';
    }
    if (text && strlen(text) < MOST_TEXT) {
        ff_buf_putc(v->out, 'T');
        ff_buf_add(v->out, path, strlen(path) + 1);
        ff_buf_add(v->out, name, strlen(name) + 1);
        put_number(v->out, strlen(text));
        ff_buf_puts(v->out, text);
    }
out:
    free(text);
    if (held)
        H5free_memory(held);
    H5Tclose(memory);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
}

typedef struct place {
    visit *v;
    const char *path;
} place;

static herr_t attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    place *p = context;
    hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    if (a >= 0) {
        put_text(p->v, a, p->path, name);
        H5Aclose(a);
    }
    return p->v->code ? -1 : 0;
}

static void walk(visit *v, hid_t object, const char *path);

static herr_t link_of(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    place *p = context;
    if (info->type != H5L_TYPE_HARD)
        return 0;
    if (++p->v->objects > MOST_OBJECTS)
        p->v->code = ff_fail(FF_ERR_INPUT, "more than %d objects", MOST_OBJECTS);
    hid_t object = p->v->code ? H5I_INVALID_HID : H5Oopen(group, name, H5P_DEFAULT);
    if (object >= 0) {
        char *path = ff_asprintf("%s%s%s", p->path, *p->path ? "/" : "", name);
        walk(p->v, object, path);
        free(path);
        H5Oclose(object);
    }
    return p->v->code ? -1 : 0;
}

static void walk(visit *v, hid_t object, const char *path)
{
    place p = {v, path};
    hsize_t at = 0;
    if (H5Iget_type(object) == H5I_DATASET) {
        put_array(v, object, path);
        return;
    }
    if (H5Iget_type(object) != H5I_GROUP && H5Iget_type(object) != H5I_FILE)
        return;
    if (++v->depth > MOST_DEPTH) {
        v->code = ff_fail(FF_ERR_INPUT, "groups are nested deeper than %d", MOST_DEPTH);
        return;
    }
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &at, attribute, &p);
    at = 0;
    if (!v->code && H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, &at, link_of, &p) < 0 && !v->code)
        v->code = ff_fail(FF_ERR_INPUT, "group '/%s' cannot be read", path);
    v->depth--;
}

static int read_all(void *context, ff_buf *out)
{
    visit *v = context;
    v->out = out;
    hid_t file = open_image(v->bytes, v->size);
    if (file < 0)
        return ff_fail(FF_ERR_INPUT, "not a whole HDF5 file");
    walk(v, file, "");
    H5Fclose(file);
    return v->code;
}

/* ---------------------------------------------------------------------------------------- in this one */

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *c, void *to, size_t n)
{
    if ((size_t)(c->end - c->at) < n)
        return false;
    memcpy(to, c->at, n);
    c->at += n;
    return true;
}

static const char *take_text(cursor *c)
{
    const char *nul = memchr(c->at, 0, (size_t)(c->end - c->at));
    const char *text = nul ? c->at : NULL;
    c->at = nul ? nul + 1 : c->end;
    return text;
}

/* FF_OK where the record is whole; *done: there was none. */
static int take_array(cursor *c, hdf5_array *a, ff_arena *memory)
{
    const char *path = take_text(c);
    uint64_t dtype, rank, dims[FF_MAX_RANK], bytes;
    int64_t sizes[FF_MAX_RANK];
    if (!path || !take(c, &dtype, 8) || !take(c, &rank, 8) || rank > FF_MAX_RANK || !take(c, dims, rank * 8) ||
        !take(c, &bytes, 8) || (uint64_t)(c->end - c->at) < bytes)
        return ff_fail(FF_ERR_INPUT, "damaged: its library gave up over it");
    for (uint64_t i = 0; i < rank; i++)
        sizes[i] = (int64_t)dims[i];
    int code = ff_tensor_create_unset((ff_dtype)dtype, (int)rank, sizes, &a->tensor);
    if (code)
        return code;
    if (a->tensor->bytes != bytes) {
        ff_tensor_unref(a->tensor);
        return ff_fail(FF_ERR_INPUT, "array '%s' has another size than it says", path);
    }
    memcpy(a->tensor->data, c->at, (size_t)bytes);
    c->at += bytes;
    a->path = ff_arena_strdup(memory, path);
    return FF_OK;
}

static int take_attribute(cursor *c, struct hdf5_text *t, ff_arena *memory)
{
    const char *path = take_text(c), *name = take_text(c);
    uint64_t bytes;
    if (!path || !name || !take(c, &bytes, 8) || (uint64_t)(c->end - c->at) < bytes)
        return ff_fail(FF_ERR_INPUT, "damaged: its library gave up over it");
    char *text = ff_arena_alloc(memory, (size_t)bytes + 1);
    memcpy(text, c->at, (size_t)bytes);
    c->at += bytes;
    *t = (struct hdf5_text){ff_arena_strdup(memory, path), ff_arena_strdup(memory, name), text};
    return FF_OK;
}

static int parse(const ff_buf *b, hdf5_file *f)
{
    cursor c = {b->data, b->data + b->len};
    size_t arrays = 0, texts = 0;
    int code = FF_OK;
    while (c.at < c.end && code == FF_OK) {
        char kind = *c.at++;
        if (kind == 'A') {
            ff_grow(&f->arrays, &arrays, (size_t)f->n_arrays + 1, sizeof *f->arrays);
            code = take_array(&c, &f->arrays[f->n_arrays], f->memory);
            f->n_arrays += code == FF_OK;
        } else {
            ff_grow(&f->texts, &texts, (size_t)f->n_texts + 1, sizeof *f->texts);
            code = take_attribute(&c, &f->texts[f->n_texts], f->memory);
            f->n_texts += code == FF_OK;
        }
    }
    return code;
}

bool hdf5_probe(const uint8_t *bytes, size_t size)
{
    return size >= 8 && memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static ff_isolate_limits limits_of(size_t size)
{
    return (ff_isolate_limits){.memory = ((uint64_t)256 << 20) + (uint64_t)size * (EXPANSION + 8), .seconds = 120};
}

int hdf5_read(const void *bytes, size_t size, hdf5_file **out)
{
    visit v = {.bytes = bytes, .size = size, .room = (uint64_t)size * EXPANSION};
    ff_isolate_limits limits = limits_of(size);
    ff_buf found = {0};
    hdf5_file *f = ff_alloc(sizeof *f);
    f->memory = ff_arena_create();
    int code = ff_isolate(read_all, &v, &limits, &found);
    if (code == FF_OK)
        code = parse(&found, f);
    ff_buf_finish(&found);
    if (code) {
        hdf5_destroy(f);
        return code;
    }
    *out = f;
    return FF_OK;
}

void hdf5_destroy(hdf5_file *f)
{
    if (f == NULL)
        return;
    for (int i = 0; i < f->n_arrays; i++)
        ff_tensor_unref(f->arrays[i].tensor);
    free(f->arrays);
    free(f->texts);
    ff_arena_destroy(f->memory);
    free(f);
}

const char *hdf5_text(const hdf5_file *f, const char *path, const char *name)
{
    for (int i = 0; i < f->n_texts; i++)
        if (strcmp(f->texts[i].path, path) == 0 && strcmp(f->texts[i].name, name) == 0)
            return f->texts[i].text;
    return NULL;
}

/* --------------------------------------------------------------------------------------------- writing */

typedef struct change {
    const void *bytes;
    size_t size;
    int n;
    const char *const *paths;
    const ff_tensor *const *tensors;
} change;

static int write_array(hid_t file, const char *path, const ff_tensor *t)
{
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT), type = set >= 0 ? H5Dget_type(set) : H5I_INVALID_HID;
    hid_t memory = type >= 0 ? native(type) : H5I_INVALID_HID;
    hsize_t dims[FF_MAX_RANK];
    uint64_t count;
    int rank, code = FF_OK;
    ff_tensor *same = NULL;
    if (memory < 0 || !extent_of(set, &rank, dims, &count) || count != (uint64_t)t->count)
        code = ff_fail(FF_ERR_INPUT, "the file has no array '%s' of %lld elements", path, (long long)t->count);
    if (code == FF_OK)
        code = ff_tensor_convert(t, dtype_of(type), &same);
    if (code == FF_OK && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, same->data) < 0)
        code = ff_fail(FF_ERR_INPUT, "array '%s' cannot be written", path);
    ff_tensor_unref(same);
    if (memory >= 0)
        H5Tclose(memory);
    if (type >= 0)
        H5Tclose(type);
    if (set >= 0)
        H5Dclose(set);
    return code;
}

static int write_arrays(void *context, ff_buf *out)
{
    change *c = context;
    hid_t file = open_image(c->bytes, c->size);
    if (file < 0)
        return ff_fail(FF_ERR_INPUT, "not a whole HDF5 file");
    int code = FF_OK;
    for (int i = 0; i < c->n && code == FF_OK; i++)
        code = write_array(file, c->paths[i], c->tensors[i]);
    ssize_t size = -1;
    if (code == FF_OK && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0)
        size = H5Fget_file_image(file, NULL, 0);
    char *image = size > 0 ? ff_try_alloc((size_t)size) : NULL;
    if (image && H5Fget_file_image(file, image, (size_t)size) == size)
        ff_buf_add(out, image, (size_t)size);
    else if (code == FF_OK)
        code = ff_fail(FF_ERR_INPUT, "the changed file cannot be made");
    free(image);
    H5Fclose(file);
    return code;
}

int hdf5_write(const void *bytes, size_t size, int n, const char *const *paths, const ff_tensor *const *tensors,
               ff_buf *out)
{
    change c = {bytes, size, n, paths, tensors};
    ff_isolate_limits limits = limits_of(size);
    return ff_isolate(write_arrays, &c, &limits, out);
}
