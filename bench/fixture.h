/*
 * fixture.h - shared by the programs that measure files: models to measure, a
 * clock, memory, and dropping a file from the page cache.
 */
#ifndef QUIRE_BENCH_FIXTURE_H
#define QUIRE_BENCH_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* All of these print an error and exit where they cannot do their job. */

/* Writes a container of `count` Q4_0 tensors "t0", "t1" ... of k columns (a
 * multiple of 32) and n rows, each a linear of that name; its bytes repeat. */
void fixture_write(const char *path, size_t count, uint64_t k, uint64_t n);

/* Drops the file from the page cache. */
void fixture_drop(const char *path);
/* Reads all of the file into buffers on this many threads, which puts it into
 * the page cache. Returns seconds. */
double fixture_read(const char *path, unsigned threads);

uint64_t fixture_size(const char *path);
double fixture_seconds(void);

/* A line of /proc/self/smaps_rollup, "Rss" or "Pss", in bytes. */
uint64_t fixture_memory(const char *name);

/* Runs a program with its output thrown away; returns seconds, or a negative
 * number if it does not run or fails. */
double fixture_run(char *const argv[]);

/* "FOLDER/NAME", to be freed. */
char *fixture_path(const char *folder, const char *name);

#endif
