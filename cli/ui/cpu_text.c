/*
 * cpu_text.c - the limits of base/cpu_limits.h as text.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/ui/cpu_text.h"

char *cpu_text(char buffer[CPU_TEXT_CAPACITY], const struct cpu_limits *limits)
{
	const bool masked =
	    limits->allowed > 0 && limits->allowed < limits->online;
	char mask[32] = "", quota[48] = "";

	if (masked)
		snprintf(mask, sizeof(mask), "affinity mask %" PRIu32,
			 limits->allowed);
	if (limits->quota > 0)
		snprintf(quota, sizeof(quota), "cgroup quota %.2f",
			 (double)limits->quota / QUIRE_CPU_QUOTA_UNIT);
	snprintf(buffer, CPU_TEXT_CAPACITY,
		 "%" PRIu32 " of %" PRIu32 " CPU%s%s%s%s%s%s", limits->count,
		 limits->online, limits->online == 1 ? "" : "s",
		 masked || limits->quota > 0 ? " (" : "", mask,
		 masked && limits->quota > 0 ? ", " : "", quota,
		 masked || limits->quota > 0 ? ")" : "");
	return buffer;
}
