#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are no image classifiers, from a file of samples to the repaired model, through the program: several
inputs, tokens, half precision; a segmentation, a detection and an encoder, each under its comparator; and what files of
samples may do to the program.

    samples.py FETAFIX
"""
import json
import math
import os
import random
import struct
import sys
import zipfile

try:
    from onnx import TensorProto, helper, save
except ImportError:
    sys.exit(77)
import exporters
from encoder import TOKENS, WORDS, encoder
from trial import Trial

trial = Trial('samples')
check, run, path = trial.check, trial.run, trial.path
rng = random.Random(11)


def npy(kind, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (kind, ''.join('%d, ' % d for d in shape))
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + data


def reals(*shape, kind='<f4'):
    n = 1
    for d in shape:
        n *= d
    return npy(kind, shape, struct.pack('<%d%s' % (n, {'<f4': 'f', '<f2': 'e', '<f8': 'd'}[kind]),
                                        *[rng.gauss(0, 1) for _ in range(n)]))


def tokens(*shape):
    n = shape[0] * shape[1]
    return npy('<i8', shape, struct.pack('<%dq' % n, *[rng.randrange(WORDS) for _ in range(n)]))


def npz(name, arrays, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path(name), 'w', method) as z:
        for key, data in arrays.items():
            z.writestr(key + '.npy', data)


def gauss(*dims, scale=1.0):
    n = 1
    for d in dims:
        n *= d
    return [struct.unpack('<f', struct.pack('<f', rng.gauss(0, scale)))[0] for _ in range(n)]


def coarse(values, levels=15):
    step = max(map(abs, values)) / levels
    return [round(v / step) * step for v in values]


def model(name, nodes, inputs, outputs, constants, opset=13):
    def info(items):
        return [helper.make_tensor_value_info(n, t, d) for n, t, d in items]
    graph = helper.make_graph(nodes, name, info(inputs), info(outputs),
                              [helper.make_tensor(n, t, d, v) for n, t, d, v in constants])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    m.ir_version = 8
    save(m, path(name))


def repaired(what, source, target, samples, comparator, *options):
    """Wrong at first, nothing wrong at the end, and so says who reads the file again."""
    for name in ('out.onnx', 'out.json'):
        if os.path.exists(path(name)):
            os.unlink(path(name))
    words = [source, target, '--input', samples] + (['--comparator', comparator] if comparator else [])
    code, out, err = run('repair', *words, '-o', 'out.onnx', '--json', 'out.json', *options)
    check(code == 0, '%s: repair ends with %d: %s%s' % (what, code, out, err))
    with open(path('out.json')) as f:
        report = json.load(f)
    check(report['comparator'] == (comparator or 'top-1'), what + ': the report names the comparator')
    check('preprocessing' not in report, what + ': samples of arrays are not preprocessed')
    check(report['discrepancy']['initial'] > 0 and report['discrepancy']['final'] == 0,
          '%s: %s' % (what, report['discrepancy']))
    if code == 0:
        code, out, err = run('compare', source, 'out.onnx', *words[2:])
        check(code == 0 and ' 0 of ' in '\n ' + out.replace('\n', '\n '), '%s: compared again: %s%s' % (what, out, err))
    return report


F, F16, I64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64


def several_inputs():
    w, ids = gauss(8, 4), gauss(WORDS, 8)

    def make(name, w):
        model(name, [helper.make_node('Gather', ['ids', 'tokens'], ['words'], name='gather'),
                     helper.make_node('Cast', ['half'], ['whole'], to=F),
                     helper.make_node('Add', ['words', 'whole'], ['sum']),
                     helper.make_node('ReduceMean', ['sum'], ['mean'], axes=[1], keepdims=0),
                     helper.make_node('MatMul', ['mean', 'w'], ['y'], name='dense')],
              [('half', F16, ['N', 3, 8]), ('tokens', I64, ['N', 3])], [('y', F, ['N', 4])],
              [('ids', F, [WORDS, 8], ids), ('w', F, [8, 4], w)])
    make('two.onnx', w)
    make('two-wrong.onnx', coarse(w, 6))
    arrays = {'tokens': tokens(20, 3), 'half': reals(20, 3, 8, kind='<f2')}
    npz('two.npz', arrays)
    npz('stored.npz', arrays, zipfile.ZIP_STORED)
    npz('wide.npz', dict(arrays, half=reals(20, 3, 8)))  # float32 for a float16 input is converted
    report = repaired('two inputs', 'two.onnx', 'two-wrong.onnx', 'two.npz', 'tolerance:abs=1e-5')
    check([f['type'] for f in report['faults']] == ['WB'], 'two inputs: %s' % report['faults'])
    for name in ('stored.npz', 'wide.npz'):
        code, out, err = run('compare', 'two.onnx', 'two-wrong.onnx', '--input', name, '--comparator', 'cosine:1',
                             '--verbose')
        check(code == 1 and ' of 20 outputs point elsewhere' in out and '#0  score ' in out.replace('\n  ', '\n'),
              '%s: %d %s%s' % (name, code, out, err))
    code, out, err = run('localize', 'two.onnx', 'two-wrong.onnx', '--input', 'two.npz', '--core-ops', 'MatMul')
    check('dense' in out, 'core-ops: ' + out + err)
    code, out, err = run('run', 'two.onnx', '--input', 'two.npz', '-o', 'y.npy')
    with open(path('y.npy'), 'rb') as f:
        data = f.read()
    check(code == 0 and "'shape': (20, 4)" in data.decode(errors='replace') and '#19' in out,
          'run: %d %s%s' % (code, out, err))
    npz('lacking.npz', {'tokens': arrays['tokens']})
    code, out, err = run('compare', 'two.onnx', 'two.onnx', '--input', 'lacking.npz')
    check(code == 3 and 'half' in err, 'an array that lacks: %d %s' % (code, err))


def segmentation():
    w1, w2 = gauss(6, 3, 3, 3, scale=0.4), gauss(4, 6, 1, 1)

    def make(name, w2, pads):
        model(name, [helper.make_node('Conv', ['x', 'w1'], ['a'], name='conv1', pads=pads),
                     helper.make_node('Relu', ['a'], ['b']),
                     helper.make_node('Conv', ['b', 'w2'], ['map'], name='conv2')],
              [('x', F, [1, 3, 8, 8])], [('map', F, [1, 4, 8, 8])],
              [('w1', F, [6, 3, 3, 3], w1), ('w2', F, [4, 6, 1, 1], w2)])
    make('map.onnx', w2, [1, 1, 1, 1])
    make('map-wrong.onnx', coarse(w2, 5), [0, 0, 2, 2])
    npz('map.npz', {'x': reals(24, 3, 8, 8)})
    report = repaired('segmentation', 'map.onnx', 'map-wrong.onnx', 'map.npz', 'argmax:0.99')
    check({f['type'] for f in report['faults']} == {'WB', 'LH'}, 'segmentation: %s' % report['faults'])


def detection():
    w1, wb, ws = gauss(8, 3, 3, 3, scale=0.4), gauss(4, 8, 1, 1, scale=0.3), gauss(1, 8, 1, 1, scale=0.5)
    corners = [10.0, 10.0, 20.0, 20.0]

    def make(name, w1, slope, swapped=False):
        outputs = [('places', F, [1, 16, 4]), ('chances', F, [1, 16])]
        model(name, [helper.make_node('Conv', ['x', 'w1'], ['a'], name='conv', pads=[1] * 4, strides=[2, 2]),
                     helper.make_node('LeakyRelu', ['a'], ['b'], name='leaky', alpha=slope),
                     helper.make_node('Conv', ['b', 'wb', 'bb'], ['c'], name='boxes'),
                     helper.make_node('Transpose', ['c'], ['d'], perm=[0, 2, 3, 1]),
                     helper.make_node('Reshape', ['d', 'rows'], ['places']),
                     helper.make_node('Conv', ['b', 'ws'], ['e'], name='scores'),
                     helper.make_node('Reshape', ['e', 'flat'], ['f']),
                     helper.make_node('Sigmoid', ['f'], ['chances'])],
              [('x', F, [1, 3, 8, 8])], outputs[::-1] if swapped else outputs,
              [('w1', F, [8, 3, 3, 3], w1), ('wb', F, [4, 8, 1, 1], wb), ('bb', F, [4], corners),
               ('ws', F, [1, 8, 1, 1], ws), ('rows', I64, [3], [1, 16, 4]), ('flat', I64, [2], [1, 16])])
    make('boxes.onnx', w1, 0.1)
    make('boxes-wrong.onnx', coarse(w1, 4), 0.4)
    npz('boxes.npz', {'x': reals(24, 3, 8, 8)})
    report = repaired('detection', 'boxes.onnx', 'boxes-wrong.onnx', 'boxes.npz', 'boxes:1,iou=0.8')
    check({f['type'] for f in report['faults']} == {'WB', 'LH'}, 'detection: %s' % report['faults'])
    make('boxes-wrong.onnx', w1, 0.1, True)
    report = repaired('detection, outputs swapped', 'boxes.onnx', 'boxes-wrong.onnx', 'boxes.npz', 'boxes:1,iou=0.8')
    check([f['cause'] for f in report['faults']] == ['outputs-reordered'], 'detection: %s' % report['faults'])


def transformer():
    save(encoder('plain'), path('plain.onnx'))
    save(encoder('fused'), path('fused.onnx'))
    with open(path('tokens.npy'), 'wb') as f:
        f.write(tokens(60, TOKENS))
    core = ('--core-ops', 'MatMul,Gemm')
    code, out, err = run('compare', 'plain.onnx', 'fused.onnx', '--input', 'tokens.npy', '--comparator',
                         'tolerance:abs=1e-4')
    check(code == 0, 'both ways of writing an encoder: ' + out + err)
    code, out, err = run('localize', 'plain.onnx', 'fused.onnx', '--input', 'tokens.npy', '--json', 'equal.json', *core)
    with open(path('equal.json')) as f:
        faults = json.load(f)['faults']
    check(not faults, 'differences of writing are faults: %s' % [f['summary'] for f in faults])
    save(encoder('optimised'), path('optimised.onnx'))
    code, out, err = run('localize', 'plain.onnx', 'optimised.onnx', '--input', 'tokens.npy', '--comparator',
                         'tolerance:abs=1e-4', '--json', 'optimised.json', *core)
    with open(path('optimised.json')) as f:
        faults = json.load(f)['faults']
    check(code == 0 and not faults, 'what an optimiser does is a fault: %s' % [f['summary'] for f in faults])
    for fault, kind, source, target in [*FAULTS, *[(f, k, 'fused', 'optimised') for f, k, *_ in FAULTS[:4]]]:
        save(encoder(target, [fault]), path('wrong.onnx'))
        report = repaired('encoder, ' + fault, source + '.onnx', 'wrong.onnx', 'tokens.npy', 'tolerance:abs=1e-4', *core)
        found = [f['type'] for f in report['faults']]
        check(kind in found and len(found) == 1, 'encoder, %s: %s' % (fault, [f['summary'] for f in report['faults']]))
    save(encoder('plain', [fault for fault, *_ in FAULTS]), path('wrong.onnx'))
    for comparator in ('tolerance:abs=1e-4', None):
        report = repaired('encoder, all faults', 'fused.onnx', 'wrong.onnx', 'tokens.npy', comparator, *core)
        check({f['type'] for f in report['faults']} == {'WB', 'LH', 'CG'}, 'encoder, all: %s' % report['faults'])


def exported():
    """Whatever writes an encoder, it is the same; and each of its faults is found in whatever is written."""
    kinds = exporters
    exporters.samples(path('bert.npz'))
    core, near = ('--core-ops', 'MatMul,Gemm'), 'tolerance:abs=2e-4'
    for a, b in ((kinds.Torch(), kinds.Keras()), (kinds.TorchPacked(), kinds.Fused()), (kinds.KerasEinsum(), kinds.Blocks()),
                 (kinds.Torch(opset=11), kinds.KerasEinsum(opset=12)), (kinds.Blocks(), kinds.TorchPacked(opset=11))):
        what = '%s and %s' % (type(a).__name__, type(b).__name__)
        save(a.model(), path('a.onnx'))
        save(b.model(), path('b.onnx'))
        code, out, err = run('localize', 'a.onnx', 'b.onnx', '--input', 'bert.npz', '--comparator', near, '--json', 'ab.json',
                             '--force', *core)
        check(code == 0, '%s: localize ends with %d: %s%s' % (what, code, out, err))
        with open(path('ab.json')) as f:
            report = json.load(f)
        check(not report['faults'] and len(report['layers']) >= 6 * exporters.LAYERS, '%s: %d layers, %s' % (
            what, len(report['layers']), [f['summary'] for f in report['faults']]))
    targets = [kinds.Keras, kinds.TorchPacked, kinds.KerasEinsum, kinds.Fused, kinds.Blocks]
    save(kinds.Torch().model(), path('torch.onnx'))
    for n, (name, (kind, faults)) in enumerate(kinds.FAULTS.items()):
        target = targets[n % len(targets)]
        if name == 'axis':
            target = kinds.Fused
        save(target(faults).model(), path('wrong.onnx'))
        report = repaired('%s, %s' % (target.__name__, name), 'torch.onnx', 'wrong.onnx', 'bert.npz', near, *core)
        check([f['type'] for f in report['faults']] == [kind],
              '%s, %s: %s' % (target.__name__, name, [f['type'] + ' ' + f['summary'] for f in report['faults']]))
    several = {'weights': {(2, 'query'): kinds.coarse, (4, 'down'): kinds.coarse}, 'scale': {1: math.sqrt(kinds.WIDTH)},
               'epsilon': {3: 0.1}, 'extra': 5}
    for target, comparator in ((kinds.Keras, None), (kinds.Fused, near)):
        save(target(several).model(), path('wrong.onnx'))
        report = repaired('%s, several' % target.__name__, 'torch.onnx', 'wrong.onnx', 'bert.npz', comparator, *core)
        check(sorted(f['type'] for f in report['faults']) == ['CG', 'LH', 'LH', 'WB', 'WB'], report['faults'])
    save(kinds.Keras(several).model(), path('wrong.onnx'))
    code, out, err = run('compare', 'torch.onnx', 'wrong.onnx', 'b.onnx', '--input', 'bert.npz', '--comparator', near)
    check(code == 1 and '(%s), of 16 samples' % near in out and out.index('TorchPacked') < out.index('Keras'),
          'ranking of samples: ' + out + err)


FAULTS = [('weights', 'WB', 'plain', 'fused'), ('epsilon', 'LH', 'plain', 'fused'), ('scale', 'LH', 'plain', 'fused'),
          ('axis', 'LH', 'plain', 'fused'), ('epsilon', 'LH', 'fused', 'plain'), ('scale', 'LH', 'fused', 'plain'),
          ('missing', 'CG', 'fused', 'plain')]


def hostile():
    good = {'tokens': tokens(4, 3), 'half': reals(4, 3, 8, kind='<f2')}
    npz('good.npz', good)
    with open(path('good.npz'), 'rb') as f:
        whole = f.read()
    at = whole.index(b'PK\x01\x02')
    cases = {'short': whole[:len(whole) // 2], 'tail': whole[-30:], 'empty': b'PK\x05\x06' + bytes(18)}

    def patched(offset, data):
        return whole[:offset] + data + whole[offset + len(data):]
    cases['larger'] = patched(at + 24, struct.pack('<I', 0xfffffff0))   # unpacked size
    cases['smaller'] = patched(at + 24, struct.pack('<I', 100))
    cases['packed'] = patched(at + 20, struct.pack('<I', 0x7fffffff))
    cases['outside'] = patched(at + 42, struct.pack('<I', 0x7ffffff0))
    cases['method'] = patched(at + 10, struct.pack('<H', 99))
    cases['encrypted'] = patched(at + 8, struct.pack('<H', 1))
    cases['checksum'] = patched(at + 16, b'abcd')
    cases['names'] = patched(at + 28, struct.pack('<H', 65000))
    cases['many'] = patched(whole.index(b'PK\x05\x06') + 10, struct.pack('<H', 60000))
    cases['zip64'] = patched(whole.index(b'PK\x05\x06') + 10, b'\xff\xff')
    for name, data in cases.items():
        with open(path(name + '.npz'), 'wb') as f:
            f.write(data)
    made = {'counts': dict(good, half=reals(5, 3, 8, kind='<f2')), 'scalar': {'tokens': npy('<i8', (), bytes(8)), 'half': b''},
            'none': {'tokens': tokens(0, 3), 'half': reals(0, 3, 8)}, 'text': dict(good, half=b'no array'),
            'shape': dict(good, half=npy('<f2', (4, 1 << 40, 1 << 40), b'')), 'bomb': dict(good, half=bytes(64 << 20))}
    for name, arrays in made.items():
        npz(name + '.npz', arrays)
    for name in [*cases, *made]:
        code, out, err = run('compare', 'two.onnx', 'two.onnx', '--input', name + '.npz')
        check(code == 3 and name + '.npz' in err and err.count('\n') == 1,
              'hostile %s: %d %s%s' % (name, code, out, err))


for part in (several_inputs, segmentation, detection, transformer, exported, hostile):
    part()
trial.end()
