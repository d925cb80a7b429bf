# Questions: views by words, SQL, one layer, one image; where the answers go.

# Rows by words.

$ printf 'localize\nnodes op=Conv differs top 4\npairs differs show pair,op,note by pair down top 2\nlayers isolated>0.12 by entire\nsuspects by kw up top 2\nfindings layer=3\nfindings Conv_2\nproposals top 1\nimages wrong by target_margin top 2\nimages right fixed_by= top 1\nimages name~05\nequivalences\nstates\nhistory current\nsteps\nlog localise\nlabels image=3 side=target\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
pair  side    node    op    status     note
   0  source  Conv_0  Conv  different  different 13%
   0  target  Conv_0  Conv  different  different 13%
   2  source  Conv_1  Conv  different  different 12%
   2  target  Conv_1  Conv  different  different 12%
pair  op    note
  10  Conv  different 12%
   8  Conv  different 12%
layer  rank  isolated  causal  entire        kw  source
    6     5    0.1224          0.3008         0  Conv_5
    5     4    0.1229          0.2921         0  Conv_4
    4     1    0.1381          0.2726         0  Conv_3
    3     3    0.1229          0.2142         0  Conv_2
    1     2    0.1348          0.1348  0.006966  Conv_0
layer  rank  isolated  causal  entire  kw  source
    2     6    0.1057          0.1642   0  Conv_1
    3     3    0.1229          0.2142   0  Conv_2
type  status  essential  layer  step  summary
WB    open    no             3        weight of 'Conv_2' differ (11.7% off)
type  status  essential  layer  step  summary
WB    open    no             3        weight of 'Conv_2' differ (11.7% off)
number  type  status   verdict  wrong  summary                                         id
     1  WB    untried                  replace the weight of 'Conv_3' by the Source's  WB:Conv_3/weight
image  name     source  target  wrong  fixed_by
    3  003.png       3       4  yes            
   32  032.png       0       3  yes            
image  name     source  target  wrong  fixed_by
    0  000.png       4       4  no             
image  name     source  target  wrong  fixed_by
    5  005.png       4       4  no             
   50  050.png       3       3  no             
   51  051.png       3       3  no             
   52  052.png       0       0  no             
   53  053.png       4       4  no             
   54  054.png       0       3  yes            
   55  055.png       3       3  no             
   56  056.png       3       3  no             
   57  057.png       3       3  no             
   58  058.png       3       3  no             
   59  059.png       3       3  no             
rule  source_nodes  target_nodes  deviation
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  yes      as it came
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  yes      as it came
decision  step  outcome  before  after  phase  type  summary
line
fetafix: expected: labels FILE [--force]
[2]
# One place, one image.

$ printf 'layer 1\nlocalize\nlayer 1\nlayer 9\ndiff Conv_3 pads\ndiff layer 3\nweights layer 2 worst 3\nweights Conv_2\ndetail 1\nwhy image 3\nwhy 3\nwhy image 000.png\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
pair
pair  layer  status     source_summary  target_summary  note           source  target
   0      1  different  Conv 12 3x3 p1  Conv 12 3x3 p1  different 13%  Conv_0  Conv_0
.
scores
rank  isolated  causal  entire        kw   effect
   2    0.1348          0.1348  0.006966  0.01857
.
findings
id                status  summary                                step  before  after
WB:Conv_0/weight  open    weight of 'Conv_0' differ (12.5% off)                     
.
weights
role    shape              count  different  relative  max_abs  cause
weight  float32[12,3,3,3]    324        324     0.125   0.1816  different
bias    float32[12]           12          0         0        0  equal
.
nodes
side    label   op    role     shape
source  Conv_0  Conv  primary  float32[1,12,16,16]
target  Conv_0  Conv  primary  float32[1,12,16,16]
pair
pair  layer  status     source_summary  target_summary  note           source  target
   0      1  different  Conv 12 3x3 p1  Conv 12 3x3 p1  different 13%  Conv_0  Conv_0
.
scores
rank  isolated  causal  entire        kw   effect
   2    0.1348          0.1348  0.006966  0.01857
