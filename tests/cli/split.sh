# split and merge: what is written, that each undoes the other to the byte, and
# what is refused. test_stamp.py checks the files with gguf-py.
. "$TRY"
cp "$EXAMPLES/minilm-layer0-int4.onnx" minilm.onnx
"$QUIRE" convert minilm.onnx -o m.gguf >out
"$QUIRE" convert minilm.onnx -o c.gguf --split-size 500K >out

try split m.gguf -o p --size 500K
# The same as convert writes.
for no in 1 2 3; do
	cmp p-0000$no-of-00003.gguf c-0000$no-of-00003.gguf
done
try verify p-*.gguf
try merge p-00002-of-00003.gguf -o back.gguf
cmp m.gguf back.gguf && echo the same again
try merge p-*.gguf -o back.gguf
try merge p-*.gguf -o back.gguf --force --json
cmp m.gguf back.gguf && echo the same again
# Split again by other sizes; too large for any file; and in one file.
try split p-00001-of-00003.gguf -o q.gguf --size 200K --json
try verify q-00001-of-00007.gguf
try split q-00003-of-00007.gguf -o p-00001-of-00003.gguf --size 500K
try split q-00003-of-00007.gguf -o p-00001-of-00003.gguf --size 500K --force
for no in 1 2 3; do
	cmp p-0000$no-of-00003.gguf c-0000$no-of-00003.gguf
done
try split m.gguf -o one --size 2M
cmp m.gguf one.gguf && echo the same again
try split m.gguf -o small --size 50K
ls -A

# Foreign files, with alignments, and sets that others wrote.
"$QUIRE" strip m.gguf -o f32.gguf >out
"$QUIRE" strip m.gguf -o f8.gguf --align 8 >out
"$QUIRE" strip m.gguf -o f4096.gguf --align 4096 >out
for name in f32 f8 f4096; do
	try split $name.gguf -o $name --size 400K
	try merge $name-00001-of-*.gguf -o back.gguf --force
	cmp $name.gguf back.gguf && echo the same again
done
for set in set_foreign-00001-of-00002:350 set_container-00001-of-00004:1K \
	set_first_empty-00001-of-00002:1K; do
	name=${set%:*}
	"$QUIRE" merge "$GOLDEN/good/$name.gguf" -o merged.gguf --force |
		sed "s,$GOLDEN/good/,,"
	"$QUIRE" info merged.gguf | grep -E 'split|tensors|linears'
	"$QUIRE" hash merged.gguf | grep -v ^xxh3- >1
	"$QUIRE" hash "$GOLDEN/good/$name.gguf" | grep -v ^xxh3- |
		sed 's,  [^ ]*/good/.*gguf,  merged.gguf,' | cmp 1 -
	try split merged.gguf -o again --size "${set#*:}"
	[ -e again.gguf ] && mv again.gguf back.gguf ||
		"$QUIRE" merge again-00001-of-*.gguf -o back.gguf --force
	cmp merged.gguf back.gguf && echo the same again
	rm -f again*
done
# Keys of llama-gguf-split --merge are left out.
cp "$GOLDEN/good/set_merged_foreign.gguf" merged.gguf
try split merged.gguf -o one --size 1M --force
"$QUIRE" info one.gguf | grep -c split

# Damage is still found.
cp m.gguf damaged.gguf
poke damaged.gguf 16400 377
try split damaged.gguf -o damaged --size 500K
"$QUIRE" verify damaged-*.gguf | sed 's/XXH3.*//'
try merge damaged-00001-of-00003.gguf -o damaged.gguf --force
cmp damaged.gguf m.gguf >out || "$QUIRE" verify damaged.gguf | sed 's/XXH3.*//'

# What is refused. No file is left.
ls -A >before
try split m.gguf
try split m.gguf -o x
try split m.gguf -o x --size 0
try split m.gguf -o x --size 1000
try split m.gguf -o m --size 2M
try split m.gguf -o m --size 2M --force
try split m.gguf -o one --size 2M
try split m.gguf -o none/x --size 500K
try split missing.gguf -o x --size 500K
try split minilm.onnx -o x --size 500K
try merge m.gguf -o x.gguf
try merge p-00001-of-00003.gguf
try merge p-*.gguf m.gguf -o x.gguf
try merge p-00001-of-00003.gguf q-00001-of-00007.gguf -o x.gguf
try merge p-00001-of-00003.gguf -o p-00002-of-00003.gguf --force
try merge p-00001-of-00003.gguf -o none/x.gguf
mv p-00003-of-00003.gguf away
try merge p-00001-of-00003.gguf -o x.gguf
mv away p-00003-of-00003.gguf
at=$(grep -abo general.architecture p-00002-of-00003.gguf | cut -d : -f 1)
poke p-00002-of-00003.gguf $((at + 20 + 4 + 8)) 132
try merge p-00001-of-00003.gguf -o x.gguf
ls -A | diff before -
