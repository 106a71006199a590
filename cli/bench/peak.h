/*
 * peak.h - measures the limits of this machine: how fast memory can be read,
 * and how fast int8 and f32 numbers can be multiplied and added at best. The
 * speed of a matmul is compared with them.
 *
 *	struct peak_meter *meter = peak_meter_create(threads, NULL);
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
	double read_gbps;  /* 10^9 bytes per second */
	double int8_gops;  /* 10^9 multiplications and additions per second */
	double f32_gflops; /* likewise */
};

struct peak_meter;

/* The limits of `threads` threads together, at least 1, with the instructions
 * of a kernel set (NULL: of the fastest one that this CPU can run). NULL: out
 * of memory. */
struct peak_meter *peak_meter_create(uint32_t threads, const char *kernels);

/* Adds samples of each limit. Reads `memory`, which must be written before and
 * larger than the last-level cache. Takes about 70 ms. Starts and ends its own
 * threads, so that they disturb nothing afterwards. */
void peak_meter_sample(struct peak_meter *meter, const void *memory,
		       size_t size);

/* What the fastest tenth of all samples reached at least; 0 if there are none.
 */
struct peaks peak_meter_result(const struct peak_meter *meter);

/* NULL is fine. */
void peak_meter_free(struct peak_meter *meter);

/* The kernel set whose instructions are used then; static storage. */
const char *peak_loops_name(const char *kernels);

#endif
