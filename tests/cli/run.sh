#!/bin/sh
# Runs one test of the command and compares all that it prints.
#
#     run.sh TEST.sh QUIRE ROOT
#
# The test runs in a new folder. Its environment has QUIRE (the command), DATA,
# EXAMPLES, GOLDEN and ONNX (folders of ROOT), and TRY (a file of functions).
# Its stdout, stderr and exit code must be those of TEST.stdout.exact,
# TEST.stderr.exact and TEST.exit. A file that does not exist stands for empty
# output, or for 0. With CLI_TEST_UPDATE=1 these files are written instead; read
# the changes before you commit them.
set -u

test=$1
QUIRE=$2
DATA=$3/tests/data
EXAMPLES=$3/examples
GOLDEN=$3/tests/golden
ONNX=$3/tests/onnx
TRY=${test%/*}/try.inc
export QUIRE DATA EXAMPLES GOLDEN ONNX TRY
# The user's environment must not change the output.
unset NO_COLOR POSIXLY_CORRECT
LC_ALL=C
TERM=xterm
export LC_ALL TERM

expected=${test%.sh}
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/here"
umask 022

(cd "$folder/here" && exec sh "$test") \
	>"$folder/stdout" 2>"$folder/stderr" </dev/null
echo $? >"$folder/exit"

failed=0
# compare SUFFIX STREAM DEFAULT
compare() {
	if [ -n "${CLI_TEST_UPDATE-}" ]; then
		rm -f "$expected.$1"
		printf '%s' "$3" | cmp -s - "$folder/$2" ||
			cp "$folder/$2" "$expected.$1"
		return
	fi
	if [ -e "$expected.$1" ]; then
		cp "$expected.$1" "$folder/expected"
	else
		printf '%s' "$3" >"$folder/expected"
	fi
	diff -u "$folder/expected" "$folder/$2" || failed=1
}
compare stdout.exact stdout ''
compare stderr.exact stderr ''
compare exit exit '0
'
exit $failed
