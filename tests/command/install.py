#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed program repairs an installed sample from a folder elsewhere.   install.py MESON BUILD"""
import os
import subprocess
import sys
import tempfile

meson, build = sys.argv[1:]
with tempfile.TemporaryDirectory() as top:
    subprocess.run([meson, 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', top],
                   check=True)
    found = {}
    for folder, _, names in os.walk(top):
        found.update((name, os.path.join(folder, name)) for name in names
                     if name != 'fetafix' or os.access(os.path.join(folder, name), os.X_OK))
    for name in ('fetafix', 'fetafix.1', 'fetafix.5', '_fetafix', 'fetafix.fish', 'images.txt',
                 'tour.fetafix', 'weights.lesson'):
        if name not in found:
            sys.exit('%s is not installed' % name)
    samples = os.path.dirname(found['images.txt'])
    work = os.path.join(top, 'elsewhere')
    os.mkdir(work)
    done = subprocess.run(
        [found['fetafix'], 'repair', samples + '/pp/source.onnx', samples + '/pp/target.onnx', '--images',
         samples + '/images.txt', '--labels', samples + '/labels.txt', '--no-config',
         '--source-pre', 'tf-imagenet', '--target-pre', 'tf', '-o', 'repaired.onnx'],
        cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, universal_newlines=True,
        timeout=300)
    print(done.stdout)
    tour = subprocess.run([found['fetafix'], 'script', found['tour.fetafix'], samples + '/demo/source.onnx',
                           samples + '/demo/target.onnx', '--images', samples + '/images.txt', '--no-config', '-q',
                           '--source-pre', 'tf-imagenet', '--target-pre', 'tf-imagenet'],
                          cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, universal_newlines=True,
                          timeout=300)
    if tour.returncode != 0 or 'state 5: 0 of 120 labels differ' not in tour.stdout:
        sys.exit('the tour ended with %d\n%s' % (tour.returncode, tour.stdout))
    lessons = subprocess.run([found['fetafix'], 'teach'], cwd=work, stdout=subprocess.PIPE, universal_newlines=True,
                             timeout=300)
    if 'weights ' not in lessons.stdout:
        sys.exit('the lessons are not found: ' + lessons.stdout)
    if done.returncode != 0 or not os.path.exists(work + '/repaired.onnx'):
        sys.exit('the repair ended with %d' % done.returncode)
    taught = subprocess.run([found['fetafix'], 'teach', 'weights', '--no-config'], cwd=work,
                            input='answer WB in block5.depthwise\nrepair\nstatus\n', stdout=subprocess.PIPE,
                            universal_newlines=True, timeout=300)
    if taught.returncode != 0 or 'Right.' not in taught.stdout or ': 0 of 120' not in taught.stdout:
        sys.exit('the installed lesson ended with %d:\n%s' % (taught.returncode, taught.stdout))
