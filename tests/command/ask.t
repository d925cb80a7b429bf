# Words that people of the field would guess, and what is said where they slip.

$ printf "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset target-pre 'size=16x16 scale=127.5 mean=1,1,1'\n" > pre

# Nothing has to be asked for first. The case of texts does not matter; blanks around signs do not either.

$ fetafix repl source.onnx target.onnx --images photos --config pre
> nodes op = conv top 2 show node,op
> nodes op conv and side=target limit 2 show node
> nodes op=Gemm,Flatten or node=*pool* and side source show pair,node,op
> nodes not op=conv side!=source top 3 show node
> show layers 2
> layers by isolated,layer desc head 2 show layer,isolated
> layers order by layer desc first 2 show layer
> suspects 2
> ls
> proposals 3
> findings layer 3 show id
node    op
Conv_0  Conv
Conv_0  Conv
node
Conv_0
Conv_1
pair  node                      op
  12  GlobalAveragePool:pooled  GlobalAveragePool
  13  Flatten:flat              Flatten
  13  Flatten:flat              Flatten
  14  Gemm_0                    Gemm
  14  Gemm_0                    Gemm
node
Relu:relu0
Relu:relu1
Relu:relu2
layer  rank  isolated  causal  entire  kw  source
    2     6    0.1057          0.1642   0  Conv_1
layer  isolated
    4    0.1381
    1    0.1348
layer
    7
    6
layer  rank  isolated  causal  entire        kw  source
    4     1    0.1381          0.2726         0  Conv_3
    1     2    0.1348          0.1348  0.006966  Conv_0
view          rows  summary
nodes           30  the nodes of both files, as they were written
pairs           15  the aligned graph: which node is which
layers           7  scores of the core layers
findings         6  what differs, and what became of it
proposals        8  repairs to try, in order
states           1  the history tree
steps            0  all decisions, in order of time
images          60  the images and both labels
labels         600  both models' five best classes of every image
equivalences     0  differences that cannot change a result
pins             0  pairs that were pinned or forbidden
log              2  recent notes of the engine
number  type  status   verdict  wrong  summary                                         id
     3  WB    untried                  replace the weight of 'Conv_2' by the Source's  WB:Conv_2/weight
id
WB:Conv_2/weight

# Places: a number, a name, a part of one, in any case.

$ fetafix repl source.onnx target.onnx --images photos --config pre
> diff conv_3 PADS
> diff layer 3 weight
> diff relu:relu0
> weights 'Gemm_0'
> weights L2 worst 2
> diff node Gemm_0 operator
> image 3
> why images 3
name  source     target     same
pads  [1,1,1,1]  [1,1,1,1]  yes
role    shape               count  different  relative  max_abs  cause
weight  float32[12,12,3,3]   1296       1296    0.1175  0.09549  different
nothing differs here
role    shape           count  different  relative  max_abs  cause
weight  float32[10,12]    120          0         0        0  equal
bias    float32[10]        10          0         0        0  equal
weights
role    shape               count  different  relative  max_abs  cause
weight  float32[12,12,3,3]   1296       1296    0.1179  0.08613  different
bias    float32[12]            12          0         0        0  equal
.
worst
role    at           source   target  difference
weight  [11,2,2,1]  -0.3321   -0.246     0.08613
weight  [5,9,1,1]   -0.2487  -0.1741     0.07457
name      source  target  same
operator  Gemm    Gemm    yes
image  name     source  target  wrong  fixed_by
    3  003.png       3       4  yes            
003.png: wrong; the Source is ahead by 0.0563, the open findings are below
labels
source  source_name  source_margin  target  target_name  target_margin  initial
     3                      0.0563       4                      0.1779        4
.
best
place  source  target
    1       3       4
    2       4       3
    3       0       0
    4       7       7
    5       2       2
