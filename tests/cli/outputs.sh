# One rule for every output: never a file that the command reads or one of its
# set, under whatever name; and a file that exists with --force only. At the end
# no input has changed, and no file was left.
. "$TRY"
mkdir in
mkdir in/sub
cp "$ONNX"/places/external.* in
cp "$ONNX"/places/sub/* in/sub
for part in 1 2 3 4; do
	cp "$GOLDEN/good/set_container-0000$part-of-00004.gguf" in
done
set=in/set_container
tensor=$("$QUIRE" info $set-00001-of-00004.gguf | awk '/^tensors/ { on = 1; next }
	on && NF > 3 && $1 !~ /:/ { print $1; exit }')
gguf >in/m.gguf
ln in/m.gguf in/twin.gguf
ln $set-00003-of-00004.gguf in/third.gguf
(npy "'<f4'" '(1, 4)'; f32 1 2 3 4) >in/X.npy
echo 'dense: f32' >in/recipe.yaml
cp "$EXAMPLES/minilm-layer0-int4.onnx" in/minilm.onnx
"$QUIRE" convert in/minilm.onnx -q -o in/minilm.gguf
"$QUIRE" split in/minilm.gguf --size 500K -o in/s >/dev/null
cksum in/*.* in/sub/* >before

# Parts of the set that is read, by number and by another name.
try dump $set-00001-of-00004.gguf "$tensor" -o $set-00002-of-00004.gguf --force
try dump $set-00001-of-00004.gguf "$tensor" -o in/third.gguf --force
try dump in/m.gguf w -o in/twin.gguf --force
try matmul in/m.gguf w -i in/X.npy -o in/twin.gguf --force
try matmul in/m.gguf w -i in/X.npy -o in/../in/X.npy --force
try merge $set-00001-of-00004.gguf -o in/third.gguf --force
try stamp in/m.gguf -o in/twin.gguf --force
try strip in/m.gguf -o in/twin.gguf --force
try split in/s-00001-of-00003.gguf --size 500K -o in/s --force
try export in/minilm.gguf --onnx in/minilm.onnx -o in/minilm.gguf --force
try thin in/minilm.onnx in/minilm.gguf -o in/minilm.onnx --force

# External data, recipes, and the report on the container or a part of it.
for output in -o --report; do
	case $output in
	-o) other='--report new.json' ;;
	*) other='-o new.gguf' ;;
	esac
	try convert in/external.onnx $other --force $output in/external.first.bin
	try convert in/minilm.onnx $other --force $output in/minilm.onnx
	try convert in/minilm.onnx $other --recipe in/recipe.yaml --force \
		$output in/recipe.yaml
done
try convert in/minilm.onnx -o new.gguf --report new.gguf --force
try convert in/minilm.onnx -o new.gguf --split-size 500K \
	--report new-00002-of-00003.gguf --force

# What exists takes --force.
echo old >old
try dump in/m.gguf w -o old
try matmul in/m.gguf w -i in/X.npy -o old
try convert in/minilm.onnx -o new.gguf --report old
try convert in/minilm.onnx -o old
try merge $set-00001-of-00004.gguf -o old
try stamp in/m.gguf -o old
try strip in/m.gguf -o old
try export in/minilm.gguf --onnx in/minilm.onnx -o old
try thin in/minilm.onnx in/minilm.gguf -o old
try edit in/m.gguf --set a=b -o old
cat old

# An input that has the name of an output's temporary file.
cp in/m.gguf out.quire-part
try dump out.quire-part w -o out
try stamp out.quire-part -o out
cmp in/m.gguf out.quire-part
rm out.quire-part

# A file in the temporary file's place that is not ours.
ln -s old out.quire-part
try dump in/m.gguf w -o out
try stamp in/m.gguf -o out
cat old
rm out.quire-part
mkfifo out.quire-part
try dump in/m.gguf w -o out
rm out.quire-part

cksum in/*.* in/sub/* | cmp - before
ls -A . | grep -v '^before$'
