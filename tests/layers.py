#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails when an include points backwards in the order of the layers, or round in a circle.

    layers.py ROOT LAYER...      the layers in their order
    layers.py --compile ROOT CC ARGUMENT...   each public header compiles alone

Rules: a layer includes the public headers of itself and of layers before it, and private headers of its
own folder; ui/ includes base, session and command only, and its own private headers. A layer's public
headers are LAYER.h, which opens with its story, and LAYER_PART.h. In the folders of ACYCLIC no file reads,
by the headers named after them, another one that reads it.
"""
import os
import re
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
# Private headers that another layer may read, by reader.
SHARED = {"repair": {"faults/hint.h", "faults/strategy.h"}}
UI = {"base", "session", "command"}
ACYCLIC = {"report", "lessons", "command", "program"}


def sources(folder):
    for base, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.join(base, name)


def includes(path):
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
    return INCLUDE.findall(text)


def layer_of(name, layers):
    """The layer of a public header, by its name without the end."""
    return name if name in layers else name.split("_")[0]


def circles(root, layer):
    """Files of a folder that read one another, as lists of their names."""
    folder, reads = os.path.join(root, "src", layer), {}
    for path in sources(folder):
        stem = os.path.relpath(path, os.path.join(root, "src"))[:-2]
        reads.setdefault(stem, set()).update(h[:-2] for h in includes(path) if h[:-2] != stem)
    found, done = [], set()

    def visit(stem, way):
        if stem in way:
            found.append(way[way.index(stem):] + [stem])
        elif stem in reads and stem not in done:
            for other in sorted(reads[stem]):
                visit(other, way + [stem])
            done.add(stem)

    for stem in sorted(reads):
        visit(stem, [])
    return found


def wrong_public(layers, layer, header):
    """What is wrong with a header under fetafix/, seen from a layer; None when nothing is."""
    name = layer_of(header[len("fetafix/"):-len(".h")], layers)
    if name not in layers:
        return "no such layer"
    if layers.index(name) > layers.index(layer):
        return f"{layer} comes before {name}"
    return None


def check(root, layers):
    wrong, seen = [], 0

    def complain(path, header, why):
        wrong.append(f'{os.path.relpath(path, root)}: #include "{header}": {why}')

    for path in sources(os.path.join(root, "include", "fetafix")):
        layer = layer_of(os.path.basename(path)[:-2], layers)
        seen += 1
        if layer not in layers:
            wrong.append(f"{os.path.relpath(path, root)}: a public header of no layer")
            continue
        for header in includes(path):
            if not header.startswith("fetafix/"):
                complain(path, header, "a public header includes public headers only")
            elif (why := wrong_public(layers, layer, header)):
                complain(path, header, why)

    for layer in layers:
        for path in sources(os.path.join(root, "src", layer)):
            seen += 1
            for header in includes(path):
                if header.startswith("fetafix/"):
                    if (why := wrong_public(layers, layer, header)):
                        complain(path, header, why)
                elif "/" in header:
                    owner = header.split("/")[0]
                    if owner in layers and owner != layer and header not in SHARED.get(layer, ()):
                        complain(path, header, f"private to {owner}")
                    elif owner == ".." or owner == "ui":
                        complain(path, header, "outside the layer")

    for layer in sorted(ACYCLIC.intersection(layers)):
        wrong += ["a circle: " + " -> ".join(way) for way in circles(root, layer)]

    for path in sources(os.path.join(root, "ui")):
        seen += 1
        for header in includes(path):
            owner = header.split("/")[0]
            if header.startswith("fetafix/"):
                if header[len("fetafix/"):-2] not in UI:
                    complain(path, header, "ui knows base, session and command only")
            elif owner in layers and "/" in header:
                complain(path, header, f"private to {owner}")
    return wrong, seen


def broken_banners(root):
    """A line of dashes with words is one line: formatters have torn them apart."""
    wrong = []
    for folder in ("include", "src", "ui", "samples", "man", "tests"):
        for path in sources(os.path.join(root, folder)):
            with open(path, encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    if re.match(r"\s*/\* -{10,}(?!.*\*/)", line):
                        wrong.append(f"{os.path.relpath(path, root)}:{number}: a banner is torn over several lines")
    return wrong


def compile_headers(root, compiler):
    wrong = []
    for path in sources(os.path.join(root, "include", "fetafix")):
        name = "fetafix/" + os.path.basename(path)
        with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
            f.write(f'#include "{name}"\n#include "{name}"\n')
            f.flush()
            run = subprocess.run(
                compiler + ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                            "-I", os.path.join(root, "include"), f.name],
                capture_output=True, text=True)
        if run.returncode:
            wrong.append(f"{name} does not compile alone:\n{run.stderr}")
    return wrong


def self_test():
    """The checker itself must see what it is for."""
    layers = ["base", "model", "session"]
    with tempfile.TemporaryDirectory() as root:
        def put(path, text):
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        put("include/fetafix/base.h", '/* #include "fetafix/model.h" */\n')
        put("include/fetafix/model.h", '#include "fetafix/base.h"\n')
        put("src/model/a.c", '#include "model/own.h"\n#include "fetafix/base.h"\n')
        put("ui/a.c", '#include "fetafix/session.h"\n#include "ui/view.h"\n')
        assert check(root, layers)[0] == [], check(root, layers)
        for path, text in (("include/fetafix/base.h", '#include "fetafix/model.h"\n'),
                           ("include/fetafix/odd.h", "\n"),
                           ("src/base/b.c", '#  include "fetafix/session.h"\n'),
                           ("src/model/b.c", '#include "base/private.h"\n'),
                           ("ui/b.c", '#include "fetafix/model.h"\n'),
                           ("ui/c.c", '#include "model/own.h"\n'),
                           ("src/report/a.c", '#include "report/b.h"\n'),
                           ("src/report/a.h", "\n"),
                           ("src/report/b.c", '#include "report/a.h"\n')):
            put(path, text)
        put("src/base/c.c", "/* ------------------ torn\n */\n/* ------------------- whole */\n")
        assert len(broken_banners(root)) == 1
        found = check(root, layers + ["report"])[0]
        assert len(found) == 7, found


def main():
    self_test()
    if sys.argv[1] == "--compile":
        wrong = compile_headers(sys.argv[2], sys.argv[3:])
    else:
        wrong, seen = check(sys.argv[1], sys.argv[2:])
        wrong += broken_banners(sys.argv[1])
        if seen < 20:
            wrong.append(f"only {seen} files were seen")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
