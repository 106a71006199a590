# Conversions that are refused, and that leave no file.
. "$TRY"
cp "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx" m.onnx
echo 'no model' >text.onnx
: >empty.onnx
head -c 500 m.onnx >cut.onnx
mkdir folder

try convert m.onnx
try convert -o m.gguf
try convert none.onnx -o m.gguf
try convert folder -o m.gguf
try convert text.onnx -o m.gguf
try convert empty.onnx -o m.gguf
try convert cut.onnx -o m.gguf
try convert m.onnx -o none/m.gguf
try convert m.onnx -o folder
try convert m.onnx -o folder --force
try convert m.onnx -o m.onnx --force
ln -s m.onnx link.onnx
try convert m.onnx -o link.onnx --force
try convert m.onnx -o /dev/null --force
test -c /dev/null && echo still a device
try convert m.onnx -o m.gguf --report none/report.json
try convert m.onnx -o m.gguf --report m.onnx
try convert m.onnx -o m.gguf --report m.gguf
try convert m.onnx -o folder/../m.gguf --report m.gguf
cmp m.onnx "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx"

# The error names what is wrong with each of these.
for model in "$DATA"/onnx/migraphx/*invalid*.onnx; do
	cp "$model" bad.onnx
	try convert bad.onnx -o m.gguf
done
ls -A . folder
