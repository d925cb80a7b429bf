#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From a fresh Debian 12 to a repaired model: installs what is needed, builds, and opens the explorer
# on the shipped sample. Without a terminal the sample is repaired in one go and the result printed.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
sh tests/setup.sh build
[ -f build/build.ninja ] || meson setup build --buildtype=release >build.log 2>&1 || { cat build.log >&2; exit 1; }
ninja -C build >build.log 2>&1 || { cat build.log >&2; exit 1; }
rm -f build.log

demo=build/samples/demo
if [ -t 0 ] && [ -t 1 ]; then
    exec build/fetafix explore $demo/source.onnx $demo/target.onnx --images $demo/images.txt
fi
exec build/fetafix repair $demo/source.onnx $demo/target.onnx --images $demo/images.txt \
    --validate $demo/validate.txt -o build/repaired.onnx --force "$@"
