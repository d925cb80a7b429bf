#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other compilers say of every file of src/ and ui/.

    compilers.py analyse BUILD   clang-analyzer-core (clang-tidy) finds nothing but what tests/analyser.txt lists
    compilers.py known BUILD     writes that list
    compilers.py arm64 BUILD     each file compiles for aarch64 (Debian's cross compiler; syntax only)

BUILD is a folder that meson configured and ninja has built: its compile_commands.json says how a file is compiled.
FILES may follow. For arm64 the libraries' headers are the host's, behind those of the target's own C library;
that is enough for syntax, types and warnings.
"""
import collections
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "analyser.txt")
HOST = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]
GCC_ONLY = {"-fopenmp", "-Winvalid-pch", "-fdiagnostics-color=always", "-pipe", "-MD"}
TAKE_A_WORD = {"-o", "-MF", "-MQ"}


def commands(build, only):
    """Folder, file and compiler arguments of each file of the program."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        rows = json.load(f)
    seen = set()
    for row in rows:
        path = os.path.normpath(os.path.join(row["directory"], row["file"]))
        parts = os.path.relpath(path, os.path.dirname(os.path.abspath(build))).split(os.sep)
        if parts[0] not in ("src", "ui") or path in seen or (only and path not in only):
            continue
        seen.add(path)
        words = shlex.split(row["command"])
        while words and not words[0].startswith("-"):
            words.pop(0)  # the compiler, and what stands before it
        kept, at = [], 0
        while at < len(words):
            if words[at] in TAKE_A_WORD:
                at += 2
                continue
            if words[at] not in GCC_ONLY and words[at] not in ("-c", row["file"]):
                kept.append(words[at])
            at += 1
        yield row["directory"], path, kept


def analyse(row):
    folder, path, words = row
    return subprocess.run(
        ["clang-tidy-14", "--quiet", "-checks=-*,clang-analyzer-core*", "--warnings-as-errors=*", path, "--"] + words,
        cwd=folder, capture_output=True, text=True)


def reports(text):
    """File, function and message of each report. Lines move, so they are not part of it."""
    found = []
    for path, message in re.findall(r"^(\S+?):\d+:\d+: (?:error|warning): (.*?) \[", text, re.M):
        found.append(f"{os.path.relpath(path)}: {message}")
    return found


def read_known():
    try:
        with open(KNOWN, encoding="utf-8") as f:
            return collections.Counter(line.rstrip("\n") for line in f if line.strip() and line[0] != "#")
    except FileNotFoundError:
        return collections.Counter()


def arm64(row):
    folder, path, words = row
    words = [w for w in words if not w.startswith("-I/usr/include/x86_64")]
    return subprocess.run(["aarch64-linux-gnu-gcc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"] + words + HOST + [path],
                          cwd=folder, capture_output=True, text=True)


def main():
    what = sys.argv[1]
    run = {"analyse": analyse, "known": analyse, "arm64": arm64}[what]
    rows = list(commands(sys.argv[2], {os.path.abspath(p) for p in sys.argv[3:]}))
    bad, all_found, known = 0, [], read_known() if what == "analyse" else collections.Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, result in zip(rows, pool.map(run, rows)):
            text = result.stdout + result.stderr
            found = reports(text)
            all_found += found
            fresh = collections.Counter(found) - known
            if fresh or (result.returncode and not found):
                bad += 1
                print(os.path.relpath(row[1]), text.strip(), sep=":\n")
    if what == "known":
        with open(KNOWN, "w", encoding="utf-8") as f:
            f.write("# What clang-analyzer-core says and is known to be wrong or harmless. Nothing is to be added.\n")
            f.write("".join(line + "\n" for line in sorted(all_found)))
        return 0
    print(f"{what}: {len(rows)} files, {bad} with something to say")
    return 1 if bad or (len(rows) < 200 and not sys.argv[3:]) else 0


if __name__ == "__main__":
    sys.exit(main())
