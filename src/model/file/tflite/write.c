/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of a model into the file that it was read from. */
#include "model/file/tflite/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_SUBGRAPHS = 2, MODEL_BUFFERS = 4, GRAPH_TENSORS = 0, TENSOR_BUFFER = 2 };

tfl_notes *tfl_notes_create(tfl_reader *r)
{
    tfl_notes *n = ff_alloc(sizeof *n);
    n->names = ff_arena_create();
    n->by_constant = ff_map_create();
    n->n_origins = r->n_origins;
    n->origins = ff_alloc_array((size_t)r->n_origins + 1, sizeof *n->origins);
    for (int i = 0; i < r->n_origins; i++) {
        tfl_origin *o = &n->origins[i];
        *o = r->origins[i];
        o->constant = ff_arena_strdup(n->names, o->constant);
        ff_map_put(n->by_constant, o->constant, o);
    }
    return n;
}

void tfl_notes_release(void *notes)
{
    tfl_notes *n = notes;
    ff_map_destroy(n->by_constant, NULL);
    free(n->origins);
    ff_arena_destroy(n->names);
    free(n);
}

/* ------------------------------------------------------------------------------------- what was changed */

typedef struct writer {
    const ff_model *m;
    const tfl_notes *notes;
    fb_file file; /* the bytes as they were read */
    fb_vector tensors, buffers;
    uint8_t *out;    /* the bytes to be written; NULL: only looks whether it can be done */
    ff_tensor **now; /* by tensor of the file: its new numbers in the file's order; NULL: as they were */
} writer;

/* The part of the same kind and name in a graph; NULL: there is none. */
static part *part_named(const ff_map *parts, const part *p)
{
    char *key = ff_asprintf("%u %s", p->field, part_name(p));
    part *found = ff_map_get(parts, key);
    free(key);
    return found;
}

static ff_map *index_parts(const doc_graph *g)
{
    ff_map *m = ff_map_create();
    for (int i = 0; i < g->n_slots; i++) {
        char *key = ff_asprintf("%u %s", g->slots[i].p->field, part_name(g->slots[i].p));
        ff_map_put(m, key, g->slots[i].p);
        free(key);
    }
    return m;
}

/* The tensor's own order of a constant. */
static int turn_back(const tfl_origin *o, const fb_table *tensor, const ff_tensor *t, ff_tensor **out)
{
    fb_vector shape = fb_list(tensor, 0, 4);
    int64_t dims[FF_MAX_RANK];
    int inverse[FF_MAX_RANK];
    ff_tensor *shaped;
    if ((int)shape.n != o->rank)
        return ff_fail(FF_ERR_INPUT, "'%s' is not what the file has", o->constant);
    for (int i = 0; i < o->rank; i++) {
        dims[i] = fb_get(&shape, (uint32_t)o->perm[i], 4);
        inverse[o->perm[i]] = i;
    }
    int code = ff_tensor_reshape(t, o->rank, dims, &shaped);
    if (code == FF_OK) {
        code = ff_tensor_transpose(shaped, inverse, out);
        ff_tensor_unref(shaped);
    }
    return code;
}

static int change_constant(writer *w, const tfl_origin *o, const ff_tensor *t)
{
    fb_table tensor = fb_at(&w->tensors, (uint32_t)o->tensor);
    ff_tensor *turned = NULL;
    if (o->read_only)
        return ff_fail(
            FF_ERR_USAGE,
            "a .tflite file does not take other numbers for '%s', which it keeps sparse: write an .onnx file",
            o->constant);
    int code = turn_back(o, &tensor, t, &turned);
    if (code)
        return code;
    if (w->now[o->tensor] && !ff_tensor_equal(w->now[o->tensor], turned)) {
        ff_tensor_unref(turned);
        return ff_fail(FF_ERR_USAGE, "two operators read '%s', and would read different numbers: write an .onnx file",
                       o->constant);
    }
    ff_tensor_unref(w->now[o->tensor]);
    w->now[o->tensor] = turned;
    return FF_OK;
}

/* Every constant that comes from a changed tensor must say the same. */
static int check_readers(const writer *w, const ff_map *parts)
{
    for (int i = 0; i < w->notes->n_origins; i++) {
        const tfl_origin *o = &w->notes->origins[i];
        if (w->now[o->tensor] == NULL)
            continue;
        char *key = ff_asprintf("%u %s", (unsigned)PART_INITIALIZER, o->constant);
        const part *p = ff_map_get(parts, key);
        free(key);
        if (p == NULL)
            continue;
        fb_table tensor = fb_at(&w->tensors, (uint32_t)o->tensor);
        ff_tensor *turned;
        int code = turn_back(o, &tensor, p->init.tensor, &turned);
        bool same = code == FF_OK && ff_tensor_equal(turned, w->now[o->tensor]);
        if (code == FF_OK)
            ff_tensor_unref(turned);
        if (!same)
            return code ? code
                        : ff_fail(FF_ERR_USAGE,
                                  "other operators read '%s' too, with the numbers it had: write an .onnx file",
                                  o->constant);
    }
    return FF_OK;
}

