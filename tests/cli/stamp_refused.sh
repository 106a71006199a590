# What stamp and strip refuse. No file is left.
. "$TRY"
gguf >foreign.gguf
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
cp mixed.gguf damaged.gguf
poke damaged.gguf 4096 377
cp mixed.gguf padding.gguf
poke padding.gguf $((4096 + 108)) 1
mkdir folder

for command in stamp strip; do
	try $command mixed.gguf
	try $command -o out.gguf
	try $command mixed.gguf -o out.gguf --align 48
	try $command mixed.gguf -o out.gguf --align 4
	try $command mixed.gguf -o mixed.gguf --force
	try $command mixed.gguf -o folder/../mixed.gguf --force
	try $command mixed.gguf -o foreign.gguf
	try $command mixed.gguf -o folder --force
	try $command mixed.gguf -o none/out.gguf
	try $command missing.gguf -o out.gguf
	try $command folder -o out.gguf
	try $command edited.gguf -o out.gguf
	try $command "$TRY" -o out.gguf 2>&1 | sed "s,$TRY,TRY,"
done
try strip foreign.gguf -o out.gguf
try strip damaged.gguf -o out.gguf
try strip padding.gguf -o out.gguf
ls -A

# A damaged container keeps its checksums, so that verify still finds the
# damage.
try stamp damaged.gguf -o out.gguf
try verify out.gguf

# Values that a container cannot have.
cp "$GOLDEN/good/container_mixed_4096.gguf" again.gguf
"$QUIRE" strip mixed.gguf -o plain.gguf
"$QUIRE" edit plain.gguf --set general.quantization_version=1
try stamp plain.gguf -o bad.gguf
"$QUIRE" edit foreign.gguf --set general.architecture:u32=1
try stamp foreign.gguf -o bad.gguf
ls -A
