# Conversions that succeed: summary, report, and which files they replace.
. "$TRY"
cp "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx" exact.onnx
cp "$DATA/onnx/ort-js/js_16_K32_N32_bs16_asym.onnx" fallback.onnx
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx

# Seconds differ from run to run.
seconds() {
	sed 's/[0-9][0-9.]* seconds/N seconds/;
		s/"seconds": [0-9][0-9.e-]*/"seconds": N/'
}

for name in exact fallback minilm; do
	try convert $name.onnx -o $name.gguf --report $name.json | seconds
	try verify $name.gguf
done
seconds <exact.json
seconds <fallback.json
ls -A

# Without --force an old file stays.
cp exact.gguf old.gguf
try convert fallback.onnx -o exact.gguf
cmp exact.gguf old.gguf
try convert --force fallback.onnx -o exact.gguf | seconds
cmp exact.gguf fallback.gguf

# The same bytes with any number of threads; other bytes with another alignment.
"$QUIRE" convert minilm.onnx -o 1.gguf --threads 1 >/dev/null
cmp 1.gguf minilm.gguf
"$QUIRE" convert minilm.onnx -o 32.gguf --align 32 >/dev/null
"$QUIRE" info 32.gguf | sed -n '2s/,.*//p'
"$QUIRE" verify 32.gguf | cut -d , -f 1
