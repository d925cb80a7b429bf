#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From a fresh Debian 12 to a repaired model: installs what is needed, builds, and opens the explorer
# on the shipped sample. Without a terminal the sample is repaired in one go and the result printed.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
sh tests/setup.sh build
[ -f build/build.ninja ] || meson setup build --buildtype=release >build.log 2>&1 || { cat build.log >&2; exit 1; }
[ -f build/samples/samples.stamp ] || echo "building FetaFix and its samples, a minute or two" >&2
ninja -C build fetafix samples/samples.stamp >build.log 2>&1 || { cat build.log >&2; exit 1; }
rm -f build.log

samples=build/samples
set -- "$samples/demo/source.onnx" "$samples/demo/target.onnx" --images "$samples/images.txt" \
    --validate "$samples/validate.txt" --labels "$samples/labels.txt" \
    --source-pre tf-imagenet --target-pre tf-imagenet "$@"
if [ -t 0 ] && [ -t 1 ]; then
    exec build/fetafix explore "$@"
fi
exec build/fetafix repair "$@" -o build/repaired.onnx --force
