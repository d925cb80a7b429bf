#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models, sessions and limits that once ended the program: each ends in an answer or in one line.

    survive.py FETAFIX
"""
import resource
import sqlite3
import subprocess
import sys

try:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save
except ImportError:
    sys.exit(77)
from trial import Trial

trial = Trial('survive')
check, run, path = trial.check, trial.run, trial.path
rng = np.random.RandomState(3)
node, info = helper.make_node, helper.make_tensor_value_info
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING


def write(name, nodes, outputs, constants={}, shape=(1, 3, 4, 4), opset=13):
    graph = helper.make_graph(nodes, name, [info('x', FLOAT, shape)], outputs,
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    model.ir_version = 8
    save(model, path(name + '.onnx'))
    return name + '.onnx'


np.save(path('x.npy'), rng.randn(3, 3, 4, 4).astype(np.float32))
np.save(path('one.npy'), rng.randn(1, 3, 4, 4).astype(np.float32))


def pair(verb, source, target=None, *words):
    return run(verb, source, target or source, '--input', 'x.npy', *words)


# ------------------------------------------------------------------------- loops in bodies that end early

def looping(name, rounds, opset=13):
    """A Loop in a branch of an If; round 3 asks for the fourth channel of three."""
    body = helper.make_graph(
        [node('Identity', ['go'], ['on']), node('Gather', ['x', 'i'], ['slice'], axis=1),
         node('ReduceMean', ['slice'], ['mean'], keepdims=0), node('Add', ['sum', 'mean'], ['more'])], 'body',
        [info('i', INT64, []), info('go', BOOL, []), info('sum', FLOAT, None)],
        [info('on', BOOL, []), info('more', FLOAT, None)])
    then = helper.make_graph([node('Loop', ['n', 'yes', 'x'], ['looped'], body=body)], 'then', [],
                             [info('looped', FLOAT, None)])
    other = helper.make_graph([node('Identity', ['x'], ['as_it_is'])], 'other', [], [info('as_it_is', FLOAT, None)])
    return write(name, [node('If', ['yes'], ['y'], then_branch=then, else_branch=other)], [info('y', FLOAT, None)],
                 {'yes': True, 'n': np.int64(rounds)})


code, _, said = pair('compare', looping('three', 3))
check(code == 0, 'three rounds: %s' % said)
code, _, said = pair('compare', looping('ten', 10))
check(code == 3 and 'index 3 is out of range' in said and said.count('\n') == 1, 'ten rounds: %d %s' % (code, said))

# ----------------------------------------------------------------------------- outputs that are no tensors

label, numbers = info('label', FLOAT, [1, 48]), info('z', FLOAT, [1, 3, 4, 4])
tensor = helper.make_tensor_type_proto(FLOAT, [1, 3, 4, 4])
parts = helper.make_value_info('parts', helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None)))
maybe = helper.make_value_info('maybe', helper.make_optional_type_proto(tensor))
split, flat = node('SplitToSequence', ['x'], ['parts'], axis=1), node('Flatten', ['x'], ['label'], axis=1)
for model in (write('only', [split], [parts]), write('first', [split, flat], [parts, label]),
              write('second', [split, flat], [label, parts]),
              write('optional', [node('Optional', ['x'], ['maybe'])], [maybe], opset=15),
              write('absent', [node('Optional', [], ['maybe'], type=tensor)], [maybe], opset=15),
              write('complex', [node('Identity', ['k'], ['q'])], [info('q', TensorProto.COMPLEX64, [2])],
                    {'k': np.array([1 + 2j, 3], np.complex64)})):
    for verb in ('compare', 'localize'):
        for words in ((), ('--comparator', 'tolerance')):
            code, _, said = pair(verb, model, None, *words)
            check(code in (0, 1, 3), '%s %s %s: %d %s' % (verb, model, words, code, said))

# ------------------------------------------------------------------------------------------------- text

for most in (-2 ** 63, -1, 2 ** 63 - 1):
    model = write('text', [node('Identity', ['k'], ['s']), node('StringSplit', ['s'], ['pieces', 'n'], delimiter=',', maxsplit=most)],
                  [info('n', INT64, [2])], {'k': np.array(['a,b,c', ''], object)}, opset=20)
    code, _, said = run('run', model, '--input', 'one.npy', '-o', 'n.npy', '-f')
    check(code == 0 and np.load(path('n.npy')).tolist() == [3, 1], 'StringSplit, maxsplit %d: %s' % (most, said))

# --------------------------------------------------------------------- a session that another build made

weights = {k: rng.randn(4, 4, 3, 3).astype(np.float32) * 0.4 for k in 'bcd'}
weights['a'] = rng.randn(4, 3, 3, 3).astype(np.float32)


def chain(name, changed):
    nodes, value = [], 'x'
    for k in 'abcd':
        nodes += [node('Conv', [value, k], [k + 'v'], k + '_conv', pads=[1, 1, 1, 1]), node('Relu', [k + 'v'], [k + 'r'], k + '_relu')]
        value = k + 'r'
    nodes.append(node('Flatten', [value], ['y']))
    return write(name, nodes, [info('y', FLOAT, [1, 64])],
                 {k: w * np.float32(-1) if k in changed else w for k, w in weights.items()})


source, target = chain('source', ''), chain('target', 'bd')
np.save(path('many.npy'), rng.randn(24, 3, 4, 4).astype(np.float32))
case = ('repair', source, target, '--input', 'many.npy', '--comparator', 'tolerance', '-q')
code, _, said = run(*case, '--session', 's.fetafix', '-o', 'whole.onnx')
check(code == 0, 'repair: %d %s' % (code, said))


def changed(statement):
    data = open(path('s.fetafix'), 'rb').read()
    open(path('t.fetafix'), 'wb').write(data)
    with sqlite3.connect(path('t.fetafix')) as db:
        db.execute(statement)
    db.close()


for statement in ("UPDATE listing SET proposals = 'another' || char(10) || proposals",
                  "UPDATE listing SET proposals = 'one'", "UPDATE listing SET proposals = ''",
                  "UPDATE decision SET proposal = 'another'"):
    changed(statement)
    for words in (('undo', 'repair'), ('goto 0', 'repair'), ('status',)):
        text = '\n'.join(words + ('findings', 'repairs', 'quit', ''))
        p = subprocess.run([trial.program, 'repl', source, target, '--input', 'many.npy', '--comparator', 'tolerance', '--session',
                            't.fetafix', '--no-config'], cwd=trial.folder, input=text.encode(), capture_output=True, timeout=120)
        check(p.returncode in (0, 1, 3), '%s, %s: %d %s' % (statement, words, p.returncode, p.stderr.decode()[-200:]))

# ------------------------------------------------------------------------------------------------- limits

code, out, said = run(*case[:-1], '--threads', '2147483647', '-o', 'threads.onnx')
check(code == 0 and open(path('threads.onnx'), 'rb').read() == open(path('whole.onnx'), 'rb').read(),
      'threads: %d %s' % (code, said))


def small_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, 64 << 10))


for words in (case + ('-o', 'stack.onnx', '-f'), ('localize', *case[1:])):
    p = subprocess.run([trial.program, *words, '--no-config'], cwd=trial.folder, capture_output=True, timeout=300,
                       preexec_fn=small_stack)
    check(p.returncode in (0, 1), 'a stack of 64 kB, %s: %d %s' % (words[0], p.returncode, p.stderr.decode()))

trial.end()
