# The report as a page: read as XML, the same bytes each time, nothing hostile gets through.

$ echo "set source-pre 'size=16x16 scale=127.5 mean=1,1,1'" > pre; echo "set target-pre 'size=16x16 scale=127.5 mean=1,1,1'" >> pre
$ fetafix compare source.onnx target.onnx --images photos --config pre --report compare.html > /dev/null; $CHECK compare.html
Images with another label
What was compared
The conversion changed the label of 12 of 60 images (20.00%).
0 faults 12 pictures 0 figures
002.png | Source | class 3 | Target | class 4
003.png | Source | class 3 | Target | class 4
010.png | Source | class 0 | Target | class 3
$ fetafix localize source.onnx target.onnx --images photos --config pre --report localize.html -q > /dev/null; $CHECK localize.html
Faults
Layers
Images with another label
What was compared
The conversion changed the label of 12 of 60 images (20.00%).
6 faults 12 pictures 1 figures
002.png | Source | class 3 | Target | class 4
003.png | Source | class 3 | Target | class 4
010.png | Source | class 0 | Target | class 3
$ fetafix repair source.onnx target.onnx --images photos --config pre --validate validation.txt --report repair.html > /dev/null; $CHECK repair.html
Wrong labels after each step
Faults
Layers
Images put right
What was compared
The conversion changed the label of 12 of 60 images (20.00%). Repaired, both models agree on all of them.
6 faults 12 pictures 2 figures
002.png | Source | class 3 | Target | class 4 | repaired | class 3
003.png | Source | class 3 | Target | class 4 | repaired | class 3
010.png | Source | class 0 | Target | class 3 | repaired | class 0
$ fetafix repair source.onnx target.onnx --images photos --config pre --validate validation.txt --report again.html --threads 1 -q > /dev/null; cmp again.html repair.html && echo same
same
$ fetafix repair source.onnx target.onnx --images photos --config pre --report repair.html
fetafix: 'repair.html' exists; --force overwrites it
[2]
$ fetafix compare source.onnx target.onnx --images photos --config pre --report - | head -1
<!DOCTYPE html>
# Names of models, classes and pictures that would like to be markup.
$ mkdir bad; for i in 002 003; do cp photos/$i.png "bad/<img src=x onerror=alert(1)>&\"'$i.png"; done; cp target.onnx '<script>"&.onnx'
$ printf '<script>alert(0)</script>\n]]>\n\033[31m&amp;\n<!--\n%s\n' "'\" onload=x" > names
$ fetafix compare source.onnx '<script>"&.onnx' --images bad --config pre --labels names --report bad.html > /dev/null; $CHECK bad.html
Images with another label
What was compared
The conversion changed the label of 2 of 2 images (100.00%).
0 faults 2 pictures 0 figures
<img src=x onerror=alert(1)>&"'002.png | Source | <!-- (3) | Target | '" onload=x (4)
<img src=x onerror=alert(1)>&"'003.png | Source | <!-- (3) | Target | '" onload=x (4)
$ grep -c '<script' bad.html
0
[1]
