# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests that write their own models share: the program, a folder, what went wrong."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile


class Trial:
    def __init__(self, name):
        self.program = os.path.abspath(sys.argv[1])
        self.folder = tempfile.mkdtemp(prefix='fetafix-%s-' % name)
        self.bad = []
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def check(self, ok, what):
        if not ok:
            self.bad.append(what)
            print('FAIL', what)
        return bool(ok)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        """Exit code, what was printed, what was noted."""
        p = subprocess.run([self.program, *words, '--no-config'], cwd=self.folder, capture_output=True, timeout=600)
        return p.returncode, p.stdout.decode(errors='replace'), p.stderr.decode(errors='replace')

    def end(self):
        print('%d wrong' % len(self.bad))
        sys.exit(bool(self.bad))
