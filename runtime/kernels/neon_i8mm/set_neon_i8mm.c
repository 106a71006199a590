/*
 * set_neon_i8mm.c - the set for arm64 with the int8 matrix instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

static const struct pack_form pack_int8[] = {
	NEON_PACK_INT8(QUIRE_Q4_0, NEON_INT8_PANEL_SIZE,
		       quire_pack_int8_q4_0_i8mm),
	NEON_PACK_INT8(QUIRE_Q4_1, NEON_INT8_MIN_PANEL_SIZE,
		       quire_pack_int8_q4_1_i8mm),
	NEON_PACK_INT8(QUIRE_Q8_0, NEON_INT8_PANEL_SIZE,
		       quire_pack_int8_q8_0_i8mm),
	{ 0 },
};

static const struct tile_form tile_int8[] = {
	NEON_TILE_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, 2, pack_int8,
		       quire_tile_int8_i8mm),
	NEON_TILE_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, 2, pack_int8,
		       quire_tile_int8_min_i8mm),
	NEON_TILE_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, 2, pack_int8,
		       quire_tile_int8_i8mm),
	{ 0 },
};

const struct kernel_set quire_set_neon_i8mm = {
	.name = "neon_i8mm",
	.needs = CPU_NEON | CPU_DOTPROD | CPU_I8MM,
	.base = &quire_set_neon_dotprod,
	.tile = { [COMPUTE_INT8] = tile_int8 },
};
