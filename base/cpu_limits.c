/*
 * cpu_limits.c - joins the limits to a number of CPUs. Asks no system:
 * cpu_count_posix.c does.
 */
#include "base/cpu_limits.h"

struct cpu_limits quire_cpu_limits_of(uint32_t online, uint32_t allowed,
				      uint64_t quota)
{
	const uint64_t whole =
	    quota / QUIRE_CPU_QUOTA_UNIT + (quota % QUIRE_CPU_QUOTA_UNIT != 0);
	struct cpu_limits limits = {
		.online = online,
		.allowed = allowed,
		.quota = quota,
		.count = online,
	};

	if (allowed > 0 && allowed < limits.count)
		limits.count = allowed;
	if (quota > 0 && whole < limits.count)
		limits.count = (uint32_t)whole;
	if (limits.count == 0)
		limits.count = 1;
	return limits;
}
