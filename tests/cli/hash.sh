# The lines of llama-gguf-hash --xxh3; a foreign file, an edited one and
# several at once.
. "$TRY"
mkdir 'a folder'
cp "$GOLDEN/good/container_mixed_4096.gguf" 'a folder/mixed.gguf'
cp "$GOLDEN/good/foreign_version_3.gguf" foreign.gguf
cp "$GOLDEN/good/container_no_tensors.gguf" none.gguf
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
cp "$GOLDEN/bad/F-33_first_byte.gguf" damaged.gguf

try hash 'a folder/mixed.gguf'
try hash foreign.gguf none.gguf
try hash missing.gguf edited.gguf
# The hash is of the present bytes, not the one in the header.
try hash damaged.gguf
try hash

# The line of the whole model is over the tensors' bytes in order: for a file
# with one tensor both hashes are equal.
cp "$GOLDEN/good/container_16384.gguf" one.gguf
"$QUIRE" hash one.gguf | cut -c11-26 | uniq | wc -l | tr -d ' '
