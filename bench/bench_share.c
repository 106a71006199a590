/*
 * bench_share.c - measures the memory of ten processes that map one model and
 * multiply by all of it: the sum of their proportional memory (smaps_rollup).
 *
 *	bench_share FOLDER
 *
 * Writes its model (1 GiB) into the folder and removes it. Fails if they take
 * more than 1.1 times the file.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/process.h"
#include "bench/fixture.h"
#include "quire.h"

#define PROCESSES 10
#define TENSORS	  64
#define K	  8192
#define N	  3641

/* Multiplies by every linear; returns false if one cannot be. */
static bool multiply(const char *path)
{
	static const quire_runtime_options one = { .threads = 1 };
	static float x[K], y[N];
	quire_runtime *runtime;
	quire_model *model;

	if (quire_model_open(path, NULL, &model, NULL) != QUIRE_OK ||
	    quire_runtime_create(&one, &runtime, NULL) != QUIRE_OK)
		return false;
	for (size_t i = 0; i < K; i++)
		x[i] = 1;
	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		if (quire_linear_run(runtime, quire_model_linear(model, i), x,
				     1, y, NULL, NULL) != QUIRE_OK)
			return false;
	/* The model stays open until the process has been measured. */
	return true;
}

/* Multiplies, signals the parent, waits until all have multiplied, and sends
 * the parent its memory. */
static bool run_child(void *context, const struct process_link *link)
{
	char ready = 1;
	uint64_t memory[2];

	if (!multiply(context) ||
	    !quire_process_send(link, &ready, sizeof(ready)) ||
	    !quire_process_receive(link, &ready, sizeof(ready)))
		return false;
	memory[0] = fixture_memory("Pss");
	memory[1] = fixture_memory("Rss");
	return quire_process_send(link, memory, sizeof(memory)) &&
	       quire_process_receive(link, &ready, sizeof(ready));
}

static void expect(bool right)
{
	if (right)
		return;
	fprintf(stderr, "a process has failed\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct fixture_linear linear = { K, N };
	struct process children[PROCESSES];
	uint64_t pss = 0, rss = 0, size;
	char go = 1;
	char *path;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_share FOLDER\n");
		return 2;
	}
	path = fixture_path(argv[1], "bench_share.gguf");
	fixture_write(path, &linear, 1, TENSORS);
	size = fixture_size(path);
	for (int i = 0; i < PROCESSES; i++)
		fixture_check(
		    quire_process_start(&children[i], run_child, path), path);
	for (int i = 0; i < PROCESSES; i++)
		expect(
		    quire_process_receive(&children[i].link, &go, sizeof(go)));
	/* One after the other, while the others wait and keep their memory. */
	for (int i = 0; i < PROCESSES; i++) {
		uint64_t memory[2];

		expect(quire_process_send(&children[i].link, &go, sizeof(go)) &&
		       quire_process_receive(&children[i].link, memory,
					     sizeof(memory)));
		pss += memory[0];
		rss += memory[1];
	}
	for (int i = 0; i < PROCESSES; i++) {
		expect(quire_process_send(&children[i].link, &go, sizeof(go)) &&
		       quire_process_join(&children[i]));
	}
	remove(path);
	free(path);
	printf("%d processes, file %.3f GB: proportional %.3f GB together, "
	       "resident %.3f GB each\n",
	       PROCESSES, (double)size * 1e-9, (double)pss * 1e-9,
	       (double)rss / PROCESSES * 1e-9);
	return (double)pss <= 1.1 * (double)size ? 0 : 1;
}
