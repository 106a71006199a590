# Split sets: what convert makes. Every command takes any part of a set.
. "$TRY"
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx

seconds() {
	sed 's/[0-9][0-9.]* seconds/N seconds/;
		s/"seconds": [0-9][0-9.e-]*/"seconds": N/'
}

try convert minilm.onnx -o m.gguf --split-size 4x
try convert minilm.onnx -o m.gguf --split-size 0
try convert minilm.onnx -o m.gguf --split-size 4G5
try convert minilm.onnx -o m.gguf --split-size 10000000T
try convert minilm.onnx -o m.gguf --split-size 16383
try convert minilm.onnx -o m-00001-of-00002.gguf --split-size 500K
ls

# One file if it is small enough.
try convert minilm.onnx -o one.gguf --split-size 2MB | seconds
ls one*
try convert minilm.onnx -o m.gguf --split-size 500K --report r.json | seconds
ls m-*
sed -n '/"files"/,/]/p' r.json

# Any part names the set.
for no in 1 2 3; do
	try verify m-0000$no-of-00003.gguf
done
try info m-00002-of-00003.gguf | sed -n 1,2p
try compare minilm.onnx m-00003-of-00003.gguf
query=/encoder/layer.0/attention/self/query/MatMul_Q4
{
	npy "'<f4'" '(1, 384)'
	zeros 1536
} >x.npy
for file in one m-00001-of-00003 m-00003-of-00003; do
	"$QUIRE" matmul $file.gguf $query -i x.npy -o $file.npy >/dev/null
done
cmp one.npy m-00001-of-00003.npy
cmp one.npy m-00003-of-00003.npy
"$QUIRE" hash one.gguf | sed -n 's/one.gguf://p' >one.hash
"$QUIRE" hash m-00002-of-00003.gguf | sed -n 's/m-00002-of-00003.gguf://p' \
	>set.hash
cmp one.hash set.hash

# Old parts are kept, or all are replaced.
mkdir before && cp m-* before
try convert minilm.onnx -o m.gguf --split-size 500K
for no in 1 2 3; do
	cmp m-0000$no-of-00003.gguf before/m-0000$no-of-00003.gguf
done
try convert minilm.onnx -o m.gguf --split-size 500K --fallback f16 --force |
	seconds
try verify m-00002-of-00003.gguf
# Another number of parts, and one file.
try convert minilm.onnx -o m.gguf --split-size 400KiB | seconds
try convert minilm.onnx -o m.gguf | seconds
try convert minilm.onnx -o tiny.gguf --split-size 50000 | seconds
try convert minilm.onnx -o one.gguf --split-size 500K
rm tiny* one*

# A part is missing, or belongs to another set.
mv m-00002-of-00003.gguf away
try verify m-00003-of-00003.gguf
try info m-00001-of-00003.gguf
mkdir other
cp minilm.onnx other.onnx
poke other.onnx 600000 125
"$QUIRE" convert other.onnx -o other/m.gguf --split-size 500K >/dev/null
cp other/m-00002-of-00003.gguf .
try verify m-00001-of-00003.gguf
try compare minilm.onnx m-00003-of-00003.gguf
try matmul m-00002-of-00003.gguf $query -i x.npy -o y.npy
mv m-00001-of-00003.gguf renamed.gguf
try verify renamed.gguf
ls -A . other
