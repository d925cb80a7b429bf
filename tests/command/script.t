# The same words from a script.

$ printf 'status\nlocalize\nproposals\nstep\nstatus\nundo\nredo\nstates\nreject\nset format csv\nsteps\nquit\nnever\n' > tour; fetafix script tour source.onnx target.onnx --images photos --source-pre 'size=16x16 scale=127.5 mean=1,1,1' --target-pre 'size=16x16 scale=127.5 mean=1,1,1'
state 0: 12 of 60 labels differ, 12 at first
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
number  type  status   verdict  wrong  summary                                           id
     1  WB    untried                  replace the weight of 'Conv_3' by the Source's    WB:Conv_3/weight
     2  WB    untried                  replace the weight of 'Conv_0' by the Source's    WB:Conv_0/weight
     3  WB    untried                  replace the weight of 'Conv_2' by the Source's    WB:Conv_2/weight
     4  WB    untried                  replace the weight of 'Conv_4' by the Source's    WB:Conv_4/weight
     5  WB    untried                  replace the weight of 'Conv_5' by the Source's    WB:Conv_5/weight
     6  WB    untried                  replace the weight of 'Conv_1' by the Source's    WB:Conv_1/weight
     7  PP    untried                  search for a preprocessing that suits the Target  search:preprocessing
     8  WB    untried                  all 6 repairs of the cause 'different'            group:WB:different
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
state 1: 11 of 60 labels differ, 12 at first, distance 0.174
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: WB:Conv_0/weight
undone: wrong 11 -> 12: replace the weight of 'Conv_3' by the Source's
redone: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  no       as it came
    1       0     11    0.1737     1  yes      replace the weight of 'Conv_3' by the Source's
rejected: replace the weight of 'Conv_0' by the Source's
decision,step,state,proposal,type,summary,outcome,before,after,phase,findings
1,1,1,WB:Conv_3/weight,WB,replace the weight of 'Conv_3' by the Source's,accepted,12,11,greedy,WB:Conv_3/weight
2,0,0,WB:Conv_3/weight,WB,replace the weight of 'Conv_3' by the Source's,undone,11,12,,WB:Conv_3/weight
3,1,1,WB:Conv_3/weight,WB,replace the weight of 'Conv_3' by the Source's,redone,12,11,,WB:Conv_3/weight
4,,,WB:Conv_0/weight,WB,replace the weight of 'Conv_0' by the Source's,rejected,11,,,WB:Conv_0/weight
$ printf 'help\n' | fetafix repl
accept [REPAIR]... [--force]     take a repair (the next one; --force: even if it does not help)
answer WORDS...                  answer the question of the lesson, as: answer WB in L3
apply PATCH MODEL -o OUT         replay an exported repair on the model it was made for
assert CONDITION                 end a script with exit code 1 unless the condition holds
bench [MODEL] [OPTION]...        milliseconds per image, or where the time of a repair goes
bind [KEY COMMAND]               let a key of the explorer stand for a command; alone: list the keys
bisect                           where the models part now: the first node along the network that makes a difference
borrow SOURCE TARGET SIBLING LAYER... [OPTION]...
                                 take layers of the Target from another conversion of the same Source
cancel                           cancel the job that runs; again: everything that waits
color [ELEMENT COLOR [bold] [underline] [reverse]]
                                 choose a colour of the explorer; alone: list them
compare [MODEL MODEL...] [OPTION]...
                                 count the images whose labels differ, without analysis; several Targets are ranked
compare-states STATE STATE       two states side by side: counts, labels that changed, edits of one alone
detail NODE | layer NUMBER       attributes, origins and weights of a row of the aligned graph
diff NODE | layer NUMBER [NAME]...
                                 attributes of both sides; without names what differs, weights too
drop                             forget the what-if
equivalences [FILTER]...         differences that cannot change a result
evaluate [REPAIR]                judge a repair without taking it
explain [TYPE | CAUSE]           a fault type or a cause in plain words: PP ID TSS WB LH CG
export FILE [--script] [--force]
                                 write the accepted steps as a file for `fetafix apply`
