/*
 * set_neon_dotprod.c - the set for arm64 with the dot product instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/geometry_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon_dotprod = {
	.name = "neon_dotprod",
	.needs = CPU_NEON | CPU_DOTPROD,
	.base = &quire_set_neon,
	.gemv = { [COMPUTE_INT8] = quire_gemv_int8_dotprod },
	.tile = { [COMPUTE_INT8] = quire_tile_int8_dotprod },
};
