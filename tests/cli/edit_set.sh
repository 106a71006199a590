# edit, stamp and strip on split sets: the set keeps its files. In place, a file
# that would not change is not written.
. "$TRY"
take() {
	cp "$GOLDEN/good/$1"-0000* .
}
# Three files: a.weight and a.bias; b.weight and b.bias; c.
"$QUIRE" split "$GOLDEN/good/container_mixed_4096.gguf" -o s --size 13K
mkdir before && cp s-* before
ls -i s-* >inodes

# Only the first file has metadata.
try edit s-00003-of-00003.gguf --set general.version=2
ls -i s-* | diff inodes - | grep -c '^>'
for no in 2 3; do
	cmp s-0000$no-of-00003.gguf before/s-0000$no-of-00003.gguf
done
try verify s-*.gguf
"$QUIRE" info s-00002-of-00003.gguf | grep general.version
# And back: the very files.
try edit s-00001-of-00003.gguf --unset general.version
for file in s-*; do
	cmp "$file" "before/$file"
done
# Nothing to change: nothing is written.
ls -i s-* >inodes
try edit s-00003-of-00003.gguf --force
ls -i s-* | diff inodes -
ls -A

# A new set, named by its name, with and without .gguf, or by one of its files.
for output in new newer.gguf newest-00002-of-00003.gguf; do
	try edit s-00002-of-00003.gguf --set a=1 -o $output
done
ls new*
try verify new-00001-of-00003.gguf
for no in 1 2 3; do
	cmp new-0000$no-of-00003.gguf newer-0000$no-of-00003.gguf
	cmp new-0000$no-of-00003.gguf newest-0000$no-of-00003.gguf
done
try edit new-00001-of-00003.gguf --unset a
for no in 1 2 3; do
	cmp new-0000$no-of-00003.gguf before/s-0000$no-of-00003.gguf
done
try edit new-00001-of-00003.gguf --set a=1 -o newer
try edit new-00001-of-00003.gguf --set a=1 -o new-00001-of-00003.gguf
try edit new-00001-of-00003.gguf --set split.no:u16=2
try edit new-00001-of-00003.gguf --unset split.count
rm new*

# A header of another part, edited by another tool, is accepted with --force.
at=$(grep -abo general.architecture s-00002-of-00003.gguf | cut -d : -f 1)
poke s-00002-of-00003.gguf $((at + 20 + 4 + 8)) 132
try info s-00003-of-00003.gguf | grep warning
try edit s-00001-of-00003.gguf --set a=1
try edit s-00001-of-00003.gguf --force
try verify s-*.gguf
for file in s-*; do
	cmp "$file" "before/$file"
done
# A damaged tensor keeps its checksum.
poke s-00003-of-00003.gguf 4096 377
try edit s-00001-of-00003.gguf --set general.name=Damaged -o damaged
try verify damaged-00001-of-00003.gguf
try strip s-00001-of-00003.gguf -o plain
rm damaged* && cp before/* .

# Foreign sets: as llama-gguf-split writes them, keys split.* first.
take set_foreign
cp set_foreign* before
try edit set_foreign-00002-of-00002.gguf --set general.name=Foreign
try info set_foreign-00002-of-00002.gguf
try edit set_foreign-00002-of-00002.gguf --unset general.name
for file in set_foreign*; do
	cmp "$file" "before/$file"
done

# Stamped and stripped: the same set again, and the same checksums.
try stamp set_foreign-00002-of-00002.gguf -o stamped --align 64
try verify stamped-*.gguf
try stamp set_foreign-00001-of-00002.gguf -o stamped --align 64
try stamp set_foreign-00001-of-00002.gguf -o set_foreign --force
try stamp stamped-00001-of-00002.gguf -o other.gguf --align 4096 --threads 2
try strip other-00002-of-00002.gguf -o plain.gguf
"$QUIRE" hash plain-00001-of-00002.gguf | grep -v ^xxh3- | sed 's/plain-//' >1
"$QUIRE" hash set_foreign-00001-of-00002.gguf | grep -v ^xxh3- | sed 's/set_foreign-//' >2
cmp 1 2
cmp plain-00002-of-00002.gguf set_foreign-00002-of-00002.gguf
"$QUIRE" edit plain-00001-of-00002.gguf --unset general.quantization_version
for file in plain-*; do
	cmp "$file" "set_foreign${file#plain}"
done

# A first file without tensors.
take set_first_empty
try stamp set_first_empty-00001-of-00002.gguf -o empty --align 32
try verify empty-00001-of-00002.gguf
try edit empty-00002-of-00002.gguf --set a=1 -o other_empty
try edit other_empty-00002-of-00002.gguf --unset a
for no in 1 2; do
	cmp empty-0000$no-of-00002.gguf other_empty-0000$no-of-00002.gguf
done
# A set of two alignments takes the first file's.
take set_two_alignments
try edit set_two_alignments-00002-of-00002.gguf --set a=1
try verify set_two_alignments-00002-of-00002.gguf

rm set_foreign-00001-of-00002.gguf
try edit set_foreign-00002-of-00002.gguf --set a=1
! ls -A | grep quire
