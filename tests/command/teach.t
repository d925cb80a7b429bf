# Every lesson from its question to the repaired sample.

$ fetafix teach
dimensions       A picture that does not fit in
equivalences     Everything is different and nothing is wrong
graph            Nodes that ought not to be there
hyperparameters  The same weights with other settings
masking          Two faults that hide each other
preprocessing    Right weights, wrong labels
statistics       Why the entire error misleads
structure        The right shape and the wrong order
weights          Weights that went through int8
fetafix: begin with one, as: fetafix teach weights
$ fetafix teach wieghts
fetafix: 'wieghts' is no lesson; did you mean 'weights'?
[2]
$ fetafix teach zzzzzz
fetafix: 'zzzzzz' is no lesson; `fetafix teach` lists them
[2]

# Files that are no lessons are named with the line.
$ echo 'case of nothing' > bad.lesson; fetafix teach ./bad.lesson
fetafix: ./bad.lesson:1: not a lesson: 'case of nothing' begins no field
[3]
$ printf 'title: T\ncase: nowhere\nanswer: type XY\n' > bad.lesson; fetafix teach ./bad.lesson
fetafix: ./bad.lesson:3: 'XY' is no fault type: PP ID TSS WB LH CG
[3]
$ printf 'title: T\ntitle: U\ncase: wb\n' > bad.lesson; fetafix teach ./bad.lesson
fetafix: ./bad.lesson:2: a second 'title:'
[3]
$ printf 'title: T\n# no text\nlook:\nquestion: q\n' > bad.lesson; fetafix teach ./bad.lesson
fetafix: ./bad.lesson:3: 'look:' is empty
[3]
$ printf 'title: T\ncase: wb\n' > bad.lesson; fetafix teach ./bad.lesson
fetafix: ./bad.lesson:2: the lesson has no 'answer:'
[3]
$ printf 'title: T\ncase: nowhere\nanswer: word a\nlook: l\nquestion: q\nhint: h\nexplain: e\n' > bad.lesson; fetafix teach ./bad.lesson 2>&1 | sed 's/.*samples/samples/'
samples/nowhere/source.onnx': the lesson's sample 'nowhere' is not there
$ printf 'title: T\ncase: wb\nanswer: layer block9\nlook: l\nquestion: q\nhint: h\nexplain: e\n' > bad.lesson; echo answer L1 | fetafix teach ./bad.lesson 2>&1 | grep :3:
fetafix: ./bad.lesson:3: no layer is called 'block9' in the sample
$ fetafix teach ./missing.lesson
fetafix: './missing.lesson': no such file
[3]

# A teacher's own lesson on a sample of her own; a broken one does not hide the others.
$ mkdir -p data/fetafix/lessons/mine; cp source.onnx target.onnx data/fetafix/lessons/mine; (cd photos; ls | sed 's,^,../../../../photos/,') > data/fetafix/lessons/mine/images.txt
$ printf 'title: My own\ncase: mine\nanswer: word 42\nlook: Look\n at this.\n\nAnd that.\nquestion: Well?\nhint: More.\nexplain: So it is.\n' > data/fetafix/lessons/own.lesson
$ echo 'no' > data/fetafix/lessons/zbroken.lesson; XDG_DATA_HOME=$PWD/data fetafix teach -q 2>&1 | sed "s,$PWD/,," | tail -4; XDG_DATA_HOME=$PWD/data fetafix teach own < /dev/null 2>&1 | grep -v guessed
structure        The right shape and the wrong order
weights          Weights that went through int8
own              My own
fetafix: data/fetafix/lessons/zbroken.lesson:1: not a lesson: 'no' begins no field
My own
.
Look
 at this.
.
And that.
.
Well?
(answer WORDS; hint; lesson shows this again; help lists all commands)
.
fetafix: the question is still open
$ printf 'answer 41\nhint\nhint\nanswer 42\n' | XDG_DATA_HOME=$PWD/data fetafix teach own -q | tail -8
Not that. More.
More.
The answer is: 42.
Right.
.
So it is.
.
`repair` repairs it, `status` says where things stand, `quit` ends the lesson.

