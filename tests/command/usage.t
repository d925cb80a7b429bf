# What is typed wrong ends in one line and exit code 2.

$ fetafix
Usage: fetafix [COMMAND] ARGUMENT... [OPTION]...
.
Finds out why a converted model (Target) answers differently from the model it
was converted from (Source), shows it, and repairs it: ONNX, TFLite, Keras.
.
  fetafix source.onnx target.onnx --images photos/
  fetafix compare source.onnx target.onnx --images photos/
  fetafix repair source.onnx target.onnx --images photos/ -o repaired.onnx
.
Commands:
  apply      replay an exported repair on the model it was made for
  bench      milliseconds per image, or where the time of a repair goes
  borrow     take layers of the Target from another conversion of the same
             Source
  compare    count the images whose labels differ, without analysis; several
             Targets are ranked
  convert    a model of another format as ONNX, as it was read
  explain    a fault type or a cause in plain words: PP ID TSS WB LH CG
  explore    the explorer: look, step, undo, save (the default on a terminal)
  help       what there is to type; `help views`: the tables and their columns
  inspect    what is in a model
  localize   find what differs, and where the error begins; nothing is changed
  matrix     count the images whose labels differ, for every pair of models
  query      SELECT from the views of the session (`help views`)
  repair     repair to the end, keeping only what lowers the discrepancy
  repl       type commands
  run        labels and outputs of one model
  script     commands from a file; - is standard input
  teach      lessons on samples: find the fault, repair it; without a name the
             list
