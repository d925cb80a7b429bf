# Gates: how much may be wrong, and conditions that scripts rely on.

$ echo "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'" > pre; echo "set target-pre 'size=16x16 scale=127.5 mean=1,1,1'" >> pre
$ fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong 12 | tail -1
fetafix: passes: 12 of 60 wrong, --max-wrong 12 allows 12
12 of 60 labels differ (20.00%)
$ fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong 12 >/dev/null
fetafix: passes: 12 of 60 wrong, --max-wrong 12 allows 12
$ fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong 11 >/dev/null
fetafix: fails: 12 of 60 wrong, --max-wrong 11 allows 11
fetafix: would pass at --max-wrong 12, or 20%
[1]
$ fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong 20% >/dev/null
fetafix: passes: 12 of 60 wrong, --max-wrong 20% allows 12
$ fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong 19.9% >/dev/null
fetafix: fails: 12 of 60 wrong, --max-wrong 19.9% allows 11
fetafix: would pass at --max-wrong 12, or 20%
[1]
$ fetafix localize source.onnx target.onnx --images photos --config pre --max-wrong 50% --quiet | head -3
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
$ for n in -1 101% x 1.5 % 5%% 0x2% ''; do fetafix compare source.onnx target.onnx --images photos --config pre --max-wrong "$n"; echo $?; done
fetafix: --max-wrong: '-1' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '101%' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: 'x' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '1.5' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '%' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '5%%' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '0x2%' is not a count, or a share as 1.5%
2
fetafix: --max-wrong: '' is not a count, or a share as 1.5%
2
$ printf 'assert wrong = 12\nassert faults > 0 and open = faults\nstatus\nassert wrong <= images / 100\nundo\n' > gate
$ fetafix script gate source.onnx target.onnx --images photos --config pre
state 0: 12 of 60 labels differ, 12 at first, distance 0.216
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: WB:Conv_3/weight
fetafix: assert: not so: wrong <= images / 100 (12 of 60 wrong, 12 at first)
fetafix: gate:4: ended here
[1]
$ printf 'assert wrong = 0\nassert wrong = 12\n' | fetafix repl source.onnx target.onnx --images photos --config pre
fetafix: assert: not so: wrong = 0 (12 of 60 wrong, 12 at first)
[1]
$ printf 'assert wrnog = 0\n' | fetafix repl source.onnx target.onnx --images photos --config pre
fetafix: query: no such column: wrnog; did you mean 'wrong'?
[2]
$ printf 'repair\nassert wrong = 0 and initial = 12\nassert (select count(*) from findings where status = '"'open'"') = open\n' | fetafix repl source.onnx target.onnx --images photos --config pre --quiet
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
accepted: wrong 11 -> 9: replace the weight of 'Conv_0' by the Source's
accepted: wrong 9 -> 8: replace the weight of 'Conv_2' by the Source's
rejected: replace the weight of 'Conv_4' by the Source's: at least 8 wrong after 13 of 60 images
accepted: wrong 8 -> 7: replace the weight of 'Conv_5' by the Source's
accepted: wrong 7 -> 3: replace the weight of 'Conv_1' by the Source's
accepted: wrong 3 -> 0: replace the weight of 'Conv_4' by the Source's
$ printf 'nonsense\nassert wrong = 0\n' | fetafix repl source.onnx target.onnx --images photos --config pre
fetafix: unknown command 'nonsense'; see `help`
fetafix: assert: not so: wrong = 0 (12 of 60 wrong, 12 at first)
[2]
$ printf 'assert wrong = 0\n' | fetafix repl
fetafix: no case is open: give SOURCE TARGET --images DIR|LIST
[2]
