#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program on truncated, bit-flipped and oversized models and images.

    hostile.py PROGRAM MAKE_CASE [ROUNDS [SEED]]

Each run must end in a result (exit code 0 or 1) or in a one-line error with exit code 3 (4: an operator
that is not supported), within seconds and without a signal. Variants are seeded: a failure names its
round, and leaves its files where it says.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

SECONDS = 240


def mutate(rng, data):
    """One of: cut off, bits flipped, bytes put in or taken out, a number made large, padded."""
    data = bytearray(data)
    kind = rng.randrange(7)

    def place():  # mostly where the structure is, not the weights
        n = len(data)
        near = min(n, 2500)
        where = rng.random()
        return rng.randrange(near) if where < .6 else n - 1 - rng.randrange(near) if where < .8 \
            else rng.randrange(n)

    if kind == 0:
        del data[place():]
    elif kind == 1:
        for _ in range(rng.randint(1, 6)):
            data[place()] ^= 1 << rng.randrange(8)
    elif kind == 2:
        for _ in range(rng.randint(1, 3)):
            data[place()] = rng.choice((0, 1, 2, 3, 7, 0x7f, 0x80, 0xff))
    elif kind == 3:
        at = place()
        data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 12)))
    elif kind == 4:
        at = place()
        del data[at:at + rng.randint(1, 12)]
    elif kind == 5:
        at = place()
        data[at:at + 9] = b'\xff' * 8 + b'\x7f'
    else:
        data += bytes([rng.choice((0, 0xff, 0x3a))]) * rng.choice((1, 1000, 1 << 20))
    return bytes(data)


def check(program, arguments, folder, allowed=(0, 1, 3, 4)):
    """None, or what is wrong with the way the run ended."""
    try:
        done = subprocess.run([program, *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                              env=dict(os.environ, LC_ALL='C.UTF-8', TERM='dumb'))
    except subprocess.TimeoutExpired:
        return 'took more than %d s' % SECONDS
    said = done.stderr.decode('utf-8', 'replace')
    if done.returncode not in allowed:
        return 'exit code %d: %s' % (done.returncode, said[-2000:])
    errors = [line for line in said.splitlines() if line.startswith('fetafix: ')]
    if done.returncode > 1 and not (errors and said.splitlines()[-1] == errors[-1]):
        return 'exit code %d without a line that says why: %r' % (done.returncode, said)
    if any(ord(c) < 32 and c not in '\n\t' for c in said):
        return 'control characters: %r' % said
    return None


COMMANDS = (
    ('compare', 'source.onnx', 'target.onnx', '--images', 'photos.txt', '--limit', '6'),
    ('run', 'target.onnx', '--images', 'photos.txt', '--limit', '3'),
    ('inspect', 'target.onnx'),
    ('repair', 'source.onnx', 'target.onnx', '--images', 'photos.txt', '--limit', '6', '-o', 'out.onnx',
     '--force', '--time-limit', '5s'),
    ('localize', 'source.onnx', 'target.onnx', '--images', 'photos.txt', '--limit', '6'),
)


def main():
    program, make_case = (os.path.abspath(p) for p in sys.argv[1:3])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    folder = tempfile.mkdtemp(prefix='fetafix-hostile-')
    subprocess.run([make_case, folder], check=True)
    with open(os.path.join(folder, 'photos.txt'), encoding='utf-8') as f:
        photo = os.path.join(folder, f.readline().strip())
    files = [os.path.join(folder, name) for name in ('target.onnx', 'source.onnx')] + [photo]
    whole = {}
    for path in files:
        with open(path, 'rb') as f:
            whole[path] = f.read()
    bad = ended = 0
    for command in COMMANDS:  # the untouched case runs
        wrong = check(program, command, folder, (0, 1))
        if wrong:
            print('untouched, %s: %s' % (command[0], wrong))
            bad += 1
    for round_ in range(rounds):
        rng = random.Random(seed * 100003 + round_)
        path = files[rng.choice((0, 0, 0, 1, 2))]
        with open(path, 'wb') as f:
            f.write(mutate(rng, whole[path]))
        command = COMMANDS[round_ % len(COMMANDS)]
        wrong = check(program, command, folder)
        if wrong:
            kept = '%s-round-%d' % (folder, round_)
            shutil.copytree(folder, kept)
            print('round %d, %s of a changed %s (kept in %s): %s' %
                  (round_, ' '.join(command), os.path.basename(path), kept, wrong))
            bad += 1
        ended += 1
        with open(path, 'wb') as f:
            f.write(whole[path])
    # Larger than any model may be; takes no room on the disk.
    with open(files[0], 'wb') as f:
        f.truncate(9 << 30)
    for command in COMMANDS:
        wrong = check(program, command, folder, (3,))
        if wrong:
            print('9 GiB, %s: %s' % (command[0], wrong))
            bad += 1
    shutil.rmtree(folder)
    print('%d variants, %d ended badly' % (ended, bad))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
