/*
 * bench_device.h - quire bench on a device: the same products, and each also by
 * F32 weights, with which its speed is compared.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_DEVICE_H
#define QUIRE_CLI_BENCH_BENCH_DEVICE_H

#include "cli/bench/bench_cases.h"
#include "cli/ui/text_table.h"

struct json_out;

/* *device = the device that --device names on this machine. If there is none,
 * prints the error and returns false. */
bool bench_device_find(const char *name, quire_device *device);

/* Measures a group and adds the results. On failure, prints the error and
 * returns false. */
bool bench_device_run(const struct bench_plan *plan,
		      const struct bench_group *group,
		      struct bench_results *results);

/* How many times as fast a result is as with F32 weights. */
double bench_device_over_f32(const struct bench_case *row);

/* False: out of memory. */
bool bench_device_print(const struct bench_results *results);
/* Writes the members that only results of a device have. */
void bench_device_json(struct json_out *out, const struct bench_case *row);

#endif
