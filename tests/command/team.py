#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of mpirun and one alone write the same bytes; a process that is killed ends the run, and the session
goes on from there.

    team.py FETAFIX MAKE_SMALL_CASE MPIRUN
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

program, make_case, mpirun = map(os.path.abspath, sys.argv[1:])
folder = tempfile.mkdtemp(prefix='fetafix-team-')
# What the MPI libraries leave behind at exit is not ours to judge.
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT='1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM='1', OMP_NUM_THREADS='1',
                   ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0')
PRE = 'size=16x16 scale=127.5 mean=1,1,1'
CASE = ['source.onnx', 'target.onnx', '--images', 'photos', '--source-pre', PRE, '--target-pre', PRE, '--no-config']
bad = []


def launch(processes, verb, *options):
    start = [mpirun, '--oversubscribe', '-n', str(processes)] if processes else []
    return subprocess.Popen(start + [program, verb] + CASE + list(options), cwd=folder, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(processes, verb, *options):
    p = launch(processes, verb, *options)
    out, err = p.communicate(timeout=120)
    return p.returncode, out, err.decode(errors='replace')


def read(name):
    with open(os.path.join(folder, name), 'rb') as f:
        return f.read()


def expect(what, fine, more=''):
    if not fine:
        bad.append(what + (': ' + str(more)[:400] if more else ''))


def same_bytes(verb, names, *options):
    """Every file of a verb and what it says, by one process, then by two and three."""
    wanted = None
    for processes in 0, 2, 3:
        arguments = [x for name in names for x in names[name]]
        code, out, err = run(processes, verb, *arguments, *options, '--force', '--quiet')
        got = (code, out, [read(name) for name in names])
        wanted = wanted or got
        expect('%s with %d processes' % (verb, processes), got == wanted, (code, out, err))


def children(parent):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid) as f:
                after_name = f.read().rsplit(')', 1)[1].split()
            with open('/proc/%s/environ' % pid, 'rb') as f:
                variables = f.read()
        except OSError:
            continue
        if int(after_name[1]) == parent and b'OMPI_COMM_WORLD_RANK=1\0' in variables:
            found.append(int(pid))
    return found


def killed_rank():
    """The session holds something as soon as its file has grown; then rank 1 goes."""
    options = ['--session', 'kept.fetafix', '-o', 'kept.onnx', '--json', 'kept.json', '--force', '--quiet']
    killed = 0
    run(0, 'repair', *options)
    wanted = read('kept.onnx'), json.loads(read('kept.json'))
    for delay in 0.0, 0.1, 0.3:
        for name in 'kept.fetafix', 'kept.onnx', 'kept.json':
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))
        p = launch(2, 'repair', *options)
        until = time.time() + 60
        while p.poll() is None and time.time() < until:
            session = os.path.join(folder, 'kept.fetafix')
            victims = children(p.pid)
            if victims and os.path.exists(session) and os.path.getsize(session) > 0:
                break
            time.sleep(0.005)
        time.sleep(delay)
        if p.poll() is None:
            for pid in children(p.pid):
                os.kill(pid, signal.SIGKILL)
            p.communicate(timeout=60)
            killed += 1
            expect('a killed rank ends the run with an error', p.returncode != 0, p.returncode)
        else:
            p.communicate()
        code, out, err = run(2, 'repair', *options)
        expect('the session goes on after a killed rank', code == 0, (code, err))
        expect('and ends alike', (read('kept.onnx'), json.loads(read('kept.json'))) == wanted)
    expect('a rank was killed in time', killed > 0)


try:
    subprocess.run([make_case, folder], check=True, stdout=subprocess.DEVNULL)
    same_bytes('compare', {'c.csv': ['--labels-csv', 'c.csv'], 'c.json': ['--json', 'c.json']})
    same_bytes('localize', {'l.json': ['--json', 'l.json']})
    same_bytes('localize', {'p.json': ['--json', 'p.json']}, '--analysis', 'paper')
    same_bytes('repair', {'r.onnx': ['-o', 'r.onnx'], 'r.json': ['--json', 'r.json'], 'r.html': ['--report', 'r.html']},
               '--validate', 'validation.txt')
    expect('faults are repaired', json.loads(read('r.json'))['discrepancy']['final'] == 0)
    killed_rank()
    CASE[1] = 'nowhere.onnx'
    code, out, err = run(2, 'repair')
    expect('a failure of all is said once', code == 3 and err.count("'nowhere.onnx': no such file") == 1, err)
finally:
    shutil.rmtree(folder)
for line in bad:
    print(line)
sys.exit(1 if bad else 0)
