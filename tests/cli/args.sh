# Command lines that are wrong, and unusual ones that are right.
. "$TRY"
cp "$GOLDEN/good/container_ragged_k.gguf" m.gguf
cp m.gguf -- -m.gguf

try
try verfy
try zzzzz
try --hlep
try -x
try help verfy
try help info verify
try info
try info m.gguf n.gguf
try info --jsno m.gguf
try info --json=yes m.gguf
try info -x m.gguf
try info --json -- --json
try verify --threads
try verify --threads= m.gguf
try verify --threads x m.gguf
try verify --threads -1 m.gguf
try verify --threads 1025 m.gguf
try verify --threads 4294967297 m.gguf
try verify --threads 99999999999999999999999 m.gguf
try verify --threads=1 m.gguf
try verify m.gguf --threads 2
try verify --threads 2000 --help
try verify -- -m.gguf
try dump m.gguf
try dump m.gguf t
try matmul m.gguf t -o y.npy
try matmul m.gguf t -ix.npy --output
try matmul m.gguf t -ix.npy -oy.npy --accuracy 5
try convert m.onnx --align 48 -o m2.gguf
try convert m.onnx --align 16 -o m2.gguf
try convert m.onnx --align 131072 -o m2.gguf
