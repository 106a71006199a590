/*
 * cpu.c - finds out which instructions the CPU has, and which of their
 * registers the operating system saves. kernel_set.c chooses kernels by them.
 */
#include "base/cpu.h"

#include <stddef.h>

#if defined(__x86_64__)

#include <cpuid.h>

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

/* One bit of one register of a CPUID leaf, and the feature that it shows. */
struct cpuid_bit {
	uint32_t feature;
	uint32_t leaf, subleaf;
	size_t where; /* offset of the register in struct cpuid */
	uint32_t bit;
	uint32_t xcr0; /* the state that the operating system must save */
};

#define XCR0_AVX    0x06U /* xmm and the upper halves of ymm */
#define XCR0_AVX512 0xE6U /* those, the masks, and both parts of zmm */

#define EAX offsetof(struct cpuid, eax)
#define EBX offsetof(struct cpuid, ebx)
#define ECX offsetof(struct cpuid, ecx)

/* Intel's Software Developer's Manual, volume 2A, CPUID. */
static const struct cpuid_bit cpuid_bits[] = {
	{ CPU_FMA, 1, 0, ECX, 12, XCR0_AVX },
	{ CPU_F16C, 1, 0, ECX, 29, XCR0_AVX },
	{ CPU_AVX2, 7, 0, EBX, 5, XCR0_AVX },
	{ CPU_AVX_VNNI, 7, 1, EAX, 4, XCR0_AVX },
	{ CPU_AVX512F, 7, 0, EBX, 16, XCR0_AVX512 },
	{ CPU_AVX512DQ, 7, 0, EBX, 17, XCR0_AVX512 },
	{ CPU_AVX512BW, 7, 0, EBX, 30, XCR0_AVX512 },
	{ CPU_AVX512VL, 7, 0, EBX, 31, XCR0_AVX512 },
	{ CPU_AVX512VNNI, 7, 0, ECX, 11, XCR0_AVX512 },
};

#define CPUID_1_ECX_OSXSAVE (1U << 27)

/* The register states that the operating system saves; 0 if they are not
 * known. In assembly, because the compilers' _xgetbv needs a compiler flag. */
static uint32_t read_xcr0(void)
{
	uint32_t eax, ebx, ecx = 0, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
	    !(ecx & CPUID_1_ECX_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

static uint32_t read_register(const struct cpuid_bit *bit)
{
	struct cpuid leaf = { 0, 0, 0, 0 };

	if (!__get_cpuid_count(bit->leaf, bit->subleaf, &leaf.eax, &leaf.ebx,
			       &leaf.ecx, &leaf.edx))
		return 0;
	if (bit->where == EAX)
		return leaf.eax;
	return bit->where == EBX ? leaf.ebx : leaf.ecx;
}

uint32_t quire_cpu_features(void)
{
	const uint32_t xcr0 = read_xcr0();
	uint32_t features = 0;

	for (size_t i = 0; i < sizeof(cpuid_bits) / sizeof(cpuid_bits[0]);
	     i++) {
		const struct cpuid_bit *bit = &cpuid_bits[i];

		if ((xcr0 & bit->xcr0) == bit->xcr0 &&
		    read_register(bit) >> bit->bit & 1)
			features |= bit->feature;
	}
	return features;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

/* The kernel's numbers for them (arch/arm64, uapi hwcap.h): older C libraries
 * do not define the second. */
#define ASIMDDP_BIT 20 /* of AT_HWCAP */
#define I8MM_BIT    13 /* of AT_HWCAP2 */

uint32_t quire_cpu_features(void)
{
	uint32_t features = CPU_NEON;

	if (getauxval(AT_HWCAP) >> ASIMDDP_BIT & 1)
		features |= CPU_DOTPROD;
	if (getauxval(AT_HWCAP2) >> I8MM_BIT & 1)
		features |= CPU_I8MM;
	return features;
}

#elif defined(__aarch64__)

/* What the compiler may assume of every CPU of the target: on macOS that is
 * an M1, which has dotprod. */
uint32_t quire_cpu_features(void)
{
	uint32_t features = CPU_NEON;

#ifdef __ARM_FEATURE_DOTPROD
	features |= CPU_DOTPROD;
#endif
#ifdef __ARM_FEATURE_MATMUL_INT8
	features |= CPU_I8MM;
#endif
	return features;
}

#else

uint32_t quire_cpu_features(void)
{
	return 0;
}

#endif