# The conversation: what tells the answer waits; wrong words get a hint, right ones are kept.
$ printf 'findings\nrepair\nanswer CG\nanswer\nanswer not WB\nanswer PP or WB\nanswer dunno\nanswer pp.\nanswer PP\nrepair\nstatus\nquit\n' | fetafix teach preprocessing 2>&1
Right weights, wrong labels
.
A network was converted from PyTorch to TensorFlow. Every weight was carried
over to the last bit, and still the two give 41 of 120 pictures different
labels.
.
  status    how the pictures are prepared for each model
  layers    how each layer errs: `entire` is all error that has arrived,
            `isolated` what the layer adds when fed the Source's numbers
  images    the labels
.
Which of the six types is it: PP (preprocessing), ID (input dimensions), TSS
(tensor shape and structure), WB (weights), LH (hyperparameters) or CG (the
graph)?
(answer WORDS; hint; lesson shows this again; help lists all commands)
.
fetafix: 'findings' comes when the question is answered: `answer`, or `hint`
fetafix: 'repair' comes when the question is answered: `answer`, or `hint`
Not CG. No layer errs by itself: isolated is 0 everywhere. So what happens
before the first layer?
fetafix: answer with a few words, as: answer WB in L3
Say what it is rather than what it is not.
One type at a time: which is it?
Say which of the six types it is (PP ID TSS WB LH CG).
Right.
.
PP. A picture's pixels have to become numbers before the network sees them.
The Source was trained on pixels minus the ImageNet mean, divided by the
deviation; the Target is fed numbers in [-1,1], the habit of the framework it
was converted to. The file of a model does not say which it wants, so a
conversion loses it easily.
.
The repair is no edit of the graph: it is the specification that the Target
has to be used with. Or type `pre-into-graph` afterwards, and the repaired
model does the arithmetic itself.
.
`repair` repairs it, `status` says where things stand, `quit` ends the lesson.
Right.
.
PP. A picture's pixels have to become numbers before the network sees them.
The Source was trained on pixels minus the ImageNet mean, divided by the
deviation; the Target is fed numbers in [-1,1], the habit of the framework it
was converted to. The file of a model does not say which it wants, so a
conversion loses it easily.
.
The repair is no edit of the graph: it is the specification that the Target
has to be used with. Or type `pre-into-graph` afterwards, and the repaired
model does the arithmetic itself.
.
`repair` repairs it, `status` says where things stand, `quit` ends the lesson.
accepted: wrong 41 -> 0: prepare the Target's pixels as the Source's: size=auto resize=bilinear antialias=off crop=none order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto
state 1: 0 of 120 labels differ, 41 at first, distance ...
Source takes  size=auto resize=bilinear antialias=off crop=none order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto  (given)
Target takes  size=auto resize=bilinear antialias=off crop=none order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto  (repaired)
the search came to its end
$ printf 'answer L99\nanswer wb\nanswer block5\nanswer weights in /no/such.layer\nanswer L4\nlayers\nanswer L15\nrepair\nstatus\n' | fetafix teach weights 2>&1 | grep -vE '^ +[0-9]|^$' | tail -n +13
names.
There is no layer '/no/such.layer'; `layers` and `pairs` show numbers and
names.
Not layer L4. Nodes and settings agree. What is left of a layer are its
numbers.
layer  rank  isolated  causal    entire       kw  source
Right.
WB. Most weights lie on at most 255 levels a channel, the mark of int8: the
converter stored them in 8 bits to make the file small. Each such layer is off
by half a percent or one, which these pictures stand.
In block5.depthwise (L15) the bias was lost altogether, and that is what moved
the labels: its repair alone brings all of them back. The other weights are
restored as well, because pictures that nobody has tried may lie closer to the
border between two classes.
`repair` repairs it, `status` says where things stand, `quit` ends the lesson.
accepted: wrong 70 -> 0: replace the bias of 'model/block5.depthwise/Conv2D;model/block5.depthwise/BiasAdd' by the Source's
accepted: wrong 0 -> 0: 17 repairs at once: replace the weight of 'model/block5.depthwise/Conv2D;model/block5.depthwise/BiasAdd' by the Source's, ...
state 2: 0 of 120 labels differ, 70 at first, distance ...
Source takes  size=auto resize=bilinear antialias=off crop=none order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto  (given)
Target takes  size=auto resize=bilinear antialias=off crop=none order=rgb scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=auto  (given)
the search came to its end

