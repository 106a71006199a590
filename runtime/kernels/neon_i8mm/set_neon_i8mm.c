/*
 * set_neon_i8mm.c - the set for arm64 with the int8 matrix instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/geometry_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon_i8mm = {
	.name = "neon_i8mm",
	.needs = CPU_NEON | CPU_DOTPROD | CPU_I8MM,
	.base = &quire_set_neon_dotprod,
	.tile = { [COMPUTE_INT8] = quire_tile_int8_i8mm },
};
