/*
 * set_avx512vbmi2.c - the set for AVX-512 with VNNI, VBMI2 and GFNI, which came
 * together: avx512vnni's, with shifts over two registers in the few form, and
 * upper nibbles by one instruction in the vec form.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512vnni/ops_avx512.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_avx512vbmi2 = {
	.name = "avx512vbmi2",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL | CPU_AVX512VNNI | CPU_AVX512VBMI2 | CPU_GFNI,
	.from_f16 = quire_from_f16_avx512,
	.to_f16 = quire_to_f16_avx512,
	.ops = AVX512_OPS(avx512vbmi2),
};
