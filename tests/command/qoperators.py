#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets as ONNX Runtime's static quantiser writes them in QOperator format: operators over integers of its own domain.
Each against its definition, worked out here in numpy; then a network with all of them against the one that it was made
of: nothing is found where it only rounds, each fault put in is found alone and repaired, and the Target stays quantised.

    qoperators.py FETAFIX
"""
import json
import os
import sys

try:
    import numpy as np
    from onnx import TensorProto, helper, load, numpy_helper, save
except ImportError:
    sys.exit(77)
from trial import Trial

trial = Trial('qoperators')
check, run, path = trial.check, trial.run, trial.path
rng = np.random.RandomState(5)
F = np.float32
CONTRIB = 'com.microsoft'


def write(name, nodes, constants, given, made):
    """given, made: (name, type, shape)"""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, name, [info(*given)], [info(*made)],
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13), helper.make_opsetid(CONTRIB, 1)])
    model.ir_version = 7
    save(model, path(name + '.onnx'))


# ------------------------------------------------------------------------------------------------- each operator

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def average(x, size):
    n, c, h, w = x.shape
    return x[:, :, :h // size * size, :w // size * size].reshape(n, c, h // size, size, w // size, size).mean((3, 5))


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def real(q, scale, zero):
    return (q.astype(np.float64) - float(zero)) * float(scale)


def rounded(y, scale, zero):
    """The integers, and how near each lies to the middle between two steps."""
    steps, kind = y / float(scale), np.iinfo(zero.dtype)
    return np.clip(np.rint(steps) + int(zero), kind.min, kind.max), np.abs(np.abs(steps - np.floor(steps)) - 0.5)


def one_operator(op, kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    whole = lambda *shape: rng.randint(low, high + 1, shape).astype(kind)
    x, b = whole(1, 3, 6, 5), whole(*[(3, 1, 1), (1, 3, 6, 5), (5,)][rng.randint(3)])
    xs, bs, ys = np.exp(rng.uniform(-5, -2.5, 3)).astype(F)
    xz, bz, yz = whole(3)
    c = dict(b=b, xs=xs, xz=xz, bs=bs, bz=bz, ys=ys, yz=yz)
    left, right, result, how = ['x', 'xs', 'xz'], ['b', 'bs', 'bz'], ['ys', 'yz'], {}
    v, w = real(x, xs, xz), real(b, bs, bz)
    if op == 'QLinearConcat':
        c['b'] = whole(1, 2, 6, 5)
        inputs, how, y = result + left + right, {'axis': 1}, np.concatenate([v, real(c['b'], bs, bz)], 1)
    elif op == 'QLinearWhere':
        c['if'] = rng.randint(0, 2, (1, 3, 6, 5)).astype(bool)
        inputs, y = ['if'] + left + right + result, np.where(c['if'], v, w)
    elif op in ('QLinearAdd', 'QLinearMul'):
        inputs, y = left + right + result, v + w if op == 'QLinearAdd' else v * w
    elif op == 'QGemm':
        x = whole(4, 7)
        c.update(b=rng.randint(-128, 128, (5, 7)).astype(np.int8), bs=np.exp(rng.uniform(-5, -3, 5)).astype(F),
                 bz=np.zeros(5, np.int8), bias=rng.randint(-900, 900, 5).astype(np.int32))
        how = {'transB': 1, 'alpha': 0.5}
        inputs = left + right + ['bias'] + result
        y = 0.5 * ((x.astype(np.int64) - int(xz)) @ c['b'].T.astype(np.int64) + c['bias']) * (float(xs) * c['bs'].astype(np.float64))
    else:
        how = {'QLinearLeakyRelu': {'alpha': 0.25}, 'QLinearSoftmax': {'axis': 2, 'opset': 13},
               'QLinearAveragePool': {'kernel_shape': [2, 2], 'strides': [2, 2]}}.get(op, {})
        inputs = left + result
        y = {'QLinearSigmoid': sigmoid, 'QLinearLeakyRelu': lambda x: np.where(x < 0, F(0.25) * x, x),
             'QLinearSoftmax': lambda x: softmax(x, 2), 'QLinearAveragePool': lambda x: average(x, 2),
             'QLinearGlobalAveragePool': lambda x: x.mean((2, 3), keepdims=True)}[op](v)
    number = TensorProto.UINT8 if kind == np.uint8 else TensorProto.INT8
    write(op, [helper.make_node(op, inputs, ['y'], domain=CONTRIB, **how)],
          {k: a for k, a in c.items() if k in inputs}, ('x', number, list(x.shape)), ('y', number, None))
    np.save(path('x.npy'), x)
    code, _, said = run('run', op + '.onnx', '--input', 'x.npy', '-o', 'y.npy', '-f')
    if not check(code == 0, op + ': ' + said):
        return
    wanted, middle = rounded(y, ys, yz)
    got = np.load(path('y.npy'))
    if check(got.shape == wanted.shape, '%s: shape %s' % (op, got.shape)):
        off = got.astype(np.int64) - wanted
        check(np.abs(off).max() <= 1 and (off == 0)[middle > 1e-4].all(), op + ': other numbers')


# ----------------------------------------------------------------------------------------------------- a network

def conv(x, w, b, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    oh, ow = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    v = sum(np.einsum('nchw,mc->nmhw', x[:, :, i:i + oh, j:j + ow], w[:, :, i, j])
            for i in range(w.shape[2]) for j in range(w.shape[3]))
    return v + b.reshape(1, -1, 1, 1)


class Network:
    """Written twice: as it is, and over integers with scales that fit the values met."""

    def __init__(self, x):
        self.values, self.real, self.whole = {'x': x}, [], []
        self.real_constants, self.whole_constants = {}, {}

    def step(self, name):
        low, high = min(self.values[name].min(), 0), max(self.values[name].max(), 0)
        scale = F((high - low) / 255)
        return scale, np.uint8(np.clip(np.rint(-low / scale), 0, 255))

    def whole_names(self, name):
        return [name + '_scale', name + '_zero']

    def scales(self, name):
        """Names of the scale and the zero point of a value."""
        if name + '_scale' not in self.whole_constants:
            self.whole_constants.update(zip(self.whole_names(name), self.step(name)))
        return self.whole_names(name)

    def operand(self, name):
        return [name + '_q'] + self.scales(name)

    def add(self, op, inputs, name, value, how={}, whole=None, extra={}):
        self.values[name] = value
        self.real.append(helper.make_node(op, inputs, [name], name=name, **how))
        if whole:
            self.whole.append(helper.make_node(whole, inputs=self.inputs_of(whole, inputs, name), outputs=[name + '_q'],
                                               name=name, domain='' if whole == 'QLinearConv' else CONTRIB, **how, **extra))
        else: # moves numbers only: they mean the same
            for mine, theirs in zip(self.whole_names(name), self.scales(inputs[0])):
                self.whole_constants[mine] = self.whole_constants[theirs]
            self.whole.append(helper.make_node(op, [inputs[0] + '_q'], [name + '_q'], name=name, **how))

    def inputs_of(self, whole, inputs, name):
        operands = sum((self.operand(i) for i in inputs if i in self.values), [])
        if whole == 'QLinearConcat':
            return self.scales(name) + operands
        if whole in ('QLinearConv', 'QGemm'):
            w, b = inputs[1:]
            out = self.scales(name)
            stored = [w + '_q', w + '_scale', w + '_zero']
            return operands + stored + (out + [b + '_q'] if whole == 'QLinearConv' else [b + '_q'] + out)
        return operands + self.scales(name)

    def weights(self, name, shape, x):
        """Int8, a scale for each output channel; a bias in units of both scales."""
        wide = (-1,) + (1,) * (len(shape) - 1)
        scale = np.exp(rng.uniform(-6.5, -5.5, shape[0])).astype(F)
        q = rng.randint(-127, 128, shape).astype(np.int8)
        q.reshape(shape[0], -1)[:, 0] = 127
        unit = (self.whole_constants[self.scales(x)[0]] * scale).astype(F)
        bias = rng.randint(-2000, 2000, shape[0]).astype(np.int32)
        self.whole_constants.update({name + '_q': q, name + '_scale': scale, name + '_zero': np.zeros(shape[0], np.int8),
                                     name + '_bias_q': bias})
        self.real_constants.update({name: (q.astype(F) * scale.reshape(wide)).astype(F), name + '_bias': (bias * unit).astype(F)})
        return self.real_constants[name].astype(np.float64), self.real_constants[name + '_bias'].astype(np.float64)

    def conv(self, x, name, filters, size):
        w = name + '_w'
        values = self.weights(w, (filters, self.values[x].shape[1], size, size), x)
        self.add('Conv', [x, w, w + '_bias'], name, conv(self.values[x], *values, size // 2),
                 {'pads': [size // 2] * 4}, 'QLinearConv')

    def dense(self, x, name, units):
        w = name + '_w'
        weight, bias = self.weights(w, (units, self.values[x].shape[1]), x)
        self.add('Gemm', [x, w, w + '_bias'], name, self.values[x] @ weight.T + bias, {'transB': 1}, 'QGemm')

    def write(self, faults={}):
        shape = [1, *self.values['x'].shape[1:]]
        info = ('x', TensorProto.FLOAT, shape), ('y', TensorProto.FLOAT, None)
        last = self.real[-1].output[0]
        self.real[-1].output[0] = 'y'
        write('source', self.real, self.real_constants, *info)
        self.real[-1].output[0] = last
        nodes = [helper.make_node('QuantizeLinear', ['x'] + self.scales('x'), ['x_q'], name='read')] + self.whole
        nodes.append(helper.make_node('DequantizeLinear', self.operand(last), ['y'], name='write'))
        write('target', nodes, dict(self.whole_constants, **faults), *info)


def build(x):
    n = Network(x)
    v = n.values
    n.conv('x', 'c1', 8, 3)
    n.add('LeakyRelu', ['c1'], 'r1', np.where(v['c1'] < 0, F(0.1) * v['c1'], v['c1']), {'alpha': 0.1}, 'QLinearLeakyRelu')
    n.add('MaxPool', ['r1'], 'x1', v['r1'].reshape(len(x), 8, 6, 2, 6, 2).max((3, 5)), {'kernel_shape': [2, 2], 'strides': [2, 2]})
    n.conv('x1', 'c2', 8, 3)
    n.add('Add', ['x1', 'c2'], 'a1', v['x1'] + v['c2'], {}, 'QLinearAdd')
    n.add('GlobalAveragePool', ['a1'], 'g1', v['a1'].mean((2, 3), keepdims=True), {}, 'QLinearGlobalAveragePool')
    n.conv('g1', 'c3', 8, 1)
    n.add('Sigmoid', ['c3'], 's1', sigmoid(v['c3']), {}, 'QLinearSigmoid')
    n.add('Mul', ['a1', 's1'], 'm1', v['a1'] * v['s1'], {}, 'QLinearMul')
    n.add('AveragePool', ['m1'], 'p1', average(v['m1'], 2), {'kernel_shape': [2, 2], 'strides': [2, 2]}, 'QLinearAveragePool')
    n.conv('p1', 'c4', 6, 3)
    n.add('Concat', ['p1', 'c4'], 'j1', np.concatenate([v['p1'], v['c4']], 1), {'axis': 1}, 'QLinearConcat')
    n.conv('j1', 'c5', 12, 3)
    n.add('GlobalAveragePool', ['c5'], 'g2', v['c5'].mean((2, 3), keepdims=True), {}, 'QLinearGlobalAveragePool')
    n.add('Flatten', ['g2'], 'f1', v['g2'].reshape(len(x), -1))
    n.dense('f1', 'd1', 10)
    return n


CASE = ['source.onnx', 'target.onnx', '--input', 'x.npz', '--comparator', 'sqnr:20', '--keep-quantized']


def findings(*more):
    code, out, said = run('localize', *CASE, '--json', '-', *more)
    check(code in (0, 1), 'localize: ' + said)
    return json.loads(out)['faults'] if code in (0, 1) else []


def network():
    x = rng.normal(0, 1, (24, 3, 12, 12)).astype(F)
    np.savez(path('x.npz'), x=x)
    n = build(x.astype(np.float64))
    n.write()
    found = findings()
    check(not found, 'clean: %s' % [f['id'] for f in found])
    good = n.whole_constants
    faults = {
        'weights of a Conv, scale': ({'c2_w_scale': (good['c2_w_scale'] * 1.7).astype(F)}, 'WB', 'quantization-scale'),
        'weights of a Gemm, scale': ({'d1_w_scale': (good['d1_w_scale'] * 0.5).astype(F)}, 'WB', 'quantization-scale'),
        'weights of a Gemm, other': ({'d1_w_q': rng.randint(-127, 128, good['d1_w_q'].shape).astype(np.int8)}, 'WB', None),
        'sum, cut off': ({'a1_scale': F(good['a1_scale'] / 3)}, 'WB', 'activation-scale'),
        'product, too coarse': ({'m1_scale': F(good['m1_scale'] * 9)}, 'WB', 'activation-scale'),
        'sigmoid, shifted': ({'s1_zero': np.uint8(150)}, 'WB', 'activation-zero-point'),
    }
    for what, (change, kind, cause) in faults.items():
        n.write(change)
        found = findings()
        check(len(found) == 1 and found[0]['type'] == kind and cause in (None, found[0]['cause']),
              '%s: %s' % (what, [(f['type'], f['cause'], f['id']) for f in found]))
        code, out, said = run('repair', *CASE, '-o', 'repaired.onnx', '-f', '--json', '-')
        check(code == 0, '%s: repair %s %s' % (what, code, said))
        if code == 0:
            kept = load(path('repaired.onnx')).graph.node
            check(sum(k.domain == CONTRIB or k.op_type == 'QLinearConv' for k in kept) ==
                  sum(k.domain == CONTRIB or k.op_type == 'QLinearConv' for k in load(path('target.onnx')).graph.node),
                  what + ': it does not stay quantised')


for op in ('QLinearAdd', 'QLinearMul', 'QLinearSigmoid', 'QLinearLeakyRelu', 'QLinearSoftmax', 'QLinearAveragePool',
           'QLinearGlobalAveragePool', 'QLinearConcat', 'QLinearWhere', 'QGemm'):
    for kind in (np.uint8, np.int8):
        one_operator(op, kind)
network()
trial.end()
