# What a list may look like: what other programs and systems make of one is read,
# or refused by its name.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" m.gguf
printf 'abc' >text
sum=$(sha256sum <text | cut -d ' ' -f 1)
"$QUIRE" hash m.gguf >list

# A byte order mark of UTF-8; carriage returns.
{ printf '\357\273\277' && cat list; } >bom
try verify m.gguf --manifest bom
sed 's/$/\r/' list >crlf
try verify m.gguf --manifest crlf
{ printf '\357\273\277' && cat crlf && printf '\r'; } >both
try verify m.gguf --manifest both

# Names with line feeds, carriage returns and backslashes, as coreutils writes
# them.
odd=$(printf 'a\nb\rc\\d')
cp text "$odd"
printf '\\%s  a\\nb\\rc\\\\d\n' "$sum" >escaped
printf '\\SHA256 (a\\nb\\rc\\\\d) = %s\n' "$sum" >>escaped
try verify "$odd" --manifest escaped
printf '\\%s  a\\tb\n' "$sum" >unknown_escape
try verify text --manifest unknown_escape
printf '\\%s  a\\\n' "$sum" >cut_escape
try verify text --manifest cut_escape
# quire hash escapes more bytes; older versions wrote the same without a mark.
cp m.gguf "$odd"
"$QUIRE" hash "$odd" >hashed
cat hashed
try verify "$odd" --manifest hashed
printf '\\xxh3      0123456789abcdef  a\\x4\n' >cut_escape
try verify text --manifest cut_escape
printf '\\xxh3      0123456789abcdef  a\\x00b\n' >zero_escape
try verify text --manifest zero_escape
plain=$(printf 'a\nb')
cp m.gguf "$plain"
"$QUIRE" hash "$plain" | sed 's/^.//' >older
cat older
try verify "$plain" --manifest older

# Two files and two tensors whose names older versions printed alike: one has a
# line feed, the other one a backslash, x, 0 and a.
twins=$(printf 'w\nx')
{
	printf 'GGUF\003\000\000\000\002\000\000\000\000\000\000\000'
	zeros 8
	printf '\003\000\000\000\000\000\000\000%s' "$twins"
	printf '\001\000\000\000\004\000\000\000\000\000\000\000'
	zeros 12
	printf '\006\000\000\000\000\000\000\000w\\x0ax'
	printf '\001\000\000\000\004\000\000\000\000\000\000\000'
	zeros 4
	printf '\040\000\000\000\000\000\000\000'
	zeros 31 # up to 128
	f32 1 2 3 4
	zeros 16
	f32 4 3 2 1
} >"$twins"
cp "$twins" 'w\x0ax'
"$QUIRE" hash "$twins" 'w\x0ax' >both
cat both
try verify "$twins" 'w\x0ax' --manifest both
# One tensor's line is not the other one's, and one file's is not the other's.
for tensor in ':w\x0ax' ':w\\x0ax'; do
	grep -vF "$tensor" both >less
	try verify "$twins" 'w\x0ax' --manifest less
done
poke 'w\x0ax' 128 1
try verify "$twins" 'w\x0ax' --manifest both
grep -F '  w\\x0ax' both >one
try verify "$twins" --manifest one

# Refused by name.
printf '\377\376x\000x\000h\0003\000' >utf16
printf '\376\377\000x\000x\000h\0003' >utf16_big
printf 'x\000x\000h\0003\000' >utf16_bare
printf '%s\n' "$sum" >bare
printf '%s  \n' "$sum" >bare_spaces
printf 'XXH3_0123456789abcdef\n' >bare_xxh3
printf 'da39a3ee5e6b4b0d3255bfef95601890afd80709  text\n' >sha1
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 3\n' \
	"$sum" >lfs
printf '%s\n' '-----BEGIN PGP SIGNED MESSAGE-----' 'Hash: SHA256' >pgp
printf '%s\n' '-----BEGIN PGP SIGNATURE-----' >signature
printf '<!DOCTYPE html><title>404</title>' >html
"$QUIRE" hash --json m.gguf >json
printf '{"a": 1}' >object
gzip -nc list >packed
head -c 20000 /dev/zero | tr '\0' 0 >long
for list in utf16 utf16_big utf16_bare bare bare_spaces bare_xxh3 sha1 lfs pgp \
	signature html json object packed long m.gguf; do
	try verify text --manifest "$list"
done
"$QUIRE" verify text --manifest - <lfs 2>&1
echo "exit $?"

# One file has many lines of one tensor; it is hashed once, and all are compared.
for i in 1 2 3; do cat list; done >thrice
try verify m.gguf --manifest thrice
sed '3s/f/e/' thrice >other
try verify m.gguf --manifest other

# libcrypto without a provider has no SHA-256. XXH3 does not need one.
cat >no_provider.cnf <<-'END'
	openssl_conf = init
	[init]
	providers = those
	[those]
	null = empty
	[empty]
	activate = 1
END
"$QUIRE" hash --algorithm sha256 m.gguf >sha256
printf '%s  text\n' "$sum" >sums
OPENSSL_CONF=$PWD/no_provider.cnf
export OPENSSL_CONF
reason() {
	sed 's/SHA-256: .*; the file/SHA-256: REASON; the file/'
}
try hash --algorithm sha256 m.gguf | reason
try hash --algorithm sha256 --json m.gguf | reason
try verify m.gguf --manifest sha256 | reason
try verify m.gguf --manifest sha256 --json | reason
try verify text --manifest sums | reason
try verify m.gguf --manifest list
