/*
 * bench_cold.c - measures the time from a cold page cache to the first token: a
 * container is opened and multiplied by, linear after linear with one row of x,
 * when none of its pages is in memory. The limit is a plain read of the file.
 *
 *	bench_cold FOLDER [ROUNDS [THREADS]]
 *	bench_cold --file MODEL [ROUNDS [THREADS]]
 *
 * Writes its model (0.87 GB) into the folder and removes it, or measures a
 * container that is there. Contestants take turns; before each the file is
 * dropped from the page cache, and mincore has to agree. Figures are medians.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bench/fixture.h"
#include "quire.h"

#define ROUNDS	   7
#define ROUNDS_MAX 99

/* Linears whose pages are asked for before the first of them is used. */
#define HINTS 3

/* The linears of Qwen2.5-1.5B: 28 layers and the head, 0.87 GB. */
#define LAYERS 28
static const struct fixture_linear layer[] = {
	{ 1536, 1536 }, /* q */
	{ 1536, 256 },	/* k */
	{ 1536, 256 },	/* v */
	{ 1536, 1536 }, /* o */
	{ 1536, 8960 }, /* gate */
	{ 1536, 8960 }, /* up */
	{ 8960, 1536 }, /* down */
};
static const struct fixture_linear head = { 1536, 151936 };

#define PER_LAYER (sizeof(layer) / sizeof(*layer))

enum {
	READ,
	NONE,
	HINT,
	WILL_NEED,
	POPULATE,
	COUNT
};

static const struct way {
	const char *name;
	bool hints;
	quire_open_options options;
} ways[COUNT] = {
	[READ] = { "plain read, one thread" },
	[NONE] = { "QUIRE_PREFETCH_NONE" },
	[HINT] = { "NONE, hints in order of use", .hints = true },
	[WILL_NEED] = { "QUIRE_PREFETCH_WILL_NEED",
			.options = { .prefetch = QUIRE_PREFETCH_WILL_NEED } },
	[POPULATE] = { "QUIRE_PREFETCH_POPULATE",
		       .options = { .prefetch = QUIRE_PREFETCH_POPULATE } },
};

/* Seconds from the beginning to the end of each. */
struct times {
	double open, first, pass;
};

/* Of all rounds. */
struct results {
	double open[ROUNDS_MAX], first[ROUNDS_MAX], pass[ROUNDS_MAX];
	double of_read[ROUNDS_MAX];
};

struct vectors {
	float *x, *y;
};

static struct vectors make_vectors(const quire_model *model)
{
	struct vectors made;
	uint64_t k = 0, n = 0;

	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		k = linear->k > k ? linear->k : k;
		n = linear->n > n ? linear->n : n;
	}
	made.x = calloc(k, sizeof(float));
	made.y = calloc(n, sizeof(float));
	fixture_check(made.x && made.y, "memory");
	for (uint64_t i = 0; i < k; i++)
		made.x[i] = 1;
	return made;
}

static void hint(const quire_model *model, size_t index)
{
	const quire_linear *linear = quire_model_linear(model, index);

	if (linear)
		quire_memory_read_ahead(linear->weight->data,
					(size_t)linear->weight->size);
}

/* Multiplies by all linears in their order. */
static void run_pass(const quire_model *model, quire_runtime *runtime,
		     bool hints, double started, struct times *times)
{
	const quire_matmul_options options = { .accuracy_level = 4 };
	const struct vectors vectors = make_vectors(model);
	quire_error error;

	for (size_t i = 0; hints && i < HINTS; i++)
		hint(model, i);
	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		if (hints)
			hint(model, i + HINTS);
		fixture_check_quire(
		    quire_linear_run(runtime, quire_model_linear(model, i),
				     vectors.x, 1, vectors.y, &options, &error),
		    &error);
		if (i == 0)
			times->first = quire_clock_seconds() - started;
	}
	times->pass = quire_clock_seconds() - started;
	free(vectors.x);
	free(vectors.y);
}