/* Tensors whose bytes are the same Buffer: converters keep equal constants once. */
static int check_buffers(const writer *w)
{
    ff_map *owners = ff_map_create();
    int code = FF_OK;
    for (uint32_t i = 0; i < w->tensors.n; i++) {
        fb_table t = fb_at(&w->tensors, i);
        char key[24];
        snprintf(key, sizeof key, "%lld", (long long)fb_int(&t, TENSOR_BUFFER, 4, 0));
        uintptr_t before = (uintptr_t)ff_map_get(owners, key);
        bool real = strcmp(key, "0") != 0;
        if (real && before && code == FF_OK) {
            const ff_tensor *a = w->now[before - 1], *b = w->now[i];
            if ((a || b) && !(a && b && ff_tensor_equal(a, b)))
                code =
                    ff_fail(FF_ERR_USAGE,
                            "tensors %u and %u share their bytes, and one has other numbers now: write an .onnx file",
                            (unsigned)(before - 1), i);
        }
        if (before == 0)
            ff_map_put(owners, key, (void *)(uintptr_t)(i + 1));
    }
    ff_map_destroy(owners, NULL);
    return code;
}

static int not_held(const part *p)
{
    static const char *const kinds[] = {[PART_NODE] = "node", [PART_INITIALIZER] = "constant", [PART_INPUT] = "input"};
    const char *kind = p->field < FF_COUNT(kinds) && kinds[p->field] ? kinds[p->field] : "part";
    return ff_fail(FF_ERR_USAGE, "a .tflite file takes other weights, not another %s ('%s'): write an .onnx file", kind,
                   part_name(p));
}

/* What differs from the graph as it was read. */
static int find_changes(writer *w)
{
    const doc_graph *was = w->m->doc->main_read, *now = w->m->main;
    ff_map *before = index_parts(was), *after = index_parts(now);
    int code = FF_OK;
    for (int i = 0; i < now->n_slots && code == FF_OK; i++) {
        const part *p = now->slots[i].p, *old = part_named(before, p);
        if (p == old || p->field == PART_VALUE_INFO || p->field == PART_NAME)
            continue;
        const tfl_origin *o =
            old && p->field == PART_INITIALIZER ? ff_map_get(w->notes->by_constant, part_name(p)) : NULL;
        if (o && ff_same_dims(p->init.tensor, old->init.tensor) && p->init.tensor->dtype == old->init.tensor->dtype)
            code = change_constant(w, o, p->init.tensor);
        else if (p->field != PART_OUTPUT || old == NULL)
            code = not_held(p);
    }
    for (int i = 0; i < was->n_slots && code == FF_OK; i++)
        if (was->slots[i].p->field == PART_NODE && part_named(after, was->slots[i].p) == NULL)
            code = not_held(was->slots[i].p);
    if (code == FF_OK)
        code = check_readers(w, after);
    ff_map_destroy(before, NULL);
    ff_map_destroy(after, NULL);
    return code;
}

/* --------------------------------------------------------------------------------------------- the bytes */

static size_t place_of(writer *w, uint32_t tensor, size_t *size)
{
    fb_table t = fb_at(&w->tensors, tensor), buffer = fb_at(&w->buffers, (uint32_t)fb_int(&t, TENSOR_BUFFER, 4, 0));
    fb_vector data = fb_list(&buffer, 0, 1);
    *size = data.n ? data.n : (size_t)fb_int(&buffer, 2, 8, 0);
    return data.n ? data.at : (size_t)fb_int(&buffer, 1, 8, 0);
}

static int write_tensors(writer *w)
{
    for (uint32_t i = 0; i < w->tensors.n; i++) {
        ff_tensor *stored = NULL;
        size_t size, at;
        if (w->now[i] == NULL)
            continue;
        fb_table t = fb_at(&w->tensors, i);
        bool half = fb_int(&t, 1, 1, 0) == 1;
        at = place_of(w, i, &size);
        int code = ff_tensor_convert(w->now[i], half ? FF_FLOAT16 : w->now[i]->dtype, &stored);
        if (code)
            return code;
        size_t unit = ff_dtype_unit(stored->dtype);
        if (unit == 0 || stored->bytes != size || at > w->file.size || size > w->file.size - at)
            code = ff_fail(FF_ERR_USAGE, "tensor %u has %zu bytes in the file, not %zu: write an .onnx file", i, size,
                           stored->bytes);
        else if (w->out)
            ff_copy_little_endian(w->out + at, stored->data, size / unit, unit);
        ff_tensor_unref(stored);
        if (code)
            return code;
    }
    return FF_OK;
}

static int write_into(const ff_model *m, uint8_t *out)
{
    writer w = {.m = m, .notes = m->doc->notes, .out = out};
    fb_open(&w.file, (const uint8_t *)m->doc->file, m->doc->file_size);
    w.file.budget = UINT64_MAX; /* it was read once */
    fb_table root = fb_root(&w.file);
    fb_vector graphs = fb_list(&root, MODEL_SUBGRAPHS, 4);
    fb_table graph = fb_at(&graphs, 0);
    w.tensors = fb_list(&graph, GRAPH_TENSORS, 4);
    w.buffers = fb_list(&root, MODEL_BUFFERS, 4);
    w.now = ff_alloc_array((size_t)w.tensors.n + 1, sizeof *w.now);
    int code = find_changes(&w);
    if (code == FF_OK)
        code = check_buffers(&w);
    if (code == FF_OK)
        code = write_tensors(&w);
    for (uint32_t i = 0; i < w.tensors.n; i++)
        ff_tensor_unref(w.now[i]);
    free(w.now);
    return code;
}

int tfl_can_hold(const ff_model *m)
{
    return write_into(m, NULL);
}

int tfl_write(const ff_model *m, ff_buf *out)
{
    size_t at = out->len;
    ff_buf_add(out, m->doc->file, m->doc->file_size);
    int code = write_into(m, (uint8_t *)out->data + at);
    if (code)
        out->len = at;
    return code;
}
