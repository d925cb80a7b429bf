#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py PROGRAM MAKE_CASE: what `bench` says must hang together, whatever the machine's day."""
import json
import os
import subprocess
import sys
import tempfile


def bench(program, *args):
    p = subprocess.run([program, 'bench', *args, '--no-config', '--json', '-', '--quiet'],
                       capture_output=True, text=True, check=True)
    return json.loads(p.stdout)


def check_model(program):
    for threads in (1, 2):
        r = bench(program, 'source.onnx', '--threads', str(threads))
        assert r['schema'] == 'fetafix-bench/1' and r['threads'] == threads, r
        assert r['runs'] >= 5 and r['rounds'] >= 5 and r['peak_mb'] > 1 and r['operations'] > 0, r
        assert 0 < r['best_ms'] <= r['latency_ms'] and r['load_ms'] > 0, r
        # So many workers cannot take more processor time than there is.
        assert 0 < r['cpu_ms_per_image'] <= 1.5 * threads * r['run_ms_per_image'] + 1, r
    shown = subprocess.run([program, 'bench', 'source.onnx', '--no-config', '-v'],
                           capture_output=True, text=True, check=True).stdout
    assert 'ms per image on' in shown and ' Conv\n' in shown, shown


def check_case(program):
    r = bench(program, 'source.onnx', 'target.onnx', '--images', 'photos.txt')
    assert r['wrong_initial'] > 0 and r['trials'] > 0, r
    assert 0 < r['operations'] <= r['operations_of_full_runs'], r
    work = {x['phase']: x for x in r['work']}
    assert list(work)[:2] == ['labels', 'analysis'] and len(work) > 2, work
    for x in work.values():
        assert 0 <= x['rejected'] <= x['trials'], x
        # Wrong images first: a rejected repair never costs a whole evaluation.
        assert not x['rejected'] or 0 < x['rejected_operations'] < x['rejected_operations_of_full_runs'], x
    assert any(x['rejected'] for x in work.values()), work
    assert sum(x['operations'] for x in work.values()) > r['operations'], work  # labels come on top
    for stage in ('load', 'localize', 'repair'):
        assert r[stage + '_s'] > 0 and r[stage + '_cpu_s'] >= 0, r
    spent = {(x['activity'], x['what']): x for x in r['spent']}
    images = sum(1 for line in open('photos.txt') if line.strip())
    assert spent['decode', '']['times'] == images, spent  # each once
    assert spent['preprocess', '']['times'] >= images, spent
    for what in (('run', 'Conv'), ('analysis', 'distances'), ('analysis', 'findings'),
                 ('analysis', 'alignment')):
        assert spent[what]['times'] > 0 and spent[what]['s'] >= 0, what
    assert [x['s'] for x in r['spent']] == sorted((x['s'] for x in r['spent']), reverse=True), r


program, make_case = (os.path.abspath(x) for x in sys.argv[1:3])
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([make_case, folder], check=True, stdout=subprocess.DEVNULL)
    check_model(program)
    check_case(program)
    os.chdir('/')
print('ok')
