#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every `fetafix` command of the README works as printed.   readme.py README PROGRAM SAMPLES"""
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile


def write_samples(path):
    """An NPZ file of eight float32 samples in the shape of the demo's input."""
    shape, draw = (8, 3, 64, 64), random.Random(1)
    head = str({'descr': '<f4', 'fortran_order': False, 'shape': shape})
    head += ' ' * (-(10 + len(head) + 1) % 64) + '\n'
    values = [draw.gauss(0, 1) for _ in range(8 * 3 * 64 * 64)]
    with zipfile.ZipFile(path, 'w') as z:
        z.writestr('input.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode()
                   + struct.pack('<%df' % len(values), *values))


readme, program, samples = map(os.path.abspath, sys.argv[1:])
with open(readme, encoding='utf-8') as f:
    commands = [line.strip() for line in f if re.match(r'    fetafix ', line)]
if len(commands) < 8:
    sys.exit('the README has %d commands only' % len(commands))
env = dict(os.environ, LC_ALL='C.UTF-8', XDG_CONFIG_HOME='/nonexistent',
           PATH=os.path.dirname(program) + ':' + os.environ['PATH'])
bad = 0
with tempfile.TemporaryDirectory() as top:
    for name, path in (('source', 'demo/source'), ('target', 'demo/target'), ('a', 'demo/source'),
                       ('b', 'demo/target'), ('c', 'wb/target'), ('int8', 'wb/target')):
        shutil.copy(os.path.join(samples, path + '.onnx'), os.path.join(top, name + '.onnx'))
    os.mkdir(os.path.join(top, 'photos'))
    for name in sorted(os.listdir(os.path.join(samples, 'images')))[:24]:
        shutil.copy(os.path.join(samples, 'images', name), os.path.join(top, 'photos'))
    write_samples(os.path.join(top, 'samples.npz'))
    for command in commands:
        done = subprocess.run(['sh', '-c', command], cwd=top, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                              universal_newlines=True)
        print('%3d  %s' % (done.returncode, command))
        if done.returncode not in (0, 1):
            print(done.stdout)
            bad += 1
sys.exit(bad > 0)
