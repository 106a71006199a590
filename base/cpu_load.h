/*
 * cpu_load.h - how many threads of the whole machine run or wait for a CPU.
 */
#ifndef QUIRE_BASE_CPU_LOAD_H
#define QUIRE_BASE_CPU_LOAD_H

#include <stdint.h>

struct cpu_load {
	int file; /* below 0: none */
};

/* Opens the system's counter. Where it has none, or may not be read, nothing is
 * known of the load. */
void quire_cpu_load_open(struct cpu_load *load);
void quire_cpu_load_close(struct cpu_load *load);

/* The threads of all programs that run or wait for a CPU now, the caller's too;
 * 0: not known. Takes a microsecond, on a machine of many CPUs some more. Any
 * thread may call it. */
uint32_t quire_cpu_load_read(const struct cpu_load *load);

/* The same of the counter's text, "0.20 0.18 0.12 3/80 11206" for 3. */
uint32_t quire_cpu_load_parse(const char *text);

#endif
