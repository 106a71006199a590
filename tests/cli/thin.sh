# Thin models: what goes and what stays, what is refused, and how a thin model
# compares.
. "$TRY"
cp "$DATA/onnx/ort-js/js_17_K32_N32_bs32_sym.onnx" model.onnx
cp "$DATA/onnx/ort-js/js_16_K32_N32_bs16_asym.onnx" other.onnx
"$QUIRE" convert model.onnx -o model.gguf >/dev/null
"$QUIRE" convert other.onnx -o other.gguf >/dev/null
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx
"$QUIRE" convert minilm.onnx -o minilm.gguf >/dev/null

try thin minilm.onnx minilm.gguf -o thin.onnx
try compare thin.onnx minilm.gguf
try thin minilm.onnx minilm.gguf -o thin.onnx
try thin minilm.onnx minilm.gguf -o thin.onnx --force --threads 1
rm thin.onnx
cp "$ONNX/good/layout_phi3.onnx" layout.onnx
"$QUIRE" convert layout.onnx -o layout.gguf >/dev/null
try thin layout.onnx layout.gguf -o thin.onnx --json
try compare thin.onnx layout.gguf --json
rm thin.onnx
cp "$ONNX/good/moe_rows.onnx" moe.onnx
"$QUIRE" convert moe.onnx -o moe.gguf >/dev/null
try thin moe.onnx moe.gguf -o thin.onnx
try compare thin.onnx moe.gguf
rm thin.onnx moe.* layout.*

# A container in a folder below, and one that a recipe has changed: the model
# keeps the bias in f32, and the linear has it in f16.
mkdir below
printf 'dense: {"*": f16}\n' >half.yaml
"$QUIRE" convert minilm.onnx -o below/half.gguf --recipe half.yaml >/dev/null
try thin minilm.onnx below/half.gguf -o thin.onnx
try compare thin.onnx below/half.gguf
rm -r below thin.onnx half.yaml

# A container in several files.
"$QUIRE" convert minilm.onnx -o set.gguf --split-size 300K >/dev/null
ls set-*
try thin minilm.onnx set-00001-of-00005.gguf -o split.onnx
try compare split.onnx set-00002-of-00005.gguf
rm split.onnx set-*

# Refused; no file is left.
"$QUIRE" thin minilm.onnx minilm.gguf -o thin.onnx >/dev/null
try thin thin.onnx minilm.gguf -o thinner.onnx
try compare thin.onnx model.gguf
try thin model.onnx model.gguf -o model.onnx --force
try thin model.onnx model.gguf -o model.gguf --force
try thin model.onnx model.gguf -o none/thin.onnx
mkdir elsewhere
try thin model.onnx model.gguf -o elsewhere/thin.onnx
ln -s ../model.gguf elsewhere/model.gguf
try thin model.onnx elsewhere/model.gguf -o elsewhere/thin.onnx
rm -r elsewhere
try thin other.onnx model.gguf -o thin2.onnx
try thin minilm.onnx model.gguf -o thin2.onnx
try thin none.onnx model.gguf -o thin2.onnx
try thin model.onnx none.gguf -o thin2.onnx
try thin model.gguf model.onnx -o thin2.onnx
try thin model.onnx model.gguf
try thin model.onnx -o thin2.onnx
gguf >foreign.gguf
try thin model.onnx foreign.gguf -o thin2.onnx
poke model.gguf 16386 000
try thin model.onnx model.gguf -o thin2.onnx
ls -A
