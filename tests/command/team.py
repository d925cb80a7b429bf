#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of mpirun and one alone write the same bytes; a process that is killed ends the run, and the session
goes on from there. Skipped, with the reason, where mpirun cannot start even `true`.

    team.py FETAFIX MAKE_SMALL_CASE MPIRUN
"""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

program, make_case, mpirun = map(os.path.abspath, sys.argv[1:])
folder = tempfile.mkdtemp(prefix='fetafix-team-')
# Open MPI: by root too, and without a remote shell, which it looks for even when everything is here. What the MPI
# libraries leave behind at exit is not ours to judge.
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT='1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM='1', OMP_NUM_THREADS='1',
                   OMPI_MCA_plm_rsh_agent='sh', OMPI_MCA_rmaps_base_oversubscribe='1',
                   ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0')
PRE = 'size=16x16 scale=127.5 mean=1,1,1'
CASE = ['source.onnx', 'target.onnx', '--images', 'photos', '--source-pre', PRE, '--target-pre', PRE, '--no-config']
bad = []


def launch(processes, *words):
    start = [mpirun, '-n', str(processes)] if processes else []
    return subprocess.Popen(start + list(words), cwd=folder, env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def run(processes, verb, *options, case=CASE):
    p = launch(processes, program, verb, *case, *options)
    out, err = p.communicate(timeout=600)
    return p.returncode, out, err.decode(errors='replace')


def skip_without_launcher():
    p = launch(2, 'true')
    err = p.communicate(timeout=300)[1].decode(errors='replace')
    if p.returncode:
        print('skipped: mpirun cannot start processes here: ' + err)
        sys.exit(77)


def read(name):
    with open(os.path.join(folder, name), 'rb') as f:
        return f.read()


def expect(what, fine, more=''):
    if not fine:
        bad.append(what + (': ' + str(more)[:400] if more else ''))


def same_bytes(verb, names, *options, processes=(2, 3), case=CASE):
    """Every file of a verb and what it says, by one process, then by several."""
    arguments = [x for name in names for x in names[name]]
    wanted = None
    for n in (0, *processes):
        code, out, err = run(n, verb, *arguments, *options, '--force', '--quiet', case=case)
        got = (code, out, [read(name) for name in names])
        wanted = wanted or got
        expect('%s with %d processes' % (verb, n), got == wanted, (code, out, err))


def second_rank(launcher):
    """The process number of rank 1, None as long as (or when) there is none. MPICH has a proxy in between."""
    parents, found = {}, []
    for pid in map(int, filter(str.isdigit, os.listdir('/proc'))):
        try:
            with open('/proc/%d/stat' % pid) as f:
                parents[pid] = int(f.read().rsplit(')', 1)[1].split()[1])
            with open('/proc/%d/environ' % pid, 'rb') as f:
                variables = f.read().split(b'\0')
        except OSError:
            continue
        if b'OMPI_COMM_WORLD_RANK=1' in variables or b'PMI_RANK=1' in variables:
            found.append(pid)
    for pid in found:
        above = parents[pid]
        while above in parents and above != launcher:
            above = parents[above]
        if above == launcher:
            return pid
    return None


def state(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0]
    except OSError:
        return 'gone'


def stopped(pid):
    """Stops a process. False: it had ended before."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    while state(pid) not in ('T', 'Z', 'X', 'gone'):
        time.sleep(0.005)
    return state(pid) == 'T'


def killed_rank(delay):
    """The session holds something as soon as its file has grown; some time later rank 1 goes. Whether it does so in
    the middle of the work depends on the machine; a process that stands still cannot end in between, and what is said
    here holds wherever it stood."""
    options = ['--session', 'kept.fetafix', '-o', 'kept.onnx', '--json', 'kept.json', '--force', '--quiet']
    session = os.path.join(folder, 'kept.fetafix')
    run(0, 'repair', *options)
    wanted = read('kept.onnx'), json.loads(read('kept.json'))
    for name in 'kept.fetafix', 'kept.onnx', 'kept.json':
        os.unlink(os.path.join(folder, name))
    p = launch(2, program, 'repair', *CASE, *options)
    victim = None
    while p.poll() is None and not victim:
        victim = second_rank(p.pid)
    while p.poll() is None and not (os.path.exists(session) and os.path.getsize(session) > 0):
        time.sleep(0.001)
    time.sleep(delay)
    killed = victim is not None and stopped(victim)
    if killed:
        os.kill(victim, signal.SIGKILL)
    p.communicate(timeout=300)
    if killed:
        expect('a killed rank ends the run with an error', p.returncode != 0, p.returncode)
    code, out, err = run(2, 'repair', *options)
    expect('the session goes on after a killed rank', code == 0, (code, err))
    expect('and ends alike', (read('kept.onnx'), json.loads(read('kept.json'))) == wanted)
    return killed


def write_samples(name, count):
    """Random arrays in place of pictures."""
    rng = random.Random(5)
    values = [rng.gauss(0, 1) for _ in range(count * 3 * 16 * 16)]
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3, 16, 16), }" % count
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
        f.write(struct.pack('<%df' % len(values), *values))


try:
    skip_without_launcher()
    subprocess.run([make_case, folder], check=True, stdout=subprocess.DEVNULL)
    same_bytes('compare', {'c.csv': ['--labels-csv', 'c.csv'], 'c.json': ['--json', 'c.json']})
    same_bytes('localize', {'l.json': ['--json', 'l.json']})
    same_bytes('localize', {'p.json': ['--json', 'p.json']}, '--analysis', 'paper')
    same_bytes('repair', {'r.onnx': ['-o', 'r.onnx'], 'r.json': ['--json', 'r.json'], 'r.html': ['--report', 'r.html']},
               '--validate', 'validation.txt')
    expect('faults are repaired', json.loads(read('r.json'))['discrepancy']['final'] == 0)
    # More processes than images; and what is judged by all outputs, not by labels.
    same_bytes('repair', {'r.json': ['--json', 'r.json']}, '--limit', '3', processes=(4,))
    write_samples('samples.npy', 24)
    same_bytes('repair', {'s.onnx': ['-o', 's.onnx'], 's.json': ['--json', 's.json']}, '--comparator',
               'tolerance:abs=1e-4,rel=1e-4', case=['source.onnx', 'target.onnx', '--input', 'samples.npy', '--no-config'])
    expect('outputs are repaired', json.loads(read('s.json'))['discrepancy'] == {'initial': 24, 'final': 0, 'distance': 0})
    expect('a rank was killed in time', any([killed_rank(delay) for delay in (0.0, 0.1)]))
    code, out, err = run(2, 'repair', case=['source.onnx', 'nowhere.onnx'] + CASE[2:])
    expect('a failure of all is said once', code == 3 and err.count("'nowhere.onnx': no such file") == 1, err)
finally:
    shutil.rmtree(folder)
for line in bad:
    print(line)
sys.exit(1 if bad else 0)
