# A file that is cut while it is verified: the error has the offset, SIGBUS does
# not end the command, and the file is not called damaged. The cut must come in
# time, after the file is opened and before its end is read, so the test repeats
# until it does.
. "$TRY"
{
	printf 'GGUF\003\000\000\000\001\000\000\000\000\000\000\000'
	zeros 8
	printf '\001\000\000\000\000\000\000\000w\001\000\000\000'
	printf '\000\000\000\004\000\000\000\000\000\000\000\000'
	zeros 15 # an offset of 0, and up to 64
} >large
truncate -s $((64 + 4 * 0x4000000)) large
"$QUIRE" stamp large -o m.gguf >stamped
rm large
size=$(wc -c <m.gguf)

# cut_it ARGUMENT...: verifies m.gguf, and cuts the file once it is mapped.
cut_it() {
	"$QUIRE" verify m.gguf "$@" >stdout 2>stderr &
	while kill -0 $! 2>/dev/null; do
		grep -q /m.gguf "/proc/$!/maps" 2>/dev/null &&
			truncate -s 20000000 m.gguf && break
	done
	wait $!
	code=$?
	truncate -s "$size" m.gguf # zeros, as before
}

# cut_in_time ARGUMENT...: an attempt that came before the size was compared has
# F-21, one that came too late has 0.
cut_in_time() {
	for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		cut_it "$@"
		[ $code = 0 ] || grep -q 'F-21' stderr || break
	done
}

for options in '--threads 1' '--threads 2'; do
	cut_in_time $options
	echo "$options: exit $code"
	cat stdout stderr
done
"$QUIRE" hash m.gguf >list
cut_in_time --manifest list
echo "--manifest: exit $code"
sed "s|quire: .*/m.gguf|quire: m.gguf|; s/at byte [0-9]*/at byte N/" stdout stderr
try verify m.gguf
