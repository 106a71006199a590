/*
 * set_neon.c - the set for every arm64 CPU. It has no packed form for int8, so
 * that many rows of x are multiplied one by one.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/geometry_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon = {
	.name = "neon",
	.needs = CPU_NEON,
	.base = &quire_set_scalar,
	.from_f16 = quire_from_f16_neon,
	.to_f16 = quire_to_f16_neon,
	.gemv = { quire_gemv_f32_neon, quire_gemv_int8_neon },
	.tile = { [COMPUTE_F32] = quire_tile_f32_neon },
};
