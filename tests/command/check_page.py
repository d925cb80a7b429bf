#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a report page as XML and says what is in it; refuses scripts, links and anything from elsewhere.

    check_page.py PAGE
"""
import base64
import sys
import xml.etree.ElementTree as tree

with open(sys.argv[1], encoding='utf-8') as f:
    text = f.read()
root = tree.fromstring(text.encode())
for e in root.iter():
    assert e.tag not in ('script', 'link', 'a', 'iframe', 'object', 'embed', 'form', 'base'), e.tag
    for name, value in e.attrib.items():
        assert not name.startswith('on') and name != 'href', name
        assert name != 'src' or value.startswith('data:image/png;base64,'), value[:40]
assert all(c >= ' ' or c == '\n' for c in text), 'a control character'
assert 'url(' not in text and '@import' not in text and '://' not in text
pictures = [base64.b64decode(e.get('src').split(',')[1]) for e in root.iter('img')]
assert all(p.startswith(b'\x89PNG') for p in pictures)
for e in root.iter('h2'):
    print(e.text)
for e in root.iter('p'):
    print(' '.join(''.join(e.itertext()).split()))
    break
print(sum(e.get('class') == 'fault' for e in root.iter()), 'faults', len(pictures), 'pictures', len(list(root.iter('svg'))), 'figures')
for e in list(root.iter('figcaption'))[:3]:
    print(' | '.join(' '.join(part.split()) for part in e.itertext() if part.strip()))
