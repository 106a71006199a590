/*
 * set_avx512vnni.c - the set for AVX-512 with VNNI: int8 kernels, and for the
 * rest AVX-512's f32 kernels.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx512vnni = {
	.name = "avx512vnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL | CPU_AVX512VNNI,
	.base = &quire_set_avx512,
	.gemv = { [COMPUTE_INT8] = quire_gemv_int8_avx512vnni },
	.small = { [COMPUTE_INT8] = quire_small_int8_avx512vnni },
	.tile = { [COMPUTE_INT8] = quire_tile_int8_avx512vnni },
};
