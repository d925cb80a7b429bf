# A case from comparing to the repaired file.

$ echo "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'" > pre; echo "set target-pre 'size=16x16 scale=127.5 mean=1,1,1'" >> pre
$ fetafix compare source.onnx target.onnx --images photos --config pre
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
[1]
$ fetafix compare source.onnx source.onnx --images photos --config pre
Source  source.onnx  (opset 13, small_case)
Target  source.onnx  (opset 13, small_case)
0 of 60 labels differ (0.00%)
$ fetafix compare source.onnx target.onnx --images photos --config pre --verbose --limit 20 --validate validation.txt
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
5 of 20 labels differ (25.00%)
  002.png  source 3  target 4
  003.png  source 3  target 4
  010.png  source 0  target 3
  014.png  source 3  target 4
  019.png  source 3  target 0
validation: 9 of 30 labels differ, 9 at first, 0 got worse
[1]
$ fetafix compare source.onnx target.onnx --images photos --config pre --comparator top-k:2
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
4 of 60 labels are missed (6.67%)
[1]
$ fetafix compare source.onnx target.onnx --images photos --config pre --comparator tolerance:abs=0.05,rel=0.05
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
59 of 60 outputs are out of tolerance (98.33%)
[1]
$ fetafix compare source.onnx target.onnx --images photos --config pre --comparator toleranze
fetafix: no comparator 'toleranze'; did you mean 'tolerance'? (there are top-1, top-k, kendall, map, offset, tolerance, values, cosine, sqnr, argmax, bleu, boxes, program)
[2]
$ fetafix compare source.onnx target.onnx --images photos --config pre --comparator cosine:min=2
fetafix: comparator cosine: min=2 is not a number from -1 to 1
[2]
$ fetafix compare source.onnx target.onnx --images photos --config pre --json - | head -20
{
  "schema": "fetafix-report/1",
  "source": {
    "path": "source.onnx",
    "sha256": "5304cb8424f078a5d39aab3e11e4392dbceb4ab5593e664e72a8fbdba8550c41",
    "opset": 13,
    "producer": "small_case"
  },
  "target": {
    "path": "target.onnx",
    "sha256": "08a4806b9b4b92c44f16a893d11e3f1817b0b66a5287013153bd7b22d6bd2536",
    "opset": 13,
    "producer": "small_case",
    "error": null,
    "repaired_sha256": "08a4806b9b4b92c44f16a893d11e3f1817b0b66a5287013153bd7b22d6bd2536"
  },
  "images": 60,
  "comparator": "top-1",
  "class_offset": 0,
  "preprocessing": {
$ fetafix compare source.onnx target.onnx --images photos --limit 3
fetafix: Source: preprocessing guessed (its layout is NCHW, torch's): size=short:18 resize=bilinear antialias=on crop=16x16 order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto
fetafix: Target: preprocessing guessed (its layout is NCHW, torch's): size=short:18 resize=bilinear antialias=on crop=16x16 order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
0 of 3 labels differ (0.00%)
$ fetafix localize source.onnx target.onnx --images photos.txt --config pre
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
6 faults, 0 equivalent rewrites
  WB   weight of 'Conv_0' differ (12.5% off)
  WB   weight of 'Conv_1' differ (11.8% off)
  WB   weight of 'Conv_2' differ (11.7% off)
  WB   weight of 'Conv_3' differ (11.8% off)
  WB   weight of 'Conv_4' differ (11.8% off)
  WB   weight of 'Conv_5' differ (12% off)
  group:WB:different: all 6 repairs of the cause 'different'
the models part at 'Conv_0' (L1): 14.3% off on '002.png' (found in 5 runs)
error along the network, layers 1 to 7
  entire    ▄▅▆▇██▆  to 0.301
  isolated  █▆▇█▇▇▁  to 0.138
most suspicious layers
  rank  layer   isolated     causal     entire         kw     effect  node
     1      4     0.1381       0.75     0.2726          0    0.01508  Conv_3
     2      1     0.1348     0.1667     0.1348   0.006966    0.01857  Conv_0
     3      3     0.1229     0.3333     0.2142          0    0.01711  Conv_2
     4      5     0.1229     0.8333     0.2921          0    0.01591  Conv_4
     5      6     0.1224          1     0.3008          0    0.01216  Conv_5
     6      2     0.1057     0.4167     0.1642          0    0.01678  Conv_1
     7      7          0          1     0.2179          0    0.01764  Gemm_0
[1]
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o repaired.onnx --json report.json --labels-csv labels.csv --patch repair.patch --validate validation
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
validation: 0 of 30 labels differ, 9 at first, 0 got worse
saved repaired.onnx
$ fetafix compare source.onnx repaired.onnx --images photos --config pre
Source  source.onnx  (opset 13, small_case)
Target  repaired.onnx  (opset 13, small_case)
0 of 60 labels differ (0.00%)
$ head -3 labels.csv | cut -d, -f1-6
image,source1,source2,source3,source4,source5
000.png,4,3,7,6,8
001.png,3,2,4,7,0
$ fetafix apply repair.patch target.onnx -o applied.onnx && cmp applied.onnx repaired.onnx && echo same
6 edits, saved applied.onnx
same
$ fetafix apply repair.patch source.onnx -o other.onnx
fetafix: 'source.onnx' is not the model that 'repair.patch' was made for
[3]
$ fetafix apply photos.txt target.onnx -o other.onnx
fetafix: 'photos.txt' is not a repair that FetaFix wrote
[3]
# Nothing is overwritten, and no work is done before that is said.
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o repaired.onnx
fetafix: 'repaired.onnx' exists; --force overwrites it
[2]
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o ./source.onnx --force
fetafix: './source.onnx' is read here: it is not overwritten
[2]
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o new.onnx --json new.onnx
fetafix: 'new.onnx' is to be written twice
[2]
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o no/where.onnx
fetafix: 'no/where.onnx' cannot be written: No such file or directory
[2]
# The same input gives the same bytes.
$ fetafix repair source.onnx target.onnx --images photos.txt --config pre -o again.onnx --json again.json --threads 1 --validate validation -q > /dev/null; cmp again.json report.json && cmp again.onnx repaired.onnx && echo same
same
# A session takes up where it was.
$ fetafix localize source.onnx target.onnx --images photos --config pre --session s.fetafix -q | head -3
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
$ fetafix repair --session s.fetafix -q | head -3
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps
$ fetafix compare source.onnx repaired.onnx --images photos --config pre --session s.fetafix
fetafix: session 's.fetafix' is about another Target than 'repaired.onnx'
[3]
$ fetafix repair target.onnx source.onnx --session photos.txt
fetafix: 'photos.txt' is not a FetaFix session
[3]
# Without a terminal the explorer does what repair does.
$ fetafix source.onnx target.onnx --images photos --config pre | head -3
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 12 -> 0 of 60 images (20.00% -> 0.00%) in 6 steps

# The preprocessing written into the graph: the repaired file is right with what the Target was fed at first.
$ fetafix repair source.onnx target.onnx --images photos --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 order=bgr' --pre-into-graph -o folded.onnx -q > /dev/null; fetafix compare source.onnx folded.onnx --images photos --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 order=bgr' -q
Source  source.onnx  (opset 13, small_case)
Target  folded.onnx  (opset 13, small_case)
0 of 60 labels differ (0.00%)
$ fetafix repair source.onnx target.onnx --images photos --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 resize=nearest' --pre-into-graph -o unfolded.onnx -q
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
wrong 23 -> 0 of 60 images (38.33% -> 0.00%) in 7 steps
7 faults, 0 equivalent rewrites
  PP   repaired     essential  the Target's pixels are prepared differently: scale, mean or deviation, resize kernel
  WB   repaired     essential  weight of 'Conv_0' differ (12.5% off)
  WB   repaired     essential  weight of 'Conv_1' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_2' differ (11.7% off)
  WB   repaired     essential  weight of 'Conv_3' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_4' differ (11.8% off)
  WB   repaired     essential  weight of 'Conv_5' differ (12% off)
the Target wants this preprocessing:
  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto
saved unfolded.onnx
fetafix: --pre-into-graph: the preprocessing cannot be written into the graph: it differs in more than scale, mean, deviation and channel order
[2]

# Each fault as a bundle for whoever makes the converter.
$ fetafix localize source.onnx target.onnx --images photos.txt --config pre --repro bundles | grep bundles; $REPRO bundles
bundles/01-WB-different: 1 node, 0.148 off: weight of 'Conv_0' differ (12.5% off)
bundles/02-WB-different: 1 node, 0.114 off: weight of 'Conv_1' differ (11.8% off)
bundles/03-WB-different: 1 node, 0.128 off: weight of 'Conv_2' differ (11.7% off)
bundles/04-WB-different: 1 node, 0.145 off: weight of 'Conv_3' differ (11.8% off)
bundles/05-WB-different: 1 node, 0.134 off: weight of 'Conv_4' differ (11.8% off)
bundles/06-WB-different: 1 node, 0.129 off: weight of 'Conv_5' differ (12% off)
01-WB-different is sound
02-WB-different is sound
03-WB-different is sound
04-WB-different is sound
05-WB-different is sound
06-WB-different is sound

$ fetafix localize source.onnx target.onnx --images photos.txt --config pre --repro bundles -q
fetafix: 'bundles' is not empty; --force writes into it
[2]

$ printf 'repro one WB:Conv_2/weight\nrepro one nothing --force\n' > tour; fetafix script tour source.onnx target.onnx --images photos --config pre -q; ls one one/*
one/03-WB-different: 1 node, 0.128 off: weight of 'Conv_2' differ (11.7% off)
fetafix: tour:2: there is no open fault 'nothing'
one:
03-WB-different
.
one/03-WB-different:
fault.txt
model.onnx
repaired.onnx
test_data_set_0
$ fetafix localize source.onnx target.onnx --images photos --config pre --core-ops Convv
fetafix: --core-ops: 'Convv' is no operator; did you mean 'Conv'?
[2]
$ fetafix localize source.onnx target.onnx --images photos --config pre --core-ops Relu --limit 10 | tail -3
     4      4          0        0.5     0.2488   0.007292     0.1085  Relu:relu3
     5      5          0        0.5      0.279          0    0.08823  Relu:relu4
     6      6          0          1     0.2615          0    0.08334  Relu:relu5

# What is in the validation images may be given: as a folder for each class, or behind each path. Here it is what the
# Target said at first, so that the repair, which is right about the Source, is wrong about the truth: that is said.
$ fetafix run target.onnx --images validation --pre 'size=16x16 scale=127.5 mean=1,1,1' --format csv -q | awk -F, 'NR > 1 {print "validation/" $1 "\t" $2}' | head -20 > truth.txt; head -2 truth.txt
validation/000.png	4
validation/001.png	0

$ fetafix repair source.onnx target.onnx --images photos --config pre --validate truth.txt -o helped.onnx --json harm.json -q | tail -4; grep -A 6 '"accuracy"' harm.json; grep -c '"harm": "the repair' harm.json
validation: 0 of 20 labels differ, 5 at first, 0 got worse
accuracy on 20 of them: Source 75.00%, Target 100.00% at first, 75.00% now
the repair leaves 0 wrong of 12 on the images and harms the validation images: 15 right, 20 at first; most by step 5 (1 -> 2 wrong): replace the weight of 'Conv_1' by the Source's
saved helped.onnx
    "accuracy": {
      "images": 20,
      "source": 0.75,
      "initial": 1.0,
      "final": 0.75
    }
  },
1

$ mkdir -p byclass/red byclass/4; cp validation/000.png byclass/red/; cp validation/001.png validation/002.png byclass/4/; printf 'zero\none\ntwo\nred thing\nfour\n' > classes; fetafix compare source.onnx target.onnx --images photos --config pre --validate byclass --labels classes
Source  source.onnx  (opset 13, small_case)
Target  target.onnx  (opset 13, small_case)
12 of 60 labels differ (20.00%)
validation: 1 of 3 labels differ, 1 at first, 0 got worse
accuracy on 3 of them: Source 66.67%, Target 33.33% at first, 33.33% now
[1]

$ fetafix compare source.onnx target.onnx --images photos --config pre --validate byclass
fetafix: --validate: '000.png' is said to be 'red', which is no number; --labels FILE names the classes
[3]
