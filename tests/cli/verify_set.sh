# Split sets: damage in any part is reported once, with the name of that part's
# file, whichever parts are given; and each byte is read once.
. "$TRY"
for no in 1 2 3 4; do
	cp "$GOLDEN/good/set_container-0000$no-of-00004.gguf" s-0000$no-of-00004.gguf
done
mkdir good && cp s-* good
part() {
	echo s-0000$1-of-00004.gguf
}
restore() {
	cp good/s-* .
}
try verify s-*.gguf
try verify s-00003-of-00004.gguf s-00001-of-00004.gguf
try verify s-00002-of-00004.gguf --json

# A header: a letter of general.architecture.
for no in 1 2 3 4; do
	at=$(grep -abo general.architecture "$(part $no)" | head -n 1 | cut -d : -f 1)
	poke "$(part $no)" $((at + 20 + 4 + 8)) 132
	try verify s-*.gguf
	try verify "$(part $((no % 4 + 1)))" --json
	restore
done

# Tensors: the first byte of each data section; by the checksum, by a good copy,
# by a list.
"$QUIRE" hash s-*.gguf >list
cat list
sha256sum s-*.gguf >sums
for no in 1 2 4; do
	size=$(wc -c <"$(part $no)")
	poke "$(part $no)" $((no == 1 ? 896 : 448)) 377
	try verify s-*.gguf
	try verify s-00003-of-00004.gguf --json
	try verify s-*.gguf --against good/s-00002-of-00004.gguf
	try verify s-*.gguf --manifest list
	try verify s-*.gguf --manifest sums | sed 's/is [0-9a-f]*,/is HASH,/'
	restore
	# Padding: the last byte of the file.
	poke "$(part $no)" $((size - 1)) 1
	try verify s-*.gguf
	try verify s-00003-of-00004.gguf --json
	restore
done

# A copy with the same damage.
poke s-00002-of-00004.gguf 448 377
try verify s-00001-of-00004.gguf --against s-00003-of-00004.gguf
restore

# A list of files that lacks one; a part that was given counts only.
grep -v 00003 sums >less
try verify s-*.gguf --manifest less
try verify s-00001-of-00004.gguf --manifest less
try verify s-*.gguf --manifest sums

# The parts under other names are the same files.
mkdir linked
for no in 1 2 3 4; do
	ln "$(part $no)" linked/"$(part $no)"
done
try verify s-00001-of-00004.gguf linked/s-*.gguf

# A set that cannot be opened fails once.
rm s-00003-of-00004.gguf
try verify s-*.gguf
try verify s-*.gguf --json
try verify s-*.gguf --manifest list
restore
head -c 100 good/s-00002-of-00004.gguf >s-00002-of-00004.gguf
try verify s-*.gguf
restore
# Two sets and a file between them.
for no in 1 2; do
	cp "$GOLDEN/good/set_foreign-0000$no-of-00002.gguf" .
done
cp "$GOLDEN/good/container_mixed_4096.gguf" z.gguf
try verify ./*.gguf
try hash set_foreign-*.gguf z.gguf

# Reading, as the system sees it: no byte twice, and all bytes of data sections.
count() {
	strace -f -qq -y -e trace=pread64 -o trace "$QUIRE" verify "$@" \
		>strace.out 2>&1
	sed -n 's/.*pread64([0-9]*<.*\/\([^/>]*gguf\)>.*, \([0-9]*\), \([0-9]*\)) *= \([0-9]*\)$/\1 \3 \4/p' trace |
		awk '$2 > 0' | sort >reads # from 0: the header, when it is opened
	awk '{ sum += $3 } END { print sum + 0 }' reads
}
if strace -f -o trace "$QUIRE" --version >strace.out 2>&1; then
	alone=$(count s-00001-of-00004.gguf)
	all=$(count s-*.gguf)
	# The files have 2560 bytes, and headers of 896, 448, 384 and 448.
	[ "$alone" -eq $((2560 - 896 - 448 - 384 - 448)) ] || echo "one part: $alone bytes are read"
	[ "$all" -eq "$alone" ] || echo "all parts: $all bytes are read"
	[ "$(sort -u reads | wc -l)" -eq "$(wc -l <reads)" ] ||
		echo "a place is read twice"
fi
