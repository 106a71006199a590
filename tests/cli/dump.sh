# Dequantized tensors: shapes, types, names, the k of a linear, and outputs.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp "$GOLDEN/good/container_ragged_k.gguf" ragged.gguf
gguf >foreign.gguf

for name in w v; do
	try dump foreign.gguf $name -o W.npy --force
	show_npy <W.npy
done
for name in a.weight a.bias b.weight b.bias c; do
	try dump mixed.gguf $name -o W.npy --force
	show_npy <W.npy | cut -c1-80
done

# By a linear's name, and by the name in the source.
"$QUIRE" dump mixed.gguf a.weight -o W.npy --force
"$QUIRE" dump mixed.gguf /a/MatMul -o - | cmp - W.npy
"$QUIRE" dump mixed.gguf MatMul/a_quant -o - | cmp - W.npy

# Rows without their padding. Several linears share a weight here: each has its
# own k, and the weight alone has the largest of them.
"$QUIRE" info ragged.gguf | sed -n '/^linears/,$p'
for name in least greatest plain one 32 q4_0 q8_0; do
	try dump ragged.gguf $name -o W.npy --force
	show_npy <W.npy | cut -c1-80
done

# An old file is replaced with --force only, as a whole, and keeps its mode; a
# link stays a link, and no other file is left.
echo old >W.npy
chmod 640 W.npy
ln -s W.npy link.npy
try dump foreign.gguf v -o link.npy
cat W.npy
try dump foreign.gguf v -o link.npy --force
show_npy <W.npy
ls -l W.npy link.npy | cut -c1-10
ls -A

# A device is written to and not replaced.
try dump mixed.gguf b.weight -o /dev/null
test -c /dev/null && echo still a device
