# The text of quire info: a container, a foreign file, an edited one, no file.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp "$GOLDEN/good/container_every_value.gguf" values.gguf
cp "$GOLDEN/good/container_names.gguf" names.gguf
cp "$GOLDEN/good/foreign_version_2.gguf" foreign.gguf
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
cp "$GOLDEN/bad/F-18_bytes_2_63.gguf" overflow.gguf
head -c 40 mixed.gguf >cut.gguf
: >empty.gguf
echo 'an ONNX model, say' >other
mkdir folder
esc=$(printf '\033')
cp mixed.gguf "a${esc}[2Jb.gguf"

try info mixed.gguf
try info values.gguf
try info names.gguf
try info foreign.gguf
try info edited.gguf
try info overflow.gguf
try info cut.gguf
try info empty.gguf
try info other
try info folder
try info none.gguf
# No control character of a file name reaches the terminal.
"$QUIRE" info "a${esc}[2Jb.gguf" | head -n 1
"$QUIRE" info "none${esc}[2J"