findings [FILTER]...             what differs, and what became of it
forbid SOURCE_NODE TARGET_NODE   these two nodes are never a pair
goto STATE                       go to a state of the history
help [TOPIC]                     what there is to type; `help views`: the tables and their columns
hint                             a hint for the lesson; after the last one the answer
history [FILTER]...              the history tree, and which state is present
images [FILTER]...               the images and both labels
inspect [MODEL | NODE] [OPTION]...
                                 what is in a model
jobs [cancel JOB]                what the engine does and what waits; cancel one
keep                             make the what-if a step
labels FILE [--force]            write both models' five best classes of every image
layer NUMBER | NODE              all that is known of a core layer
layers [FILTER]...               scores of the core layers
lesson                           the text of the lesson: what to look at, what is asked
localize                         find what differs, and where the error begins; nothing is changed
log [FILTER]...                  recent notes of the engine
matrix [MODEL MODEL...] [OPTION]...
                                 count the images whose labels differ, for every pair of models
measure [causal]                 score the layers of the Target as it is now
nodes [FILTER]...                the nodes of both files, as they were written
pairs [FILTER]...                the aligned graph: which node is which
pin SOURCE_NODE TARGET_NODE      these two nodes are a pair
pins [FILTER]...                 pairs that were pinned or forbidden
pre-into-graph                   write a repaired preprocessing into the graph, at the end
proposals [FILTER]...            repairs to try, in order
query SQL                        SELECT from the views of the session (`help views`)
quit                             leave; a session with a file can be taken up again
redo [STATE]                     take the undone step again (the youngest, or the one that leads to STATE)
reject [REPAIR]                  set a repair aside (the next one)
repair                           repair to the end, keeping only what lowers the discrepancy
report [FILE] [--force]          print or write the report: JSON, or a page where FILE is *.html
repro DIR [FINDING] [--force]    write for each open fault the smallest part of the model that shows it
run [MODEL] [OPTION]...          labels and outputs of one model
save FILE [--force]              write the Target as it is now
script FILE                      commands from a file; - is standard input
set [SETTING [VALUE]]            list all settings, show one, or change one of the prompt's
show [VIEW [FILTER]... | COMMAND...]
                                 the same as the words behind it; alone: what tables there are
split [GROUP]                    set a group aside for its single repairs, or take the last step's one by one
states [FILTER]...               the history tree
status                           where the case stands
step                             let the search find one repair that helps
steps [FILTER]...                all decisions, in order of time
suspects [FILTER]...             the layers, most suspicious first
undo                             go back to the state before the last step
unpin SOURCE_NODE TARGET_NODE    take back `pin` or `forbid`
validate                         count wrong labels over the validation images
weights NODE | layer NUMBER [worst [N]]
                                 how far the weights of a layer are apart
what-if [NODE NAME=VALUE | pre KEY=VALUE... | weights NODE | inject NODE]
                                 try an edit of one's own and count the wrong labels; without words: the present one
