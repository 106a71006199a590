# A container compared with its model: the same, a changed code, another model.
. "$TRY"
cp "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx" model.onnx
cp "$DATA/onnx/ort-js/js_16_K32_N32_bs16_asym.onnx" other.onnx
"$QUIRE" convert model.onnx -o model.gguf >/dev/null
"$QUIRE" convert other.onnx -o other.gguf >/dev/null

try compare model.onnx model.gguf
try compare other.onnx other.gguf --json
try compare other.onnx model.gguf

# The first byte of codes of the first block, behind its scale.
poke model.gguf 16386 000
try compare model.onnx model.gguf
try compare model.onnx none.gguf
try compare model.onnx

# What --fallback takes.
try convert other.onnx -o refused.gguf --fallback error
try convert other.onnx -o refused.gguf --fallback bf16
"$QUIRE" convert other.onnx -o half.gguf --fallback f16 >/dev/null
try compare other.onnx half.gguf
ls -A