.
findings
id                status  summary                                step  before  after
WB:Conv_0/weight  open    weight of 'Conv_0' differ (12.5% off)                     
.
weights
role    shape              count  different  relative  max_abs  cause
weight  float32[12,3,3,3]    324        324     0.125   0.1816  different
bias    float32[12]           12          0         0        0  equal
.
nodes
side    label   op    role     shape
source  Conv_0  Conv  primary  float32[1,12,16,16]
target  Conv_0  Conv  primary  float32[1,12,16,16]
fetafix: there is no layer '9'; they are 1 to 7
name  source     target     same
pads  [1,1,1,1]  [1,1,1,1]  yes
weights
role    shape               count  different  relative  max_abs  cause
weight  float32[12,12,3,3]   1296       1296    0.1175  0.09549  different
weights
role    shape               count  different  relative  max_abs  cause
weight  float32[12,12,3,3]   1296       1296    0.1179  0.08613  different
bias    float32[12]            12          0         0        0  equal
.
worst
role    at           source   target  difference
weight  [11,2,2,1]  -0.3321   -0.246     0.08613
weight  [5,9,1,1]   -0.2487  -0.1741     0.07457
weight  [1,6,2,0]    0.1913    0.118    -0.07333
role    shape               count  different  relative  max_abs  cause
weight  float32[12,12,3,3]   1296       1296    0.1175  0.09549  different
bias    float32[12]            12          0         0        0  equal
attributes
name      source  target  same
operator  Clip    Clip    yes
max       inf     inf     yes
min       0       0       yes
.
nodes
side    label       op    role     inputs  outputs  shape
source  Relu:relu0  Relu  primary  conv0   relu0    float32[1,12,16,16]
target  Relu:relu0  Relu  primary  conv0   relu0    float32[1,12,16,16]
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
000.png: both models give it class 4
labels
source  source_name  source_margin  target  target_name  target_margin  initial
     4                     0.03452       4                       0.164        4
.
best
place  source  target
    1       4       4
    2       3       3
    3       7       7
    4       6       8
    5       8       0
[2]
# SQL.

$ printf 'localize\nquery select status, count(*) from pairs group by status\nquery "select op, 2.5 as half, null as none, op from nodes limit 1"\nquery select l.class from labels l join images i on i.image = l.image where i.wrong and l.place = 1 and l.side = '\''source'\'' limit 3\nquery select 1 || 2 as joined | tr 1 9\nquery select rule from equivalences;\nset format json\nquery select pair, confidence from pairs limit 2\ndiff Conv_3 pads\nwhy image 3\nset format csv\nquery select name, wrong from images limit 2\nlayer 1\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
status     count(*)
different         6
equal             9
op    half  none  op_2
Conv   2.5        Conv
class
    3
    3
    0
joined
92
rule
[
 {"pair": 0, "confidence": 0.937499158},
 {"pair": 1, "confidence": 0.8675}
]
[
 {"name": "pads", "source": "[1,1,1,1]", "target": "[1,1,1,1]", "same": true}
]
{"labels": [
 {"source": 3, "source_name": null, "source_margin": 0.0562950075, "target": 4, "target_name": null, "target_margin": 0.177865922, "initial": 4}
],
"best": [
 {"place": 1, "source": 3, "target": 4},
 {"place": 2, "source": 4, "target": 3},
 {"place": 3, "source": 0, "target": 0},
 {"place": 4, "source": 7, "target": 7},
 {"place": 5, "source": 2, "target": 2}
],
"open": [
 {"type": "WB", "layer": 1, "summary": "weight of 'Conv_0' differ (12.5% off)"},
 {"type": "WB", "layer": 2, "summary": "weight of 'Conv_1' differ (11.8% off)"},
 {"type": "WB", "layer": 3, "summary": "weight of 'Conv_2' differ (11.7% off)"},
 {"type": "WB", "layer": 4, "summary": "weight of 'Conv_3' differ (11.8% off)"},
 {"type": "WB", "layer": 5, "summary": "weight of 'Conv_4' differ (11.8% off)"},
 {"type": "WB", "layer": 6, "summary": "weight of 'Conv_5' differ (12% off)"}
]}
name,wrong
000.png,false
001.png,false
#pair
pair,layer,status,source_summary,target_summary,note,source,target
0,1,different,Conv 12 3x3 p1,Conv 12 3x3 p1,different 13%,Conv_0,Conv_0
.
#scores
rank,isolated,causal,entire,kw,effect
2,0.134824223,,0.134824223,0.00696614583,0.0185744729
.
#findings
id,status,summary,step,before,after
WB:Conv_0/weight,open,weight of 'Conv_0' differ (12.5% off),,,
.
#weights
role,shape,count,different,relative,max_abs,cause
weight,"float32[12,3,3,3]",324,324,0.125001677,0.181563795,different
bias,float32[12],12,0,0,0,equal
.
#nodes
side,label,op,role,shape
source,Conv_0,Conv,primary,"float32[1,12,16,16]"
target,Conv_0,Conv,primary,"float32[1,12,16,16]"
# Nothing but SELECT, and not for ever.

