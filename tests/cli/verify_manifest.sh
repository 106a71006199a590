# Lists of checksums, from every tool and with every error.
. "$TRY"
mkdir folder
cp "$GOLDEN/good/container_mixed_4096.gguf" folder/m.gguf
cp "$GOLDEN/good/foreign_version_3.gguf" foreign.gguf
cp "$GOLDEN/good/container_names.gguf" names.gguf
for algorithm in xxh3 xxh64 sha256; do
	"$QUIRE" hash --algorithm $algorithm folder/m.gguf >$algorithm
	try verify folder/m.gguf --manifest $algorithm
done
"$QUIRE" hash foreign.gguf folder/m.gguf names.gguf >all
try verify foreign.gguf folder/m.gguf names.gguf --manifest all
# Damage, found by each.
cp folder/m.gguf good.gguf
poke folder/m.gguf 8192 377
try verify folder/m.gguf --manifest sha256
# The list may have another path.
cd folder
try verify m.gguf --manifest ../xxh3
cd ..
cp good.gguf folder/m.gguf

# Entries that only the file has, or only the list.
grep -v ':b.bias' xxh3 >less
try verify folder/m.gguf --manifest less
sed 's/:b.bias/:b.bies/' xxh3 >other
try verify folder/m.gguf --manifest other
try verify folder/m.gguf --manifest all
try verify folder/m.gguf foreign.gguf --manifest xxh3
# The line of all tensors stands for those of each.
grep -v ':' xxh3 >whole
try verify folder/m.gguf --manifest whole
poke folder/m.gguf 8192 377
try verify folder/m.gguf --manifest whole
cp good.gguf folder/m.gguf


# Lists of tensors alone, as llama-gguf-hash and older versions print them, are
# partial.
grep -v -e -header -e -padding xxh3 >tensors
try verify folder/m.gguf --manifest tensors
try verify folder/m.gguf --manifest tensors --tensors-only
try verify folder/m.gguf --manifest tensors --tensors-only --json
grep -v -e -header xxh3 >no_header
try verify folder/m.gguf --manifest no_header
grep -v -e -padding xxh3 >no_padding
try verify folder/m.gguf --manifest no_padding --json
grep -e -padding -e -header xxh3 >no_tensors
try verify folder/m.gguf --manifest no_tensors
try verify folder/m.gguf --manifest no_tensors --tensors-only
try verify folder/m.gguf --tensors-only

# The header and the padding: a name, a byte between tensors. A header that does
# not match its own checksum, and padding that is not zero, are reported even if the
# list was made of that file.
at=$(grep -abo general.architecture folder/m.gguf | cut -d : -f 1)
poke folder/m.gguf $((at + 20 + 4 + 8)) 132
try verify folder/m.gguf --manifest xxh3
try verify folder/m.gguf --manifest xxh3 --tensors-only
"$QUIRE" hash folder/m.gguf >edited
try verify folder/m.gguf --manifest edited
cp good.gguf folder/m.gguf
poke folder/m.gguf 4204 1
try verify folder/m.gguf --manifest xxh3
try verify folder/m.gguf --manifest xxh3 --json
try verify folder/m.gguf --manifest xxh3 --tensors-only
"$QUIRE" hash folder/m.gguf >padded
try verify folder/m.gguf --manifest padded
cp good.gguf folder/m.gguf

# Hashes of whole files, from sha256sum, of any file.
printf 'abc' >text
cat >sums <<-'END'
	# SHA-256 of "abc" is the example of FIPS 180.

	ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  text
	BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD *text
	SHA256 (text) = ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
	44bc2cf5ad770999  text
	XXH3_78af5f94892f3950  text
	XXH64 (text) = 44bc2cf5ad770999
	XXH3 (text) = 78af5f94892f3950
END
try verify text --manifest sums
printf 'abd' >text
try verify text --manifest sums
rm text
try verify text --manifest sums
head -n 3 sums | tail -n 1 | "$QUIRE" verify whole --manifest -
echo "exit $?"

# Files that are not a manifest.
for line in 'sha1      da39a3ee5e6b4b0d3255bfef95601890afd80709  m.gguf' \
	'xxh3      0123  m.gguf' 'xxh3      0123456789abcdef m.gguf' \
	'xxh3      0123456789abcdef  ' '0123456789abcdef' 'text' \
	'SHA256 (m.gguf) = 00' '0123456789abcdef  '; do
	printf '%s\n' "$line" >list
	try verify folder/m.gguf --manifest list
done
: >list
try verify folder/m.gguf --manifest list
printf 'a\000b' >list
try verify folder/m.gguf --manifest list
try verify folder/m.gguf --manifest none
