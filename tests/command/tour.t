# The tour that README refers to, over the samples beside the program.
$ ln -s "$(dirname "$(command -v fetafix)")/samples" samples
$ fetafix script samples/tour.fetafix samples/demo/source.onnx samples/demo/target.onnx --images samples/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --session tour.fetafix --no-config >printed.txt
$ grep -E '^(better|accepted|undone|redone)' printed.txt
better: wrong 6
accepted: wrong 17 -> 6: set pads of 'model/block1.depthwise/Conv2D' to [0,0,1,1]
undone: wrong 6 -> 17: set pads of 'model/block1.depthwise/Conv2D' to [0,0,1,1]
redone: wrong 17 -> 6: set pads of 'model/block1.depthwise/Conv2D' to [0,0,1,1]
accepted: wrong 6 -> 3: replace the weight of 'model/block3.depthwise/Conv2D' by the Source's
accepted: wrong 3 -> 1: set max of 'model/block3.expand/relu6_max' to 6
accepted: wrong 1 -> 0: replace the weight of 'model/stem/Conv2D' by the Source's
accepted: wrong 0 -> 0: 2 repairs at once: replace the weight of 'model/block4.project/Conv2D' by the Source's, ...
$ grep -E '^state [0-9]|put right|search' printed.txt | sed 's/, distance .*//'
state 0: 17 of 120 labels differ, 17 at first
images_001_lime-disc.jpg: put right by step 4
state 5: 0 of 120 labels differ, 17 at first
the search came to its end
$ grep -A 6 '^type *layer *status *essential' printed.txt
type  layer  status    essential  before  after
WB        1  repaired  yes             1      0
LH        3  repaired  yes            17      6
WB        6  repaired  no              0      0
LH           repaired  yes             3      1
WB        9  repaired  no              6      3
WB       13  repaired  no              0      0
$ fetafix query tour.fetafix 'select state, parent, wrong, step, current from states'
state  parent  wrong  step  current
    0             17     0  no
    1       0      6     1  no
    2       1      3     2  no
    3       2      1     3  no
    4       3      0     4  no
    5       4      0     5  yes
