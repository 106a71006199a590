# Output that cannot be written is an error, and no file is half written.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" m.gguf

for command in '--help' '--version' 'help info' 'info m.gguf' \
	'info --json m.gguf' 'verify m.gguf' 'hash m.gguf' \
	'dump m.gguf a.weight -o -'; do
	echo "\$ quire $command >/dev/full"
	"$QUIRE" $command 2>&1 >/dev/full
	echo "exit $?"
done

# With stdout closed there is an error if anything is to be printed, and no file
# that is opened later receives the output.
"$QUIRE" verify m.gguf 2>&1 >&-
echo "exit $?"
"$QUIRE" dump m.gguf b.bias -o W.npy >&- 2>&-
echo "exit $?"
show_npy <W.npy
"$QUIRE" matmul m.gguf b.weight -i - -o Y.npy <&- 2>&1
echo "exit $?"
rm W.npy

# A file system that is full after the header of an array.
(
	trap '' XFSZ
	ulimit -f 0
	"$QUIRE" dump m.gguf c -o W.npy
	echo "exit $?"
) 2>&1 | cat
ls -A
