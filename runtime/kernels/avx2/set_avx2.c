/*
 * set_avx2.c - the set for AVX2, FMA and F16C.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx2/ops_avx2.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx2 = {
	.name = "avx2",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C,
	.from_f16 = quire_from_f16_avx2,
	.to_f16 = quire_to_f16_avx2,
	.ops = AVX2_OPS(avx2),
};
