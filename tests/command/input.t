# What cannot be read: exit code 3.

$ mkdir empty; fetafix compare source.onnx target.onnx --images empty
fetafix: 'empty': no JPEG or PNG files in this folder
[3]
$ fetafix compare source.onnx target.onnx --images nowhere
fetafix: 'nowhere': no such file or folder
[3]
$ fetafix compare source.onnx nowhere.onnx --images photos
fetafix: 'nowhere.onnx': no such file
[3]
$ fetafix compare source.onnx photos.txt --images photos
fetafix: 'photos.txt': not an ONNX model: field 'metadata_props' of ModelProto has the wrong wire type
[3]
$ head -c 5000 target.onnx > cut.onnx; fetafix compare source.onnx cut.onnx --images photos
fetafix: 'cut.onnx': not an ONNX model: truncated: field 7 is longer than what is left
[3]
$ fetafix inspect cut.onnx
fetafix: 'cut.onnx': not an ONNX model: truncated: field 7 is longer than what is left
[3]
$ echo photos/000.png > list.txt; echo photos/none.png >> list.txt; fetafix compare source.onnx target.onnx --images list.txt
fetafix: 'list.txt': './photos/none.png': no such file
[3]
$ mkdir broken; head -c 100 photos/000.png > broken/a.png; fetafix compare source.onnx target.onnx --images broken --source-pre unit --target-pre unit
fetafix: 'broken/a.png': PNG: truncated file
[3]
$ fetafix run source.onnx --input photos.txt
fetafix: 'photos.txt': not an NPY file
[3]
$ { printf '\223NUMPY\001\000%b\000' '\077'; printf "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 4), }\n"; head -c 192 /dev/zero; } > small.npy; fetafix run source.onnx --input small.npy
fetafix: 'source.onnx': the input 'pixels' takes [1,3,16,16], --input gives float64[2,3,4]
[3]
$ fetafix compare source.onnx target.onnx --images photos --labels nowhere
fetafix: 'nowhere': no such file
[3]
$ fetafix compare source.onnx target.onnx --images photos --session photos
fetafix: 'photos' is not a FetaFix session
[3]
$ fetafix compare --session new.fetafix --images photos
fetafix: two models are needed: SOURCE TARGET
[2]
# An operator that is not known: exit code 4, with its node and opset.

$ sed 's/\x04Relu/\x04Relv/g' source.onnx > odd.onnx; fetafix compare odd.onnx target.onnx --images photos --source-pre unit
fetafix: 'odd.onnx': operator 'Relv' of node 'Relv:relu0' is not supported in opset 13
[4]
$ fetafix repair source.onnx odd.onnx --images photos --source-pre unit --target-pre unit
fetafix: 'odd.onnx': operator 'Relv' of node 'Relv:relu0' is not supported in opset 13
[4]
$ fetafix run odd.onnx --images photos --pre unit
fetafix: 'odd.onnx': operator 'Relv' of node 'Relv:relu0' is not supported in opset 13
[4]
# A Target that cannot run is wrong on every image; a Source that cannot is an error.

$ sed 's/transB/transA/g' source.onnx > cannot.onnx; fetafix compare source.onnx cannot.onnx --images photos --source-pre unit --target-pre unit
fetafix: the Target cannot run, it counts as wrong on every image: node 'Gemm_0' (Gemm): inner dimensions: 1 and 10 do not agree
Source  source.onnx  (opset 13, small_case)
Target  cannot.onnx  (opset 13, small_case)
60 of 60 labels differ (100.00%)
[1]
$ fetafix repair source.onnx cannot.onnx --images photos --source-pre unit --target-pre unit -q | sed -n 3p
wrong 60 -> 0 of 60 images (100.00% -> 0.00%) in 1 step
$ fetafix compare cannot.onnx source.onnx --images photos --source-pre unit
fetafix: 'cannot.onnx': node 'Gemm_0' (Gemm): inner dimensions: 1 and 10 do not agree
[3]
# Settings: the user's file, --config instead, --no-config; the command line has the last word.

