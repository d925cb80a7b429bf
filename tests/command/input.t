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
wrong 60 -> 60 of 60 images (100.00% -> 100.00%) in 0 steps
$ fetafix compare cannot.onnx source.onnx --images photos --source-pre unit
fetafix: 'cannot.onnx': node 'Gemm_0' (Gemm): inner dimensions: 1 and 10 do not agree
[3]
