# Recipes: an error has its line and column; the container follows the recipe;
# and the printed recipe makes the same container again.
. "$TRY"
cp "$ONNX/good/layout_qwen2.onnx" "$ONNX/good/layout_llama.onnx" \
	"$ONNX/good/plain.onnx" .
model=layout_qwen2.onnx

seconds() {
	sed 's/[0-9][0-9.]* seconds/N seconds/'
}

# recipe NAME LINE...: writes a file.
recipe() {
	name=$1
	shift
	printf '%s\n' "$@" >"$name"
}

names() {
	"$QUIRE" info "$1" | sed -n '/^tensors/,/^$/p' | awk '{ print $1, $2 }'
}

recipe unknown.yaml 'take: "*"' 'renames:' '  a: b'
try convert $model -o m.gguf --recipe unknown.yaml
recipe tab.yaml 'take:' '	- a'
try convert $model -o m.gguf --recipe tab.yaml
recipe alias.yaml 'take: &all ["*"]' 'leave: *all'
try convert $model -o m.gguf --recipe alias.yaml
recipe twice.yaml 'dense: f16' 'fallback: f16' 'dense: f32'
try convert --print-recipe --recipe twice.yaml
recipe bias.yaml 'leave: b'
try convert plain.onnx -o m.gguf --recipe bias.yaml
recipe same.yaml 'rename: {"model.layers.{n}.mlp.{x}_proj.weight": "{x}"}'
try convert $model -o m.gguf --recipe same.yaml
recipe none.yaml 'take: none'
try convert $model -o m.gguf --recipe none.yaml
try convert $model -o m.gguf --recipe absent.yaml
try convert $model -o m.gguf --recipe ./
try convert $model -o m.gguf --recipe lama
try convert $model -o m.gguf --recipe zebra
try convert $model -o none.yaml --recipe none.yaml --force
try convert $model -o m.gguf --recipe none.yaml --report none.yaml
try convert $model --print-recipe
try convert --print-recipe -o m.gguf
ls

recipe mine.yaml 'take: "model.layers.1.*"' 'leave: ["*norm*", "*.bias"]' \
	'rename: {"model.layers.{n}.{x}.{y}_proj.{z}": "{n}/{y}.{z}"}' \
	'metadata:' '  general.architecture: demo' '  demo.layers: 2' \
	'alignment: 64'
try convert layout_llama.onnx -o mine.gguf --recipe mine.yaml |
	seconds
names mine.gguf
"$QUIRE" info mine.gguf | sed -n '/demo/p;/^alignment/p'
try compare layout_llama.onnx mine.gguf | sed -n 1,4p

# The recipe that comes with the command.
try convert $model -o llama.gguf --recipe llama | seconds
names llama.gguf
try compare $model llama.gguf

# With dense tensors rounded.
recipe f16.yaml 'dense:' '  "*norm*": keep' '  "*": f16'
try convert $model -o f16.gguf --recipe f16.yaml | seconds
names f16.gguf | sort -k 2 | awk '{ print $2 }' | uniq -c
try compare $model f16.gguf

# The printed recipe makes the same bytes. Options override a recipe.
for name in mine f16; do
	"$QUIRE" convert --print-recipe --recipe $name.yaml >again.yaml
	"$QUIRE" convert --print-recipe --recipe again.yaml | cmp - again.yaml
	"$QUIRE" convert layout_llama.onnx -o 1.gguf --force \
		--recipe $name.yaml >first
	"$QUIRE" convert layout_llama.onnx -o 2.gguf --force \
		--recipe again.yaml >second
	cmp 1.gguf 2.gguf
done
try convert --print-recipe
try convert --print-recipe --recipe mine.yaml --align 4096 --split-size 4G \
	--fallback error
"$QUIRE" convert $model -o 64.gguf --recipe mine.yaml --align 128 >first
"$QUIRE" info 64.gguf | sed -n '/^alignment/p'

# The example of docs/recipe.md.
sed -n '/^```yaml/,/^```$/p' "$EXAMPLES/../docs/recipe.md" | sed '/^```/d' \
	>example.yaml
"$QUIRE" convert --print-recipe --recipe example.yaml |
	sed -n '/^rename/,/^$/p;/^metadata/,/^$/p'
