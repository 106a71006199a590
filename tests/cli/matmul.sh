# Y = X W^T: shapes, types, streams, levels. The numbers here are small
# integers, so results are exact. The oracle tests check accuracy.
. "$TRY"
gguf >m.gguf
mkdir out

# Three rows: 1 2 3 4, 0 0 0 1, 2 0 0 0.
(npy "'<f4'" '(3, 4)'; f32 1 2 3 4 0 0 0 1 2 0 0 0) >X.npy
try matmul m.gguf w -i X.npy -o out/Y.npy
show_npy <out/Y.npy
ls -A out

# The same in float16: 1.0 is 3c00.
(
	npy "'<f2'" '(3, 4)'
	printf '\000\074\000\100\000\102\000\104'
	zeros 6
	printf '\000\074\000\100'
	zeros 6
) >H.npy
try matmul m.gguf w -i H.npy -o out/Y.npy --force
show_npy 2 <out/Y.npy

# Any number of leading dimensions, also none, and no rows.
(npy "'<f4'" '(4,)'; f32 0 1 0 0) >V.npy
try matmul m.gguf w -i V.npy -o out/Y.npy --force
show_npy <out/Y.npy
(npy "'<f4'" '(1, 2, 1, 4)'; f32 0 1 0 0 1 0 0 0) >T.npy
try matmul m.gguf w -i T.npy -o out/Y.npy --force
show_npy <out/Y.npy
npy "'<f4'" '(0, 4)' >E.npy
try matmul m.gguf w -i E.npy -o out/Y.npy --force
show_npy <out/Y.npy

# With streams, threads, kernel sets and levels of f32: the same bytes.
"$QUIRE" matmul m.gguf w -i X.npy -o out/Y.npy --force
"$QUIRE" matmul m.gguf w -i - -o - <X.npy | cmp - out/Y.npy
cat X.npy | "$QUIRE" matmul m.gguf w -i- -o- | cmp - out/Y.npy
"$QUIRE" matmul m.gguf w --input=X.npy --output=- | cmp - out/Y.npy
"$QUIRE" matmul m.gguf w -i X.npy -o - --kernels scalar | cmp - out/Y.npy
for n in 0 1 2 3; do
	"$QUIRE" matmul m.gguf w -i X.npy -o - --accuracy $n | cmp - out/Y.npy
done
for n in 0 1 2 7; do
	"$QUIRE" matmul m.gguf w -i X.npy -o - --threads $n | cmp - out/Y.npy
done

# A layer of a real model, whose own level is 4: that is the default. Levels 0
# and 1 give the same, and so do all numbers of threads.
"$QUIRE" convert "$EXAMPLES/minilm-layer0-int4.onnx" -o minilm.gguf >/dev/null
layer=$("$QUIRE" info --json minilm.gguf |
	sed -n 's/.*{"name": "\([^"]*query[^"]*\)", "weight": .*/\1/p')
run() {
	"$QUIRE" matmul minilm.gguf "$layer" \
		-i "$EXAMPLES/minilm-layer0-query-x.npy" "$@"
}
run -o 4.npy
run -o - --accuracy 4 | cmp - 4.npy
run -o - --accuracy 4 --threads 1 | cmp - 4.npy
run -o 0.npy --accuracy 0
run -o - --accuracy 1 --threads 3 | cmp - 0.npy
cmp -s 0.npy 4.npy || echo int8 differs from f32
show_npy <4.npy | head -n 1

# A dense constant of an ONNX model: a MatMul has it as [K, N]. Not a word where
# the order is known: a linear, its weight, a file of another program.
cp "$ONNX/good/layout_qwen2.onnx" qwen2.onnx
"$QUIRE" convert qwen2.onnx -q -o qwen2.gguf
"$QUIRE" info qwen2.gguf | grep F32 | grep ' x '
dense=$("$QUIRE" info qwen2.gguf | grep F32 | grep ' x ' | sed 1q |
	awk '{ print $1 }')
cols=$("$QUIRE" info qwen2.gguf | grep "^  $dense " | awk '{ print $3 }')
(npy "'<f4'" "(1, $cols)"; zeros $((cols * 4))) >D.npy
try matmul qwen2.gguf "$dense" -i D.npy -o out/D.npy
(npy "'<f4'" '(1, 3)'; f32 1 2 3) >W.npy
try matmul qwen2.gguf "$dense" -i W.npy -o out/D.npy --force
"$QUIRE" stamp m.gguf -o stamped.gguf >/dev/null
try matmul stamped.gguf w -i X.npy -o out/Y.npy --force
