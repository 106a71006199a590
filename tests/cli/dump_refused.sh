# Tensors that cannot be dumped. No file is left.
. "$TRY"
cp "$GOLDEN/good/container_every_dtype.gguf" types.gguf
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
mkdir folder

try dump mixed.gguf a.wieght -o W.npy
try dump mixed.gguf /a/matmul -o W.npy
try dump mixed.gguf MatMul/a_qunat -o W.npy
try dump mixed.gguf weight -o W.npy
try dump mixed.gguf qqqqqq -o W.npy
try dump mixed.gguf '' -o W.npy
try dump mixed.gguf a.weight -o folder
try dump mixed.gguf a.weight -o none/W.npy
try dump mixed.gguf a.weight -o ''
try dump mixed.gguf a.weight -o mixed.gguf
try dump mixed.gguf a.weight -o ./folder/../mixed.gguf
try dump edited.gguf a.weight -o W.npy
try dump missing.gguf a.weight -o W.npy
cmp mixed.gguf "$GOLDEN/good/container_mixed_4096.gguf"

# Types that can be stored and hashed, but not decoded.
"$QUIRE" info types.gguf | sed -n '/^tensors/,/^$/p' | awk 'NF > 3 { print $1 }' |
grep -v : | while read -r name; do
	"$QUIRE" dump types.gguf "$name" -o W.npy 2>&1 && rm W.npy
done
ls -A . folder
