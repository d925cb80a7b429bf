/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk over a file: tensors, then operators in their order, each made nodes by the function of its row. */
#include "model/file/tflite/tflite.h"
#include "model/file/tflite/notes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Fields of the schema's tables. */
enum { MODEL_CODES = 1, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum { CODE_OLD, CODE_CUSTOM, CODE_VERSION, CODE_NEW };
enum { GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS };
enum { OP_CODE, OP_INPUTS, OP_OUTPUTS, OP_OPTIONS_TYPE, OP_OPTIONS };
enum {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANTIZATION,
    TENSOR_VARIABLE,
    TENSOR_SPARSITY,
    TENSOR_SIGNATURE
};
enum { QUANT_SCALE = 2, QUANT_ZERO = 3, QUANT_AXIS = 6 };

static const struct {
    int tfl;
    ff_dtype type;
} types[] = {
    {0, FF_FLOAT}, {1, FF_FLOAT16}, {2, FF_INT32},   {3, FF_UINT8},   {4, FF_INT64},   {6, FF_BOOL},      {7, FF_INT16},
    {9, FF_INT8},  {10, FF_DOUBLE}, {12, FF_UINT64}, {15, FF_UINT32}, {16, FF_UINT16}, {18, FF_BFLOAT16}, {17, FF_INT8},
};

void tfl_fail(tfl_op *op, const char *format, ...)
{
    va_list args;
    ff_buf b = {0};
    if (op->r->code)
        return;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    op->r->code = ff_fail(FF_ERR_UNSUPPORTED, "operator %d (%s '%s'): %s", op->index, op->row->name, op->name, b.data);
    ff_buf_finish(&b);
}

/* ------------------------------------------------------------------------------------------------ tensors */

static void read_bytes(tfl_reader *r, tfl_tensor *t)
{
    fb_table buffer = fb_at(&r->buffers, t->buffer);
    fb_vector data = fb_list(&buffer, 0, 1);
    uint64_t offset = (uint64_t)fb_int(&buffer, 1, 8, 0), size = (uint64_t)fb_int(&buffer, 2, 8, 0);
    if (data.n) {
        t->data = r->file.data + data.at;
        t->bytes = data.n;
        r->file.budget += data.n;    /* what is read of it is counted as it is made */
    } else if (offset > 1 && size) { /* behind the flatbuffer, in files of more than 2 GB */
        if (offset > r->file.size || size > r->file.size - offset) {
            r->file.broken = true;
            return;
        }
        t->data = r->file.data + offset;
        t->bytes = size;
    }
}

static int take_tensor(tfl_reader *r, int i, tfl_tensor *t)
{
    fb_vector shape = fb_list(&t->table, TENSOR_SHAPE, 4), open = fb_list(&t->table, TENSOR_SIGNATURE, 4);
    fb_table quantization = fb_sub(&t->table, TENSOR_QUANTIZATION);
    int type = (int)fb_int(&t->table, TENSOR_TYPE, 1, 0);
    t->name = fb_text(&t->table, TENSOR_NAME, r->names);
    if (*t->name == '\0')
        t->name = ff_arena_printf(r->names, "tensor_%d", i);
    for (size_t k = 0; k < FF_COUNT(types); k++)
        if (types[k].tfl == type)
            t->shape.dtype = types[k].type;
    t->half_byte = type == 17;
    if (shape.n > FF_MAX_RANK)
        return ff_fail(FF_ERR_UNSUPPORTED, "tensor '%s' has rank %u", t->name, shape.n);
    t->shape.rank = (int)shape.n;
    for (uint32_t k = 0; k < shape.n; k++) {
        int64_t d = fb_get(&shape, k, 4), s = open.n == shape.n ? fb_get(&open, k, 4) : d;
        t->shape.dims[k] = s < 0 ? -1 : d;
        if (d < 0)
            return ff_fail(FF_ERR_INPUT, "tensor '%s' has a size of %lld", t->name, (long long)d);
    }
    t->source = -1;
    t->is_variable = fb_int(&t->table, TENSOR_VARIABLE, 1, 0) != 0;
    t->buffer = (uint32_t)fb_int(&t->table, TENSOR_BUFFER, 4, 0);
    t->scales = fb_list(&quantization, QUANT_SCALE, 4);
    t->zeros = fb_list(&quantization, QUANT_ZERO, 8);
    t->axis = (int)fb_int(&quantization, QUANT_AXIS, 4, 0);
    if (t->scales.n > 1 && (t->axis < 0 || t->axis >= t->shape.rank || t->shape.dims[t->axis] != (int64_t)t->scales.n))
        return ff_fail(FF_ERR_INPUT, "tensor '%s' has %u scales along axis %d", t->name, t->scales.n, t->axis);
    if (t->buffer)
        read_bytes(r, t);
    if (t->data) /* a constant's size is not open */
        for (uint32_t k = 0; k < shape.n; k++)
            t->shape.dims[k] = fb_get(&shape, k, 4);
    return FF_OK;
}

static int take_tensors(tfl_reader *r, const fb_table *graph)
{
    fb_vector v = fb_list(graph, GRAPH_TENSORS, 4);
    r->tensors = ff_alloc_array((size_t)v.n + 1, sizeof *r->tensors);
    for (r->n_tensors = 0; r->n_tensors < (int)v.n && !r->file.broken; r->n_tensors++) {
        tfl_tensor *t = &r->tensors[r->n_tensors];
        t->table = fb_at(&v, (uint32_t)r->n_tensors);
        int code = take_tensor(r, r->n_tensors, t);
        if (code)
            return code;
    }
    return FF_OK;
}

/* A variable tensor is zero at the start; an empty constant has no bytes to point to. */
static int complete_tensors(tfl_reader *r, const fb_vector *inputs, const fb_vector *operators)
{
    bool *made = ff_alloc_array((size_t)r->n_tensors + 1, sizeof *made);
    for (uint32_t i = 0; i < operators->n; i++) {
        fb_table t = fb_at(operators, i);
        fb_vector outputs = fb_list(&t, OP_OUTPUTS, 4);
        for (uint32_t k = 0; k < outputs.n; k++) {
            int64_t o = fb_get(&outputs, k, 4);
            if (o >= 0 && o < r->n_tensors)
                made[o] = true;
        }
    }
    for (uint32_t i = 0; i < inputs->n; i++) {
        int64_t k = fb_get(inputs, i, 4);
        if (k >= 0 && k < r->n_tensors)
            made[k] = true;
    }
    for (int i = 0; i < r->n_tensors; i++) {
        tfl_tensor *t = &r->tensors[i];
        bool empty = false;
        for (int k = 0; k < t->shape.rank; k++)
            empty |= t->shape.dims[k] == 0;
        if (made[i])
            t->data = NULL;
        else if (empty && t->data == NULL)
            t->data = r->file.data;
    }
    free(made);
    return FF_OK;
}

static int add_inputs(tfl_reader *r, const fb_vector *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        int64_t k = fb_get(inputs, i, 4);
        if (k < 0 || k >= r->n_tensors || r->tensors[k].values[TFL_LAST])
            return ff_fail(FF_ERR_INPUT, "input %u is no tensor of its own", i);
        tfl_tensor *t = &r->tensors[k];
        if (t->shape.dtype == FF_UNDEFINED)
            return ff_fail(FF_ERR_UNSUPPORTED, "input '%s' has a type that is not supported", t->name);
        t->values[TFL_LAST] = t->name = builder_input(r->b, t->name, &t->shape);
        t->is_input = true;
    }
    return FF_OK;
}

