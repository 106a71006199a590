#!/bin/sh
# environment.sh FOLDER VERSION PYTHON SCRIPT: runs a test with that version of
# onnxruntime. Its environment, FOLDER/VERSION, is made when it is first needed.
# Without a network the test is skipped (77), unless QUIRE_REQUIRED is set; for
# ten minutes no other test tries again.
set -eu
folder=$1 version=$2 python=$3 script=$4
environment=$folder/$version
packages="onnxruntime==$version numpy==2.4.6 onnx==1.23.2"

install() {
	"$python" -m venv --clear "$environment" &&
		"$environment/bin/pip" install -q --timeout 30 $packages &&
		printf '%s\n' "$packages" >"$environment/installed"
}

ready() {
	[ "$(cat "$environment/installed" 2>/dev/null)" = "$packages" ]
}

mkdir -p "$folder"
# Tests run side by side: one makes the environment, the others wait.
exec 9>"$folder/$version.lock"
! command -v flock >/dev/null || flock 9
if ! ready; then
	if [ -z "${QUIRE_REQUIRED:-}" ] &&
		[ -n "$(find "$folder" -name "$version.failed" -mmin -10)" ]; then
		echo "skipped: onnxruntime $version could not be installed"
		exit 77
	fi
	if ! install >"$folder/$version.log" 2>&1; then
		touch "$folder/$version.failed"
		tail -n 3 "$folder/$version.log"
		[ -z "${QUIRE_REQUIRED:-}" ] || exit 1
		echo "skipped: onnxruntime $version cannot be installed"
		exit 77
	fi
fi
exec 9>&-
exec "$environment/bin/python" -B "$script"
