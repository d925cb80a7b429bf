# One model.

$ fetafix inspect source.onnx
model       source.onnx
producer    small_case
opset       13 (IR version 7)
input       pixels  float32[1,3,16,16]
output      scores  float32[1,10]
parameters  7.01 thousand
operations  596.30 thousand
nodes       15
       6  Conv  (6876 parameters)
       6  Relu
       1  Flatten
       1  Gemm  (130 parameters)
       1  GlobalAveragePool
$ fetafix inspect source.onnx --verbose | tail -4
  Relu                 1x12x2x2         Relu:relu5
  GlobalAveragePool    1x12x1x1         GlobalAveragePool:pooled
  Flatten              1x12             Flatten:flat
  Gemm                 1x10             Gemm_0  transB=1
$ fetafix inspect source.onnx --json - | head -12
{
  "schema": "fetafix-model/1",
  "path": "source.onnx",
  "sha256": "5304cb8424f078a5d39aab3e11e4392dbceb4ab5593e664e72a8fbdba8550c41",
  "opset": 13,
  "ir_version": 7,
  "producer": "small_case",
  "inputs": [
    {
      "name": "pixels",
      "type": "float32",
      "shape": [
$ fetafix run source.onnx --images photos --limit 3 --pre "size=16x16 scale=127.5 mean=1,1,1" -o out.npy
image    label  name   margin  top5
000.png      4        0.03452  4,3,7,6,8
001.png      3         0.4435  3,2,4,7,0
002.png      3        0.01055  3,4,7,0,6
$ fetafix run source.onnx --images photos --limit 1 --source-pre "size=16x16 scale=127.5 mean=1,1,1"
image    label  name   margin  top5
000.png      4        0.03452  4,3,7,6,8
$ fetafix run source.onnx --images photos --limit 2 --pre "size=16x16 scale=127.5 mean=1,1,1" --format csv | cut -d, -f1-3
image,label,name
000.png,4,
001.png,3,
$ fetafix run source.onnx --images photos --limit 1 --pre "size=16x16 scale=127.5 mean=1,1,1" --json - | sed 's/margin.*/margin/'
{"schema": "fetafix-run/1", "width": 10, "images": [
  {"image": "000.png", "name": null, "top": [4, 3, 7, 6, 8], "margin
]}
$ fetafix run source.onnx --input out.npy
fetafix: 'source.onnx': the input 'pixels' takes [1,3,16,16], --input gives float32[3,10]
[3]
$ fetafix explain lh
LH: layer hyperparameters differ
.
A setting of a layer was lost or changed: pads on the other side, strides,
dilations, group, epsilon, the bounds of an activation, ceil_mode,
count_include_pad, an axis. A default that is written out on one side only is
the same setting and no fault.
.
How it shows: a layer with equal weights errs by itself (isolated).
.
How it is repaired: the setting is given the Source's value.
.
Causes: attribute-added, attribute-differs, attribute-missing,
attributes-differ, axis-differs, bounds-differ, ceil-mode-differs,
count-include-pad-differs, dilations-differ, epsilon-differs, group-differs,
kernel-differs, pads-differ, slice-differs, strides-differ, window-differs
$ fetafix explain
PP   preprocessing differs
ID   input dimensions differ
TSS  tensor shape and structure differ
WB   weights and biases differ
LH   layer hyperparameters differ
CG   the computation graph differs
# Every pair of many models.

$ fetafix matrix source.onnx target.onnx source.onnx --images photos --pre "size=16x16 scale=127.5 mean=1,1,1"
model   1   2   3  path
    1   0  12   0  source.onnx
    2  12   0  12  target.onnx
    3   0  12   0  source.onnx
labels that differ, of 60 images
[1]
$ fetafix matrix source.onnx target.onnx --images photos --pre "size=16x16 scale=127.5 mean=1,1,1" --format csv
model,1,2,path
1,0,12,source.onnx
2,12,0,target.onnx
[1]
$ fetafix matrix source.onnx target.onnx --images photos --limit 10 --pre "size=16x16 scale=127.5 mean=1,1,1" --json - | python3 -c 'import json, sys; m = json.load(sys.stdin); print(m["schema"], m["images"], m["wrong"], m["offset"], [x["width"] for x in m["models"]])'
fetafix-matrix/1 10 [[0, 2], [2, 0]] [[0, 0], [0, 0]] [10, 10]
$ fetafix matrix source.onnx source.onnx --images photos --limit 5 --pre "size=16x16 scale=127.5 mean=1,1,1" --format json | tail -4
  [0, 0]],
 "offset": [
  [0, 0],
  [0, 0]]}
$ fetafix matrix source.onnx source.onnx --images photos --limit 2 --pre "size=16x16 scale=127.5 mean=1,1,1"
model  1  2  path
    1  0  0  source.onnx
    2  0  0  source.onnx
labels that differ, of 2 images
$ fetafix matrix source.onnx --images photos
fetafix: two or more models are needed: fetafix matrix MODEL...
[2]
$ fetafix matrix source.onnx target.onnx
fetafix: no images are given (--images DIR|LIST)
[2]
$ fetafix matrix source.onnx missing.onnx --images photos --pre "size=16x16 scale=127.5 mean=1,1,1"
fetafix: 'missing.onnx': no such file
[3]
