/*
 * set_avx2.c - the set for AVX2, FMA and F16C.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx2 = {
	.name = "avx2",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C,
	.base = &quire_set_scalar,
	.from_f16 = quire_from_f16_avx2,
	.to_f16 = quire_to_f16_avx2,
	.gemv = { quire_gemv_f32_avx2, quire_gemv_int8_avx2 },
	.small = { quire_small_f32_avx2, quire_small_int8_avx2 },
	.tile = { quire_tile_f32_avx2, quire_tile_int8_avx2 },
};
