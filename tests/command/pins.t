# A person's word on a pair: kept with the case, and everything that follows from it made anew.

$ echo "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'" > pre; echo "set target-pre 'size=16x16 scale=127.5 mean=1,1,1'" >> pre
$ printf 'pins\nlocalize\nstep\nforbid Conv_4 Conv_4\nfindings\npins\nstates\n' > tour; fetafix script tour source.onnx target.onnx --images photos --config pre --session case.fetafix
word  source  target
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
'Conv_4' and 'Conv_4' are forbidden
type  status    essential  layer  step  summary
WB    repaired  yes            4     1  weight of 'Conv_3' differ (11.8% off)
WB    open      no             1        weight of 'Conv_0' differ (12.5% off)
WB    open      no             2        weight of 'Conv_1' differ (11.8% off)
WB    open      no             3        weight of 'Conv_2' differ (11.7% off)
CG    open      no                      before 'Relu:relu4': Conv in the Source, Conv in the Target
WB    open      no             5        weight of 'Conv_5' differ (12% off)
word    source  target
forbid  Conv_4  Conv_4
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  no       as it came
    1       0     11    0.1737     1  yes      replace the weight of 'Conv_3' by the Source's
# Taken up again: the pair is still forbidden; taking that back brings its finding.
$ printf 'pins\nstatus\nunpin Conv_4 Conv_4\nfindings\nundo\nfindings\nredo\nstatus\n' > more; fetafix script more --session case.fetafix
word    source  target
forbid  Conv_4  Conv_4
state 1: 11 of 60 labels differ, 12 at first, distance 0.174
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: CG:Conv_4
'Conv_4' and 'Conv_4' are free again
type  status    essential  layer  step  summary
WB    repaired  yes            4     1  weight of 'Conv_3' differ (11.8% off)
WB    open      no             1        weight of 'Conv_0' differ (12.5% off)
WB    open      no             2        weight of 'Conv_1' differ (11.8% off)
WB    open      no             3        weight of 'Conv_2' differ (11.7% off)
WB    open      no             5        weight of 'Conv_4' differ (11.8% off)
WB    open      no             6        weight of 'Conv_5' differ (12% off)
undone: wrong 11 -> 12: replace the weight of 'Conv_3' by the Source's
type  status  essential  layer  step  summary
WB    undone  no             4        weight of 'Conv_3' differ (11.8% off)
WB    open    no             1        weight of 'Conv_0' differ (12.5% off)
WB    open    no             2        weight of 'Conv_1' differ (11.8% off)
WB    open    no             3        weight of 'Conv_2' differ (11.7% off)
WB    open    no             5        weight of 'Conv_4' differ (11.8% off)
WB    open    no             6        weight of 'Conv_5' differ (12% off)
redone: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
state 1: 11 of 60 labels differ, 12 at first, distance 0.174
Source takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
next: WB:Conv_0/weight
$ printf 'pins\npin Conv_0 Conv_2\nlocalize\npairs\n' > crossed; fetafix script crossed --session case.fetafix --forbid Conv_5=Conv_5 | cut -c1-90
word    source  target
forbid  Conv_5  Conv_5
'Conv_0' and 'Conv_2' are pinned
pair  layer  status       source_summary     target_summary     note              reason  
   0         target-only                     Conv 12 3x3 p1     different 1e+02%          
   1      1  different    Conv 12 3x3 p1     Conv 12 3x3 p1     different 1e+02%  pinned  
   2         equal        Relu               Relu                                 neighbou
   3      2  different    Conv 12 3x3 s2 p1  Conv 12 3x3 s2 p1  different 12%     near wei
   4         equal        Relu               Relu                                 neighbou
   5         source-only  Conv 12 3x3 p1                                                  
   6         equal        Relu               Relu                                 neighbou
   7      3  equal        Conv 12 3x3 s2 p1  Conv 12 3x3 s2 p1                    equal we
   8         equal        Relu               Relu                                 neighbou
   9      4  different    Conv 12 3x3 p1     Conv 12 3x3 p1     different 12%     near wei
  10         equal        Relu               Relu                                 neighbou
  11         target-only                     Conv 12 3x3 s2 p1  different 1e+02%          
  12         source-only  Conv 12 3x3 s2 p1                                               
  13         equal        Relu               Relu                                 neighbou
  14         equal        GlobalAveragePool  GlobalAveragePool                    neighbou
  15         equal        Reshape [1,12]     Reshape [1,12]                       neighbou
  16      5  equal        Gemm 10            Gemm 10                              equal we
$ printf 'pins\n' | fetafix repl --session case.fetafix
word    source  target
forbid  Conv_5  Conv_5
pin     Conv_0  Conv_2
$ printf 'repair\nstatus\n' > end; fetafix script end --session case.fetafix | tail -2
Target takes  size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto  (given)
the search came to its end
# What cannot be.
$ printf 'pin Conv_99 Conv_1\n' > a; fetafix script a --session case.fetafix
fetafix: a:1: the Source has no node 'Conv_99'; did you mean 'Conv_0'?
[2]
$ printf 'pin Conv_1 Konv_1\n' > a; fetafix script a --session case.fetafix
fetafix: a:1: the Target has no node 'Konv_1'; did you mean 'Conv_1'?
[2]
$ printf 'pin Conv_1 Conv_2\n' > a; fetafix script a --session case.fetafix
fetafix: a:1: 'Conv_1' or 'Conv_2' is pinned to another node
[2]
$ printf 'unpin Conv_1 Conv_1\n' > a; fetafix script a --session case.fetafix
fetafix: a:1: 'Conv_1' and 'Conv_1' are neither pinned nor forbidden; see `pins`
[2]
$ printf 'pin Conv_1\n' > a; fetafix script a --session case.fetafix
fetafix: a:1: expected: pin SOURCE_NODE TARGET_NODE
[2]
$ printf 'pins\n' | fetafix repl --session case.fetafix
word    source  target
forbid  Conv_5  Conv_5
pin     Conv_0  Conv_2
$ fetafix localize source.onnx target.onnx --images photos --config pre --pin Conv_1
fetafix: --pin: 'Conv_1' is not SOURCE_NODE=TARGET_NODE
[2]
$ fetafix localize source.onnx target.onnx --images photos --config pre --pin Conv_1=Conv_77
fetafix: the Target has no node 'Conv_77'; did you mean 'Conv_0'?
[2]
$ fetafix localize source.onnx target.onnx --images photos --config pre --pin Conv_1=Conv_1 --pin Conv_2=Conv_1
fetafix: 'Conv_2' or 'Conv_1' is pinned to another node
[2]
$ fetafix localize source.onnx target.onnx --images photos --config pre --forbid Conv_1=Conv_1 --quiet | grep '^  [A-Z][A-Z]  '
  WB   weight of 'Conv_0' differ (12.5% off)
  CG   before 'Relu:relu1': Conv in the Source, Conv in the Target
  WB   weight of 'Conv_2' differ (11.7% off)
  WB   weight of 'Conv_3' differ (11.8% off)
  WB   weight of 'Conv_4' differ (11.8% off)
  WB   weight of 'Conv_5' differ (12% off)
$ fetafix compare source.onnx target.onnx --images photos --config pre --pin Conv_1=Conv_1
fetafix: --pin does not go with 'compare'
[2]
