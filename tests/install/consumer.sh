#!/bin/sh
# Installs a build into a folder, moves the folder, and builds and runs programs
# with it: consumer.sh CMAKE BUILD SOURCE LIBDIR
set -eu
cmake=$1 build=$2 source=$3 libdir=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/moved"
cp "$source/examples/run_linear.c" "$source/tests/install/version.c" "$folder"
cd "$folder"
moved/bin/quire convert "$source/examples/minilm-layer0-int4.onnx" -o m.gguf
linear=/encoder/layer.0/attention/self/query/MatMul_Q4

if command -v pkg-config >/dev/null; then
	PKG_CONFIG_PATH=moved/$libdir/pkgconfig
	export PKG_CONFIG_PATH
	$CC run_linear.c -o by_pkg_config \
		$(pkg-config --static --cflags --libs quire)
	LD_LIBRARY_PATH=moved/$libdir ./by_pkg_config m.gguf $linear
fi

cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(quire REQUIRED)
add_executable(by_cmake run_linear.c)
target_link_libraries(by_cmake quire::quire)
add_executable(converts version.c)
target_link_libraries(converts quire::quire_convert)
EOF
"$cmake" -S . -B b -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$folder/moved"
"$cmake" --build b
b/by_cmake m.gguf $linear
b/converts
test -f moved/share/quire/recipes/llama.yaml
moved/bin/quire convert --print-recipe --recipe llama >/dev/null
