#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as text: runs each `$ ` line of a transcript and compares what it prints with the lines below it.

    transcript.py [--update] PROGRAM MAKE_CASE TRANSCRIPT

Lines run in one shell after the other, in a fresh folder that holds the small case of tests/session.
Lines that begin with `> ` right below a command are its standard input.
An exit code other than 0 is the line `[N]` after the output. `# ` begins a comment, `...` at the end of
a line stands for any rest of it. --update rewrites the expectations.
"""
import os
import subprocess
import sys
import tempfile


def parse(text):
    """[(comment lines, command, lines of standard input, expected lines)]"""
    steps, head = [], []
    for line in text.splitlines():
        if line.startswith('$ '):
            steps.append((head, line[2:], [], []))
            head = []
        elif line.startswith('> ') and steps and not head and not steps[-1][3]:
            steps[-1][2].append(line[2:])
        elif line.startswith('# ') or (not line and (not steps or steps[-1][3] == [])) or head:
            head.append(line)
        elif not line:
            head.append(line)
        else:
            steps[-1][3].append(line)
    return steps


def same(expected, got):
    if len(expected) != len(got):
        return False
    return all(g == e or (e.endswith('...') and g.startswith(e[:-3])) for e, g in zip(expected, got))


def run(command, typed, folder, env):
    done = subprocess.run(['sh', '-c', command], cwd=folder, env=env, input=''.join(line + '\n' for line in typed).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    lines = [line if line else '.' for line in done.stdout.decode('utf-8', 'replace').splitlines()]
    if done.returncode:
        lines.append('[%d]' % done.returncode)
    return lines


def main():
    update = '--update' in sys.argv
    program, make_case, path = [a for a in sys.argv[1:] if a != '--update']
    with open(path, encoding='utf-8') as f:
        steps = parse(f.read())
    env = dict(os.environ, LC_ALL='C.UTF-8', TERM='dumb', XDG_CONFIG_HOME='/nonexistent')
    env['PATH'] = os.path.dirname(os.path.abspath(program)) + ':' + env['PATH']
    bad, out = 0, []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make_case, folder], check=True)
        for head, command, typed, expected in steps:
            got = run(command, typed, folder, env)
            if not same(expected, got):
                bad += 1
                print('$ ' + command)
                print('\n'.join('- ' + line for line in expected))
                print('\n'.join('+ ' + line for line in got))
            out += head + ['$ ' + command] + ['> ' + line for line in typed] + (expected if same(expected, got) else got)
    if update:
        with open(path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(out) + '\n')
        return 0
    return 1 if bad else 0


sys.exit(main())
