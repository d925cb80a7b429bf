# SPDX-License-Identifier: GPL-3.0-or-later
"""A BERT-like encoder with token, mask and type inputs as exporters of several frameworks write it, with faults.

Torch         shapes computed while it runs, one matrix a projection, layer normalisation and GELU written out
TorchPacked   one matrix for query, key and value, the sequence in front, heads and batch in one axis
Keras         fixed shapes, dense layers over rows, normalisation as one factor and one shift, queries scaled
KerasEinsum   the same with Einsum over heads
Fused         one dense layer and a Split, LayerNormalization
Blocks        one dense layer cut into (3, heads, width), Gather; as vision transformers have it

All compute the same. `faults`: {'weights': {(layer, name): change}, 'scale': {layer: factor}, 'axis': {layer: axis},
'gelu': {layer: 'tanh' or 'relu'}, 'epsilon': {layer: value}, 'extra': layer, 'missing': layer}.
"""
import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HEADS, HIDDEN, TOKENS, WORDS, CLASSES = 6, 32, 4, 64, 8, 50, 5
EPSILON = 1e-5


def make_weights(seed=0):
    rng = np.random.RandomState(seed)

    def matrix(rows, columns, scale=1.0):
        return (rng.randn(rows, columns) * scale / math.sqrt(rows)).astype('f')

    def vector(n, mean=0):
        return (mean + 0.1 * rng.randn(n)).astype('f')

    def dense(rows, columns, scale=1.0):
        return matrix(rows, columns, scale), vector(columns)
    w = {'word': matrix(WORDS, WIDTH, math.sqrt(WORDS)), 'place': matrix(64, WIDTH, 4), 'type': matrix(2, WIDTH),
         'norm0': (vector(WIDTH, 1), vector(WIDTH)), 'layers': []}
    for _ in range(LAYERS):
        w['layers'].append({'query': dense(WIDTH, WIDTH, 1.5), 'key': dense(WIDTH, WIDTH, 1.5), 'value': dense(WIDTH, WIDTH),
                            'out': dense(WIDTH, WIDTH), 'norm1': (vector(WIDTH, 1), vector(WIDTH)),
                            'in': dense(WIDTH, HIDDEN), 'down': dense(HIDDEN, WIDTH),
                            'norm2': (vector(WIDTH, 1), vector(WIDTH))})
    w['pool'], w['head'] = dense(WIDTH, WIDTH), dense(WIDTH, CLASSES, 2)
    return w


class Exporter:
    opset = 13

    def __init__(self, faults=None, opset=None):
        self.faults, self.opset, self.w = faults or {}, opset or self.opset, make_weights()
        self.nodes, self.constants, self.bias = [], [], None

    # ------------------------------------------------------------------------------- pieces

    def op(self, kind, *inputs, outputs=1, **attributes):
        name = '%s_%d' % (kind, len(self.nodes))
        names = ['%s_out%d' % (name, i) for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values, kind='f'):
        name = 'constant_%d' % len(self.constants)
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def ints(self, *values):
        return self.constant(values, 'i8')

    def whole(self, value):
        return self.op('Constant', value=numpy_helper.from_array(np.array(value, 'i8')))

    def mean(self, x):
        return self.op('ReduceMean', x, axes=[-1], keepdims=1)

    def unsqueeze(self, x, axis):
        return self.op('Unsqueeze', x, self.ints(axis)) if self.opset >= 13 else self.op('Unsqueeze', x, axes=[axis])

    def squeeze(self, x, axis):
        return self.op('Squeeze', x, self.ints(axis)) if self.opset >= 13 else self.op('Squeeze', x, axes=[axis])

    def size(self, x, axis):
        return self.op('Gather', self.op('Shape', x), self.whole(axis), axis=0)

    def reshape(self, x, *parts):
        """Parts: numbers, or names of scalars."""
        parts = [self.ints(p) if isinstance(p, int) else self.unsqueeze(p, 0) for p in parts]
        return self.op('Reshape', x, self.op('Concat', *parts, axis=0))

    def softmax(self, x, i):
        return self.op('Softmax', x, axis=self.faults.get('axis', {}).get(i, -1 if self.opset >= 13 else self.last))

    def scale(self, i):
        return self.faults.get('scale', {}).get(i, math.sqrt(WIDTH // HEADS))

    def tanh_gelu(self, x):
        cube = self.op('Mul', self.op('Pow', x, self.constant(3.0)), self.constant(0.044715))
        bend = self.op('Tanh', self.op('Mul', self.op('Add', x, cube), self.constant(math.sqrt(2 / math.pi))))
        return self.op('Mul', self.op('Mul', self.constant(0.5), x), self.op('Add', self.constant(1.0), bend))

    def activation(self, x, i):
        kind = self.faults.get('gelu', {}).get(i)
        return self.op('Relu', x) if kind == 'relu' else self.tanh_gelu(x) if kind == 'tanh' else self.gelu(x)

    # ------------------------------------------------------------------------------ the network

    def build(self):
        x = self.norm(self.embed(), self.w['norm0'], EPSILON)
        for i, layer in enumerate(self.w['layers']):
            layer = {k: self.faults.get('weights', {}).get((i, k), lambda pair: pair)(v) for k, v in layer.items()}
            mixed = self.attention(x, layer, i)
            if self.faults.get('extra') == i:
                mixed = self.op('Relu', mixed)
            x = mixed if self.faults.get('missing') == i else self.op('Add', mixed, x)
            x = self.norm(x, layer['norm1'], self.faults.get('epsilon', {}).get(i, EPSILON))
            inner = self.dense(self.activation(self.dense(x, layer['in']), i), layer['down'])
            x = self.norm(self.op('Add', inner, x), layer['norm2'], EPSILON)
        return self.head(x)

    def model(self):
        y = self.build()
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ['batch', TOKENS]) for n in ('ids', 'mask', 'types')]
        output = helper.make_tensor_value_info(y, TensorProto.FLOAT, ['batch', CLASSES])
        graph = helper.make_graph(self.nodes, type(self).__name__, inputs, [output], self.constants)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid('', self.opset)], producer_name=type(self).__name__)
        m.ir_version = 8
        return m


