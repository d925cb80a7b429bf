#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# install.sh FOLDER PLACE: the generated pictures, lists and cases, into PLACE under the prefix.
set -eu
case $2 in
/*) to=${DESTDIR:-}$2 ;;
*) to=$MESON_INSTALL_DESTDIR_PREFIX/$2 ;;
esac
mkdir -p "$to"
cd "$1"
for one in images validate images.txt validate.txt labels.txt; do
    [ ! -e "$one" ] || cp -R "$one" "$to/"
done
for case in */case.json; do
    mkdir -p "$to/${case%/*}"
    cp "${case%/*}"/*.onnx "$case" "$to/${case%/*}/"
done
