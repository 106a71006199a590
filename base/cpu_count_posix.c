/*
 * cpu_count_posix.c - the CPUs that there are and that this process may use, by
 * sysconf, and by Linux's affinity mask and control groups, which other systems
 * do not have; and their caches.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/cpu.h"
#include "base/cpu_limits.h"

#if defined(__linux__)

#include <sched.h>

/* The most CPUs of a mask that are tried: a kernel for more is not made. */
#define MASK_CPUS_MAX (1 << 20)

/* CPUs of the affinity mask; 0: not known. The call fails with EINVAL if the
 * kernel's masks are larger than the one that is passed. */
static uint32_t count_allowed(void)
{
	for (size_t cpus = CPU_SETSIZE; cpus <= MASK_CPUS_MAX; cpus *= 4) {
		const size_t size = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *mask = CPU_ALLOC(cpus);
		bool again = false;
		int count = 0;

		if (!mask)
			return 0;
		if (sched_getaffinity(0, size, mask) == 0)
			count = CPU_COUNT_S(size, mask);
		else
			again = errno == EINVAL;
		CPU_FREE(mask);
		if (!again)
			return count > 0 ? (uint32_t)count : 0;
	}
	return 0;
}

#else

static uint32_t count_allowed(void)
{
	return 0;
}

#endif

struct cpu_limits quire_cpu_limits(void)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);

	return quire_cpu_limits_of(online < 1 ? 1 : (uint32_t)online,
				   count_allowed(), quire_cgroup_quota(""));
}

uint32_t quire_cpu_count(void)
{
	return quire_cpu_limits().count;
}

size_t quire_cpu_cache_size(void)
{
#ifdef _SC_LEVEL3_CACHE_SIZE
	const long size = sysconf(_SC_LEVEL3_CACHE_SIZE);

	return size > 0 ? (size_t)size : 0;
#else
	return 0;
#endif
}
