#!/bin/bash -eu
# Builds the fuzz targets for ClusterFuzzLite, each with its seeds and its limits
# of memory, time and length. $CC, $CFLAGS, $OUT and $SRC are the builder's.
cd "$SRC/quire"
cmake -S . -B "$WORK/build" -G Ninja -DCMAKE_BUILD_TYPE=None \
	-DQUIRE_FUZZ=ON -DQUIRE_HARDEN=OFF -DQUIRE_ONNXRUNTIME=OFF \
	-DCMAKE_EXE_LINKER_FLAGS='-Wl,-rpath,$ORIGIN/lib'
cmake --build "$WORK/build" --target fuzz_all
mkdir -p "$OUT/lib"
for seeds in "$WORK"/build/tests/fuzz/*.seeds; do
	name=$(basename "$seeds" .seeds)
	target=fuzz_$name
	# It needs the other parts of its sets, which the runner does not have.
	[ "$name" != split ] || continue
	cp "$WORK/build/tests/fuzz/$target" "$OUT"
	# The runner has none of the libraries.
	ldd "$OUT/$target" | awk '/=> \// { print $3 }' |
		grep -E 'protobuf-c|yaml|jansson|crypto|xxhash' |
		xargs -r -I{} cp -n {} "$OUT/lib"
	while read -r folder; do
		[ -z "$folder" ] ||
			find "$folder" -type f -size -64k -print |
			zip -q -j "$OUT/${target}_seed_corpus.zip" -@ || true
	done <"$seeds"
	printf '[libfuzzer]\nmax_len = 8192\ntimeout = 10\nrss_limit_mb = 2048\n' \
		>"$OUT/$target.options"
done
