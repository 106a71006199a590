# Output for programs: every verdict as JSON; and --quiet, which reports errors
# only.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" good.gguf
cp good.gguf damaged.gguf
poke damaged.gguf 4096 377
poke damaged.gguf 8192 377
cp good.gguf padding.gguf
poke padding.gguf $((4096 + 108)) 1
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
cp "$GOLDEN/good/foreign_version_3.gguf" foreign.gguf
: >empty.gguf

try verify --json good.gguf damaged.gguf padding.gguf edited.gguf
try verify --json foreign.gguf empty.gguf
try verify --json good.gguf --quiet
try verify --quiet good.gguf
try verify --quiet good.gguf damaged.gguf
"$QUIRE" hash good.gguf >list
try verify --json good.gguf --manifest list
echo "xxh64     0123456789abcdef  good.gguf:c" >>list
try verify --json good.gguf foreign.gguf --manifest list
