# Edits that are refused and change nothing; and edits that must not hide
# damage.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp mixed.gguf old.gguf
gguf >foreign.gguf
mkdir folder

try edit mixed.gguf
try edit --set a=1
try edit mixed.gguf --set
try edit mixed.gguf --set a
try edit mixed.gguf --set =1
try edit mixed.gguf --set 'a key=1'
try edit mixed.gguf --set a:str=1
try edit mixed.gguf --set a:[]=1
try edit mixed.gguf --set a:array=1
try edit mixed.gguf --set a=1 --set b=1 --set a=2
try edit mixed.gguf --set general.name=1 --unset general.name
try edit mixed.gguf --unset general.nmae
try edit mixed.gguf --unset qqqqqq

for change in a:u8=256 a:u8=-1 a:i8=-129 a:u64=18446744073709551616 \
	a:i64=9223372036854775808 a:u32=1.5 a:u32= a:u32=x a:f32=1e39 \
	a:f64=1e999 a:f32=x a:f32= a:bool=1 a:[u8]=1 a:[u8]=[256] \
	a:[u8]='["-1"]' a:[bool]='["true"]' a:[string]=[1] a:[f32]=[1e39] \
	a:[u8]=[[1]] a=[] a='[1,"b"]' a=[null] a=[1 a=[1]x \
	general.quantization_version=two general.alignment=64 \
	quire.version=2 quire.header.xxh3=0 quire.linear.k=[] quire.padding= \
	quire.new=1 general.quantization_version=3 general.architecture:u8=1; do
	"$QUIRE" edit mixed.gguf --set "$change"
done 2>&1
"$QUIRE" edit mixed.gguf --set "a=$(printf '\377')" 2>&1
for key in general.alignment general.architecture \
	general.quantization_version quire.version quire.tensor.source; do
	"$QUIRE" edit mixed.gguf --unset $key
done 2>&1
try edit foreign.gguf --set quire.converter=me

try edit mixed.gguf --set a=1 -o mixed.gguf
try edit mixed.gguf --set a=1 -o foreign.gguf
try edit mixed.gguf --set a=1 -o foreign.gguf --force
try edit mixed.gguf --set a=1 -o none/new.gguf
try edit missing.gguf --set a=1
try edit folder --set a=1
try edit "$GOLDEN/good/set_foreign-00001-of-00002.gguf" --set a=1 -o new.gguf \
	2>&1 | sed "s,$GOLDEN/good/,,"
cmp mixed.gguf old.gguf
gguf | cmp - foreign.gguf
ls -A

# Damage to a tensor or to padding is still found afterwards.
cp mixed.gguf damaged.gguf
poke damaged.gguf 8192 377
try edit damaged.gguf --set general.name=Damaged
try verify damaged.gguf
cp mixed.gguf padding.gguf
poke padding.gguf $((4096 + 108)) 1
try edit padding.gguf --set general.name=Padding
try verify padding.gguf

# A header that another tool edited is accepted with --force only, and damage to
# tensors is still found.
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
try edit edited.gguf --set a=1
try edit edited.gguf --force
try verify edited.gguf
cp damaged.gguf both.gguf
at=$(grep -abo Damaged both.gguf | head -n 1 | cut -d : -f 1)
poke both.gguf "$at" 116
try verify both.gguf
try edit both.gguf --force --set a=1
try verify both.gguf
