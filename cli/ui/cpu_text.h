/*
 * cpu_text.h - how many CPUs the command uses by default, and why.
 */
#ifndef QUIRE_CLI_UI_CPU_TEXT_H
#define QUIRE_CLI_UI_CPU_TEXT_H

#include "base/cpu_limits.h"

#define CPU_TEXT_CAPACITY 128

/* Writes for example "2 of 8 CPUs (affinity mask 4, cgroup quota 1.50)", with
 * those limits that there are. Returns `buffer`. */
char *cpu_text(char buffer[CPU_TEXT_CAPACITY], const struct cpu_limits *limits);

#endif
