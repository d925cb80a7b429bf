#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check_repro.py FOLDER: the bundles in it as an independent implementation of ONNX reads them, where there is one."""
import os
import sys

try:
    import onnx
    from onnx import numpy_helper
except ImportError:
    onnx = None

for name in sorted(os.listdir(sys.argv[1])):
    folder = os.path.join(sys.argv[1], name)
    data = os.path.join(folder, 'test_data_set_0')
    files = sorted(os.listdir(data))
    inputs = [f for f in files if f.startswith('input_')]
    assert files == inputs + ['output_0.pb'], files
    for model in ('model.onnx', 'repaired.onnx'):
        path = os.path.join(folder, model)
        if not onnx:
            assert os.path.getsize(path) > 0
            continue
        m = onnx.load(path)
        onnx.checker.check_model(m, full_check=True)
        tensors = [onnx.load_tensor(os.path.join(data, f)) for f in inputs + ['output_0.pb']]
        values = list(m.graph.input) + list(m.graph.output)
        assert len(values) == len(tensors), (path, len(values))
        for value, tensor in zip(values, tensors):
            shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
            assert shape == list(tensor.dims) and value.type.tensor_type.elem_type == tensor.data_type, value.name
            assert numpy_helper.to_array(tensor).shape == tuple(shape)
    print(name, 'is sound')
