/*
 * clock.h - a clock that only advances.
 */
#ifndef QUIRE_BASE_CLOCK_H
#define QUIRE_BASE_CLOCK_H

/* Seconds since some moment in the past. Setting the time of day does not
 * change it. */
double quire_clock_seconds(void);

void quire_clock_sleep(double seconds);

#endif
