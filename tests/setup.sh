#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what FetaFix needs on Debian 12 (as root, or through sudo). Nothing happens when all of it is there.
# `setup.sh build` is what building and running needs; `setup.sh test` adds what the tests need.
set -eu

build='gcc libc6-dev make meson ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev
    libncurses-dev libpng-dev zlib1g-dev libjpeg-dev libgsl-dev libreadline-dev libdnnl-dev libsqlite3-dev
    libjansson-dev nettle-dev libhdf5-dev ncurses-term'
test='libcmocka-dev libvterm-dev libonnx-testdata python3 python3-h5py python3-onnx tmux mandoc zsh fish
    libopenmpi-dev openmpi-bin clang-14 clang-tidy-14
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross'

case "${1:-build}" in
build) wanted=$build ;;
test) wanted="$build $test" ;;
*) echo "usage: setup.sh [build|test]" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)" in
    'install ok installed') ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup.sh: needs root or sudo to install:$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "installing:$missing" >&2
$as_root apt-get update -qq >&2
# shellcheck disable=SC2086  # a list of names
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >&2 </dev/null
