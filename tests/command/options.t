# What each option does where no other transcript tries it.

$ printf "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset target-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset images photos\nset quiet\n" > pre
$ fetafix --version | sed -E 's/[0-9]+(\.[0-9]+)+/N/g; s/onednn.*/onednn/; s/, (mpi|ompi|mpich|hdf5)[^,]*//g'
fetafix N
kernels: onednn
libraries: ncursesw N, nettle N, libprotobuf-c N, libpng N, zlib N, libjpeg N, gsl N, sqlite3 N, jansson N, readline N
$ fetafix compare source.onnx target.onnx --config pre --source-output scores --target-output scores
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
[1]
$ fetafix compare source.onnx target.onnx --config pre --source-output nowhere
fetafix: the model has no value 'nowhere'
[2]
$ fetafix compare source.onnx target.onnx --config pre --target-output nowhere
fetafix: the model has no value 'nowhere'
[2]
$ fetafix compare source.onnx target.onnx --config pre --reference --threads 1 --memory 64M
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
[1]
$ fetafix localize source.onnx target.onnx --config pre --core-ops Gemm --causal no --json - | grep -c '"rank":'
1
$ fetafix localize source.onnx target.onnx --config pre --core-ops Conv,Gemm --causal yes --json - | grep -c '"causal": [0-9]'
7
$ fetafix localize source.onnx target.onnx --config pre --core-ops Conv,Gemm --causal no --json - | grep -c '"causal": [0-9]'
0
[1]
$ fetafix localize source.onnx target.onnx --config pre --analysis paper --seed 1 --json a.json >/dev/null; fetafix localize source.onnx target.onnx --config pre --analysis paper --seed 1 --json b.json >/dev/null; cmp a.json b.json && echo the same
the same
$ fetafix localize source.onnx target.onnx --config pre --equivalences | tail -2
     6      2     0.1057     0.4167     0.1642          0    0.01678  Conv_1
     7      7          0          1     0.2179          0    0.01764  Gemm_0
$ fetafix repair source.onnx target.onnx --config pre --strategy paper --rounds 1 --output paper.onnx
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps
6 faults, 0 equivalent rewrites
  WB   repaired     essential  weight of 'Conv_0' differ (12.5% off)
  WB   repaired     essential  weight of 'Conv_1' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_2' differ (11.7% off)
  WB   repaired     essential  weight of 'Conv_3' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_4' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_5' differ (12% off)
saved paper.onnx
$ fetafix repair source.onnx target.onnx --config pre --strategy full -o full.onnx
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps
6 faults, 0 equivalent rewrites
  WB   repaired     essential  weight of 'Conv_0' differ (12.5% off)
  WB   repaired     essential  weight of 'Conv_1' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_2' differ (11.7% off)
  WB   repaired     essential  weight of 'Conv_3' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_4' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_5' differ (12% off)
saved full.onnx
$ fetafix repair source.onnx target.onnx --config pre --keep-quantized -o kept.onnx --quiet
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps
6 faults, 0 equivalent rewrites
  WB   repaired     essential  weight of 'Conv_0' differ (12.5% off)
  WB   repaired     essential  weight of 'Conv_1' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_2' differ (11.7% off)
  WB   repaired     essential  weight of 'Conv_3' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_4' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_5' differ (12% off)
saved kept.onnx
$ fetafix bench source.onnx --config pre --limit 4 | grep -c -E '^(run|load|peak) '
3
$ fetafix explore source.onnx target.onnx --config pre -o explored.onnx; cmp full.onnx explored.onnx
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps
6 faults, 0 equivalent rewrites
  WB   repaired     essential  weight of 'Conv_0' differ (12.5% off)
  WB   repaired     essential  weight of 'Conv_1' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_2' differ (11.7% off)
  WB   repaired     essential  weight of 'Conv_3' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_4' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_5' differ (12% off)
saved explored.onnx
$ printf 'localize\nevaluate\nevaluate 2\nevaluate none\nvalidate\nreport | head -2\nreport a.json\nreport a.json --force\nreport a.html\npre-into-graph\n' | fetafix repl source.onnx target.onnx --config pre; head -c 15 a.html
better: wrong 11
better: wrong 10
fetafix: there is no open repair 'none'; see `proposals`
fetafix: no validation images are given (--validate DIR|LIST)
{
  "schema": "fetafix-report/1",
fetafix: 'a.json' exists; --force overwrites
<!DOCTYPE html>
$ printf 'validate\n' | fetafix script - source.onnx target.onnx --config pre --validate validation; printf 'validate\nstatus | grep -v takes\n' | fetafix script - source.onnx target.onnx --config pre --validate photos --limit 5
validation: 9 of 30 labels differ, 9 at first
validation: 12 of 60 labels differ, 12 at first
state 0: 2 of 5 labels differ, 2 at first
validation: 12 of 60 labels differ, 12 at first

# Options that a command has no use for are refused.

$ for verb in explain inspect apply; do fetafix $verb --threads 2; fetafix $verb --memory 1G; fetafix $verb --reference; done
fetafix: --threads does not go with 'explain'
fetafix: --memory does not go with 'explain'
fetafix: --reference does not go with 'explain'
fetafix: --threads does not go with 'inspect'
fetafix: --memory does not go with 'inspect'
fetafix: --reference does not go with 'inspect'
fetafix: --threads does not go with 'apply'
fetafix: --memory does not go with 'apply'
fetafix: --reference does not go with 'apply'
[2]
$ fetafix explore a b c; fetafix explore a --images photos; fetafix localize; fetafix repair x.onnx y.onnx; fetafix matrix; fetafix bench; fetafix repl one.onnx; fetafix explain PP ID; fetafix teach a b
fetafix: two models are needed: fetafix explore SOURCE TARGET --images DIR|LIST
fetafix: two models are needed: fetafix explore SOURCE TARGET --images DIR|LIST
fetafix: two models are needed: fetafix localize SOURCE TARGET --images DIR|LIST
fetafix: no images are given (--images DIR|LIST, or --input NPZ)
fetafix: two or more models are needed: fetafix matrix MODEL...
fetafix: expected: fetafix bench MODEL, or SOURCE TARGET --images ...
fetafix: two models are needed: fetafix repl SOURCE TARGET --images DIR|LIST
fetafix: expected: fetafix explain [TYPE | CAUSE]
fetafix: expected: fetafix teach [LESSON]
[2]
