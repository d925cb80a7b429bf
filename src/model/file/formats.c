/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats, and models from files and back through them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/file/format.h"

#define MAX_FILE ((uint64_t)8 << 30)

#ifdef FETAFIX_TEST_FORMAT /* a test links this file with a row of its own */
extern const ff_format FETAFIX_TEST_FORMAT;
#endif

/* In the order of probing. What no row knows is read, and refused, as ONNX. */
static const ff_format *const formats[] = {
#ifdef FETAFIX_TEST_FORMAT
    &FETAFIX_TEST_FORMAT,
#endif
#ifdef FETAFIX_HDF5
    &h5_format,
    &keras_format,
#endif
    &tflite_format,
    &onnx_format,
};

static const ff_format *format_of_bytes(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < FF_COUNT(formats); i++)
        if (formats[i]->probe(data, size))
            return formats[i];
    return &onnx_format;
}

static const ff_format *format_of_path(const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < FF_COUNT(formats); i++)
        for (size_t k = 0; k < FF_COUNT(formats[i]->extensions) && formats[i]->extensions[k]; k++) {
            const char *extension = formats[i]->extensions[k];
            size_t n = strlen(extension);
            if (length > n && strcasecmp(path + length - n, extension) == 0)
                return formats[i];
        }
    return NULL;
}

bool ff_path_is_model(const char *path)
{
    return format_of_path(path) != NULL;
}

const char *ff_model_format(const ff_model *m)
{
    return m->doc->format->name;
}

const char *ff_model_extension(const ff_model *m)
{
    return m->doc->format->extensions[0];
}

void doc_set_notes(ff_model *m, void *notes, void (*release)(void *notes))
{
    m->doc->notes = notes;
    m->doc->release_notes = release;
}

static int read_as(const ff_format *f, const format_input *in, ff_model **out)
{
    ff_key key = ff_key_of(in->data, in->size); /* before reading wipes it */
    char *kept = NULL;

    if (f->keeps_file) {
        kept = ff_alloc(in->size + 1);
        memcpy(kept, in->data, in->size);
    }
    int code = f->read(in, out);
    if (code) {
        free(kept);
        return code;
    }
    doc_model *d = (*out)->doc;
    d->format = f;
    d->file = kept;
    d->file_size = kept ? in->size : 0;
    if (kept)
        d->main_read = doc_graph_ref((*out)->main);
    (*out)->key = key;
    (*out)->has_key = true;
    return FF_OK;
}

int ff_model_parse(const void *data, size_t size, const char *folder, ff_model **out)
{
    format_input in = {.data = data, .size = size, .folder = folder, .path = ""};

    return read_as(format_of_bytes(data, size), &in, out);
}

int ff_model_load(const char *path, ff_model **out)
{
    char *data;
    size_t size;
    int code = ff_read_file(path, MAX_FILE, &data, &size);

    if (code)
        return code;
    char *folder = ff_path_dirname(path);
    format_input in = {.data = (const uint8_t *)data, .size = size, .disposable = true, .folder = folder, .path = path};
    code = read_as(format_of_bytes(in.data, size), &in, out);
    if (code)
        code = ff_fail_prefix(code, "'%s'", path);
    free(folder);
    free(data);
    return code;
}

static int write_as(const ff_format *f, const ff_model *m, ff_buf *out)
{
    if (f->write == NULL)
        return ff_fail(FF_ERR_USAGE, "%s files are read only: save as %s", f->name, onnx_format.extensions[0]);
    if (f != m->doc->format && f != &onnx_format)
        return ff_fail(FF_ERR_USAGE, "a model read from %s is not written as %s", m->doc->format->name, f->name);
    return f->write(m, out);
}

int ff_model_serialize(const ff_model *m, char **data, size_t *size)
{
    ff_buf b = {0};
    int code = write_as(m->doc->format, m, &b);

    if (code) {
        ff_buf_finish(&b);
        return code;
    }
    *size = b.len;
    *data = ff_buf_steal(&b);
    return FF_OK;
}

int ff_model_save(const ff_model *m, const char *path, bool force)
{
    const ff_format *f = format_of_path(path);
    ff_buf b = {0};
    int code = write_as(f ? f : m->doc->format, m, &b);

    if (code)
        code = ff_fail_prefix(code, "'%s'", path);
    else
        code = ff_write_file(path, b.data ? b.data : "", b.len, force);
    ff_buf_finish(&b);
    return code;
}

const ff_key *ff_model_sha256(const ff_model *m)
{
    ff_model *w = (ff_model *)m;
    const ff_format *f = m->doc->format;

    pthread_mutex_lock(&w->lock);
    if (!w->has_key) {
        ff_buf b = {0};
        ff_hasher h;
        ff_hasher_init(&h);
        /* What its own format cannot say has the key of what would be written instead. */
        if (f->hash != NULL || f->write == NULL || f->write(m, &b) != FF_OK)
            (f->hash ? f : &onnx_format)->hash(m, &h);
        else
            ff_hasher_add(&h, b.data ? b.data : "", b.len);
        ff_buf_finish(&b);
        w->key = ff_hasher_done(&h);
        w->has_key = true;
    }
    pthread_mutex_unlock(&w->lock);
    return &m->key;
}

int format_can_hold(const ff_model *m)
{
    return m->doc->format->can_hold ? m->doc->format->can_hold(m) : FF_OK;
}
