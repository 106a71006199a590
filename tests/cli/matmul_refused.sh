# Products that matmul refuses. No file is left.
. "$TRY"
gguf >m.gguf
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp "$GOLDEN/good/container_every_dtype.gguf" types.gguf
cp "$GOLDEN/bad/F-31_value.gguf" edited.gguf
(npy "'<f4'" '(1, 4)'; f32 1 2 3 4) >X.npy
mkdir folder

try matmul m.gguf v -i X.npy -o Y.npy
try matmul m.gguf x -i X.npy -o Y.npy
try matmul mixed.gguf /a/MatMull -i X.npy -o Y.npy
try matmul mixed.gguf a.wieght -i X.npy -o Y.npy
try matmul mixed.gguf /a/MatMul -i X.npy -o Y.npy
try matmul mixed.gguf c -i X.npy -o Y.npy
(npy "'<f4'" '(1, 512)'; zeros 2048) >K.npy
try matmul types.gguf Q6_K -i K.npy -o Y.npy
try matmul edited.gguf first -i X.npy -o Y.npy
try matmul m.gguf w -i none.npy -o Y.npy
try matmul m.gguf w -i folder -o Y.npy
try matmul m.gguf w -i X.npy -o none/Y.npy
try matmul m.gguf w -i X.npy -o m.gguf
try matmul m.gguf w -i X.npy -o Y.npy --kernels sclar
try matmul m.gguf w -i X.npy -o Y.npy --device gpu
try matmul m.gguf w -i X.npy -o Y.npy --device metal
try matmul m.gguf w -i X.npy -o Y.npy --accuracy 5
ls -A