$ printf 'query delete from pairs\nquery insert into states(state) values(9)\nquery drop table pairs\nquery create table x(a)\nquery attach '\''x'\'' as y\nquery pragma writable_schema=1\nquery select * from pragma_database_list\nquery select * from sqlite_schema\nquery select load_extension('\''x'\'')\nquery begin\nquery select 1; select 2\nquery select zeroblob(10000000)\nquery with recursive r(x) as (select 1 union all select x+1 from r) select max(x) from r\nquery with recursive r(x) as (select '\''a'\'' union all select x||'\''aaaaaaaaaaaaaaaaaaaaaaaaaaa'\'' from r) select x from r\nquery with recursive r(x) as (select 1 union all select x+1 from r limit 100002) select x from r | wc -l\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: only SELECT from the session's views; see `help views`
fetafix: query: one statement at a time
fetafix: query: string or blob too big
fetafix: query: it takes too long; narrow it with WHERE or join on equal columns
fetafix: query: it needs too much memory; narrow it with WHERE
100001
[2]
# What is wrong is named.

$ printf 'query\nquery select * from fndings\nquery select sttus from pairs\nquery selec\nlayers isloated>1\nlayers by isloated\nlayers by\nlayers top none\nlayers layer=x\nimages wrong=perhaps\nlayers isolated > 0.1\npairs show pair,oop\nweights Conv_2 wrost 3\ndiff Conv\ndiff Zonv_3\ndiff Conv_3 pds\ndetail 99\nwhy image 099.pgn\nwhy picture 3\nlayer 1 2\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
fetafix: expected: query SQL
fetafix: query: no such table: fndings; did you mean 'findings'?
fetafix: query: no such column: sttus; did you mean 'status'?
fetafix: query: near "selec": syntax error
fetafix: layers: there is no column 'isloated'; did you mean 'isolated'?
fetafix: layers: there is no column 'isloated'; did you mean 'isolated'?
fetafix: layers: expected: by COLUMN [up | down]
fetafix: layers: top 'none': a whole number from 1 is expected
fetafix: layers: 'layer' is a number, 'x' is none
fetafix: images: 'wrong' is yes or no, not 'perhaps'
fetafix: '0.1' is no file to write to; a comparison has no blanks, as isolated>0.01
fetafix: pairs: there is no column 'oop'; did you mean 'op'?
fetafix: expected: weights NODE | layer NUMBER [worst [N]], not 'wrost'
fetafix: 'Conv' fits more than one node: 'Conv_0', 'Conv_1', 'Conv_2', ...
fetafix: there is no node 'Zonv_3'; did you mean 'Conv_3'?
fetafix: there is no attribute 'pds' here; did you mean 'pads'?
fetafix: there is no pair 99; see `pairs`
fetafix: there is no image '099.pgn'; did you mean '009.png'?
fetafix: expected: why image IMAGE
fetafix: expected: layer NUMBER | NODE
[2]
# Pipes and files.

$ printf 'pairs show op | sort | uniq -c | tr -s '\'' '\''\npairs show op top 1 > a.txt\npairs show op top 1 > a.txt\npairs show op top 2 >| a.txt\nstatus >> a.txt\nquery select 3 as n where 4 > 3; >> a.txt\nstatus | cat >&2\nstatus > photos\nstatus >\n| cat\nstatus | \nstatus > '\''a b'\'' c\nstatus | nosuchcommand 2>&1\nstatus | head -c 3; echo\npairs | false\n' | fetafix repl source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
 6 Clip
 6 Conv
 1 Gemm
 1 GlobalAveragePool
 1 Reshape
 1 op
fetafix: 'a.txt' exists; >| overwrites it, >> adds to it
state 0: 12 of 60 labels differ, 12 at first, distance 0.216
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: WB:Conv_3/weight
fetafix: 'photos' is a folder
fetafix: expected: COMMAND > FILE
fetafix: expected a command before '|'
fetafix: expected: COMMAND | COMMAND of the shell
fetafix: expected: COMMAND > FILE
sh: 1: nosuchcommand: not found
fetafix: the shell cannot run 'nosuchcommand 2>&1'
sta
[2]
$ cat a.txt
op
Conv
Clip
state 0: 12 of 60 labels differ, 12 at first, distance 0.216
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: WB:Conv_3/weight
n
3
# Scripts stop where something is wrong; > overwrites nothing.

