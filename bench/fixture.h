/*
 * fixture.h - shared by the programs that measure files: models to measure,
 * memory, and files in the page cache and not in it.
 */
#ifndef QUIRE_BENCH_FIXTURE_H
#define QUIRE_BENCH_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quire.h"

/* All of these print an error and exit where they cannot do their job. */

/* What happened, and errno's text, if it was not done. */
void fixture_check(bool done, const char *what);
void fixture_check_quire(quire_status status, const quire_error *error);

/* A linear with Q4_0 weights: columns, a multiple of 32, and rows. */
struct fixture_linear {
	uint64_t k, n;
};

/* Writes a container of these linears, `times` over: "t0", "t1" ... Their bytes
 * repeat. */
void fixture_write(const char *path, const struct fixture_linear *linears,
		   size_t count, size_t times);

/* Drops the file from the page cache, and checks that at most a hundredth of it
 * is left there. Returns that share. */
double fixture_drop(const char *path);
/* Reads all of the file into buffers on this many threads, which puts it into
 * the page cache. Returns seconds. */
double fixture_read(const char *path, unsigned threads);

uint64_t fixture_size(const char *path);

/* A line of /proc/self/smaps_rollup, "Rss" or "Pss", in bytes. */
uint64_t fixture_memory(const char *name);

/* "FOLDER/NAME", to be freed. */
char *fixture_path(const char *folder, const char *name);

/* The middle one of a few numbers, which it sorts. */
double fixture_median(double *numbers, size_t count);

#endif
