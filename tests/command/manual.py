#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in the tables is in help, in the manual and in the completions, and the manual is clean.

    manual.py FETAFIX GENERATE FETAFIX.1 FETAFIX.5 FETAFIX.BASH _FETAFIX FETAFIX.FISH TRANSCRIPT...

Each verb, command of the prompt and option also has to occur in a command of a transcript.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

program, generate, page1, page5, bash, zsh, fish, *transcripts = sys.argv[1:]
bad = []


def run(*command, text=''):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, timeout=300,
                          env=dict(os.environ, XDG_CONFIG_HOME='/nonexistent')).stdout


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def section(text, name):
    """The lines under `.Ss name`, up to the next section."""
    return re.split(r'^\.S[sh] ', text.split('.Ss %s\n' % name, 1)[1], flags=re.M)[0]


def want(where, pattern, text):
    if not re.search(pattern, text, re.M):
        bad.append('%s lacks %s' % (where, pattern))


def complete(words):
    """What bash offers for the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _fetafix; printf "%s\\n" "${COMPREPLY[@]}"'
    return run('bash', '--norc', '-c', script, 'bash', bash, 'fetafix', *words).split()


def fish_offers(line):
    script = 'source %s; complete -C %s' % (fish, "'%s'" % line)
    return [word.split('\t')[0] for word in run('fish', '--no-config', '-c', script).splitlines()]


def zsh_completes(tries):
    """Types each line and a tab into an interactive zsh; what the line becomes has to appear."""
    with tempfile.TemporaryDirectory() as folder:
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.environ.update(TERM='dumb', ZDOTDIR=folder, LC_ALL='C.UTF-8',
                              PATH=os.path.dirname(os.path.abspath(program)) + ':' + os.environ['PATH'])
            os.execvp('zsh', ['zsh', '-f', '-i'])

        def wait_for(text):
            seen, end = '', time.monotonic() + 120
            while text not in re.sub('[\r\n\a]', '', seen) and time.monotonic() < end:
                if select.select([terminal], [], [], 0.2)[0]:
                    seen += os.read(terminal, 65536).decode('utf-8', 'replace')
            return time.monotonic() < end

        os.write(terminal, ('fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D; PS1=; LISTMAX=999; '
                            'echo rea"dy"\n' % os.path.dirname(os.path.abspath(zsh))).encode())
        if not wait_for('ready'):
            bad.append('zsh does not start')
        for line, expected in tries:
            os.write(terminal, line.encode() + b'\t')
            if not wait_for(expected):
                bad.append("zsh makes no '%s' of '%s'" % (expected, line))
            os.write(terminal, b'\x15')
        os.write(terminal, b'exit\n')
        os.waitpid(pid, 0)
        os.close(terminal)


man, man5 = read(page1), read(page5)
zsh_text, fish_text = read(zsh), read(fish)
help_text = run(program, '--help')
prompt = run(program, 'repl', text='help\nset\nhelp views\ncolor\n')
tried = ' '.join(line for path in transcripts for line in read(path).splitlines() if line.startswith(('$ ', '> ')))
tried = tried.replace('\\n', ' ')
items = [line.split(' ') for line in run(generate, 'list').splitlines()]
verbs = [item[1] for item in items if item[0] == 'verb']
helps = {verb: run(program, verb, '--help') for verb in verbs}
offered = {verb: complete([verb, '-']) for verb in verbs} if shutil.which('bash') else {}

for kind, name, *rest in items:
    word = re.escape(name)
    if kind in ('verb', 'prompt') and not re.search(r"(^|[ '\"`;])%s([ '\"`;]|$)" % word, tried):
        bad.append('no transcript tries ' + name)
    if kind == 'option' and not re.search(r'--%s([ =]|$)' % word, tried):
        bad.append('no transcript tries --' + name)
    if kind == 'verb':
        want('help', r'^  %s ' % word, help_text)
        want('manual', r'^\.It Ic "%s"' % word, section(man, 'Commands of the shell'))
        want('zsh completion', r"^        '%s:" % word, zsh_text)
        want('fish completion', r' -a %s -d' % word, fish_text)
        if offered and name not in complete(['']):
            bad.append('bash does not offer ' + name)
    elif kind == 'prompt':
        want('help of the prompt', r'^%s ' % word, prompt)
        want('manual', r'^\.It Ic "%s"' % word, section(man, 'Commands of the prompt'))
        for other in rest:
            want('manual', r'^\.Ic "\\&%s"$' % re.escape(other), section(man, 'Commands of the prompt'))
    elif kind == 'view':
        want('manual', r'^\.It Ic "%s"' % word, section(man, "Commands of the explorer's views"))
    elif kind == 'option':
        want('manual', r'^\.It .*Fl \\-%s( |$)' % word, section(man, 'Options'))
        want('zsh completion', r"'--%s=?\[" % word, zsh_text)
        want('fish completion', r' -l %s ' % word, fish_text)
        for verb in verbs:
            fits = rest == ['*'] or verb in rest
            shown = re.search(r'--%s( |$)' % word, helps[verb], re.M) is not None
            if shown != fits:
                bad.append('help of %s and --%s: %s' % (verb, name, shown))
            if offered and ('--' + name in offered[verb]) != fits:
                bad.append('bash: --%s after %s' % (name, verb))
    elif kind == 'setting':
        want('fetafix(5)', r'^\.It Ic "%s"' % word, man5)
        want('set', r'^%s ' % word, prompt)
    elif kind == 'table':
        views = section(man, 'Views of a session')
        want('manual', r'^\.It Ic "%s"' % word, views)
        want('help views', r'^%s: ' % word, prompt)
        for column in rest:
            want('manual on ' + name, r'^\.It "%s" Ta' % column, views)
            want('help views', r'^    %s ' % column, prompt)
    elif kind == 'element':
        want('fetafix(5)', r'^\.It Ic "%s"' % word, section(man5, 'Colours'))
        want('color', r'^%s ' % word, prompt)
    elif kind == 'key':
        want('manual', r'^\.It Ic "\\&%s"$' % word, section(man, 'Keys of the explorer'))

# Helps are for a terminal of 80 columns; what cannot be broken is a usage in one word.
for text in [help_text, run(program, 'repl', text='help views\n'), *helps.values()]:
    bad += ['too wide: ' + line for line in text.splitlines()
            if len(line) > 79 and not re.match(r'  \S+$', line)]

if len(items) < 100:
    bad.append('the tables are nearly empty')
for page in (page1, page5):
    if shutil.which('mandoc'):
        # Whether the other page is installed already is no fault of this one.
        lint = [line for line in run('mandoc', '-T', 'lint', page).splitlines()
                if 'referenced manual not found' not in line]
        bad += lint
for shell, path in (('bash', bash), ('zsh', zsh), ('fish', fish)):
    if shutil.which(shell):
        bad += run(shell, '-n', path).splitlines()
if offered:
    for words, word in ((['compare', '--format', '=', 'j'], 'json'), (['run', '--pre', 'torch-r'], 'torch-resnet'),
                        (['compare', '--comparator', 'cos'], 'cosine'), (['explain', 'T'], 'TSS'),
                        (['help', 'find'], 'findings')):
        if complete(words) != [word]:
            bad.append('bash: %s after %s' % (complete(words), words))
    with tempfile.TemporaryDirectory() as folder:
        open(folder + '/a b.onnx', 'w').close()
        if complete(['compare', folder + '/a']) != [folder + '/a', 'b.onnx']:
            bad.append('bash: a name with a blank')
if shutil.which('fish'):
    for line, words in (('fetafix compar', {'compare'}), ('fetafix compare --labels-c', {'--labels-csv'}),
                        ('fetafix inspect --labels-c', set()), ('fetafix compare --format=', {'--format=json'}),
                        ('fetafix run --pre torch-r', {'torch-resnet'}), ('fetafix explain T', {'TSS'}),
                        ('fetafix help findi', {'findings'})):
        got = set(fish_offers(line))
        if not words <= got or (not words and got):
            bad.append('fish: %s after %s' % (got, line))
if shutil.which('zsh'):
    zsh_completes([('fetafix compar', 'fetafix compare '), ('fetafix compare --labels-c', '--labels-csv='),
                   ('fetafix compare --format=j', '--format=json'), ('fetafix run --pre torch-res', 'torch-resnet'),
                   ('fetafix explain T', 'TSS'), ('fetafix help findi', 'findings')])
print('\n'.join(bad))
sys.exit(1 if bad else 0)
