#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs, builds and tests everything; the last line is `N passed, N failed`.
#
#   tests/run.sh            all suites, all of them again under the address and undefined sanitizers, and what other
#                           compilers say: clang builds it, every file compiles for aarch64; each counts as one test
#   tests/run.sh --quick    all suites once
#
# Builds into build-test/ and build-asan/ of the source tree. Warnings are errors.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
quick=no
[ "${1:-}" != --quick ] || quick=yes

sh tests/setup.sh test

passed=0
failed=0

# suite FOLDER SETUP-OPTION...: configures, builds, runs; adds to the counts.
suite() {
    folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        meson setup --reconfigure "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    else
        meson setup "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    fi
    ninja -C "$folder" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    meson test -C "$folder" --no-rebuild --timeout-multiplier 4 --print-errorlogs 2>&1 | tee "$folder.log" || true
    passed=$((passed + $(count "$folder.log" 'Ok') + $(count "$folder.log" 'Expected Fail')))
    failed=$((failed + $(count "$folder.log" 'Fail') + $(count "$folder.log" 'Timeout') +
        $(count "$folder.log" 'Unexpected Pass')))
    rm -f "$folder.log"
}

count() {
    n=$(sed -n "s/^$2: *\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1)
    echo "${n:-0}"
}

# check NAME COMMAND...: a test that is not meson's.
check() {
    name=$1
    shift
    if "$@" >"build-test/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "$name: OK"
    else
        failed=$((failed + 1))
        cat "build-test/$name.log"
        echo "$name: FAIL"
    fi
}

build_with_clang() {
    [ -f build-clang/build.ninja ] || CC=clang-14 meson setup build-clang -Dwerror=true
    ninja -C build-clang
}

suite build-test -Dwerror=true
if [ $quick = no ]; then
    ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:allocator_may_return_null=1 \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        suite build-asan -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false
    check clang build_with_clang
    check arm64 python3 tests/compilers.py arm64 build-test
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
