/*
 * clock.h - time that only passes.
 */
#ifndef QUIRE_BASE_CLOCK_H
#define QUIRE_BASE_CLOCK_H

/* Seconds since some moment in the past. Setting the clock does not move it. */
double quire_clock_seconds(void);

void quire_clock_sleep(double seconds);

#endif
