/*
 * set_scalar.c - the set of plain C kernels. It has GEMV alone, and is the last
 * base of every other set.
 */
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_scalar = {
	.name = "scalar",
	.from_f16 = quire_from_f16_scalar,
	.to_f16 = quire_to_f16_scalar,
	.gemv = { quire_gemv_f32_scalar, quire_gemv_int8_scalar },
};