/* ---------------------------------------------------------------------------------------------- operators */

static int custom(tfl_reader *r, const fb_table *code, uint32_t index)
{
    const char *name = fb_text(code, CODE_CUSTOM, r->names);
    if (strcmp(name, "edgetpu-custom-op") == 0)
        return ff_fail(FF_ERR_UNSUPPORTED,
                       "the file is compiled for the Edge TPU: its layers are machine code. Use the "
                       ".tflite file that it was compiled from");
    return ff_fail(FF_ERR_UNSUPPORTED, "operator %u is the custom operator '%s', which the file does not define", index,
                   name);
}

static int make_operator(tfl_reader *r, const fb_table *t, uint32_t index)
{
    fb_table code = fb_at(&r->codes, (uint32_t)fb_int(t, OP_CODE, 4, 0));
    int old = (int)fb_int(&code, CODE_OLD, 1, 0), number = (int)fb_int(&code, CODE_NEW, 4, 0);
    number = old > number ? old : number;
    if (code.f == NULL)
        return ff_fail(FF_ERR_INPUT, "operator %u has no code", index);
    if (number == 32)
        return custom(r, &code, index);
    const tfl_row *row = tfl_row_find(number);
    if (row == NULL)
        return ff_fail(FF_ERR_UNSUPPORTED, "operator %u: TFLite's operator %d is not supported", index, number);
    tfl_op op = {.r = r, .row = row, .index = (int)index, .name = ""};
    op.inputs = fb_list(t, OP_INPUTS, 4);
    op.outputs = fb_list(t, OP_OUTPUTS, 4);
    if (row->options && fb_int(t, OP_OPTIONS_TYPE, 1, 0) == row->options)
        op.options = fb_sub(t, OP_OPTIONS);
    int64_t first = fb_get(&op.outputs, 0, 4);
    if (op.outputs.n && first >= 0 && first < r->n_tensors)
        op.name = r->tensors[first].name;
    for (uint32_t i = 0; i < op.outputs.n; i++) {
        int64_t k = fb_get(&op.outputs, i, 4);
        if (k >= 0 && k < r->n_tensors && r->tensors[k].shape.dtype == FF_UNDEFINED)
            tfl_fail(&op, "'%s' has a type that is not supported", r->tensors[k].name);
    }
    if (r->code == FF_OK)
        row->make(&op);
    return r->code;
}

