# Nodes whose quantized weights cannot be converted: an error, or left out with a
# warning and exit status 1. A weight that becomes dense is a warning.
. "$TRY"
cp "$ONNX/bad/unsupported.onnx" "$ONNX/good/dq_block_48.onnx" \
	"$ONNX/good/stray_added.onnx" .

seconds() {
	sed 's/[0-9][0-9.]* seconds/N seconds/'
}

try convert unsupported.onnx -o m.gguf
ls
try convert unsupported.onnx -o m.gguf --leave-unsupported \
	--report r.json | seconds
sed -n '/"warnings"/,/^  \]/p' r.json
try compare unsupported.onnx m.gguf
try compare unsupported.onnx m.gguf --json
try export m.gguf --onnx unsupported.onnx -o back.onnx
try thin unsupported.onnx m.gguf -o thin.onnx
# By the name of the node, of the weight, and another one.
try convert unsupported.onnx -o m.gguf --force --leave 'conv*' | seconds
try convert unsupported.onnx -o m.gguf --force --leave 'c.weight' | seconds
try convert unsupported.onnx -o m.gguf --force --leave nothing
try convert unsupported.onnx -o m.gguf --force --leave '{'
printf 'unsupported: leave\n' >leave.yaml
try convert unsupported.onnx -o m.gguf --force --recipe leave.yaml | seconds
try convert --print-recipe --leave 'a*' --leave-unsupported |
	sed -n '/^take/,/^unsupported/p'

try convert dq_block_48.onnx -o m.gguf --force --report r.json | seconds
sed -n '/"warnings"/,/^  \]/p' r.json
try convert stray_added.onnx -o m.gguf --force --report r.json | seconds
grep -o '"reason": "[^"]*"' r.json
