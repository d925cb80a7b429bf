#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a model gives is compared: all rows, all outputs, lists, texts, whole numbers to the last.

    outputs.py FETAFIX
"""
import json
import sys

try:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save
except ImportError:
    sys.exit(77)
from trial import Trial

trial = Trial('outputs')
check, run, path = trial.check, trial.run, trial.path
rng = np.random.RandomState(8)
node, info = helper.make_node, helper.make_tensor_value_info
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def write(name, nodes, outputs, constants={}, shape=(1, 3, 4, 4), opset=13):
    graph = helper.make_graph(nodes, name, [info('x', FLOAT, shape)], outputs,
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    model.ir_version = 8
    save(model, path(name + '.onnx'))
    return name + '.onnx'


def wrong(source, target, data, *words):
    code, _, said = run('compare', source, target, '--input', data, '--json', 'r.json', '-f', '-q', *words)
    if not check(code in (0, 1), '%s %s: %d %s' % (source, target, code, said)):
        return None
    return json.load(open(path('r.json')))['discrepancy']['initial']


# ------------------------------------------------------------- time first: every step of every sample counts

np.save(path('time.npy'), rng.randn(5, 6, 1, 3).astype(np.float32))
r = rng.randn(1, 4, 4).astype(np.float32)


def recurrent(name, factor):
    nodes = [node('RNN', ['x', 'w', 'r'], ['all'], hidden_size=4), node('Squeeze', ['all', 'axis'], ['y'])]
    return write(name, nodes, [info('y', FLOAT, [6, 1, 4])],
                 {'w': np.full((1, 4, 3), 0.5, np.float32), 'r': r * np.float32(factor), 'axis': np.array([1])}, (6, 1, 3))


steps = recurrent('steps', 1)
check(wrong(steps, recurrent('other', 0.2), 'time.npy') == 5, 'steps after the first are compared')
check(wrong(steps, steps, 'time.npy') == 0, 'equal steps are equal')

# A batch that the model fixes is the sample again and again: its labels are those of one.
np.save(path('rows.npy'), rng.randn(4, 3).astype(np.float32))
batch = write('batch', [node('Identity', ['x'], ['y'])], [info('y', FLOAT, [2, 3])], shape=(2, 3))
turned = write('turned', [node('Neg', ['x'], ['y'])], [info('y', FLOAT, [2, 3])], shape=(2, 3))
code, said, _ = run('compare', batch, turned, '--input', 'rows.npy', '-q')
check('labels differ' in said and code == 1, 'a fixed batch is read by labels: ' + said)

# ----------------------------------------------------------------------- what is no number, or hidden by float32

np.save(path('x.npy'), rng.randn(3, 1, 3, 4, 4).astype(np.float32))


def constant(name, value, kind, shape):
    return write(name, [node('Identity', ['k'], ['y'])], [info('y', kind, shape)], {'k': value})


text = constant('text', np.array(['one', 'two'], object), STRING, [2])
check(wrong(text, text, 'x.npy') == 0, 'equal texts are equal')
check(wrong(text, constant('words', np.array(['one', 'too'], object), STRING, [2]), 'x.npy') == 3, 'texts are compared')
large = constant('large', np.array([2 ** 60, 7]), INT64, [2])
check(wrong(large, large, 'x.npy') == 0, 'equal integers are equal')
check(wrong(large, constant('larger', np.array([2 ** 60 + 1, 7]), INT64, [2]), 'x.npy') == 3, 'integers are compared to the last')
check(wrong(large, constant('large2', np.array([2 ** 60 + 1, 7]), INT64, [2]), 'x.npy', '--comparator', 'tolerance') == 3,
      'by tolerance, too')
flags = constant('flags', np.array([True, False]), TensorProto.BOOL, [2])
check(wrong(flags, constant('flag', np.array([True, True]), TensorProto.BOOL, [2]), 'x.npy') == 3, 'booleans are compared')
parts = helper.make_value_info('y', helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None)))
channels = write('channels', [node('SplitToSequence', ['x'], ['y'], axis=1)], [parts])
rows = write('row', [node('SplitToSequence', ['x'], ['y'], axis=2)], [parts])
negative = write('negative', [node('Neg', ['x'], ['z']), node('SplitToSequence', ['z'], ['y'], axis=1)], [parts])
check(wrong(channels, channels, 'x.npy') == 0, 'equal lists are equal')
check(wrong(channels, rows, 'x.npy') == 3, 'lists of other shapes differ')
check(wrong(channels, negative, 'x.npy') == 3, 'lists of other numbers differ')

# --------------------------------------------------------- a text output beside scores does not stop localising

weights = {'w': rng.randn(4, 3, 3, 3).astype(np.float32), 'k': np.array(['name'], object)}


def labelled(name, factor):
    nodes = [node('Conv', ['x', 'w'], ['c'], 'conv', pads=[1, 1, 1, 1]), node('Flatten', ['c'], ['scores']),
             node('Identity', ['k'], ['text'])]
    return write(name, nodes, [info('scores', FLOAT, [1, 64]), info('text', STRING, [1])], dict(weights, w=weights['w'] * np.float32(factor)))


source, target = labelled('source', 1), labelled('target', -1)
code, _, said = run('repair', source, target, '--input', 'x.npy', '--comparator', 'tolerance', '-o', 'o.onnx', '--json', 'r.json', '-f', '-q')
faults = json.load(open(path('r.json')))['faults'] if check(code == 0, 'repair beside a text: %d %s' % (code, said)) else []
check([f['type'] for f in faults] == ['WB'], 'the fault beside a text: %s' % [f['summary'] for f in faults])

trial.end()
