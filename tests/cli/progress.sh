# What only a terminal gets: colours, the progress bar, and the refusal to print
# binary data. The bar is drawn and removed; its rate differs from run to run.
. "$TRY"
cp "$GOLDEN/good/container_16384.gguf" good.gguf
cp good.gguf damaged.gguf
poke damaged.gguf 16384 377

# terminal COMMAND: prints its output with control characters made visible.
terminal() {
	echo "\$ $1"
	script -qec "\"$QUIRE\" $1; echo exit \$?" /dev/null </dev/null |
		tr '\r' '@' | sed 's/[0-9.]* [KMGT]*i*B\/s/RATE/g' | cat -v
}

terminal 'verify good.gguf'
terminal 'verify damaged.gguf'
terminal "dump good.gguf $("$QUIRE" info --json good.gguf |
	sed -n 's/.*{"name": "\([^"]*\)", "dtype".*/\1/p') -o -"
NO_COLOR=1
export NO_COLOR
terminal 'verify good.gguf'
NO_COLOR=
terminal 'verify good.gguf | cat'
TERM=dumb
terminal 'verify good.gguf'
# Without a terminal: no bar and no colour.
"$QUIRE" verify good.gguf 2>&1 | cat -v