# Each lesson.
$ printf 'answer TSS\nanswer it is ID\nrepair\nstatus\n' | fetafix teach dimensions | grep -E '^(Not|Right|Yes|state)'
Not TSS. `log` names the shape that the Target's input declares. Which numbers
Right.
Nothing else is wrong.
state 1: 0 of 120 labels differ, 120 at first, distance ...
$ printf 'answer ID\nanswer structure\nrepair\nstatus\n' | fetafix teach structure | grep -E '^(Not|Right|Yes|state)'
Not ID. The first layer is already wrong (entire) although it adds nothing by
Right.
state 1: 0 of 120 labels differ, 33 at first, distance ...
$ printf 'answer CG\nanswer block1.depthwise\nanswer hyperparameters\nanswer /small/block5.depthwise/Conv2D\nrepair\nstatus\n' | fetafix teach hyperparameters | grep -E '^(Not|Right|Yes|Say|state)'
Not CG. Compare the two columns of `pairs` at a layer with an isolated error:
Not layer L3. Compare the two columns of `pairs` at a layer with an isolated
Yes, as far as that goes. Still to say: the layer (as L3, or its name).
Right.
state 4: 0 of 120 labels differ, 45 at first, distance ...
$ printf 'answer LH at L9\nanswer the graph, at the Pad of model/block3.depthwise/Conv2D!\nrepair\nstatus\n' | fetafix teach graph | grep -E '^(Not|Right|Yes|state)'
Not LH. Weights and the layers' own settings agree. Nodes were added: one
Right.
state 2: 0 of 120 labels differ, 120 at first, distance ...
$ printf 'answer 12\nanswer 0 or 12\nstatus\nanswer none at all\n' | fetafix teach equivalences | grep -E '^(Not|Right|Yes|state)'
Not that. A difference is a fault when it can change a result. `status` counts
Not that. A difference is a fault when it can change a result. `status` counts
state 0: 0 of 120 labels differ, 0 at first, distance ...
Right.
$ printf 'answer WB in L12\nanswer L13\nanswer l12 and block4.expand\nrepair\nsteps\nstatus\n' | fetafix teach masking | grep -E '^(Not|Right|Yes|state)|greedy|joint'
Yes, as far as that goes. Still to say: one more layer.
Not layer L13. Settings and nodes agree, so it is the layers' numbers. Which
Right.
       1        rejected      17         greedy    WB    replace the weight of 'model/block4.depthwise/Conv2D' by the Source's
       2        rejected      17         greedy    WB    replace the weight of 'model/block4.expand/Conv2D' by the Source's
       3     1  accepted      17      0  joint     WB    2 repairs at once: replace the weight of 'model/block4.depthwise/Conv2D' by the Source's, ...
state 1: 0 of 120 labels differ, 17 at first, distance ...
$ printf 'answer the last\nanswer 21\nanswer layer 3\nanswer isolated\nrepair\nstatus\n' | fetafix teach statistics | grep -E '^(Not|Right|Yes|Say|state)'
Say the layer (as L3, or its name), and the rest of what was asked.
Not layer L21. The entire error does not go away once it is there: every layer
Yes, as far as that goes. Still to say: the rest of what was asked.
Right.
state 5: 0 of 120 labels differ, 17 at first, distance ...