why image IMAGE                  why an image's labels differ, or what put them right
.
`help COMMAND` says more, `help views` what the tables hold. The beginning of a
name will do where no other begins alike. Of the shell: COMMAND | FILTER,
COMMAND > FILE, !COMMAND. --json or --csv: this one answer in that format.
A MODEL is a file, or `source` or `target` (as it is now) of the case; options of these
commands are those of the shell: `matrix --help`. Without images they take the case's.
$ printf 'status\n' > a; fetafix script a
fetafix: a:1: no case is open: give SOURCE TARGET --images DIR|LIST
[2]
$ printf '\n# nothing\nstaus\n' > b; fetafix script b
fetafix: b:3: unknown command 'staus'; did you mean 'status'?
[2]
$ printf 'accept 99\n' > c; fetafix script c source.onnx target.onnx --images photos
fetafix: Source: preprocessing guessed (its layout is NCHW, torch's): size=short:18 resize=bilinear antialias=on crop=16x16 order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto
fetafix: Target: preprocessing guessed (its layout is NCHW, torch's): size=short:18 resize=bilinear antialias=on crop=16x16 order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto
fetafix: c:1: there is no open repair 99; they are 1 to 8, see `proposals`
[2]
$ printf 'undo\nsave\ngoto x\n"' | fetafix repl source.onnx target.onnx --images photos -q
fetafix: nothing was localised yet, there is no history
fetafix: expected: save FILE [--force]
fetafix: goto: 'x' is not the number of a state; see `states`
fetafix: a quote is not closed
[2]
$ fetafix script nowhere
fetafix: 'nowhere': No such file or directory
[3]

# Several repairs as one step, two states side by side, and the way as a script that can be typed again.
$ printf "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset target-pre 'size=16x16 scale=127.5 mean=1,1,1'\n" > pre

$ printf 'localize\naccept group:WB:different\nundo\naccept 1 3 --force\nstates\ncompare-states 1 2\nsplit\nstates\nexport way --script\nexport way.patch\n' > tour; fetafix script tour source.onnx target.onnx --images photos --config pre -q; sed 's/^/| /' way
accepted: wrong 12 -> 0: all 6 repairs of the cause 'different'
undone: wrong 0 -> 12: all 6 repairs of the cause 'different'
accepted: wrong 12 -> 11: 2 repairs at once: replace the weight of 'Conv_3' by the Source's, ...
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  no       as it came
    1       0      0         0     1  no       all 6 repairs of the cause 'different'
    2       0     11    0.1561     1  yes      2 repairs at once: replace the weight of 'Conv_3' by the Source's, ...
states
state  wrong  distance  step  summary                                                                 preprocessing
    1      0         0     1  all 6 repairs of the cause 'different'                                  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto
    2     11    0.1561     1  2 repairs at once: replace the weight of 'Conv_3' by the Source's, ...  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto
.
images
image  name     source  a  b  right
    2  002.png       3  3  4  a
    3  003.png       3  3  4  a
   10  010.png       0  0  4  a
   14  014.png       3  3  4  a
   19  019.png       3  3  0  a
   29  029.png       3  3  0  a
   30  030.png       3  3  4  a
   32  032.png       0  0  3  a
   34  034.png       3  3  4  a
   54  054.png       0  0  4  a
   56  056.png       3  3  4  a
.
edits
state  edit
    1  set initializer 'layer0.weight' to float32[12,3,3,3]
    1  set initializer 'layer4.weight' to float32[12,12,3,3]
    1  set initializer 'layer5.weight' to float32[12,12,3,3]
    1  set initializer 'layer1.weight' to float32[12,12,3,3]
undone: wrong 11 -> 12: 2 repairs at once: replace the weight of 'Conv_3' by the Source's, ...
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
accepted: wrong 11 -> 11: replace the weight of 'Conv_2' by the Source's
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  no       as it came
    1       0      0         0     1  no       all 6 repairs of the cause 'different'
    2       0     11    0.1561     1  no       2 repairs at once: replace the weight of 'Conv_3' by the Source's, ...
    3       0     11    0.1737     1  no       replace the weight of 'Conv_3' by the Source's
    4       3     11    0.1561     2  yes      replace the weight of 'Conv_2' by the Source's
| # fetafix script 'way' 'source.onnx' 'target.onnx' --images 'photos' --source-pre 'size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto' --target-pre 'size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto'
| localize
| # 11 wrong: replace the weight of 'Conv_3' by the Source's
| accept --force 'WB:Conv_3/weight'
| # 11 wrong: replace the weight of 'Conv_2' by the Source's
| accept --force 'WB:Conv_2/weight'

$ fetafix script way source.onnx target.onnx --images photos --config pre -q
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
accepted: wrong 11 -> 11: replace the weight of 'Conv_2' by the Source's

$ fetafix apply way.patch target.onnx -o way.onnx; fetafix apply way.patch source.onnx -o other.onnx
2 edits, saved way.onnx
fetafix: 'source.onnx' is not the model that 'way.patch' was made for
[3]

$ printf 'compare-states 0 7\n' > tour; fetafix script tour source.onnx target.onnx --images photos --config pre -q
fetafix: tour:1: there is no state 7
[2]
# Two states under another comparator than labels: where its verdict changed, with what it found.

$ printf 'step\nset format csv\ncompare-states 0 1\n' > states; fetafix script states source.onnx target.onnx --images photos --source-pre unit --target-pre unit --comparator cosine:0.99 | sed -n '/^image/,/^$/p' | head -4
image,name,source,a,b,right,a_score,b_score
6,006.png,3,3,3,b,0.989530087,0.994423926
9,009.png,0,0,0,b,0.978159308,0.990823805
19,019.png,0,0,0,b,0.987063289,0.992319643
