# Every lesson from its question to the repaired sample.

$ fetafix teach
equivalences     Everything is different and nothing is wrong
hyperparameters  The same layers with other settings
preprocessing    Right weights, wrong labels
statistics       Why the entire error misleads
weights          Weights that went through int8
$ fetafix teach wieghts
fetafix: 'wieghts' is no lesson; `fetafix teach` lists them
[2]
$ echo 'case of nothing' > bad.lesson; fetafix teach ./bad.lesson
fetafix: './bad.lesson': not a lesson: 'case of nothing' begins no field
[3]
$ printf 'title: T\ncase: nowhere\nanswer: a\nlook: l\nquestion: q\nhint: h\nexplain: e\n' > bad.lesson; fetafix teach ./bad.lesson 2>&1 | sed 's/.*samples/samples/'
samples/nowhere/case.json': the sample 'nowhere' is not there
$ printf 'answer CG\nanswer\nanswer pp\nrepair\nstatus\nquit\n' | fetafix teach preprocessing
Right weights, wrong labels
.
Every weight was carried over to the last bit, and still labels differ.
`status` shows what was compared and how the pictures are prepared for each model; `layers` shows what
each layer adds to the error by itself; `images` the labels.
.
Which of the six types is it (PP ID TSS WB LH CG), and where does it sit?
(answer WORDS; hint; help lists the other commands)
.
Not that. No layer is guilty by itself. What happens before the first one? `status` shows both specs.
answer with a few words, as: answer WB
Right.
.
PP: the pictures reach the Target in [-1,1], the Source was trained on pixels minus the ImageNet
mean over the deviation. The file of a model does not say which it wants, so a conversion loses it easily.
The repair is no edit of the graph: it is the specification the Target has to be used with.
.
`repair` repairs it, `status` says where things stand, `quit` ends the lesson.
accepted: wrong 41 -> 0: ...
state 1: 0 of 120 labels differ, 41 at first, ...
the search came to its end
$ printf 'answer LH\nanswer it is WB\nrepair\nstatus\n' | fetafix teach weights | grep -E 'Not|Right|^state'
Not that. Attributes and nodes agree. `findings`: what do the lines have in common?
Right.
state 2: 0 of 120 labels differ, 70 at first, ...
$ printf 'answer WBLH\nanswer the pads\nrepair\nstatus\n' | fetafix teach hyperparameters | grep -E 'Not|Right|^state'
Not that. Pads, strides, bounds of an activation: what are they called together? See `findings`.
Right.
state 4: 0 of 120 labels differ, 45 at first, ...
$ printf 'answer 12\nstatus\nanswer none at all\n' | fetafix teach equivalences | grep -E 'Not|Right|^state'
Not that. `status` counts the labels that differ, `findings` the faults.
state 0: 0 of 120 labels differ, 0 at first, ...
Right.
$ printf 'answer the last\nlayers\nanswer block1.depthwise\nrepair\nstatus\n' | fetafix teach statistics | grep -E 'Not|Right|^state'
Not that. The entire error never goes away once it is there: every layer after a fault shows it. Which column
Right.
state 5: 0 of 120 labels differ, 17 at first, ...
$ printf 'hint\nquit\n' | fetafix teach weights | tail -1
fetafix: the question is still open
Attributes and nodes agree. `findings`: what do the lines have in common?
$ printf 'nonsense\n' | fetafix teach weights 2>&1 | tail -2
fetafix: unknown command 'nonsense'; see `help`
fetafix: the question is still open
