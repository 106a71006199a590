/*
 * bench_options.h - reads lists on the command line of quire bench: "1,4,16". A
 * call that returns false has printed the error.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_OPTIONS_H
#define QUIRE_CLI_BENCH_BENCH_OPTIONS_H

#include "cli/bench/bench_cases.h"
#include "cli/ui/args.h"

/* Numbers from min to max, and ranges of them ("1-16,32"), separated by commas.
 * `option` is the name of the option, for messages. */
bool bench_read_numbers(const char *option, const char *text, uint32_t min,
			uint32_t max, struct bench_numbers *numbers);

/* Names of dtypes: "Q4_0,F16"; upper or lower case. */
bool bench_read_weights(const char *text, struct bench_numbers *weights);

/* Names of kernel sets: "avx2,scalar". That they exist is not checked. */
bool bench_read_kernels(const char *text, struct bench_kernels *kernels);

/* Each item "K,N". */
bool bench_read_shapes(const struct args_list *list, struct bench_plan *plan);

#endif