static int add_outputs(tfl_reader *r, const fb_vector *outputs)
{
    static const tfl_row row = {.code = -1, .name = "output"};
    for (uint32_t i = 0; i < outputs->n; i++) {
        int64_t k = fb_get(outputs, i, 4);
        if (k < 0 || k >= r->n_tensors)
            return ff_fail(FF_ERR_INPUT, "output %u is no tensor", i);
        tfl_tensor *t = &r->tensors[k];
        tfl_op op = {.r = r, .row = &row, .index = (int)i, .name = t->name};
        const char *value = tfl_value(&op, t, TFL_LAST);
        if (r->code)
            return r->code;
        bool own = t->is_output && strcmp(value, t->name) == 0 && !(t->data || t->constant) && !t->is_input;
        builder_output(r->b, value, own ? value : ff_arena_printf(r->names, "%s/output", t->name), &t->shape);
        t->is_output = false; /* listed again, it is another output */
    }
    return FF_OK;
}

static int build(tfl_reader *r, const fb_table *root)
{
    fb_vector graphs = fb_list(root, MODEL_SUBGRAPHS, 4);
    fb_table graph = fb_at(&graphs, 0);
    if (graph.f == NULL)
        return ff_fail(FF_ERR_INPUT, "not a TFLite model: it has no graph");
    r->codes = fb_list(root, MODEL_CODES, 4);
    r->buffers = fb_list(root, MODEL_BUFFERS, 4);
    fb_vector inputs = fb_list(&graph, GRAPH_INPUTS, 4), outputs = fb_list(&graph, GRAPH_OUTPUTS, 4);
    fb_vector operators = fb_list(&graph, GRAPH_OPERATORS, 4);
    int code = take_tensors(r, &graph);
    for (uint32_t i = 0; i < outputs.n && code == FF_OK; i++) {
        int64_t k = fb_get(&outputs, i, 4);
        if (k >= 0 && k < r->n_tensors)
            r->tensors[k].is_output = true;
    }
    if (code == FF_OK)
        code = complete_tensors(r, &inputs, &operators);
    if (code == FF_OK)
        code = add_inputs(r, &inputs);
    for (uint32_t i = 0; i < operators.n && code == FF_OK && !r->file.broken; i++) {
        fb_table t = fb_at(&operators, i);
        code = make_operator(r, &t, i);
    }
    if (code == FF_OK && !r->file.broken)
        code = add_outputs(r, &outputs);
    return code;
}

static int read_file(const format_input *in, ff_model **out)
{
    tfl_reader r = {.names = ff_arena_create(), .b = builder_create()};
    ff_model *m = NULL;
    fb_open(&r.file, in->data, in->size);
    fb_table root = fb_root(&r.file);
    const char *description = fb_text(&root, MODEL_DESCRIPTION, r.names);
    int code = build(&r, &root);
    if (r.file.broken) /* whatever came of it before */
        code = ff_fail(FF_ERR_INPUT, "the file is damaged: something in it points out of it, or is there too often");
    if (code == FF_OK) {
        tfl_notes *notes = tfl_notes_create(&r);
        code = builder_finish(r.b, *description ? description : "TFLite", &m);
        if (code)
            tfl_notes_release(notes);
        else
            doc_set_notes(m, notes, tfl_notes_release);
    } else {
        builder_destroy(r.b);
    }
    for (int i = 0; i < r.n_tensors; i++)
        ff_tensor_unref(r.tensors[i].constant);
    free(r.tensors);
    free(r.origins);
    ff_arena_destroy(r.names);
    if (code == FF_OK)
        *out = m;
    return code;
}

static bool is_tflite(const uint8_t *data, size_t size)
{
    return size >= 8 && memcmp(data + 4, "TFL3", 4) == 0;
}

const ff_format tflite_format = {
    .name = "TFLite",
    .extensions = {".tflite", ".lite"},
    .keeps_file = true,
    .probe = is_tflite,
    .read = read_file,
    .write = tfl_write,
    .can_hold = tfl_can_hold,
};
