# A mapped file that shrinks is an error with a message, not a silent death. X
# is longer than a pipe's buffer: once half of it is written, the model is open.
. "$TRY"
gguf >m.gguf
mkfifo pipe

"$QUIRE" matmul m.gguf w -i - -o Y.npy <pipe 2>stderr &
(
	npy "'<f4'" '(16384, 4)'
	dd if=/dev/zero bs=4096 count=32 2>/dev/null
	: >m.gguf
	dd if=/dev/zero bs=4096 count=32 2>/dev/null
) >pipe
wait $!
echo "exit $?"
sed "s|/.*/||; s/at byte [0-9]*/at byte N/" stderr
ls -A
