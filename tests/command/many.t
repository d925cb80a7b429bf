# Many conversions of one Source, on the samples.

$ ln -s "$(dirname "$(command -v fetafix)")/samples" s; cp s/pp/source.onnx torch.onnx; for c in lh demo wb pp background cg; do cp s/$c/target.onnx $c.onnx; done
$ fetafix compare torch.onnx lh.onnx demo.onnx background.onnx pp.onnx@tf torch.onnx --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet
Source  torch.onnx  (opset 13, pytorch 1.13.1)
rank  wrong  percent  producer        opset  offset  path
   1      0        0  tf2onnx 1.14.0     13      -1  background.onnx
   1      0        0  pytorch 1.13.1     13       0  torch.onnx
   3     17    14.17  tf2onnx 1.14.0     13       0  demo.onnx
   4     41    34.17  tf2onnx 1.14.0     13       0  pp.onnx
   5     45     37.5  tf2onnx 1.14.0     13       0  lh.onnx
labels that differ from the Source's, of 120 images
[1]
$ fetafix compare torch.onnx demo.onnx cg.onnx lh.onnx --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --format csv
rank,wrong,percent,producer,opset,offset,path
1,17,14.1666667,tf2onnx 1.14.0,13,0,demo.onnx
2,45,37.5,tf2onnx 1.14.0,13,0,lh.onnx
3,120,100,tf2onnx 1.9.3,11,0,cg.onnx
[1]
$ fetafix compare torch.onnx background.onnx pp.onnx@tf --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --json - | python3 -c 'import json, sys; m = json.load(sys.stdin); print(m["schema"], m["images"], m["source"]["width"]); [print(t["rank"], t["wrong"], t["percent"], t["offset"], t["width"], t["producer"], t["preprocessing"][:50]) for t in m["targets"]]'
fetafix-ranking/1 120 12
1 0 0 -1 13 tf2onnx 1.14.0 size=auto resize=bilinear antialias=off crop=none 
2 41 34.1666667 0 12 tf2onnx 1.14.0 size=auto resize=bilinear antialias=off crop=none 
$ fetafix compare torch.onnx demo.onnx --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --format json --limit 5 | tail -2 | cut -c1-50
 "targets": [
  {"rank": 1, "wrong": 1, "percent": 20, "offset":
$ fetafix compare torch.onnx torch.onnx torch.onnx --images s/images.txt --limit 5 -q
Source  torch.onnx  (opset 13, pytorch 1.13.1)
rank  wrong  percent  producer        opset  path
   1      0        0  pytorch 1.13.1     13  torch.onnx
   1      0        0  pytorch 1.13.1     13  torch.onnx
labels that differ from the Source's, of 5 images
$ fetafix compare torch.onnx demo.onnx lh.onnx --images s/images.txt --session x.fetafix
fetafix: --session goes with one Target and --format text
[2]
$ fetafix compare torch.onnx demo.onnx none.onnx --images s/images.txt --limit 2 -q
fetafix: 'none.onnx': no such file
[3]
$ fetafix compare torch.onnx demo.onnx lh.onnx
fetafix: no images are given (--images DIR|LIST)
[2]
$ fetafix compare torch.onnx demo.onnx lh.onnx@sise=3 --images s/images.txt -q
fetafix: preprocessing: unknown word 'sise'; did you mean 'size'?
[2]
$ fetafix compare torch.onnx demo.onnx s/id/target.onnx --images s/images.txt --limit 4 --source-pre tf-imagenet --target-pre tf-imagenet
fetafix: 's/id/target.onnx' cannot run, it counts as wrong on every image: an input of shape [1,64,3,64] does not take pictures of shape [1,3,?,?]
Source  torch.onnx  (opset 13, pytorch 1.13.1)
rank  wrong  percent  producer        opset  path
   1      1       25  tf2onnx 1.14.0     13  demo.onnx
   2      4      100  tf2onnx 1.14.0     13  s/id/target.onnx
labels that differ from the Source's, of 4 images
[1]

# By another comparator than the labels; the row is the Source, the column the Target.
$ fetafix compare torch.onnx demo.onnx background.onnx lh.onnx --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --comparator kendall:0.8 -q
Source  torch.onnx  (opset 13, pytorch 1.13.1)
rank  wrong  percent  producer        opset  offset  path
   1      0        0  tf2onnx 1.14.0     13      -1  background.onnx
   2    120      100  tf2onnx 1.14.0     13       0  demo.onnx
   2    120      100  tf2onnx 1.14.0     13       0  lh.onnx
orders differ (kendall:0.8), of 120 images
[1]
$ fetafix matrix torch.onnx demo.onnx lh.onnx --images s/images.txt --pre tf-imagenet --comparator top-k:2 --report by.html -q; grep -o '<p>Share[^.]*' by.html
model   1   2   3  path
    1   0  14  20  torch.onnx
    2  11   0  26  demo.onnx
    3  35  38   0  lh.onnx
labels are missed (top-k:2), of 120 images
<p>Share of 120 images whose labels are missed, by <code>top-k:2</code>, the row as Source
$ fetafix matrix torch.onnx demo.onnx --images s/images.txt --input x.npz -q
fetafix: --input and --images exclude each other
[2]
$ fetafix matrix torch.onnx demo.onnx --images s/images.txt --comparator top-0 -q
fetafix: no comparator 'top-0'; did you mean 'top-1'? (there are top-1, top-k, kendall, map, offset, tolerance, values, cosine, sqnr, argmax, bleu, boxes, program)
[2]

# Each with its own preprocessing; the class in front is found without being told.
$ fetafix matrix torch.onnx@tf-imagenet pp.onnx@tf pp.onnx@tf-imagenet background.onnx@tf-imagenet --images s/images.txt
model   1   2   3   4  path
    1   0  41   0   0  torch.onnx
    2  41   0  41  41  pp.onnx
    3   0  41   0   0  pp.onnx
    4   0  41   0   0  background.onnx
classes of 4 are counted -1 against those of 1
classes of 4 are counted -1 against those of 2
classes of 4 are counted -1 against those of 3
labels that differ, of 120 images
[1]
$ cp pp.onnx a@tf; fetafix matrix a@tf a@tf@tf --images s/images.txt --pre tf-imagenet --format csv
model,1,2,path
1,0,41,a@tf
2,41,0,a@tf
[1]
$ fetafix matrix torch.onnx@tf-imagenet background.onnx@tf-imagenet 'pp.onnx@size=64x64 scale=127.5 mean=1,1,1' s/id/target.onnx@tf-imagenet --images s/images.txt -q --report heat.html > /dev/null; $CHECK heat.html
Models
Share of 120 images to which two models give different labels.
0 faults 0 pictures 0 figures
$ grep -c 'color-mix' heat.html; grep -o 'title="1 against 3[^<]*' heat.html; grep -o 'classes of[^<]*' heat.html; grep -o 'cannot run[^<]*' heat.html
4
title="1 against 3: 41 of 120">34.2%
classes of 2 are counted -1 against those of 1; classes of 3 are counted +1 against those of 2.
cannot run: an input of shape [1,64,3,64] does not take pictures of shape [1,3,?,?]
$ fetafix matrix torch.onnx background.onnx --images s/images.txt --limit 3 -q --report - | head -1
<!DOCTYPE html>
$ fetafix matrix torch.onnx background.onnx --images s/images.txt --limit 3 -q --report heat.html
fetafix: 'heat.html' exists; --force overwrites it
[2]
$ mv pp.onnx '<b>&.onnx'; fetafix matrix torch.onnx '<b>&.onnx' --images s/images.txt --limit 3 -q --report odd.html >/dev/null; $CHECK odd.html; grep -c '<b>' odd.html
Models
Share of 3 images to which two models give different labels.
0 faults 0 pictures 0 figures
0
[1]

# A layer of another conversion: its bias was lost in the Target, the sibling still has it.
$ fetafix borrow torch.onnx wb.onnx lh.onnx block5.depthwise --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet -o borrowed.onnx --patch borrowed.patch
from lh.onnx (tf2onnx 1.14.0):
  model/block5.depthwise/Conv2D/bias
  model/block5.depthwise/Conv2D/weight
wrong 70 -> 0 of 120 images
saved borrowed.onnx
$ fetafix compare torch.onnx wb.onnx borrowed.onnx --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet
Source  torch.onnx  (opset 13, pytorch 1.13.1)
rank  wrong  percent  producer        opset  path
   1      0        0  tf2onnx 1.14.0     13  borrowed.onnx
   2     70    58.33  tf2onnx 1.14.0     13  wb.onnx
labels that differ from the Source's, of 120 images
[1]
$ fetafix apply borrowed.patch wb.onnx -o again.onnx && cmp again.onnx borrowed.onnx
2 edits, saved again.onnx
$ fetafix borrow torch.onnx demo.onnx lh.onnx block3 block1.depthwise block1.depthwise --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet
from lh.onnx (tf2onnx 1.14.0):
  model/block3.expand/relu6_max/max
  model/block3.depthwise/Conv2D/weight
  model/block3.depthwise/Conv2D/pads
  model/block1.depthwise/Conv2D/pads
wrong 17 -> 23 of 120 images
[1]
$ fetafix borrow torch.onnx wb.onnx lh.onnx block5.depthwise --images s/images.txt --source-pre tf-imagenet --target-pre tf-imagenet --comparator top-k:2 -q
from lh.onnx (tf2onnx 1.14.0):
  model/block5.depthwise/Conv2D/bias
  model/block5.depthwise/Conv2D/weight
wrong 42 -> 0 of 120 images
$ fetafix borrow torch.onnx demo.onnx demo.onnx stem --images s/images.txt --limit 2 -q
fetafix: 'stem' is the same in 'demo.onnx': there is nothing to borrow
[2]
$ fetafix borrow torch.onnx demo.onnx lh.onnx block9 --images s/images.txt --limit 2 -q
fetafix: the Target has no layer 'block9'; `fetafix inspect --verbose` lists its nodes
[2]
$ fetafix borrow torch.onnx demo.onnx lh.onnx --images s/images.txt
fetafix: expected: fetafix borrow SOURCE TARGET SIBLING LAYER... --images DIR|LIST
[2]
$ fetafix borrow torch.onnx demo.onnx none.onnx stem --images s/images.txt --limit 2 -q
fetafix: 'none.onnx': no such file
[3]
$ fetafix borrow torch.onnx wb.onnx lh.onnx stem --images s/images.txt -o borrowed.onnx
fetafix: 'borrowed.onnx' exists; --force overwrites it
[2]
