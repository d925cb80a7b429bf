# Verbs of the shell that ask of models, asked from within a case: in a script, in the REPL, without a case.

$ printf "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset target-pre 'size=16x16 scale=127.5 mean=1,1,1'\n" > pre
$ printf 'compare\ncompare source target target.onnx\naccept 1\ncompare 0 1\ncompare source target target.onnx\nmatrix --limit 10\nrun source --limit 2\nrun --limit 1 --json\n' > ask; fetafix script ask source.onnx target.onnx --images photos --config pre
Source  source.onnx  (opset 13, small_case)
rank  wrong  percent  producer    opset  path
   1     12       20  small_case     13  target
labels that differ from the Source's, of 60 images
Source  source.onnx  (opset 13, small_case)
rank  wrong  percent  producer    opset  path
   1     12       20  small_case     13  target
   1     12       20  small_case     13  target.onnx
labels that differ from the Source's, of 60 images
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
states
state  wrong  distance  step  summary                                         preprocessing
    0     12    0.2157     0  as it came                                      size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto
    1     11    0.1737     1  replace the weight of 'Conv_3' by the Source's  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto
.
images
image  name     source  a  b  right
   22  022.png       0  3  0  b
   30  030.png       3  4  3  b
   36  036.png       3  4  3  b
   55  055.png       3  3  0  a
   56  056.png       3  3  4  a
.
edits
state  edit
    1  set initializer 'layer3.weight' to float32[12,12,3,3]
Source  source.onnx  (opset 13, small_case)
rank  wrong  percent  producer    opset  path
   1     11    18.33  small_case     13  target
   2     12       20  small_case     13  target.onnx
labels that differ from the Source's, of 60 images
model  1  2  path
    1  0  2  source.onnx
    2  2  0  target
labels that differ, of 10 images
image    label  name   margin  top5
000.png      4        0.03452  4,3,7,6,8
001.png      3         0.4435  3,2,4,7,0
[
 {"image": "000.png", "label": 4, "name": null, "margin": 0.261337459, "top5": "4,3,7,8,0"}
]
$ printf 'inspect\ninspect source.onnx --json | grep nodes\ninspect L2 | head -3\nborrow source target source L2\nbench target | cut -c1-5\n' > ask; fetafix script ask source.onnx target.onnx --images photos --config pre
model       target
producer    small_case
opset       13 (IR version 7)
input       pixels  float32[1,3,16,16]
output      scores  float32[1,10]
parameters  7.01 thousand
operations  596.30 thousand
nodes       15
       6  Conv  (6876 parameters)
       6  Relu
       1  Flatten
       1  Gemm  (130 parameters)
       1  GlobalAveragePool
  "nodes": 15,
attributes
name          source     target     same
operator      Conv       Conv       yes
from source.onnx (small_case):
  Conv_1/weight
wrong 12 -> 12 of 60 images
run  
alone
load 
peak 
# What is written, and where the words go wrong.
$ printf 'matrix source target --report m.html\nrun target -o out.npy > labels.txt\nexport p.txt\napply p.txt target.onnx -o again.onnx\n' > ask; fetafix script ask source.onnx target.onnx --images photos --config pre; wc -l < labels.txt; ls m.html out.npy; cmp again.onnx target.onnx; rm m.html out.npy labels.txt p.txt again.onnx
model   1   2  path
    1   0  12  source.onnx
    2  12   0  target
labels that differ, of 60 images
0 edits, saved again.onnx
61
m.html
out.npy
$ printf 'matrix source\ncompare source none.onnx\nrun --comparator top-1\nmatrix --images none source target\ninspect none\nbench source target\nborrow source target\nmatrix --limit none\nexplore\nmatrix source target --causal yes\nmatrix --help | head -1\n' | fetafix repl source.onnx target.onnx --images photos --config pre
fetafix: two or more models are needed: fetafix matrix MODEL...
fetafix: 'none.onnx': no such file
fetafix: --comparator does not go with 'run'
fetafix: 'none': no such file or folder
fetafix: there is no node 'none'; see `nodes`
fetafix: a repair is timed from the shell: fetafix bench SOURCE TARGET --images DIR|LIST
fetafix: expected: fetafix borrow SOURCE TARGET SIBLING LAYER... --images DIR|LIST
fetafix: --limit: 'none' is not a whole number from 1
fetafix: 'explore' is typed in the shell: fetafix explore SOURCE TARGET --images DIR|LIST [OPTION]...
fetafix: --causal does not go with 'matrix'
Usage: fetafix matrix MODEL... --images DIR|LIST
[2]
# A file that is called like that has a path.
$ cp source.onnx target; printf 'compare source target ./target\n' | fetafix repl source.onnx target.onnx --images photos --config pre; rm target
Source  source.onnx  (opset 13, small_case)
rank  wrong  percent  producer    opset  path
   1      0        0  small_case     13  ./target
   2     12       20  small_case     13  target
labels that differ from the Source's, of 60 images
# Without a case the words are the shell's.
$ printf 'compare source.onnx target.onnx --images photos\ncompare\ninspect\nrun source.onnx --images photos --limit 1\n' | fetafix repl --config pre
Source  source.onnx  (opset 13, small_case)
rank  wrong  percent  producer    opset  path
   1     12       20  small_case     13  target.onnx
labels that differ from the Source's, of 60 images
fetafix: expected: compare SOURCE TARGET...
fetafix: one model is needed: fetafix inspect MODEL
image    label  name   margin  top5
000.png      4        0.03452  4,3,7,6,8
[2]
