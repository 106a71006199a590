# matmul and bench on the emulated Metal device. Its results are the CPU's
# except for rounding; figures are X.
. "$TRY"
"$QUIRE" convert "$EXAMPLES/minilm-layer0-int4.onnx" -o m.gguf >/dev/null
layer=/encoder/layer.0/attention/self/query/MatMul_Q4
cp "$EXAMPLES/minilm-layer0-query-x.npy" x.npy

for device in metal best cpu; do
	try matmul m.gguf $layer -i x.npy -o $device.npy --device $device
done
cmp metal.npy best.npy
cmp -s metal.npy cpu.npy || echo "metal and cpu differ"

try bench --device metal --threads 2
try bench --device metal --kernels scalar
try bench --device best --level 4

figures() {
	sed 's/[0-9][0-9]*\.[0-9][0-9.e+-]*/X/g; s/  */ /g'
}
cp "$GOLDEN/good/container_mixed_32.gguf" mixed.gguf
try bench mixed.gguf --device best --m 1,3,9 | figures
