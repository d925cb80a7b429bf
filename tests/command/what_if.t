# Edits of one's own: tried, kept, dropped, exported.

$ printf "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'\nset target-pre 'size=16x16 scale=127.5 mean=1,1,1'\n" > pre

$ printf 'what-if layer 1 pads=0,0,1,1\nwhat-if\nkeep\nwhat-if weights Conv_1\ndrop\nwhat-if inject pair 14\nwhat-if pre order=bgr\nkeep\nstates\nexport way --script\njobs\nwhat-if nowhere pads=1\n' > own; fetafix script own source.onnx target.onnx --images photos --config pre; sed 's/^/| /' way
what if: wrong 12 -> 32 (5 put right, 25 made wrong): set pads of 'Conv_0' to [0,0,1,1]
what if: set pads of 'Conv_0' to [0,0,1,1]
wrong 12 -> 32: 5 put right, 25 made wrong; `keep` or `drop`
kept: wrong 12 -> 32: set pads of 'Conv_0' to [0,0,1,1]
what if: wrong 32 -> 32 (3 put right, 3 made wrong): take the Source's weights for 'Conv_1'
dropped: take the Source's weights for 'Conv_1'
what if: wrong 32 -> 0 (32 put right, 0 made wrong): go on from 'Gemm_0' with the Source's activation
what if: wrong 32 -> 32 (12 put right, 12 made wrong): prepare the Target's pixels with order=bgr
kept: wrong 32 -> 32: prepare the Target's pixels with order=bgr
state  parent  wrong  distance  step  current  summary
    0             12    0.2157     0  no       as it came
    1       0     32    0.5125     1  no       set pads of 'Conv_0' to [0,0,1,1]
    2       1     32    0.4874     2  yes      prepare the Target's pixels with order=bgr
job  what  state
fetafix: own:12: there is no node 'nowhere'; see `nodes`
| # fetafix script 'way' 'source.onnx' 'target.onnx' --images 'photos' --source-pre 'size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto' --target-pre 'size=16x16 resize=bilinear antialias=off crop=none order=rgb scale=127.5 mean=1,1,1 std=1,1,1 layout=auto'
| localize
| # 32 wrong: set pads of 'Conv_0' to [0,0,1,1]
| what-if pair 0 'pads=0,0,1,1'
| keep
| # 32 wrong: prepare the Target's pixels with order=bgr
| what-if pre order=bgr
| keep

$ fetafix script way source.onnx target.onnx --images photos --config pre -q
what if: wrong 12 -> 32 (5 put right, 25 made wrong): set pads of 'Conv_0' to [0,0,1,1]
kept: wrong 12 -> 32: set pads of 'Conv_0' to [0,0,1,1]
what if: wrong 32 -> 32 (12 put right, 12 made wrong): prepare the Target's pixels with order=bgr
kept: wrong 32 -> 32: prepare the Target's pixels with order=bgr

$ printf 'what-if L9 pads=1\nwhat-if 0\nwhat-if inject\nwhat-if pre\nwhat-if 0 kernel_shape=x\nkeep\ndrop\njobs cancel 77\n' > own; while read -r line; do echo "$line" | fetafix repl source.onnx target.onnx --images photos --config pre -q; done < own
fetafix: there is no node 'L9'; see `nodes`
fetafix: expected: what-if NODE ATTRIBUTE=VALUE
fetafix: expected: what-if inject NODE
fetafix: expected: what-if pre KEY=VALUE..., or a preset
fetafix: kernel_shape takes whole numbers, not 'x'
fetafix: there is no what-if to keep
fetafix: there is no what-if to drop
fetafix: no job 77 runs or waits
[2]

$ printf 'measure causal\naccept 1\nmeasure\nlayers show layer,isolated,isolated_now,causal top 3\nundo\nmeasure\n' > own; fetafix script own source.onnx target.onnx --images photos --config pre -q
the layers are scored, with the causal column
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
the layers are scored as they are now
layer  isolated  isolated_now  causal
    1    0.1348        0.1348  0.1667
    2    0.1057        0.1057  0.4167
    3    0.1229        0.1229  0.3333
undone: wrong 11 -> 12: replace the weight of 'Conv_3' by the Source's
fetafix: own:6: the layers are scored as the Target came, and no step was taken since
[2]

# Where the models part: known from the start, in another state found out.
$ printf 'bisect\naccept 1\nbisect\nrepair\nbisect\n' > own; fetafix script own source.onnx target.onnx --images photos --config pre -q
the models part at 'Conv_0' (L1): 14.3% off on '002.png'
accepted: wrong 12 -> 11: replace the weight of 'Conv_3' by the Source's
the models part at 'Conv_0' (L1): 14.3% off on '002.png'
accepted: wrong 11 -> 9: replace the weight of 'Conv_0' by the Source's
accepted: wrong 9 -> 8: replace the weight of 'Conv_2' by the Source's
rejected: replace the weight of 'Conv_4' by the Source's: at least 8 wrong after 13 of 60 images
accepted: wrong 8 -> 7: replace the weight of 'Conv_5' by the Source's
accepted: wrong 7 -> 3: replace the weight of 'Conv_1' by the Source's
accepted: wrong 3 -> 0: replace the weight of 'Conv_4' by the Source's
the models part nowhere: the outputs agree
