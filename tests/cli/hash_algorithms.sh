# The three algorithms. Other programs give the same hash of a tensor.
. "$TRY"
gguf >m.gguf
try hash m.gguf --algorithm xxh3
try hash m.gguf --algorithm xxh64
try hash m.gguf --algorithm sha256
try hash m.gguf --algorithm sha25
try hash m.gguf --algorithm md
try hash m.gguf --algorithm ''

# v is the last 12 bytes; their SHA-256 by another program.
"$QUIRE" hash m.gguf --algorithm sha256 | sed -n 's/^sha256 *\(.*\)  .*:v$/\1/p'
tail -c 12 m.gguf | sha256sum | cut -d ' ' -f 1
