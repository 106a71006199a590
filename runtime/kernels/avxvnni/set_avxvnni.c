/*
 * set_avxvnni.c - the set for AVX-VNNI: int8 kernels that read the x and the
 * panels of AVX2, and for the rest AVX2.
 */
#include "base/cpu.h"
#include "runtime/kernels/avxvnni/geometry_avxvnni.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avxvnni = {
	.name = "avxvnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX_VNNI,
	.base = &quire_set_avx2,
	.gemv = { [COMPUTE_INT8] = quire_gemv_int8_avxvnni },
	.small = { [COMPUTE_INT8] = quire_small_int8_avxvnni },
	.tile = { [COMPUTE_INT8] = quire_tile_int8_avxvnni },
};
