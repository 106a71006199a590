/*
 * set_avx512vnni.c - the set for AVX-512 with VNNI.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512vnni/ops_avx512.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx512vnni = {
	.name = "avx512vnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL | CPU_AVX512VNNI,
	.from_f16 = quire_from_f16_avx512,
	.to_f16 = quire_to_f16_avx512,
	.ops = AVX512_OPS,
};
