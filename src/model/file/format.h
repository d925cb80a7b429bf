/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A format of model files. A new one is a file beside onnx.c and a row in formats.c; nothing outside this folder knows
 * what a file is called or what it begins with.
 *
 * However a model is stored, it is read into a document with the operators of ONNX (document.h). A format that is
 * not ONNX makes the document (ff_model_create and a patch, or the bytes of an ONNX file through onnx_format.read), and
 * may leave two things with it for its writer: the file's bytes (`keeps_file`), and notes of its own, as which
 * operator of the file a node came from. Edits keep the numbers of nodes and the names of values, and
 * doc->main_read is the graph as it was read: what differs from it is what a writer has to bring into the file.
 */
#ifndef FETAFIX_MODEL_FILE_FORMAT_H
#define FETAFIX_MODEL_FILE_FORMAT_H

#include "model/graph/graph.h"

/* A file in memory. */
typedef struct format_input {
    const uint8_t *data;
    size_t size;
    bool disposable;    /* heap memory that nobody else reads afterwards */
    const char *folder; /* where files beside it are looked for; NULL: refused */
    const char *path;   /* "" when it came from memory */
} format_input;

typedef struct ff_format {
    const char *name;
    const char *extensions[4]; /* with the dot, the usual one first */
    bool keeps_file;           /* doc->file has the bytes that were read */
    /* By content. */
    bool (*probe)(const uint8_t *data, size_t size);
    /* Malformed bytes are FF_ERR_INPUT. Notes are hung on the document with doc_set_notes(). */
    int (*read)(const format_input *in, ff_model **out) FF_MUST_USE;
    /* Appends the file. Fails in words where the format cannot say what the model is. NULL: it is not written. */
    int (*write)(const ff_model *m, ff_buf *out) FF_MUST_USE;
    /* May be NULL: what write() gives is hashed. */
    void (*hash)(const ff_model *m, ff_hasher *h);
    /* Can a model (edited, and read from this format) be written? The words say what cannot. NULL: every one can. */
    int (*can_hold)(const ff_model *m) FF_MUST_USE;
} ff_format;

extern const ff_format onnx_format, tflite_format;
#ifdef FETAFIX_HDF5
extern const ff_format h5_format, keras_format;
#endif

/* Can the format that it was read from hold it? */
int format_can_hold(const ff_model *m) FF_MUST_USE;
/* Owned by the document from now on; `release` is called with it at the end. */
void doc_set_notes(ff_model *m, void *notes, void (*release)(void *notes));

#endif
