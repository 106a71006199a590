/*
 * peak.h - the limits of this machine, measured: how fast memory can be read,
 * and how fast int8 and f32 numbers can be multiplied and added. A matmul's
 * speed is held against these.
 *
 *	struct peak_meter *meter = peak_meter_create(threads);
 *	peak_meter_sample(meter, memory, size);	 several times, between the
 *	peaks = peak_meter_result(meter);	 runs of what is measured
 *	peak_meter_free(meter);
 *
 * One thread at a time may use a meter.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_H
#define QUIRE_CLI_BENCH_PEAK_H

#include <stddef.h>
#include <stdint.h>

struct peaks {
	double read_gbps;  /* 10^9 bytes a second */
	double int8_gops;  /* 10^9 multiplications and additions a second */
	double f32_gflops; /* likewise */
};

struct peak_meter;

/* Of `threads` threads together, at least 1. NULL if there is no memory. */
struct peak_meter *peak_meter_create(uint32_t threads);

/* Adds some samples of each limit. `memory` is what to read, filled before
 * and larger than the last-level cache. Takes about 50 ms, and starts and ends
 * its threads itself, so that they are in nobody's way afterwards. */
void peak_meter_sample(struct peak_meter *meter, const void *memory,
		       size_t size);

/* The medians of all samples; zeros if there are none. */
struct peaks peak_meter_result(const struct peak_meter *meter);

/* NULL is fine. */
void peak_meter_free(struct peak_meter *meter);

/* The instruction set whose loops are run; static storage. */
const char *peak_loops_name(void);

#endif