.
open
type  layer  summary
WB        1  weight of 'Conv_0' differ (12.5% off)
WB        2  weight of 'Conv_1' differ (11.8% off)
WB        3  weight of 'Conv_2' differ (11.7% off)
WB        4  weight of 'Conv_3' differ (11.8% off)
WB        5  weight of 'Conv_4' differ (11.8% off)
WB        6  weight of 'Conv_5' differ (12% off)

# One answer in another format; words on what was done are none of the data.

$ fetafix repl source.onnx target.onnx --images photos --config pre 2>notes
> layers 2 --csv
> query --json select count(*) as n from layers
> status --csv
> evaluate 1 --json
> compare-states 0 0 --json
> set format=csv
> accept 1
> diff layer 4 pads
> diff layer 4
> states show state,wrong
> set format text
> undo
layer,pair,source,target,rank,kw,effect,entire,isolated,causal,entire_now,isolated_now,causal_now,kw_now,note,own_dims
2,2,Conv_1,Conv_1,6,0,0.0167834601,0.164199159,0.105711437,,,,,,,false
[
 {"n": 7}
]
state,images,initial,wrong,distance,source_pre,target_pre,localized,searched,next,validation_images,validation_wrong,work
0,60,12,12,0.215696888,"size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto","size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto",true,false,WB:Conv_3/weight,,,
[
 {"number": 1, "id": "WB:Conv_3/weight", "verdict": "better", "wrong": 11, "complete": true, "fixed": 3, "broken": 2}
]
{"states": [
 {"state": 0, "wrong": 12, "distance": 0.215696888, "step": 0, "summary": "as it came", "preprocessing": "size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto"},
 {"state": 0, "wrong": 12, "distance": 0.215696888, "step": 0, "summary": "as it came", "preprocessing": "size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto"}
],
"images": [],
"edits": []}
name,source,target,same
pads,"[1,1,1,1]","[1,1,1,1]",true
state,wrong
0,12
1,11
undone: wrong 11 -> 12: replace the weight of 'Conv_3' by the Source's
$ cat notes
fetafix: accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's

# What is missing is said, with what was perhaps meant.

$ fetafix repl source.onnx target.onnx --images photos --config pre
> nodes op=Cnov
> nodes status=odd
> nodes op
> layers by causal top 1
> layers by isolatd
> layer 99
> layer relu0
> diff Conv_9
> diff model/x/Conv_3 pads
> diff Conv_3 paddings
> diff Conv_3 stride
> accept 99
> accept WB:Conv
> accept nothing
> show accept
> re
> wieghts layer 2
> weights layer 2 wrost
> weights layer 2 worst none
> why image
> why image nope.png
> set foo bar
> set verbos yes
> set format
> set format jsn
> set format = json now
> query --xml select 1
> query reindex
> layers --format xml
> help layr
> pin Conv_3
> undo
pair  side  node  op  status  note
fetafix: nodes: no row has op 'Cnov'; did you mean 'Conv'?
pair  side  node  op  status  note
fetafix: nodes: no row has status 'odd'; there are: different, equal
fetafix: nodes: 'op' is a column; expected op=VALUE, or `by op`
layer  rank  isolated  causal  entire        kw  source
    1     2    0.1348          0.1348  0.006966  Conv_0
