/*
 * set_avxvnni.c - the set for AVX-VNNI: AVX2's, with int8 kernels of its own.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx2/ops_avx2.h"
#include "runtime/kernels/avxvnni/kernels_avxvnni.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avxvnni = {
	.name = "avxvnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX_VNNI,
	.from_f16 = quire_from_f16_avx2,
	.to_f16 = quire_to_f16_avx2,
	.ops = AVX2_OPS(avxvnni),
};
