/*
 * bench_open.c - measures the time and memory of opening for several numbers of
 * tensors, with the file in the page cache and not in it, compared with
 * gguf-py's reader and with a plain read of the file.
 *
 *	bench_open FOLDER [PYTHON]
 *
 * Writes its models (7 GB in all, one after the other) into the folder and
 * removes them. PYTHON is one that has the package gguf.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/process.h"
#include "bench/fixture.h"
#include "quire.h"

#define ROUNDS 7

struct shape {
	size_t count;
	struct fixture_linear linear;
};

/* The first one is a file of 4.3 GB. */
static const struct shape shapes[] = {
	{ 300, { 8192, 3120 } },
	{ 10000, { 32, 500 } },
	{ 100000, { 32, 500 } },
};

struct cost {
	double seconds;
	uint64_t resident; /* bytes more than before */
};

static bool open_once(void *context, const struct process_link *link)
{
	const char *path = context;
	const uint64_t before = fixture_memory("Rss");
	struct cost cost = { .seconds = quire_clock_seconds() };
	quire_model *model;
	quire_error error;

	if (quire_model_open(path, NULL, &model, &error) != QUIRE_OK) {
		fprintf(stderr, "%s\n", error.message);
		return false;
	}
	cost.seconds = quire_clock_seconds() - cost.seconds;
	cost.resident = fixture_memory("Rss") - before;
	return quire_process_send(link, &cost, sizeof(cost));
}

/* In a process of its own: memory that one run touched would be free for the
 * next. */
static struct cost measure(char *path)
{
	struct process process;
	struct cost cost;

	fixture_check(quire_process_start(&process, open_once, path), path);
	if (!quire_process_receive(&process.link, &cost, sizeof(cost)) ||
	    !quire_process_join(&process)) {
		fprintf(stderr, "%s: cannot be measured\n", path);
		exit(2);
	}
	return cost;
}

static struct cost best_warm(char *path)
{
	struct cost best = measure(path);

	for (int i = 1; i < ROUNDS; i++) {
		const struct cost next = measure(path);

		if (next.seconds < best.seconds)
			best = next;
	}
	return best;
}

/* Seconds and bytes, as the script prints them; false without Python. */
static int measure_python(const char *python, const char *path,
			  struct cost *cost)
{
	char command[1024];
	unsigned long long resident;
	FILE *pipe_of;
	int found;

	snprintf(command, sizeof(command), "%s -B %s '%s'", python,
		 QUIRE_BENCH_FOLDER "/open_gguf_py.py", path);
	pipe_of = popen(command, "r");
	if (!pipe_of)
		return 0;
	found = fscanf(pipe_of, "%lf %llu", &cost->seconds, &resident) == 2;
	cost->resident = found ? resident : 0;
	return pclose(pipe_of) == 0 && found;
}

static void print_cost(const char *who, const char *how, struct cost cost)
{
	printf("  %-10s %-5s %10.3f ms %8.2f MiB\n", who, how,
	       cost.seconds * 1e3, (double)cost.resident / (1 << 20));
	fflush(stdout);
}

static void run(char *path, const struct shape *shape, const char *python)
{
	struct cost cost;
	quire_model_info info;
	quire_model *model;
	double seconds;

	fixture_write(path, &shape->linear, 1, shape->count);
	if (quire_model_open(path, NULL, &model, NULL) != QUIRE_OK)
		exit(2);
	quire_model_describe(model, &info);
	quire_model_close(model);
	printf("%zu tensors, %.2f GB, header %.2f MB\n", shape->count,
	       (double)info.file_size * 1e-9, (double)info.data_offset * 1e-6);
	fixture_drop(path);
	print_cost("quire", "cold", measure(path));
	seconds = fixture_read(path, 1);
	print_cost("quire", "warm", best_warm(path));
	if (python && measure_python(python, path, &cost))
		print_cost("gguf-py", "warm", cost);
	else
		printf("  gguf-py    not measured\n");
	for (int i = 0; i < 2; i++) {
		const double next = fixture_read(path, 1);

		seconds = next < seconds ? next : seconds;
	}
	printf("  %-10s %-5s %10.3f ms\n", "read", "warm", seconds * 1e3);
}

int main(int argc, char **argv)
{
	char *path;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_open FOLDER [PYTHON]\n");
		return 2;
	}
	path = fixture_path(argv[1], "bench_open.gguf");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		run(path, &shapes[i], argc > 2 ? argv[2] : NULL);
		remove(path);
	}
	free(path);
	return 0;
}