fetafix: layers: no row has a value for 'causal'; it is computed with --causal yes
fetafix: layers: there is no column 'isolatd'; did you mean 'isolated'?
fetafix: there is no layer '99'; they are 1 to 7
fetafix: 'relu0' is no core layer; see `detail relu0`
fetafix: there is no node 'Conv_9'; did you mean 'Conv_0'?
fetafix: there is no node 'model/x/Conv_3'; did you mean 'Conv_3'?
fetafix: there is no attribute 'paddings' here; there are: operator, dilations, group, kernel_shape, pads, strides, weight, bias
fetafix: there is no attribute 'stride' here; did you mean 'strides'?
fetafix: there is no open repair 99; they are 1 to 8, see `proposals`
fetafix: 'WB:Conv' fits more than one open repair: 'WB:Conv_3/weight', 'WB:Conv_0/weight', 'WB:Conv_2/weight', ...
fetafix: there is no open repair 'nothing'; see `proposals`
fetafix: 'accept' is more than a look; type it alone
fetafix: 're' is short for several commands: redo, reject, repair, report, repro
fetafix: unknown command 'wieghts'; did you mean 'weights'?
fetafix: expected: weights NODE | layer NUMBER [worst [N]], not 'wrost'
fetafix: weights: worst 'none': a whole number from 1 is expected
fetafix: expected: why image IMAGE
fetafix: there is no image 'nope.png'; see `images`
fetafix: unknown setting 'foo'; `set` lists them
fetafix: unknown setting 'verbos'; did you mean 'verbose'?
name    type           value  default  meaning
format  text|json|csv  text   text     how tables are printed
fetafix: format: 'jsn' is none of text|json|csv; did you mean 'json'?
fetafix: expected: set [SETTING [VALUE]]
fetafix: query: nothing is asked; as: query select * from findings
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: --format: 'xml' is none of text|json|csv
fetafix: there is no command 'layr'; did you mean 'layer'?
fetafix: expected: pin SOURCE_NODE TARGET_NODE
fetafix: nothing to undo: this is the Target as it came
[2]

# To the shell and from it. The words that the shell's commands say differ.

$ fetafix script - source.onnx target.onnx --images photos --config pre
> !echo hello
> ! cat
> layers top 1 show layer > /dev/stdout
> layers > /dev/full
hello
layer
    1
fetafix: standard input:4: '/dev/full' cannot be written: No space left on device
[3]
$ printf '!\n!exit 3\n!exit 127\n' | fetafix repl
fetafix: expected: !COMMAND of the shell
fetafix: the shell cannot run 'exit 127'
[2]

# Scripts within scripts, lines that go on, comments; what fails is named with its place.

$ printf '\nundo\n' > inner; cat > outer
> layers \
>   top 1 \
>   show layer # a comment \
> status --csv | cut -d, -f1
> # no more \
> source inner
> status
$ fetafix script outer source.onnx target.onnx --images photos --config pre
layer
    1
fetafix: outer:6: inner:2: nothing to undo: this is the Target as it came
[2]
$ echo 'script loop' > loop; fetafix script loop 2>&1 | tail -c 66
oop:1: loop:1: loop:1: scripts call one another more than 16 deep
$ fetafix repl
> script
> script .
> script nowhere
> . a b
fetafix: expected: script FILE
fetafix: '.' is a folder
fetafix: 'nowhere': No such file or directory
fetafix: expected: script FILE
[2]
$ fetafix script - < loop 2>&1 | head -c 25
fetafix: standard input:1
$ fetafix script .
fetafix: '.' is a folder
[3]

# Help on everything, from the shell as well.

$ fetafix help layer
layer NUMBER | NODE
    all that is known of a core layer
.
As: layer 12
$ fetafix help run | head -3
Usage: fetafix run MODEL --images DIR|LIST | --input NPY|NPZ
.
labels and outputs of one model
$ fetafix help nothng
fetafix: there is no command 'nothng'; see `help`
[2]
$ fetafix help findngs
fetafix: there is no command 'findngs'; did you mean 'findings'?
[2]
$ fetafix nodes
fetafix: 'nodes' is typed in `fetafix repl SOURCE TARGET --images DIR|LIST`, or stands in a file for `fetafix script`
[2]
$ fetafix nodes --help | head -2
nodes [FILTER]...
    the nodes of both files, as they were written
$ fetafix compar --help | head -1
Usage: fetafix compare SOURCE TARGET... --images DIR|LIST [OPTION]...
$ fetafix compar a b
fetafix: unknown command 'compar'; did you mean 'compare'?
[2]
