/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model from nothing: the file that a patch then fills. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/model.h"
#include "model/file/onnx.pb-c.h"

#define MAX_INPUTS 64

/* One graph input as the schema has it. */
typedef struct input {
    Onnx__ValueInfoProto value;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dims[FF_MAX_RANK];
    Onnx__TensorShapeProto__Dimension *dim_list[FF_MAX_RANK];
} input;

static void fill_input(input *in, const char *name, const ff_shape *shape)
{
    onnx__value_info_proto__init(&in->value);
    onnx__type_proto__init(&in->type);
    onnx__type_proto__tensor__init(&in->tensor);
    onnx__tensor_shape_proto__init(&in->shape);
    for (int d = 0; d < shape->rank; d++) {
        Onnx__TensorShapeProto__Dimension *dim = &in->dims[d];
        onnx__tensor_shape_proto__dimension__init(dim);
        if (shape->dims[d] < 0) {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = (char *)"N";
        } else {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = shape->dims[d];
        }
        in->dim_list[d] = dim;
    }
    in->shape.n_dim = (size_t)shape->rank;
    in->shape.dim = in->dim_list;
    in->tensor.has_elem_type = true;
    in->tensor.elem_type = shape->dtype;
    in->tensor.shape = &in->shape;
    in->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    in->type.tensor_type = &in->tensor;
    in->value.name = (char *)name;
    in->value.type = &in->type;
}

int ff_model_create(const char *producer, int64_t ir_version, int opset, const char *graph, int n_inputs,
                    const char *const *names, const ff_shape *shapes, ff_model **out)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto main_graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *sets[] = {&set};
    Onnx__ValueInfoProto *values[MAX_INPUTS];
    if (n_inputs > MAX_INPUTS)
        return ff_fail(FF_ERR_GRAPH, "%d graph inputs: more than %d", n_inputs, MAX_INPUTS);
    input *inputs = ff_alloc_array((size_t)n_inputs + 1, sizeof *inputs);
    for (int i = 0; i < n_inputs; i++) {
        fill_input(&inputs[i], names[i], &shapes[i]);
        values[i] = &inputs[i].value;
    }
    main_graph.name = (char *)graph;
    main_graph.n_input = (size_t)n_inputs;
    main_graph.input = values;
    set.domain = (char *)"";
    set.has_version = true;
    set.version = opset;
    model.has_ir_version = true;
    model.ir_version = ir_version;
    /* "pytorch 1.13.1" is a name and a version. */
    const char *blank = strrchr(producer, ' ');
    char *name = blank ? ff_strndup(producer, (size_t)(blank - producer)) : ff_strdup(producer);
    model.producer_name = name;
    model.producer_version = blank ? (char *)blank + 1 : NULL;
    model.graph = &main_graph;
    model.n_opset_import = 1;
    model.opset_import = sets;

    size_t size = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = ff_alloc(size + 1);
    onnx__model_proto__pack(&model, bytes);
    int status = ff_model_parse(bytes, size, NULL, out);
    free(bytes);
    free(name);
    free(inputs);
    return status;
}
