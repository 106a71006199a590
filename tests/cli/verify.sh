# Every state of a file that verify distinguishes.
. "$TRY"
good=$GOLDEN/good/container_mixed_4096.gguf # tensors at 4096, 8192, ... 20480
for name in good edited first_byte last_byte two padding tail both; do
	cp "$good" $name.gguf
done
size=$(wc -c <good.gguf)
# The M of "Mixed", which is general.name.
at=$(grep -abo Mixed good.gguf | head -n 1 | cut -d : -f 1)

try verify good.gguf

poke edited.gguf "$at" 116
try verify edited.gguf

poke first_byte.gguf 4096 377
try verify first_byte.gguf
poke last_byte.gguf $((20480 + 419)) 377
try verify last_byte.gguf
poke two.gguf 8192 377
poke two.gguf 12290 377
try verify two.gguf --threads 3
poke padding.gguf $((4096 + 108)) 1
try verify padding.gguf
poke tail.gguf $((size - 1)) 1
try verify tail.gguf
poke both.gguf "$at" 116
poke both.gguf 4100 377
try verify both.gguf

head -c $((size - 1)) good.gguf >cut_tail.gguf
try verify cut_tail.gguf
head -c 20480 good.gguf >cut_tensor.gguf
try verify cut_tensor.gguf
head -c 1000 good.gguf >cut_header.gguf
try verify cut_header.gguf
head -c 3 good.gguf >cut_magic.gguf
try verify cut_magic.gguf
: >empty.gguf
try verify empty.gguf
(cat good.gguf; echo) >longer.gguf
try verify longer.gguf

cp "$GOLDEN/good/foreign_version_3.gguf" foreign.gguf
try verify foreign.gguf
echo text >text.gguf
try verify text.gguf
try verify missing.gguf
mkdir folder
try verify folder
try verify

# With several files the worst one decides, and each is reported.
try verify good.gguf edited.gguf good.gguf
try verify good.gguf foreign.gguf two.gguf edited.gguf