.
`fetafix COMMAND --help` shows a command's options.
fetafix: two models are needed
[2]
$ fetafix comapre source.onnx target.onnx --images photos
fetafix: unknown command 'comapre'; did you mean 'compare'?
[2]
$ fetafix nothing
fetafix: 'nothing' is neither a command nor a file; see fetafix --help
[2]
$ fetafix compare source.onnx
fetafix: two models are needed: fetafix compare SOURCE TARGET --images DIR|LIST
[2]
$ fetafix compare source.onnx target.onnx
fetafix: no images are given (--images DIR|LIST, or --input NPZ)
[2]
$ fetafix compare source.onnx target.onnx --image photos
fetafix: unknown option '--image'; did you mean '--images'?
[2]
$ fetafix compare source.onnx target.onnx --images
fetafix: --images needs DIR|LIST
[2]
$ fetafix compare source.onnx target.onnx --images photos --limit none
fetafix: --limit: 'none' is not a whole number from 1
[2]
$ fetafix compare source.onnx target.onnx --images photos --limit 0
fetafix: --limit: '0' is not a whole number from 1
[2]
$ fetafix compare source.onnx target.onnx --images photos --source-pre torhc
fetafix: preprocessing: unknown preset 'torhc'; did you mean 'torch'?
[2]
$ fetafix compare source.onnx target.onnx --images photos --minimal
fetafix: --minimal does not go with 'compare'
[2]
$ fetafix compare source.onnx target.onnx --images photos --color blue
fetafix: --color: 'blue' is none of auto|never|always
[2]
$ fetafix repair source.onnx target.onnx --images photos --memory much
fetafix: --memory: 'much' is not a size, as 512M or 2G
[2]
$ fetafix repair source.onnx target.onnx --images photos --time-limit soon
fetafix: --time-limit: 'soon' is not a time, as 90s, 15m or 2h
[2]
$ fetafix repair source.onnx target.onnx --images photos -x
fetafix: unknown option '-x'; see fetafix --help
[2]
$ fetafix run source.onnx
fetafix: run needs --images DIR|LIST or --input NPY|NPZ
[2]
$ fetafix run source.onnx target.onnx --images photos
fetafix: one model is needed: fetafix run MODEL
[2]
$ fetafix explain WD
fetafix: 'WD' is no fault type; did you mean 'ID'?
[2]
$ fetafix inspect
fetafix: one model is needed: fetafix inspect MODEL
[2]
$ fetafix convert a
fetafix: convert needs -o OUT.onnx
[2]
$ fetafix apply a b
fetafix: apply needs -o OUT
[2]
$ fetafix teach nothing
fetafix: 'nothing' is no lesson; `fetafix teach` lists them
[2]
$ fetafix repair source.onnx target.onnx --images photos --json out --report out
fetafix: 'out' is to be written twice
[2]
$ fetafix compare --help
Usage: fetafix compare SOURCE TARGET... --images DIR|LIST [OPTION]...
.
count the images whose labels differ, without analysis; several Targets are
ranked
Exit code 0: no label differs; 1: some do. --verbose lists them for one Target.
Several are ranked, the best first, with the converters that made them;
TARGET@SPEC is a Target with a preprocessing of its own.
.
Options:
      --images DIR|LIST          images: a folder, or a text file with one path
                                 a line
      --source-pre SPEC          the Source's preprocessing: a preset or a spec
                                 (default: guessed)
      --target-pre SPEC          the Target's preprocessing (default: guessed)
      --labels FILE              class names, one a line
      --source-output NAME       the Source's output that is read (default: the
                                 first)
      --target-output NAME       the Target's output that is read
      --json FILE|-              write the report as JSON; -: to standard
                                 output
      --labels-csv FILE          write both models' five best classes of every
                                 image
      --report FILE.html         write the report as a page
      --session FILE             keep the case in this file and take it up
                                 again from there
      --validate DIR|LIST        independent images, with classes if known:
                                 counted, never used to decide
      --input NPY|NPZ            samples that are no images: arrays named as
                                 the inputs, the first axis counts
      --max-wrong N|P%           exit code 0 while no more than N, or P% of the
                                 images, are wrong (default: 0)
      --limit N                  use the first N images only
      --seed N                   of the samples that the analysis draws
      --threads N                threads (default: one per core)
      --memory SIZE              memory for kept results, as 2G (default: a
                                 quarter of the machine's)
      --time-limit TIME          end the search after this time, as 90s or 2h
                                 (default: 2h)
      --comparator NAME[:ARGS]   when an answer of the Target is wrong, as
                                 tolerance:abs=1e-4 (default: top-1)
      --reference                plain C kernels for everything
      --timing                   put times into the report
      --format text|json|csv     how tables are printed
  -f, --force                    overwrite files that exist
      --config FILE              read settings from this file instead of the
                                 user's
      --no-config                do not read the user's configuration file
      --color auto|never|always  colours
  -q, --quiet                    no notes and no progress
  -v, --verbose                  say more
  -h, --help                     this help; with a command: that command's
  -V, --version                  versions of the program and its libraries
.
Comparators:
  top-1
      the greatest output is the same class; a first class more or less is
      found by itself
  top-k:K
      the Source's label is among the K greatest outputs of the Target (5)
  kendall:TAU[,k=K]
      Kendall's tau-b of both orders of the classes is at least TAU (0.9); K:
      of the Source's K best alone
  map:FILE
      labels through a file with a label of the Target and the Source's a line
  offset:N
      label of the Target + N is the Source's
  tolerance:abs=A,rel=R[,N/abs=A][,N/rel=R]
      every number of every output: |t - s| <= A + R |s| (1e-5, 1e-3); N/: of
      output N alone, from 0
  values:R[,N/rel=R]
      every number of every output: |t - s| <= R times the output's greatest
      (1e-3); whole numbers, booleans and texts are equal; what decides where
      the first output is not one of classes
  cosine:MIN
      cosine of the angle between both outputs is at least MIN (0.999)
  sqnr:DB
      signal to noise ratio of the outputs is at least DB decibels (40)
  argmax:MIN[,axis=A]
      the same class at a share MIN of the positions (1); classes along axis A
      (1 of four axes, else the last)
  bleu:MIN[,axis=A][,end=ID]
      sequences of tokens (ids, or scores with the classes along axis A): BLEU
      is at least MIN (0.9); ID ends one
  boxes:F1[,iou=I][,score=S][,boxes=N][,scores=N][,classes=N][,form=corners|centre]
      detections with a score of S or more (0.5): F1 at an overlap of I (0.5)
      is at least F1 (1); N: outputs with the boxes, scores and classes (0, 1,
      2), or rows of one output: 4 places, score, class
  program:FILE,min=X|max=X[,timeout=SECONDS][,arg=WORD]...
      FILE [WORD]... SOURCE.npy TARGET.npy prints a number, which is to be at
      least (at most) X; without a shell, within 60 seconds a sample
.
Exit code: 0 no discrepancy (left), 1 discrepancy, 2 usage, 3 unreadable input,
4 unsupported operator, 5 internal error or out of memory, 130 interrupted.
$ fetafix compare -hq --timing=yes
fetafix: --timing takes no value
[2]
