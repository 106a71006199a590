/*
 * set_neon_dotprod.c - the set for arm64 with the dot product instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

static const struct gemv_form gemv_int8[] = {
	NEON_GEMV_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
		       quire_vec_int8_q4_0_dotprod),
	NEON_GEMV_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
		       quire_vec_int8_q4_1_dotprod),
	NEON_GEMV_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
		       quire_vec_int8_q8_0_dotprod),
	{ 0 },
};

static const struct pack_form pack_int8[] = {
	NEON_PACK_INT8(QUIRE_Q4_0, NEON_INT8_PANEL_SIZE,
		       quire_pack_int8_q4_0_dotprod),
	NEON_PACK_INT8(QUIRE_Q4_1, NEON_INT8_MIN_PANEL_SIZE,
		       quire_pack_int8_q4_1_dotprod),
	NEON_PACK_INT8(QUIRE_Q8_0, NEON_INT8_PANEL_SIZE,
		       quire_pack_int8_q8_0_dotprod),
	{ 0 },
};

static const struct tile_form tile_int8[] = {
	NEON_TILE_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, 3, pack_int8,
		       quire_tile_int8_dotprod),
	NEON_TILE_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, 3, pack_int8,
		       quire_tile_int8_min_dotprod),
	NEON_TILE_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, 3, pack_int8,
		       quire_tile_int8_dotprod),
	{ 0 },
};

const struct kernel_set quire_set_neon_dotprod = {
	.name = "neon_dotprod",
	.needs = CPU_NEON | CPU_DOTPROD,
	.base = &quire_set_neon,
	.gemv = { [COMPUTE_INT8] = gemv_int8 },
	.tile = { [COMPUTE_INT8] = tile_int8 },
};
