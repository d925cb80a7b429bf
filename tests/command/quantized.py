#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantised networks against their operators' definitions, worked out here in numpy: integers in int64, sums of reals in
float64, each result rounded once. The integer operators give the same bits; so do the plain C kernels for the rest
(--reference). The fast kernels sum in float32: a value may come out one step away, and only where it lies so close to
the middle between two steps that the sum's last bits decide.

    quantized.py FETAFIX
"""
import sys

try:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save
except ImportError:
    sys.exit(77)
from trial import Trial

trial = Trial('quantized')
check, run, path = trial.check, trial.run, trial.path
rng = np.random.RandomState(3)
F = np.float32


def windows(x, kernel, pads, strides, fill):
    """[N, C, kh, kw, oh, ow]"""
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=fill)
    oh, ow = [(x.shape[2 + i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
    return np.stack([np.stack([x[:, :, i:i + oh * strides[0]:strides[0], j:j + ow * strides[1]:strides[1]]
                               for j in range(kernel[1])], 2) for i in range(kernel[0])], 2)


def conv(x, w, bias, pads, strides, group):
    c, m = w.shape[1], w.shape[0] // group
    v = windows(x, w.shape[2:], pads, strides, 0)
    y = [np.einsum('nckhij,mckh->nmij', v[:, g * c:(g + 1) * c], w[g * m:(g + 1) * m]) for g in range(group)]
    return np.concatenate(y, 1) + bias.reshape(1, -1, 1, 1)


def wide(v):
    return np.asarray(v).reshape(1, -1, 1, 1) if np.ndim(v) else v


def quantize(x, scale, zero):
    kind = np.iinfo(zero.dtype)
    steps = (x / wide(scale)).astype(F)
    return np.clip(np.rint(steps) + wide(zero.astype(F)), kind.min, kind.max).astype(zero.dtype)


def dequantize(q, scale, zero):
    return ((q.astype(np.int64) - wide(zero.astype(np.int64))).astype(F) * wide(scale)).astype(F)


def linear_conv(x, xs, xz, w, ws, ys, yz, bias, **how):
    """Whole numbers all through; one product of scales in double, as the definition has it."""
    total = conv(x.astype(np.int64) - int(xz), w.astype(np.int64), bias.astype(np.int64), **how)
    kind = np.iinfo(yz.dtype)
    steps = np.rint(total * (float(xs) * wide(ws.astype(np.float64)) / float(ys)))
    return np.clip(steps + int(yz), kind.min, kind.max).astype(yz.dtype)


def network(name, nodes, constants, shape, kind):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, name, [info('x', TensorProto.FLOAT, [1, *shape[1:]])], [info('y', kind, None)],
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    save(model, path(name + '.onnx'))


def answer(name, x, wanted, *options):
    np.save(path('x.npy'), x)
    code, _, said = run('run', name + '.onnx', '--input', 'x.npy', '-o', 'y.npy', '--force', *options)
    check(code == 0, name + ': ' + said)
    return np.load(path('y.npy')).reshape(wanted.shape)


def layer(group, channel, kind, powers):
    """Random weights as int8 and all scales; powers of two make many values fall right between two steps."""
    filters, channels = 8, 8 // group
    ws = np.exp2(rng.uniform(-7, -5, filters if channel else ())).astype(F)
    xs, ys = np.exp2(rng.uniform(-6, -4, 2)).astype(F)
    if powers:
        ws, xs, ys = (np.exp2(np.rint(np.log2(v))).astype(F) for v in (ws, xs, ys))
    zero = np.iinfo(kind)
    return dict(w=rng.randint(-127, 128, (filters, channels, 3, 3)).astype(np.int8), ws=ws, wz=np.zeros(ws.shape, np.int8),
                xs=xs, xz=kind(rng.randint(zero.min, zero.max)), ys=ys, yz=kind(rng.randint(zero.min, zero.max)),
                b=rng.randint(-3000, 3000, filters).astype(np.int32), bs=(xs * ws).astype(F),
                bz=np.zeros(ws.shape, np.int32))


def linear(name, c, how, x):
    kind = TensorProto.UINT8 if c['yz'].dtype == np.uint8 else TensorProto.INT8
    network(name, [helper.make_node('QuantizeLinear', ['x', 'xs', 'xz'], ['q']),
                   helper.make_node('QLinearConv', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], ['y'], **how)],
            {k: v for k, v in c.items() if k not in ('bs', 'bz')}, x.shape, kind)
    wanted = linear_conv(quantize(x, c['xs'], c['xz']), c['xs'], c['xz'], c['w'], c['ws'], c['ys'], c['yz'], c['b'], **how)
    for options in ((), ('--reference',)):
        check(np.array_equal(answer(name, x, wanted, *options).astype(np.int64), wanted.astype(np.int64)),
              '%s: QLinearConv %s' % (name, options))


def between(name, c, how, x):
    axis = {'axis': 0} if np.ndim(c['ws']) else {}
    D, Q = 'DequantizeLinear', 'QuantizeLinear'
    network(name, [helper.make_node(Q, ['x', 'xs', 'xz'], ['q']), helper.make_node(D, ['q', 'xs', 'xz'], ['d']),
                   helper.make_node(D, ['w', 'ws', 'wz'], ['r'], **axis), helper.make_node(D, ['b', 'bs', 'bz'], ['k'], **axis),
                   helper.make_node('Conv', ['d', 'r', 'k'], ['c'], **how),
                   helper.make_node(Q, ['c', 'ys', 'yz'], ['o']), helper.make_node(D, ['o', 'ys', 'yz'], ['y'])],
            c, x.shape, TensorProto.FLOAT)
    weights = (c['w'].astype(F) * (c['ws'].reshape(-1, 1, 1, 1) if np.ndim(c['ws']) else c['ws'])).astype(F)
    bias = (c['b'].astype(F) * c['bs']).astype(F)
    read = dequantize(quantize(x, c['xs'], c['xz']), c['xs'], c['xz'])
    total = conv(read.astype(np.float64), weights.astype(np.float64), bias.astype(np.float64), **how).astype(F)
    wanted = dequantize(quantize(total, c['ys'], c['yz']), c['ys'], c['yz'])
    check(np.array_equal(answer(name, x, wanted, '--reference'), wanted), name + ': plain kernels')
    off = np.rint((answer(name, x, wanted) - wanted) / c['ys'])
    middle = np.abs(np.abs(total / c['ys'] - np.floor(total / c['ys'])) - 0.5)
    largest = np.abs(total).max() / c['ys']
    check(np.abs(off).max() <= 1 and (off == 0)[middle > 1e-6 * largest + 1e-6].all(), name + ': fast kernels')
    return int((off != 0).sum())


flips = 0
for i in range(8):
    kind, group, channel, powers = (np.uint8, np.int8)[i % 2], (1, 2, 8)[i % 3], i % 4 < 2, i > 5
    c = layer(group, channel, kind, powers)
    how = dict(pads=[1, 0, 1, 2], strides=[1 + i % 2, 1], group=group)
    x = rng.normal(0, 2, (3, 8, 9, 7)).astype(F)
    x.flat[:3] = np.inf, -np.inf, 0.5 * c['xs']
    linear('linear-%d' % i, c, how, x)
    flips += between('between-%d' % i, c, how, x)
print('one step away where a sum ends between two steps:', flips, 'of', 8 * 3 * 8 * 9 * 7)
trial.end()