# Hints end with the answer; nothing but end of input leaves the question open; no lesson, no answer.
$ printf 'hint\nhint\nhint\nlesson\nquit\n' | fetafix teach weights 2>&1 | tail -n +15
Do not look at `entire`: it stays large behind the culprit. The largest
`isolated` is the place.
The answer is: WB, block5.depthwise.
Weights that went through int8
.
Both graphs say the same, node by node, yet 70 of 120 labels differ. Many
layers err a little by themselves, and one errs much more than the others.
.
  layers    `isolated`: the error a layer adds by itself;
            `entire`: all error that has arrived there
  pairs     the rows of the aligned graph, with a note where two differ
.
Which of the six types is it (PP ID TSS WB LH CG), and in which layer is it
worst?
(answer WORDS; hint; lesson shows this again; help lists all commands)
.
fetafix: the question is still open
$ printf 'nonsense\n' | fetafix teach weights 2>&1 | tail -2
fetafix: unknown command 'nonsense'; see `help`
fetafix: the question is still open
$ echo 'answer PP' > a; fetafix script a
fetafix: a:1: no lesson is held; `fetafix teach` in a shell lists them
[2]

# One word in other words.
$ fetafix explain
PP   preprocessing differs
ID   input dimensions differ
TSS  tensor shape and structure differ
WB   weights and biases differ
LH   layer hyperparameters differ
CG   the computation graph differs
$ fetafix explain wb
WB: weights and biases differ
.
The numbers of a layer are not the Source's: rounded to int8, float16 or
bfloat16 and back, permuted, scaled, or missing. Rounding below one part in a
million comes from folding batch normalisation and is no fault.
.
How it shows: the layer errs although it is fed with the Source's activations
(isolated); the error that has arrived behind it (entire) is inherited by
everything downstream.
.
How it is repaired: the Source's weights are written where the Target keeps
them, in its layout.
.
Causes: activation-scale, activation-zero-point, added, bfloat16, different,
float16, int8-per-channel, int8-per-tensor, missing, normalisation, permuted,
quantization-scale, quantization-zero-point, quantized, scaled, shape-differs
$ for t in PP ID TSS LH CG; do fetafix explain $t | tail -3; done
reported. `pre-into-graph` writes it into the model.
.
Causes: preprocessing-differs
was added behind the input to make it fit is corrected or taken out.
.
Causes: input-batch, input-layout, input-size, input-takes-no-image
layer are.
.
Causes: axes-permuted, input-axes-permuted, normalisation-axis, order-lost
attributes-differ, axis-differs, bounds-differ, ceil-mode-differs,
count-include-pad-differs, dilations-differ, epsilon-differs, group-differs,
kernel-differs, pads-differ, slice-differs, strides-differ, window-differs
half-precision, missing-nodes, other-nodes, outputs-redundant,
outputs-reordered, pad-amounts, pad-counted, pad-mode, pad-value,
wired-otherwise
$ fetafix explain pads-differ
pads-differ: a fault of type LH
.
A window begins at another place. With stride 2 on an even size one odd pixel
of padding is needed: TensorFlow puts it at the end, others at the beginning,
and converters drop or mirror it.
$ for c in pad-mode pad-value pad-counted normalisation-axis; do fetafix explain $c | head -1; done
pad-mode: a fault of type CG
pad-value: a fault of type CG
pad-counted: a fault of type CG
normalisation-axis: a fault of type TSS
$ fetafix explain pads-difer
fetafix: 'pads-difer' is no fault type; did you mean 'pads-differ'?
[2]
$ fetafix explain rounding
rounding
.
The last bits differ, below one part in a million, as after folding a batch
normalisation. An equivalence, no fault.
$ fetafix explain zzzzzz
fetafix: 'zzzzzz' is no fault type (PP ID TSS WB LH CG) and no cause
[2]
