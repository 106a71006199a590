/*
 * bench_device.h - quire bench on a device: the same products, and each one by
 * F32 weights too, which is what its speed is held against.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_DEVICE_H
#define QUIRE_CLI_BENCH_BENCH_DEVICE_H

#include "cli/bench/bench_cases.h"
#include "cli/ui/text_table.h"

struct json_out;

/* *device = the one that the name of --device stands for on this machine.
 * False, and told on stderr, where it is none or not there. */
bool bench_device_find(const char *name, quire_device *device);

/* Adds the measured cases of a group; false, and told, if that fails. */
bool bench_device_run(const struct bench_plan *plan,
		      const struct bench_group *group,
		      struct bench_results *results);

/* Of a result: how many times as fast as by F32 weights. */
double bench_device_over_f32(const struct bench_case *row);

/* False: no memory. */
bool bench_device_print(const struct bench_results *results);
/* The members of a result that only a device's has. */
void bench_device_json(struct json_out *out, const struct bench_case *row);

#endif