$ printf 'status\npairs > a.txt\nstatus\n' | fetafix script - source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
state 0: 12 of 60 labels differ, 12 at first
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
fetafix: standard input:2: 'a.txt' exists; >| overwrites it, >> adds to it
[2]
# A session by its file.

$ fetafix localize source.onnx target.onnx --images photos -q --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1' --session s.fetafix >out; fetafix query s.fetafix 'select layer, source from layers limit 2'
layer  source
    1  Conv_0
    2  Conv_1
$ fetafix query s.fetafix 'select layer from layers limit 1' --format json
[
 {"layer": 1}
]
$ fetafix query nowhere.fetafix 'select 1'
fetafix: 'nowhere.fetafix': No such file or directory
[3]
$ fetafix query s.fetafix
fetafix: expected: fetafix query SESSION SQL
[2]
$ fetafix query source.onnx 'select 1'
fetafix: 'source.onnx' is not a FetaFix session
[3]
# Help on the views.

$ printf 'help views\nhelp nodes\nhelp labels\nhelp query\nhelp nothing\n' | fetafix repl
nodes: the nodes of both files, as they were written
    pair            number  row of the aligned graph
    side            text    source or target
    node            text    name of the node; its output where it has none
    op              text    operator as it is in the model
    role            text    primary, or absorbed in the row's operator
    layer           number  number of the core layer
    status          text    equal, equivalent, different, source-only or
                            target-only
    summary         text    the row's operator in short
    note            text    what differs, or which rule makes them equal
    as: nodes op=Conv differs
pairs: the aligned graph: which node is which
    pair            number  row of the aligned graph
    source          text    node of the Source; empty: missing
    target          text    node of the Target; empty: missing
    op              text    canonical operator
    source_summary  text    the Source's node in short
    target_summary  text    the Target's node in short
    status          text    equal, equivalent, different, source-only or
                            target-only
    note            text    what differs, or which rule makes them equal
    layer           number  number of the core layer
    depth           number  column of the branch, 0 the main one
    confidence      real    of the pairing, 0 to 1
    findings        number  faults found here
    source_inputs   text    rows it reads
    error           real    relative error of the output
    isolated        real    relative error made by this layer alone
    reason          text    why they are a pair
    as: query select status, count(*) from pairs group by status
layers: scores of the core layers
    layer           number  number, from 1 along the network
    pair            number  row of the aligned graph
    source          text    node of the Source
    target          text    node of the Target
    rank            number  1: most suspicious
    kw              real    share of elements that Kruskal-Wallis flags beyond
                            chance
    effect          real    mean effect size
    entire          real    relative error of the output
    isolated        real    the same, fed with the Source's activations
    causal          real    share of wrong images put right by the Source's
                            activation here
    entire_now      real    `entire` of the Target as it is now, after
                            `measure`
    isolated_now    real    `isolated` of the Target as it is now, after
                            `measure`
    causal_now      real    `causal` of the Target as it is now, after `measure
                            causal`
    kw_now          real    `kw` of the Target as it is now, after `measure`
    note            text    why it could not be compared
    own_dims        yes|no  it is this layer that makes other dims
    as: layers isolated>0.01 by causal top 5
findings: what differs, and what became of it
    id              text    name of the finding, the same wherever it is seen
    type            text    fault type: PP ID TSS WB LH CG
    cause           text    short name of the cause
    summary         text    what differs, in one line
    explanation     text    what is wrong, why, and what the repair does
    status          text    open, repaired, ineffective or undone
    essential       yes|no  the labels would be worse without its repair
    pair            number  row of the aligned graph
    layer           number  number of the core layer
    source_nodes    text    labels of the Source's nodes, a line each
    target_nodes    text    labels of the Target's nodes, a line each
    details         text    the differing values, as JSON
    step            number  step that repaired it
    before          number  wrong labels before that step, or before the trial
    after           number  wrong labels after it
    magnitude       real    how large the difference is
    brief           text    what differs, in a few words
    as: findings type=WB status=open
