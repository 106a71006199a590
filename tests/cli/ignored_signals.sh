# A signal that nohup or a shell's background ignores stays ignored, also while
# the command blocks signals: ten files are written while many signals arrive.
. "$TRY"
{
	printf 'GGUF\003\000\000\000\001\000\000\000\000\000\000\000'
	zeros 8
	printf '\001\000\000\000\000\000\000\000w\001\000\000\000'
	printf '\000\000\100\000\000\000\000\000\000\000\000\000'
	zeros 15 # an offset of 0, and up to 64
	head -c 16777216 /dev/zero
} >large.gguf

trap '' HUP INT TERM
for signal in HUP INT TERM HUP INT TERM HUP INT TERM HUP; do
	"$QUIRE" stamp large.gguf -o out.gguf --force 2>&1 &
	while kill -$signal $! 2>/dev/null; do :; done
	wait $!
	echo "exit $?"
done
