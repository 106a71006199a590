/*
 * cpu_count_posix.c - the CPUs that there are and their caches, by sysconf.
 */
#include <unistd.h>

#include "base/cpu.h"

uint32_t quire_cpu_count(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (uint32_t)count;
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
