# The places of damage, by a good copy; and copies that are not good.
. "$TRY"
good=$GOLDEN/good/container_mixed_4096.gguf # tensors at 4096, 8192, ... 20480
cp "$good" good.gguf
cp "$good" damaged.gguf
poke damaged.gguf 8195 377
poke damaged.gguf 8199 377
poke damaged.gguf $((20480 + 419)) 377

try verify damaged.gguf --against good.gguf
try verify good.gguf --against damaged.gguf
# A copy with the same damage, and a copy without these tensors.
try verify damaged.gguf --against damaged.gguf
cp "$GOLDEN/good/written_by_api.gguf" other.gguf
try verify damaged.gguf --against other.gguf
try verify damaged.gguf --against missing.gguf
try verify damaged.gguf --against good.gguf --manifest good.gguf

# A tensor of five pages of 4096 bytes.
{
	printf 'GGUF\003\000\000\000\001\000\000\000\000\000\000\000'
	zeros 8
	printf '\001\000\000\000\000\000\000\000w\001\000\000\000'
	printf '\000\024\000\000\000\000\000\000\000\000\000\000'
	zeros 15 # an offset of 0, and up to 64
	head -c 20480 /dev/zero
} >large
"$QUIRE" stamp large -o large.gguf >stamped
cp large.gguf spoilt.gguf
poke spoilt.gguf $((16384 + 4096 + 7)) 1
poke spoilt.gguf $((16384 + 4 * 4096)) 1
try verify spoilt.gguf --against large.gguf
