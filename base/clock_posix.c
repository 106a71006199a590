/*
 * clock_posix.c - clock.h by clock_gettime and nanosleep.
 */
#include "base/clock.h"

#include <time.h>

double quire_clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void quire_clock_sleep(double seconds)
{
	const time_t whole = (time_t)seconds;
	const struct timespec time = {
		.tv_sec = whole,
		.tv_nsec = (long)((seconds - (double)whole) * 1e9),
	};

	(void)nanosleep(&time, NULL);
}
