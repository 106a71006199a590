#!/bin/sh
# full_disk.sh QUIRE MODEL.onnx: converts onto a disk that is too small for the
# container. The command must report that, exit with 2, and leave the old file,
# or none. Needs the right to mount; without it prints that and exits with 77.
set -eu
case ${3-} in
'')
	# As root, or as root in a user namespace of its own.
	for how in -m -rm; do
		if unshare $how true 2>/dev/null; then
			exec unshare $how sh "$0" "$1" "$2" mounted
		fi
	done
	echo "skipped: a small file system takes the right to mount one"
	exit 77
	;;
esac

fail() {
	echo "full_disk: $*" >&2
	exit 1
}

# try OPTION...: one conversion, which must fail because the disk is full.
try() {
	code=0
	"$quire" convert "$model" --force -o "$disk/out.gguf" "$@" \
		>/dev/null 2>"$folder/message" || code=$?
	[ "$code" = 2 ] || fail "exit status $code instead of 2"
	grep -q '^quire: .*No space left on device' "$folder/message" ||
		fail "the message is: $(cat "$folder/message")"
	[ "$(wc -l <"$folder/message")" = 1 ] || fail "more than one line"
}

quire=$1
model=$2
folder=$(mktemp -d)
disk=$folder/disk
trap 'umount "$disk" 2>/dev/null || :; rm -rf "$folder"' EXIT
mkdir "$disk"
mount -t tmpfs -o size=256k tmpfs "$disk" 2>/dev/null || {
	echo "skipped: cannot mount a small file system"
	exit 77
}
for options in '' '--split-size 100K'; do
	# shellcheck disable=SC2086 # a list of words
	try $options
	[ -z "$(ls -A "$disk")" ] || fail "left: $(ls -A "$disk")"
done
echo old >"$disk/out.gguf"
try
[ "$(ls -A "$disk")" = out.gguf ] || fail "left: $(ls -A "$disk")"
[ "$(cat "$disk/out.gguf")" = old ] || fail "the old file has changed"
echo "survived 3 full disks"