class Torch(Exporter):
    last = 3

    def embed(self):
        x = self.op('Add', self.op('Gather', self.constant(self.w['word']), 'ids'),
                    self.op('Gather', self.constant(self.w['type']), 'types'))
        places = self.op('Slice', self.constant(np.arange(64)[None], 'i8'), self.ints(0),
                         self.unsqueeze(self.size('ids', 1), 0), self.ints(1), self.ints(1))
        mask = self.op('Cast', self.unsqueeze(self.unsqueeze('mask', 1), 2), to=TensorProto.FLOAT)
        self.bias = self.op('Mul', self.op('Sub', self.constant(1.0), mask), self.constant(-10000.0))
        return self.op('Add', x, self.op('Gather', self.constant(self.w['place']), places))

    def norm(self, x, pair, epsilon):
        centred = self.op('Sub', x, self.mean(x))
        variance = self.mean(self.op('Pow', centred, self.constant(2.0)))
        y = self.op('Div', centred, self.op('Sqrt', self.op('Add', variance, self.constant(epsilon))))
        return self.op('Add', self.op('Mul', y, self.constant(pair[0])), self.constant(pair[1]))

    def dense(self, x, pair):
        return self.op('Add', self.constant(pair[1]), self.op('MatMul', x, self.constant(pair[0])))

    def gelu(self, x):
        bend = self.op('Erf', self.op('Div', x, self.constant(math.sqrt(2))))
        return self.op('Mul', self.op('Mul', x, self.op('Add', bend, self.constant(1.0))), self.constant(0.5))

    def heads(self, x, perm):
        split = self.reshape(x, self.size(x, 0), self.size(x, 1), HEADS, WIDTH // HEADS)
        return self.op('Transpose', split, perm=perm)

    def attention(self, x, layer, i):
        q = self.heads(self.dense(x, layer['query']), [0, 2, 1, 3])
        k = self.heads(self.dense(x, layer['key']), [0, 2, 3, 1])
        v = self.heads(self.dense(x, layer['value']), [0, 2, 1, 3])
        scores = self.op('Div', self.op('MatMul', q, k), self.constant(self.scale(i)))
        mixed = self.op('MatMul', self.softmax(self.op('Add', scores, self.bias), i), v)
        mixed = self.op('Transpose', mixed, perm=[0, 2, 1, 3])
        return self.dense(self.reshape(mixed, self.size(mixed, 0), self.size(mixed, 1), WIDTH), layer['out'])

    def head(self, x):
        y = self.op('Gather', x, self.whole(0), axis=1)
        for name in 'pool', 'head':
            y = self.op('Gemm', y, self.constant(self.w[name][0].T), self.constant(self.w[name][1]), transB=1)
            y = self.op('Tanh', y) if name == 'pool' else y
        return y


class TorchPacked(Torch):
    last = 2

    def attention(self, x, layer, i):
        d = WIDTH // HEADS
        x = self.op('Transpose', x, perm=[1, 0, 2])
        length, batch = self.size(x, 0), self.size(x, 1)
        rows = self.op('Mul', batch, self.whole(HEADS))
        y = self.dense(x, [np.concatenate([layer[n][k] for n in ('query', 'key', 'value')], 1 - k) for k in (0, 1)])
        y = self.unsqueeze(self.reshape(y, length, batch, 3, WIDTH), 0)
        y = self.squeeze(self.op('Transpose', y, perm=[3, 1, 2, 0, 4]), 3)
        q, k, v = [self.op('Transpose', self.reshape(self.op('Gather', y, self.whole(n), axis=0), length, rows, d),
                           perm=[1, 0, 2]) for n in range(3)]
        q = self.op('Mul', q, self.constant(1 / self.scale(i)))
        scores = self.op('MatMul', q, self.op('Transpose', k, perm=[0, 2, 1]))
        bias = self.op('Expand', self.bias, self.ints(1, HEADS, 1, 1))
        scores = self.op('Add', scores, self.reshape(bias, rows, 1, -1))
        mixed = self.op('Transpose', self.op('MatMul', self.softmax(scores, i), v), perm=[1, 0, 2])
        mixed = self.reshape(mixed, self.op('Mul', length, batch), WIDTH)
        mixed = self.op('Gemm', mixed, self.constant(layer['out'][0].T), self.constant(layer['out'][1]), transB=1)
        return self.op('Transpose', self.reshape(mixed, length, batch, WIDTH), perm=[1, 0, 2])


class Keras(Exporter):
    last = 3

    def embed(self):
        x = self.op('Add', self.op('Gather', self.constant(self.w['word']), 'ids'),
                    self.constant(self.w['place'][:TOKENS][None]))
        mask = self.op('Reshape', self.op('Cast', 'mask', to=TensorProto.FLOAT), self.ints(-1, 1, 1, TOKENS))
        self.bias = self.op('Mul', self.op('Sub', self.constant(1.0), mask), self.constant(-10000.0))
        return self.op('Add', x, self.op('Gather', self.constant(self.w['type']), 'types'))

    def norm(self, x, pair, epsilon):
        mean = self.mean(x)
        centred = self.op('Sub', x, mean)
        root = self.op('Sqrt', self.op('Add', self.mean(self.op('Mul', centred, centred)), self.constant(epsilon)))
        factor = self.op('Mul', self.op('Reciprocal', root), self.constant(pair[0]))
        shift = self.op('Sub', self.constant(pair[1]), self.op('Mul', mean, factor))
        return self.op('Add', self.op('Mul', x, factor), shift)

    def dense(self, x, pair):
        rows, columns = pair[0].shape
        y = self.op('MatMul', self.op('Reshape', x, self.ints(-1, rows)), self.constant(pair[0]))
        return self.op('Add', self.op('Reshape', y, self.ints(-1, TOKENS, columns)), self.constant(pair[1]))

    def gelu(self, x):
        bend = self.op('Erf', self.op('Mul', x, self.constant(math.sqrt(0.5))))
        return self.op('Mul', self.op('Mul', self.constant(0.5), x), self.op('Add', bend, self.constant(1.0)))

    def heads(self, x, perm):
        return self.op('Transpose', self.op('Reshape', x, self.ints(-1, TOKENS, HEADS, WIDTH // HEADS)), perm=perm)

    def mix(self, scores, v, layer, i):
        mixed = self.op('MatMul', self.softmax(self.op('Add', scores, self.bias), i), v)
        mixed = self.op('Transpose', mixed, perm=[0, 2, 1, 3])
        return self.dense(self.op('Reshape', mixed, self.ints(-1, TOKENS, WIDTH)), layer['out'])

    def attention(self, x, layer, i):
        q, k, v = [self.heads(self.dense(x, layer[n]), [0, 2, 1, 3]) for n in ('query', 'key', 'value')]
        q = self.op('Mul', q, self.constant(1 / self.scale(i)))
        return self.mix(self.op('MatMul', q, self.op('Transpose', k, perm=[0, 1, 3, 2])), v, layer, i)

    def head(self, x):
        y = self.squeeze(self.op('Slice', x, self.ints(0), self.ints(1), self.ints(1)), 1)
        for name in 'pool', 'head':
            y = self.op('Add', self.op('MatMul', y, self.constant(self.w[name][0])), self.constant(self.w[name][1]))
            y = self.op('Tanh', y) if name == 'pool' else y
        return y


class KerasEinsum(Keras):
    def attention(self, x, layer, i):
        def project(pair):
            y = self.op('Einsum', x, self.constant(pair[0].reshape(WIDTH, HEADS, -1)), equation='abc,cde->abde')
            return self.op('Add', y, self.constant(pair[1].reshape(HEADS, -1)))
        q, k, v = [project(layer[n]) for n in ('query', 'key', 'value')]
        q = self.op('Mul', q, self.constant(1 / self.scale(i)))
        scores = self.op('Add', self.op('Einsum', k, q, equation='aecd,abcd->acbe'), self.bias)
        mixed = self.op('Einsum', self.softmax(scores, i), v, equation='acbe,aecd->abcd')
        y = self.op('Einsum', mixed, self.constant(layer['out'][0].reshape(HEADS, -1, WIDTH)), equation='abcd,cde->abe')
        return self.op('Add', y, self.constant(layer['out'][1]))


class Fused(Keras):
    opset = 17

    def norm(self, x, pair, epsilon):
        return self.op('LayerNormalization', x, self.constant(pair[0]), self.constant(pair[1]), epsilon=float(epsilon))

    def whole_projection(self, x, layer):
        return self.dense(x, [np.concatenate([layer[n][k] for n in ('query', 'key', 'value')], 1 - k) for k in (0, 1)])

    def attention(self, x, layer, i):
        q, k, v = self.op('Split', self.whole_projection(x, layer), self.ints(WIDTH, WIDTH, WIDTH), outputs=3, axis=2)
        scores = self.op('MatMul', self.heads(q, [0, 2, 1, 3]), self.heads(k, [0, 2, 3, 1]))
        scores = self.op('Mul', scores, self.constant(1 / self.scale(i)))
        return self.mix(scores, self.heads(v, [0, 2, 1, 3]), layer, i)


class Blocks(Fused):
    def attention(self, x, layer, i):
        y = self.op('Reshape', self.whole_projection(x, layer), self.ints(-1, TOKENS, 3, HEADS, WIDTH // HEADS))
        y = self.op('Transpose', y, perm=[2, 0, 3, 1, 4])
        q, k, v = [self.op('Gather', y, self.whole(n), axis=0) for n in range(3)]
        scores = self.op('MatMul', q, self.op('Transpose', k, perm=[0, 1, 3, 2]))
        return self.mix(self.op('Mul', scores, self.constant(1 / self.scale(i))), v, layer, i)


def samples(path, count=16):
    rng = np.random.RandomState(3)
    mask = np.ones((count, TOKENS), 'i8')
    for i in range(count):
        mask[i, rng.randint(TOKENS // 2, TOKENS + 1):] = 0
    np.savez(path, ids=rng.randint(0, WORDS, (count, TOKENS)), mask=mask,
             types=(np.arange(TOKENS)[None] >= rng.randint(0, TOKENS, (count, 1))).astype('i8'))


def coarse(pair):
    """Weights of few levels."""
    step = np.abs(pair[0]).max() / 7
    return (np.round(pair[0] / step) * step).astype('f'), pair[1]


def without_bias(pair):
    return pair[0], pair[1] * 0


FAULTS = {
    'query': ('WB', {'weights': {(2, 'query'): coarse}}),
    'all three': ('WB', {'weights': {(2, n): coarse for n in ('query', 'key', 'value')}}),
    'bias': ('WB', {'weights': {(3, 'down'): without_bias}}),
    'epsilon': ('LH', {'epsilon': {3: 0.1}}),
    'scale': ('LH', {'scale': {1: math.sqrt(WIDTH)}}),
    'axis': ('LH', {'axis': {4: 2}}),
    'tanh': ('LH', {'gelu': {0: 'tanh'}}),
    'relu': ('CG', {'gelu': {2: 'relu'}}),
    'extra': ('CG', {'extra': 5}),
    'missing': ('CG', {'missing': 2}),
    'query bias': ('WB', {'weights': {(2, 'query'): without_bias}}),
    'all biases': ('WB', {'weights': {(2, n): without_bias for n in ('query', 'key', 'value')}}),
    'value bias': ('WB', {'weights': {(1, 'value'): without_bias}}),
    'query bias of three': ('WB', {'weights': {(2, 'query'): without_bias}}),
    'all biases at once': ('WB', {'weights': {(4, n): without_bias for n in ('query', 'key', 'value')}}),
}
