# convert's counts, its options as people type them, and what it does not do.
. "$TRY"
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx
cp "$ONNX/good/dense.onnx" dense.onnx
cp "$DATA/onnx/ort-js/js_16_K32_N32_bs16_asym.onnx" fallback.onnx
cp "$ONNX/good/layout_qwen2.onnx" qwen2.onnx

seconds() {
	sed 's/[0-9][0-9.]* seconds/N seconds/'
}

# A model without quantized weights says so; no scale was rounded.
try convert dense.onnx -o dense.gguf --report dense.json | seconds
grep -c '"role": "constant"' dense.json
sed -n '/"totals"/,/}/p' dense.json
try convert qwen2.onnx -o qwen2.gguf | seconds

# Nothing is written but the report, and -o is not needed.
ls >before
try convert minilm.onnx --dry-run | seconds
try convert minilm.onnx --dry-run -o new.gguf --split-size 100k \
	--report dry.json | seconds
ls | diff before -
sed -n '/"files"/,/\]/p' dry.json
# Those that are written then have the same names and sizes.
"$QUIRE" convert minilm.onnx -q -o new.gguf --split-size 100k --report wet.json
sed -n '/"files"/,/\]/p' dry.json >dry.files
sed -n '/"files"/,/\]/p' wet.json | cmp - dry.files
try convert minilm.onnx --dry-run -o new.gguf --split-size 100k
try convert minilm.onnx --dry-run -o new.gguf --split-size 100k --force |
	sed -n 1,2p
rm new* wet.json dry.files
try convert minilm.onnx --dry-run -o qwen2.gguf
try convert minilm.onnx --dry-run -o minilm.onnx --force
try convert none.onnx --dry-run
try convert fallback.onnx --dry-run --fallback error
try convert minilm.onnx

# Quiet.
try convert minilm.onnx -q -o quiet.gguf
try verify quiet.gguf
try convert minilm.onnx --quiet --dry-run

# Sizes and types in upper and lower case.
for size in 0.5m 500K 500kb 0.4MiB; do
	"$QUIRE" convert minilm.onnx -q -o s.gguf --split-size $size
	echo "$size: $(ls s-* | wc -l) parts"
	rm s-*
done
for type in F32 f32 F16 f16; do
	"$QUIRE" convert fallback.onnx -q -o $type.gguf --fallback $type
done
cmp F32.gguf f32.gguf
cmp F16.gguf f16.gguf
"$QUIRE" info F16.gguf | grep '^  B'
try convert fallback.onnx -o x.gguf --fallback ERROR
try convert fallback.onnx -o x.gguf --fallback Q4_K
printf 'fallback: F16\nsplit_size: 0.5g\n' >upper.yaml
"$QUIRE" convert fallback.onnx -q -o recipe.gguf --recipe upper.yaml
"$QUIRE" info recipe.gguf | grep '^  B'
"$QUIRE" -V >V
"$QUIRE" --version | cmp - V
