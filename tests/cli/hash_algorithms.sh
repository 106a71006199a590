# The three checksums; those of a tensor can be had with other programs too.
. "$TRY"
gguf >m.gguf
try hash m.gguf --algorithm xxh3
try hash m.gguf --algorithm xxh64
try hash m.gguf --algorithm sha256
try hash m.gguf --algorithm sha25
try hash m.gguf --algorithm md
try hash m.gguf --algorithm ''

# v is the last 12 bytes; FIPS 180's digest of them by another program.
"$QUIRE" hash m.gguf --algorithm sha256 | sed -n 's/^sha256 *\(.*\)  .*:v$/\1/p'
tail -c 12 m.gguf | sha256sum | cut -d ' ' -f 1
