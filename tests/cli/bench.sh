# What quire bench refuses, and the form of its output. Figures are X.
. "$TRY"
cp "$GOLDEN/good/container_mixed_32.gguf" m.gguf

try bench --shape 64
try bench --shape 64,x
try bench --shape 64,32,16
try bench --shape 0,32
try bench --shape 2000000,32
try bench --shape 64,32 --m 1,
try bench --shape 64,32 --m 0
try bench --shape 64,32 --level 5
try bench --shape 64,32 --threads 2000
try bench --shape 64,32 --weights Q4_0,Q5_0
try bench --shape 64,32 --kernels fastest --threads 1 --m 1 --level 4 |
	sed 's/there are: .*/there are: .../'
try bench --model Lama-3-8B
try bench --model gpt
try bench m.gguf --shape 64,32
try bench m.gguf --model Llama-3-8B
try bench m.gguf --weights F16
try bench absent.gguf
try bench --device gpu
try bench --device metal
try bench --sweep --prepack
try bench --sweep --model Llama-3-8B
try bench --sweep --kernels scalar, --shape 64,32
try bench --sweep --kernels scalar,fastest --threads 1 --m 1 --shape 64,32 \
	--level 4 | sed 's/there are: .*/there are: .../'
try bench --shape 64,32 --m 4-1
try bench --shape 64-65

figures() {
	sed 's/[0-9][0-9]*\.[0-9][0-9.e+-]*/X/g; s/  */ /g
		s/[0-9][0-9]* of [0-9][0-9]* CPUs*\( (.*)\)*$/N of N CPUs/
		/"cpus": {/,/}/s/: [0-9n][0-9.ul]*/: N/'
}
try bench --shape 64,32 --m 1,3 --threads 1 --weights q4_0,F32 --level 1,4 \
	--kernels scalar | figures
try bench m.gguf --m 2 --threads 1 --level 4 --kernels scalar --json | figures

# The points of the plot are where the times are, and a step may be anywhere.
curve() {
	figures | sed 's/\( X\)* GEMV$/ ... GEMV/; s/^\( X\)* |.*/ |/
		/"step"/s/"step": [X0-9nul]*/"step": S/'
}
export COLUMNS=60
try bench --sweep --shape 64,32 --m 3,1-2,2 --threads 1 --level 4 \
	--kernels scalar,scalar | curve
try bench --sweep --shape 64,32 --m 1-3 --threads 1 --level 1 --json \
	--kernels scalar | curve
