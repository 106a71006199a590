# Files that are not what they should be: each is named, with the way out, by
# every command that reads a model.
. "$TRY"

# safetensors N: a header of N bytes, and no data.
safetensors() {
	printf "\\$(printf %03o "$1")\\000\\000\\000\\000\\000\\000\\000"
	printf '%-*s' "$1" '{"__metadata__":{"format":"pt"}}'
}

# zip NAME: the beginning of an archive whose first entry has this name.
zip() {
	printf 'PK\003\004\000\000\000\000\000\000'
	zeros 16
	printf "\\$(printf %03o ${#1})\\000\\000\\000%s" "$1"
	zeros 40
}

: >empty
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n' \
	>pointer
printf '\n  <!DOCTYPE HTML>\n<html><body>Not found</body></html>\n' >page.html
printf '\357\273\277<HTML><body></body></HTML>\n' >page2.html
printf '<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>\n' >error.xml
printf '\030\000\000\000ORTM\000\000\022\000\030\000\004\000' >model.ort
printf '\034\000\000\000TFL3\000\000\022\000\030\000\004\000' >model.tflite
safetensors 40 >model.safetensors
zip archive/data.pkl >model.pt
printf '\200\002\212\012l\374\234F\371 j\250P\031.' >old.pt
zip weights.npy >weights.npz
zip readme.txt >model.zip
printf '\211HDF\r\n\032\n\000\000' >model.h5
printf 'tjgg\003\000\000\000' >ggml.bin
npy "'<f4'" '(3,)' >weights.npy
f32 1 2 3 >>weights.npy
printf '\037\213\010\000\000\000\000\000\000\003' >model.gz
printf 'BZh91AY&SY' >model.bz2
printf '\3757zXZ\000\000' >model.xz
printf '\050\265\057\375\004\000' >model.zst
printf '7z\274\257\047\034\000\004' >model.7z
{ zeros 257; printf 'ustar\0000'; zeros 249; } >model.tar
printf '{\n  "model_type": "llama"\n}\n' >config.json
cp "$GOLDEN/good/container_mixed_4096.gguf" model.gguf
cp "$EXAMPLES/minilm-layer0-int4.onnx" model.onnx

for file in empty pointer page.html page2.html error.xml model.ort model.tflite \
	model.safetensors model.pt old.pt weights.npz model.zip model.h5 ggml.bin \
	weights.npy model.gz model.bz2 model.xz model.zst model.7z model.tar \
	config.json; do
	"$QUIRE" convert $file -o out.gguf 2>&1
	"$QUIRE" info $file 2>&1
done
try convert model.gguf -o out.gguf
try info model.onnx

# The other commands.
try verify model.onnx pointer model.gguf
try hash pointer
try dump model.safetensors w -o W.npy
try matmul page.html l -i X.npy -o Y.npy
try compare model.gguf model.gguf
try compare model.onnx model.onnx
try export model.onnx --onnx model.onnx -o back.onnx
try export model.gguf --onnx pointer -o back.onnx
try thin pointer model.gguf -o thin.onnx
try thin model.onnx model.pt -o thin.onnx
try stamp pointer -o out.gguf
try strip model.ort -o out.gguf
try edit model.onnx --set a=1

# Almost one of them: the file's own reader says what is wrong.
printf 'version https://git-lfs' >almost1
printf '\377\377\000\000ORTM' >almost2
printf '\050\000\000\000\000\000\000\000{"' >almost3
zip / | head -c 30 >almost4
printf 'GGU' >almost5
printf 'GGUF' >almost6
printf '\010' >almost7
printf '<!doctype htm' >almost8
for file in almost1 almost2 almost3 almost4 almost5 almost6 almost7 almost8; do
	"$QUIRE" convert $file -o out.gguf 2>&1
	"$QUIRE" info $file 2>&1
done
ls | grep out || echo nothing was written
