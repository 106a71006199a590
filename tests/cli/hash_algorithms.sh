# The three algorithms. Other programs give the same hash of a tensor.
. "$TRY"
gguf >m.gguf
try hash m.gguf --algorithm xxh3
try hash m.gguf --algorithm xxh64
try hash m.gguf --algorithm sha256
try hash m.gguf --algorithm sha25
try hash m.gguf --algorithm md
try hash m.gguf --algorithm ''

try hash m.gguf --json

# v is the last 12 bytes; their SHA-256 by another program.
"$QUIRE" hash m.gguf --algorithm sha256 | sed -n 's/^sha256 *\(.*\)  .*:v$/\1/p'
tail -c 12 m.gguf | sha256sum | cut -d ' ' -f 1
# The header is the first 128 bytes; 16 bytes of padding follow w.
"$QUIRE" hash m.gguf --algorithm sha256 | sed -n 's/^sha256-[a-z]* *\([0-9a-f]*\) .*/\1/p'
head -c 128 m.gguf | sha256sum | cut -d ' ' -f 1
zeros 16 | sha256sum | cut -d ' ' -f 1
