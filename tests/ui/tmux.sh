#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The explorer in a real terminal (tmux), driven by keys as a person presses them: open a conversion, take a
# repair, undo and redo it, resize, repair to the end, save, quit. `tmux.sh FETAFIX SAMPLES`
set -eu
fetafix=$1
samples=$2
command -v tmux >/dev/null || exit 77

work=$(mktemp -d)
export TMUX_TMPDIR="$work"
unset TMUX
finish() {
    tmux -L fetafix kill-server 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT INT TERM

press() {
    tmux -L fetafix send-keys -t main "$@"
}

screen() {
    tmux -L fetafix capture-pane -p -t main
}

# wait_for REGEX: polls the screen until it shows.
wait_for() {
    tries=0
    until screen | grep -Eq -- "$1"; do
        tries=$((tries + 1))
        if [ $tries -gt 3000 ]; then
            echo "tmux.sh: never seen: $1" >&2
            screen >&2
            exit 1
        fi
        sleep 0.1
    done
    echo "seen: $1"
}

tmux -L fetafix -f /dev/null new-session -d -s main -x 120 -y 40 \
    "'$fetafix' explore '$samples/demo/source.onnx' '$samples/demo/target.onnx' --images '$samples/images.txt' \
    --source-pre tf-imagenet --target-pre tf-imagenet --session '$work/case.fetafix'; echo left with \$?; exec cat"

wait_for 'wrong 17 \(14\.2%\)'
wait_for 'Next +[A-Z]+ '
wait_for 'engine: idle'
press a
wait_for 'wrong 17 [^0-9]+ ?[0-9]+ '
press u
wait_for 'wrong 17 \(14\.2%\)'
press C-r
wait_for 'wrong 17 [^0-9]+ ?[0-9]+ '
tmux -L fetafix resize-window -t main -x 80 -y 24
wait_for 'help'
press A
wait_for 'wrong 17 [^0-9]+ ?0 '
tmux -L fetafix resize-window -t main -x 160 -y 50
wait_for 'wrong 17 [^0-9]+ ?0 '
press :
press -l "save $work/repaired.onnx"
press Enter
wait_for "saved '|is written"
[ -s "$work/repaired.onnx" ] || { echo "tmux.sh: nothing was saved" >&2; exit 1; }
press q
wait_for 'left with 0'

# What was saved agrees with the Source, and the session says the same when it is opened again.
"$fetafix" compare "$samples/demo/source.onnx" "$work/repaired.onnx" --images "$samples/images.txt" \
    --source-pre tf-imagenet --target-pre tf-imagenet --quiet >/dev/null
"$fetafix" repair "$samples/demo/source.onnx" "$samples/demo/target.onnx" --images "$samples/images.txt" \
    --source-pre tf-imagenet --target-pre tf-imagenet --session "$work/case.fetafix" -o "$work/again.onnx" --quiet >/dev/null
cmp "$work/repaired.onnx" "$work/again.onnx"