$ printf 'set limit 3\nset source-pre "size=16x16 scale=127.5 mean=1,1,1"\nset quiet no\n' > settings; mkdir -p xdg/fetafix; cp settings xdg/fetafix/config; XDG_CONFIG_HOME=$PWD/xdg fetafix run source.onnx --images photos | wc -l
4
$ XDG_CONFIG_HOME=$PWD/xdg fetafix run source.onnx --images photos --limit 2 | wc -l
3
$ HOME=$PWD/home; mkdir -p home/.config; cp -r xdg/fetafix home/.config; HOME=$PWD/home XDG_CONFIG_HOME= fetafix run source.onnx --images photos | wc -l
4
$ echo 'set limit 1' > one; XDG_CONFIG_HOME=$PWD/xdg fetafix run source.onnx --images photos --config one --pre "size=16x16 scale=127.5 mean=1,1,1" | wc -l
2
$ XDG_CONFIG_HOME=$PWD/xdg fetafix run source.onnx --images photos --no-config --pre "size=16x16 scale=127.5 mean=1,1,1" | wc -l
61
$ echo 'set limt 1' > bad; fetafix run source.onnx --images photos --config bad
fetafix: bad:1: unknown setting 'limt'; did you mean 'limit'?
[2]
$ echo 'set output x' > bad; fetafix run source.onnx --images photos --config bad
fetafix: bad:1: 'output' is an option of the command line, not a setting
[2]
$ echo 'set quiet maybe' > bad; fetafix run source.onnx --images photos --config bad
fetafix: bad:1: quiet: 'maybe' is not yes or no
[2]
$ echo 'frob q quit' > bad; fetafix run source.onnx --images photos --config bad
fetafix: bad:1: 'frob' is none of set, bind, color
[2]
$ fetafix run source.onnx --images photos --config missing
fetafix: 'missing': no such file
[3]
$ printf 'set\n' | fetafix repl --limit 7 --minimal
name            type               value  default                     meaning
images          text                      none                        images: a folder, or a text file with one path a line
source-pre      text                      guessed                     the Source's preprocessing: a preset or a spec
target-pre      text                      guessed                     the Target's preprocessing
pre             text                      none                        the same as --source-pre, for one model
labels          text                      none                        class names, one a line
source-output   text                      the first                   the Source's output that is read
target-output   text                      none                        the Target's output that is read
validate        text                      none                        independent images, with classes if known: counted, never used to decide
max-wrong       text                      0                           exit code 0 while no more than N, or P% of the images, are wrong
limit           number             7      none                        use the first N images only
seed            number             0      0                           of the samples that the analysis draws
threads         number                    one per core                threads
memory          size                      a quarter of the machine's  memory for kept results, as 2G
time-limit      time                      2h                          end the search after this time, as 90s or 2h
rounds          number                    3                           rounds without a gain before the greedy search ends
strategy        full|paper         full   full                        paper: greedy only, as published
analysis        exact|paper        exact  exact                       paper: sampled layer analysis, as published
causal          yes|no                    for `localize`              compute the causal column
minimal         yes|no             yes    no                          keep the essential repairs only
keep-quantized  yes|no             no     no                          the Target is meant to be quantised: its rounding is no fault
pre-into-graph  yes|no             no     no                          write a repaired preprocessing into the graph, so that the old one stays right
comparator      text                      top-1                       when an answer of the Target is wrong, as tolerance:abs=1e-4
core-ops        text                      none                        operators that count as layers, as Conv,Gemm,MatMul
equivalences    yes|no             no     no                          list the differences that cannot change a result
reference       yes|no             no     no                          plain C kernels for everything
timing          yes|no             no     no                          put times into the report
format          text|json|csv      text   text                        how tables are printed
color           auto|never|always  auto   auto                        colours
quiet           yes|no             no     no                          no notes and no progress
verbose         yes|no             no     no                          say more
$ printf 'set limit 3\nset format xml\nset verbose\nset quiet yes\nset format csv\nset\n' | fetafix repl | head -4
fetafix: 'limit' is set when the program starts, as --limit or in the configuration file; here: format, verbose, quiet
fetafix: format: 'xml' is none of text|json|csv
name     type    value  default  meaning
verbose  yes|no  no     no       say more
name,type,value,default,meaning
images,text,,none,"images: a folder, or a text file with one path a line"
