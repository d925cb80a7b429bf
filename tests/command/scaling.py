#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a repair shared out over processes scales: measured with one and two processes of one thread each, and modelled
from that for more of both processes and images.

    scaling.py FETAFIX MPIRUN SOURCE TARGET IMAGES SOURCE_PRE TARGET_PRE [RANKS IMAGES]

    seconds = fixed + image * images / ranks                        computing
            + exchanges(images / ranks) * latency * log2(ranks)     agreeing
            + bytes(images) / bandwidth                             handing on

`fixed` and `image` come from one process over all images and over a quarter of them. Exchanges are counted with two
processes over all images and over four, and grow with the images of a rank. Bytes
are those of the labels, which `compare` counts, for every image, and the rest, activations for the layer analysis above
all, for each of the 200 images at most that the analysis takes. Latency and bandwidth are those of a network, 20 microseconds and 1 Gbit/s, as far as what was measured
within this machine is not worse.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

program, mpirun, source, target, images, source_pre, target_pre = sys.argv[1:8]
ranks, many = (int(x) for x in sys.argv[8:10]) if len(sys.argv) > 9 else (64, 50000)
LATENCY, BANDWIDTH, ROUNDS = 20e-6, 125e6, 2
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT='1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM='1', OMPI_MCA_plm_rsh_agent='sh',
                   OMPI_MCA_rmaps_base_oversubscribe='1')
folder = tempfile.mkdtemp(prefix='fetafix-scaling-')


def once(processes, limit, verb='repair'):
    report = os.path.join(folder, 'report.json')
    start = [mpirun, '-n', str(processes)] if processes > 1 else []
    words = [program, verb, source, target, '--images', images, '--source-pre', source_pre, '--target-pre', target_pre,
             '--threads', '1', '--timing', '--json', report, '--force', '--quiet', '--no-config']
    if limit:
        words += ['--limit', str(limit)]
    p = subprocess.run(start + words, env=environment, capture_output=True, text=True)
    if p.returncode not in (0, 1):
        sys.exit(p.stderr)
    with open(report) as f:
        r = json.load(f)
    return dict(r['timing'], images=r['images'])


# Interleaved, and the fastest of each: other work on the machine only ever adds.
total = once(1, 0)['images']
quarter = max(total // 4, 1)
best = {}
for _ in range(ROUNDS):
    for key in ((1, 0), (2, 0), (1, quarter), (2, 4), (2, 0, 'compare')):
        t = once(*key)
        if key not in best or t['seconds'] < best[key]['seconds']:
            best[key] = t
one, two, few, tiny, labels = (best[k] for k in ((1, 0), (2, 0), (1, quarter), (2, 4), (2, 0, 'compare')))
image = (one['seconds'] - few['seconds']) / (total - quarter)
fixed = max(one['seconds'] - image * total, 0)
latency = min(t['shortest_exchange_seconds'] for t in (two, tiny, labels))
more = max(two['exchanges'] - tiny['exchanges'], 0) / (total / 2 - 2)  # an image of a rank
label = 2 * labels['bytes_sent'] / total
analysed = min(total, 200)
activation = max(2 * two['bytes_sent'] - label * total, 0) / analysed


def seconds(n, count):
    if n == 1:
        return fixed + image * count
    wait = max(latency, LATENCY) * math.log2(n)
    exchanges = tiny['exchanges'] + more * (count / n - 2)
    sent = label * count + activation * min(count, 200)
    return fixed + image * count / n + exchanges * wait + sent / BANDWIDTH


print('%d images, one thread a process' % total)
print('1 process   %8.2f s' % one['seconds'])
print('2 processes %8.2f s, %.2f times as fast; modelled %.2f s' % (two['seconds'], one['seconds'] / two['seconds'],
                                                                    seconds(2, total)))
print('fixed %.2f s, %.1f ms an image; %d exchanges, the shortest %.1f microseconds; %.0f bytes a label, %.0f kB an analysed image'
      % (fixed, 1e3 * image, two['exchanges'], 1e6 * latency, label, activation / 1e3))
print('\n%d images, modelled\nprocesses   seconds   times as fast' % many)
n = 1
while n <= ranks:
    print('%9d %9.1f %10.1f' % (n, seconds(n, many), seconds(1, many) / seconds(n, many)))
    n *= 2
