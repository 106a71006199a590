/*
 * fixture.c - fixture.h over base/, and Linux's /proc.
 */
#include "bench/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"

#define BUFFER_SIZE ((size_t)1 << 20)
#define THREADS_MAX 16

/* A plain read is fastest into buffers that fit the second-level cache and are
 * aligned to pages. */
#define READ_SIZE      ((size_t)256 << 10)
#define READ_ALIGNMENT 4096

#define RESIDENT_MAX 0.01

void fixture_check(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(2);
}

void fixture_check_quire(quire_status status, const quire_error *error)
{
	if (status == QUIRE_OK)
		return;
	fprintf(stderr, "%s: %s\n", error->path, error->message);
	exit(2);
}

static void declare(quire_writer *writer, size_t index,
		    const struct fixture_linear *shape)
{
	char name[32];
	const quire_tensor tensor = {
		.name = { name,
			  (size_t)snprintf(name, sizeof(name), "t%zu", index) },
		.dtype = QUIRE_Q4_0,
		.rank = 2,
		.shape = { shape->k, shape->n },
	};
	const quire_linear_entry linear = {
		.name = name,
		.weight = index,
		.bias = QUIRE_NO_TENSOR,
		.k = shape->k,
	};
	quire_error error;

	fixture_check_quire(quire_writer_add_tensor(writer, &tensor, &error),
			    &error);
	fixture_check_quire(quire_writer_add_linear(writer, &linear, &error),
			    &error);
}

static void fill(quire_writer *writer, size_t index, uint64_t size,
		 const unsigned char *buffer)
{
	quire_error error;

	while (size > 0) {
		const size_t part =
		    size < BUFFER_SIZE ? (size_t)size : BUFFER_SIZE;

		fixture_check_quire(
		    quire_writer_write(writer, index, buffer, part, &error),
		    &error);
		size -= part;
	}
}

void fixture_write(const char *path, const struct fixture_linear *linears,
		   size_t count, size_t times)
{
	const quire_writer_options options = { .overwrite = true };
	/* f16 scales of 1 and less, so that products stay finite. */
	unsigned char *buffer = calloc(1, BUFFER_SIZE);
	quire_writer *writer;
	quire_error error;

	fixture_check(buffer != NULL, "memory");
	for (size_t i = 0; i < BUFFER_SIZE; i++)
		buffer[i] = (unsigned char)(i % 18 == 1 ? 0x20 : i * 7 % 251);
	fixture_check_quire(
	    quire_writer_create(path, &options, &writer, &error), &error);
	for (size_t i = 0; i < count * times; i++)
		declare(writer, i, &linears[i % count]);
	for (size_t i = 0; i < count * times; i++)
		fill(writer, i,
		     linears[i % count].k / 32 * 18 * linears[i % count].n,
		     buffer);
	fixture_check_quire(quire_writer_finish(writer, &error), &error);
	quire_writer_free(writer);
	free(buffer);
}

static int open_file(const char *path)
{
	const int file = quire_file_open(path);

	fixture_check(file >= 0, path);
	return file;
}

double fixture_drop(const char *path)
{
	const uint64_t size = fixture_size(path);
	const int file = open_file(path);
	void *memory;
	uint64_t resident;
	double share;

	fixture_check(quire_file_drop(file), path);
	memory = quire_memory_map(file, (size_t)size);
	fixture_check(
	    memory && quire_memory_resident(memory, (size_t)size, &resident),
	    path);
	quire_memory_give(memory, (size_t)size);
	quire_file_close(file);
	share = (double)resident / (double)size;
	if (share > RESIDENT_MAX) {
		fprintf(stderr, "%s: %.3f of it stayed in the page cache\n",
			path, share);
		exit(2);
	}
	return share;
}

struct reader {
	struct thread thread;
	int file;
	uint64_t start, end;
};

static void read_part(void *context)
{
	const struct reader *reader = context;
	unsigned char *buffer = quire_aligned_alloc(READ_ALIGNMENT, READ_SIZE);
	uint64_t at = reader->start;

	fixture_check(buffer != NULL, "memory");
	while (at < reader->end) {
		const uint64_t rest = reader->end - at;
		const size_t size = rest < READ_SIZE ? (size_t)rest : READ_SIZE;
		size_t got;

		errno = 0;
		fixture_check(
		    quire_file_read(reader->file, at, buffer, size, &got) &&
			got == size,
		    "read");
		at += got;
	}
	quire_aligned_free(buffer);
}

double fixture_read(const char *path, unsigned threads)
{
	const uint64_t size = fixture_size(path);
	const int file = open_file(path);
	struct reader readers[THREADS_MAX];
	double seconds;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	seconds = quire_clock_seconds();
	for (unsigned i = 0; i < threads; i++) {
		readers[i].file = file;
		readers[i].start = size / threads * i;
		readers[i].end =
		    i + 1 < threads ? size / threads * (i + 1) : size;
		if (i > 0)
			fixture_check(quire_thread_start(&readers[i].thread,
							 read_part,
							 &readers[i]),
				      "thread");
	}
	read_part(&readers[0]);
	for (unsigned i = 1; i < threads; i++)
		quire_thread_join(&readers[i].thread);
	seconds = quire_clock_seconds() - seconds;
	quire_file_close(file);
	return seconds;
}

uint64_t fixture_size(const char *path)
{
	struct file_facts facts;

	fixture_check(quire_path_facts(path, &facts), path);
	return facts.size;
}

uint64_t fixture_memory(const char *name)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	const size_t size = strlen(name);
	unsigned long long kib = 0;
	char line[256];

	fixture_check(file != NULL, "/proc/self/smaps_rollup");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, size) == 0 && line[size] == ':')
			sscanf(line + size + 1, "%llu", &kib);
	fclose(file);
	return (uint64_t)kib * 1024;
}

char *fixture_path(const char *folder, const char *name)
{
	const size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	fixture_check(path != NULL, "memory");
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}

static int compare_numbers(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double fixture_median(double *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	return numbers[count / 2];
}