proposals: repairs to try, in order
    id              text    name of the repair
    type            text    fault type of its first finding
    summary         text    what it does, in one line
    findings        text    ids of the findings it repairs, a line each
    patch           text    its edits in words, a line each
    members         number  repairs that a group takes as one step; empty for a
                            single one
    status          text    untried, evaluated or rejected
    verdict         text    better, same, worse or broken; why
    wrong           number  wrong labels after it; a lower bound where it is
                            not complete
    complete        yes|no  every image was run
    fixed           number  images put right, of those run
    broken          number  images made wrong, of those run
    pair            number  row of the aligned graph
    puts_right      text    images it would put right, by number; empty: not
                            run over every image
    makes_wrong     text    images it would make wrong
    number          number  place in the order in which they are tried, from 1:
                            `accept 1`
    as: proposals type=LH
states: the history tree
    state           number  number; 0 is the Target as it came
    parent          number  state it was made from
    wrong           number  images whose labels differ
    distance        real    mean relative distance of the outputs
    step            number  accepted steps since state 0
    summary         text    the step that made it
    current         yes|no  the present state
    model           text    SHA-256 of the model
    as: states by wrong top 3
steps: all decisions, in order of time
    decision        number  number, in order of time
    step            number  of the state it led to
    state           number  state it led to
    proposal        text    repairs that were tried, a line each
    type            text    fault type
    summary         text    what was tried
    outcome         text    accepted, rejected, broken, undone, redone, went or
                            essential
    before          number  wrong labels before
    after           number  wrong labels after; empty: not counted to the end
    phase           text    of the search; empty: by hand
    findings        text    ids of the findings, a line each
    as: steps outcome=accepted
images: the images and both labels
    image           number  number, from 0
    name            text    file name
    source          number  the Source's class
    target          number  the Target's class now
    initial         number  the Target's class at first
    source_name     text    name of the Source's class
    target_name     text    name of the Target's class
    source_margin   real    first minus second value of the Source's output
    target_margin   real    first minus second value of the Target's output
    wrong           yes|no  the classes differ
    fixed_by        number  step that put it right
    top_source      text    the Source's five best classes
    top_target      text    the Target's five best classes now
    initial_name    text    name of the Target's class at first
    score           real    the comparator's number; empty where labels decide
    as: images wrong by target_margin top 10
labels: both models' five best classes of every image
    image           number  number, from 0
    name            text    file name
    side            text    source or target
    place           number  1: the label; to 5
    class           number  number of the class
    as: query select i.name, l.class from images i join labels l on l.image =
        i.image where i.wrong and l.side = 'target' and l.place = 2
equivalences: differences that cannot change a result
    rule            text    short name of the rule
    meaning         text    the rule in words
    source_nodes    text    labels of the Source's nodes, a line each
    target_nodes    text    labels of the Target's nodes, a line each
    deviation       real    largest relative change of a number; 0: exact
    as: query select rule, count(*) from equivalences group by rule order by 2
        desc
pins: pairs that were pinned or forbidden
    source          text    node of the Source
    target          text    node of the Target
    word            text    pin: they are a pair; forbid: they never are
    as: pins word=forbid
log: recent notes of the engine
    line            text    a note of the engine
    as: log accepted
nodes [FILTER]...
    the nodes of both files, as they were written
.
Rows are chosen by COLUMN=VALUE (also != < <= > >=, and ~ for "holds";
op=Conv,Gemm: one of several; node=*pool*: a pattern), by a column that is yes
or no, by a row's number, or by a text that they hold; all of these hold, but
for `or` and `not` between them. Ordered and cut by: by COLUMN [up | down] top
N; columns by: show COLUMN,... `help views` lists the columns.
.
nodes: the nodes of both files, as they were written
    pair            number  row of the aligned graph
    side            text    source or target
    node            text    name of the node; its output where it has none
    op              text    operator as it is in the model
    role            text    primary, or absorbed in the row's operator
    layer           number  number of the core layer
    status          text    equal, equivalent, different, source-only or
                            target-only
    summary         text    the row's operator in short
    note            text    what differs, or which rule makes them equal
    as: nodes op=Conv differs
labels FILE [--force]
    write both models' five best classes of every image
.
labels: both models' five best classes of every image
    image           number  number, from 0
    name            text    file name
    side            text    source or target
    place           number  1: the label; to 5
    class           number  number of the class
    as: query select i.name, l.class from images i join labels l on l.image =
        i.image where i.wrong and l.side = 'target' and l.place = 2
query SQL
    SELECT from the views of the session (`help views`)
.
Only SELECT is possible, nothing can be changed. `|` sends the rows to a
command of the shell; to write them to a file, end the SQL: query select * from
layers; > layers.txt From the shell: fetafix query SESSION SQL
fetafix: there is no command 'nothing'; see `help`
[2]
