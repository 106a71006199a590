/*
 * cpu_limits.h - how many CPUs this process may use, and what says so: a
 * machine may have more CPUs than the system lets a process run on, and a
 * container often has a quota of CPU time.
 */
#ifndef QUIRE_BASE_CPU_LIMITS_H
#define QUIRE_BASE_CPU_LIMITS_H

#include <stdint.h>

/* CPU time in units of this: 1500 is one and a half CPUs. */
#define QUIRE_CPU_QUOTA_UNIT 1000

struct cpu_limits {
	uint32_t online;  /* CPUs of the machine that are switched on */
	uint32_t allowed; /* of the affinity mask; 0: not known */
	uint64_t quota;	  /* CPU time a second, in thousandths of one CPU's;
			     0: no limit, or none that can be read */
	uint32_t count;	  /* what follows: the least of these, at least 1 */
};

/* What the system says now. Any thread may call it; it opens files. */
struct cpu_limits quire_cpu_limits(void);

/* The same of given numbers. A quota is rounded up: with one and a half CPUs
 * two threads take 0.8 of the time that one takes, and with exactly one CPU a
 * second thread only makes the first one wait. */
struct cpu_limits quire_cpu_limits_of(uint32_t online, uint32_t allowed,
				      uint64_t quota);

#endif
