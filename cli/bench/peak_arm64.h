/*
 * peak_arm64.h - what an arm64 CPU has, as its operating system tells. Where
 * it does not, what the whole program was compiled for.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_ARM64_H
#define QUIRE_CLI_BENCH_PEAK_ARM64_H

#include <stdbool.h>

bool peak_has_dotprod(void);
bool peak_has_i8mm(void);

#endif
