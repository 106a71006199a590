# Every malformed model of tests/onnx, and one of more than 2 GiB: one line that
# names the model or its external data and the error, exit code 2, and no file
# left. tests/unit/test_convert_refused.c checks the messages.
cp -R "$ONNX" models
dd if=/dev/zero of=models/bad/large.onnx bs=1 count=1 seek=2147483647 \
	2>/dev/null
for model in models/bad/*.onnx; do
	"$QUIRE" convert "$model" -o out.gguf >stdout 2>stderr
	code=$?
	if [ $code != 2 ] || [ -s stdout ] || [ "$(wc -l <stderr)" -ne 1 ] ||
		! grep -qE "^quire: ($model|.*/there-is-no-such.bin): " stderr
	then
		echo "$model: exit $code"
		cat stdout stderr
	fi
	rm stdout stderr
done
ls -A
