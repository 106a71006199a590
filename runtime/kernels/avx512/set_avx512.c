/*
 * set_avx512.c - the f32 kernels for AVX-512 with F, BW and VL. The set is a
 * base only: it was not measured on a CPU without VNNI, so it is not one of
 * those to choose from.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx512 = {
	.name = "avx512",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL,
	.base = &quire_set_avx2,
	.from_f16 = quire_from_f16_avx512,
	.to_f16 = quire_to_f16_avx512,
	.gemv = { [COMPUTE_F32] = quire_gemv_f32_avx512 },
	.small = { [COMPUTE_F32] = quire_small_f32_avx512 },
	.tile = { [COMPUTE_F32] = quire_tile_f32_avx512 },
};