static struct times measure(const char *path, const struct way *way,
			    uint32_t threads)
{
	const quire_runtime_options options = { .threads = threads };
	const double started = quire_clock_seconds();
	quire_runtime *runtime;
	struct times times;
	quire_model *model;
	quire_error error;

	fixture_check_quire(
	    quire_model_open(path, &way->options, &model, &error), &error);
	times.open = quire_clock_seconds() - started;
	fixture_check_quire(quire_runtime_create(&options, &runtime, &error),
			    &error);
	run_pass(model, runtime, way->hints, started, &times);
	quire_runtime_free(runtime);
	quire_model_close(model);
	return times;
}

static struct times measure_read(const char *path)
{
	const double seconds = fixture_read(path, 1);

	return (struct times){ .first = seconds, .pass = seconds };
}

static void print_results(struct results *results, size_t rounds)
{
	printf("%-28s %9s %9s %9s %8s\n", "", "open, ms", "first", "pass",
	       "of read");
	for (int i = 0; i < COUNT; i++)
		printf("%-28s %9.1f %9.1f %9.1f %8.2f\n", ways[i].name,
		       fixture_median(results[i].open, rounds) * 1e3,
		       fixture_median(results[i].first, rounds) * 1e3,
		       fixture_median(results[i].pass, rounds) * 1e3,
		       fixture_median(results[i].of_read, rounds));
}

static void run(const char *path, size_t rounds, uint32_t threads)
{
	static struct results results[COUNT];
	double most = 0;

	/* A hypervisor may have taken back memory that was free for seconds.
	 * Whoever touches it first would wait for it. */
	fixture_drop(path);
	fixture_read(path, 1);
	for (size_t round = 0; round < rounds; round++)
		for (size_t turn = 0; turn < COUNT; turn++) {
			const size_t i = (turn + round) % COUNT;
			const double left = fixture_drop(path);
			const struct times times =
			    i == READ ? measure_read(path)
				      : measure(path, &ways[i], threads);

			most = left > most ? left : most;
			results[i].open[round] = times.open;
			results[i].first[round] = times.first;
			results[i].pass[round] = times.pass;
		}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t round = 0; round < rounds; round++)
			results[i].of_read[round] =
			    results[i].pass[round] / results[READ].pass[round];
	printf("%.2f GB, %zu rounds; at most %.4f of the file was left in the "
	       "page cache\n",
	       (double)fixture_size(path) * 1e-9, rounds, most);
	print_results(results, rounds);
}

static void write_model(const char *path)
{
	struct fixture_linear linears[LAYERS * PER_LAYER + 1];

	for (size_t i = 0; i < LAYERS * PER_LAYER; i++)
		linears[i] = layer[i % PER_LAYER];
	linears[LAYERS * PER_LAYER] = head;
	fixture_write(path, linears, LAYERS * PER_LAYER + 1, 1);
}

/* A number of the command line, or another if it is not there. */
static size_t read_number(const char *text, size_t most, size_t other)
{
	const long number = text ? strtol(text, NULL, 10) : -1;

	return number < 1 || (size_t)number > most ? other : (size_t)number;
}

int main(int argc, char **argv)
{
	const bool is_file = argc > 1 && strcmp(argv[1], "--file") == 0;
	char **rest = argv + (is_file ? 3 : 2);
	size_t rounds, threads;
	char *path;

	if (argc < (is_file ? 3 : 2)) {
		fprintf(stderr,
			"usage: bench_cold FOLDER [ROUNDS [THREADS]]\n"
			"       bench_cold --file MODEL [ROUNDS [THREADS]]\n");
		return 2;
	}
	rounds = read_number(rest[0], ROUNDS_MAX, ROUNDS);
	threads = read_number(rest[0] ? rest[1] : NULL, 1024, 0);
	if (is_file) {
		run(argv[2], rounds, (uint32_t)threads);
		return 0;
	}
	path = fixture_path(argv[1], "bench_cold.gguf");
	write_model(path);
	run(path, rounds, (uint32_t)threads);
	remove(path);
	free(path);
	return 0;
}
