/*
 * bench_verify.c - measures how fast tensors are verified, compared with xxhsum
 * -H3 and with a plain read of the same file in the same run.
 *
 *	bench_verify FOLDER
 *
 * Writes its models (1 GiB, one after the other) into the folder and removes
 * them. Contestants alternate, so that other work of the machine slows all of
 * them alike. Figures are medians.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/process.h"
#include "bench/fixture.h"
#include "quire.h"

#define WARM_ROUNDS 61
#define COLD_ROUNDS 5

enum {
	READ_1,
	READ_2,
	XXHSUM,
	VERIFY_1,
	VERIFY_2,
	COUNT
};

static const char *const names[COUNT] = {
	[READ_1] = "read, 1 thread",	  [READ_2] = "read, 2 threads",
	[XXHSUM] = "xxhsum -H3",	  [VERIFY_1] = "verify, 1 thread",
	[VERIFY_2] = "verify, 2 threads",
};

/* Opening and closing count, because xxhsum opens and closes too. */
static double verify(const char *path, uint32_t threads)
{
	const quire_verify_options how = { .threads = threads };
	const double started = quire_clock_seconds();
	quire_model *model;
	quire_error error;

	if (quire_model_open(path, NULL, &model, &error) != QUIRE_OK ||
	    quire_model_verify(model, &how, &error) != QUIRE_OK) {
		fprintf(stderr, "%s\n", error.message);
		exit(2);
	}
	quire_model_close(model);
	return quire_clock_seconds() - started;
}

/* A negative number: it does not run. */
static double run_xxhsum(char *path)
{
	char program[] = "xxhsum", option[] = "-H3";
	char *const xxhsum[] = { program, option, path, NULL };
	const double started = quire_clock_seconds();

	return quire_process_run(xxhsum) ? quire_clock_seconds() - started : -1;
}

static double measure(int what, char *path)
{
	switch (what) {
	case READ_1:
		return fixture_read(path, 1);
	case READ_2:
		return fixture_read(path, 2);
	case XXHSUM:
		return run_xxhsum(path);
	case VERIFY_1:
		return verify(path, 1);
	default:
		return verify(path, 2);
	}
}

static void print_table(const char *how, const double *seconds, uint64_t size)
{
	for (int what = 0; what < COUNT; what++)
		if (seconds[what] > 0)
			printf("  %s  %-18s %7.2f GB/s\n", how, names[what],
			       (double)size * 1e-9 / seconds[what]);
		else
			printf("  %s  %-18s not measured\n", how, names[what]);
	if (seconds[XXHSUM] > 0)
		printf("  %s  of xxhsum %.2f\n", how,
		       seconds[XXHSUM] / seconds[VERIFY_2]);
	printf("  %s  of read %.2f\n", how,
	       (seconds[READ_1] < seconds[READ_2] ? seconds[READ_1]
						  : seconds[READ_2]) /
		   seconds[VERIFY_2]);
	fflush(stdout);
}

static void run(char *path, int rounds, bool cold)
{
	double seconds[COUNT][WARM_ROUNDS], medians[COUNT];

	for (int round = 0; round < rounds; round++)
		for (int turn = 0; turn < COUNT; turn++) {
			const int what = (turn + round) % COUNT;

			if (cold)
				fixture_drop(path);
			seconds[what][round] = measure(what, path);
		}
	for (int what = 0; what < COUNT; what++)
		medians[what] = fixture_median(seconds[what], (size_t)rounds);
	print_table(cold ? "cold" : "warm", medians, fixture_size(path));
}

int main(int argc, char **argv)
{
	static const struct {
		size_t count;
		struct fixture_linear linear;
	} shapes[] = { { 64, { 8192, 3641 } }, { 1, { 8192, 233017 } } };
	char *path;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_verify FOLDER\n");
		return 2;
	}
	path = fixture_path(argv[1], "bench_verify.gguf");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		fixture_write(path, &shapes[i].linear, 1, shapes[i].count);
		printf("%zu %s, %.2f GB\n", shapes[i].count,
		       shapes[i].count == 1 ? "tensor" : "tensors",
		       (double)fixture_size(path) * 1e-9);
		fixture_read(path, 1);
		run(path, WARM_ROUNDS, false);
		run(path, COLD_ROUNDS, true);
		remove(path);
	}
	free(path);
	return 0;
}
