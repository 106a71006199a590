# quire info --json: values of every type, and bytes that are not UTF-8. The
# golden tests compare it with an independent reader.
. "$TRY"
cp "$GOLDEN/good/container_every_value.gguf" values.gguf
cp "$GOLDEN/good/container_mixed_32.gguf" mixed.gguf
cp "$GOLDEN/good/container_no_tensors.gguf" none.gguf
cp "$GOLDEN/good/foreign_version_2.gguf" foreign.gguf

try info --json values.gguf
try info mixed.gguf --json
try info --json none.gguf
try info --json foreign.gguf
