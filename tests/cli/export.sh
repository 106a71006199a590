# Exports: what succeeds, what is refused, and the files that are left.
. "$TRY"
cp "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx" model.onnx
cp "$DATA/onnx/ort-js/js_16_K32_N32_bs16_asym.onnx" other.onnx
"$QUIRE" convert model.onnx -o model.gguf >/dev/null
"$QUIRE" convert other.onnx -o other.gguf >/dev/null
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx
"$QUIRE" convert minilm.onnx -o minilm.gguf >/dev/null

try export minilm.gguf --onnx minilm.onnx -o back.onnx
try compare back.onnx minilm.gguf
try export minilm.gguf --onnx minilm.onnx -o back.onnx
try export minilm.gguf --onnx minilm.onnx -o back.onnx --external-data --force
try compare back.onnx minilm.gguf
try export other.gguf --onnx other.onnx -o other_back.onnx
rm back.onnx other_back.onnx
try export minilm.gguf --onnx minilm.onnx -o back.onnx --external-data
rm back.onnx.data
ls -A

# Refused; no file is left.
try export model.gguf --onnx model.onnx -o model.onnx --force
try export model.gguf --onnx model.onnx -o model.gguf --force
try export model.gguf --onnx model.onnx -o none/back.onnx
try export model.gguf --onnx other.onnx -o back.onnx
try export minilm.gguf --onnx model.onnx -o back.onnx
try export none.gguf --onnx model.onnx -o back.onnx
try export model.gguf --onnx none.onnx -o back.onnx
try export model.onnx --onnx model.gguf -o back.onnx
try export model.gguf --onnx model.onnx
try export model.gguf -o back.onnx
gguf >foreign.gguf
try export foreign.gguf --onnx model.onnx -o back.onnx
poke model.gguf 16386 000
try export model.gguf --onnx model.onnx -o back.onnx
ls -A
