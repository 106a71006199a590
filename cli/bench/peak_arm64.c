/*
 * peak_arm64.c - asks Linux; other systems have no loops of their own.
 */
#include "cli/bench/peak_arm64.h"

#ifdef __linux__

#include <sys/auxv.h>

/* The kernel's numbers for them (arch/arm64, uapi hwcap.h). */
#define ASIMDDP_BIT 20 /* of AT_HWCAP */
#define I8MM_BIT    13 /* of AT_HWCAP2 */

bool peak_has_dotprod(void)
{
	return getauxval(AT_HWCAP) >> ASIMDDP_BIT & 1;
}

bool peak_has_i8mm(void)
{
	return getauxval(AT_HWCAP2) >> I8MM_BIT & 1;
}

#else

bool peak_has_dotprod(void)
{
#ifdef __ARM_FEATURE_DOTPROD
	return true;
#else
	return false;
#endif
}

bool peak_has_i8mm(void)
{
#ifdef __ARM_FEATURE_MATMUL_INT8
	return true;
#else
	return false;
#endif
}

#endif
