# What goes to a terminal only: colours, the bar, refusals of binary. The bar
# is drawn and taken away; its rate is what it is.
. "$TRY"
cp "$GOLDEN/good/container_16384.gguf" good.gguf
cp good.gguf damaged.gguf
poke damaged.gguf 16384 377

# terminal COMMAND: its output, made visible.
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
# No terminal: no bar and no colour.
"$QUIRE" verify good.gguf 2>&1 | cat -v
