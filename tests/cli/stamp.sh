# Containers made of other programs' files and of containers, and stripped
# again. test_stamp.py checks the results with gguf-py.
. "$TRY"
gguf >foreign.gguf
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf

# checks FILE: the hashes of its tensors, without the file's name.
checks() {
	"$QUIRE" hash "$1" | grep -v ^xxh3- | sed "s/$1/FILE/"
}

try stamp foreign.gguf -o stamped.gguf
try verify stamped.gguf
"$QUIRE" info stamped.gguf
checks foreign.gguf >1
checks stamped.gguf | diff 1 - && echo same tensors

# The same bytes with any number of threads.
for threads in 1 2 7; do
	"$QUIRE" stamp foreign.gguf -o $threads.gguf --threads $threads
	cmp $threads.gguf stamped.gguf
done

# A container, stamped with another alignment and back: all but the offsets
# stays, also the checksums.
try stamp mixed.gguf -o other.gguf --align 64
try verify other.gguf
try stamp other.gguf -o back.gguf --align 4096 --threads 2
cmp mixed.gguf back.gguf && echo the same again

try strip stamped.gguf -o plain.gguf
"$QUIRE" info plain.gguf --json
checks plain.gguf | diff 1 - && echo same tensors
try verify plain.gguf
try strip mixed.gguf -o plain.gguf --force --align 8
"$QUIRE" info plain.gguf
checks mixed.gguf >1
checks plain.gguf | diff 1 - && echo same tensors

# Strip gives back the plain file.
try stamp plain.gguf -o stamped.gguf --force
try strip stamped.gguf -o again.gguf --align 8
cmp plain.gguf again.gguf && echo the same again

# Golden files with reserved keys, long keys, large arrays, no tensors.
for name in container_reserved_key foreign_longest_key foreign_long_array \
	foreign_no_tensors foreign_version_2 foreign_alignment_8 \
	foreign_last_unpadded container_every_dtype; do
	rm stamped.gguf
	"$QUIRE" stamp "$GOLDEN/good/$name.gguf" -o stamped.gguf
	"$QUIRE" verify stamped.gguf
done
"$QUIRE" stamp "$GOLDEN/good/container_reserved_key.gguf" -o stamped.gguf --force
"$QUIRE" info stamped.gguf | grep reserved
ls -A
