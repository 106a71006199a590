/*
 * fixture.c - fixture.h over POSIX, and Linux's /proc.
 */
#include "bench/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "quire.h"

#define BUFFER_SIZE ((size_t)1 << 20)
#define THREADS_MAX 16

/* A plain read is fastest into buffers that fit the second-level cache and are
 * aligned to pages. */
#define READ_SIZE      ((size_t)256 << 10)
#define READ_ALIGNMENT 4096

static void check(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(2);
}

static void check_quire(quire_status status, const quire_error *error)
{
	if (status == QUIRE_OK)
		return;
	fprintf(stderr, "%s\n", error->message);
	exit(2);
}

static void declare(quire_writer *writer, size_t count, uint64_t k, uint64_t n)
{
	quire_error error;
	char name[32];

	for (size_t i = 0; i < count; i++) {
		const quire_tensor tensor = {
			.name = { name, (size_t)snprintf(name, sizeof(name),
							 "t%zu", i) },
			.dtype = QUIRE_Q4_0,
			.rank = 2,
			.shape = { k, n },
		};
		const quire_linear_entry linear = {
			.name = name,
			.weight = i,
			.bias = QUIRE_NO_TENSOR,
			.k = k,
		};

		check_quire(quire_writer_add_tensor(writer, &tensor, &error),
			    &error);
		check_quire(quire_writer_add_linear(writer, &linear, &error),
			    &error);
	}
}

static void fill(quire_writer *writer, size_t index, uint64_t size,
		 const unsigned char *buffer)
{
	quire_error error;

	while (size > 0) {
		const size_t part =
		    size < BUFFER_SIZE ? (size_t)size : BUFFER_SIZE;

		check_quire(
		    quire_writer_write(writer, index, buffer, part, &error),
		    &error);
		size -= part;
	}
}

void fixture_write(const char *path, size_t count, uint64_t k, uint64_t n)
{
	const quire_writer_options options = { .overwrite = true };
	/* f16 scales of 1 and less, so that products stay finite. */
	unsigned char *buffer = calloc(1, BUFFER_SIZE);
	quire_writer *writer;
	quire_error error;

	check(buffer != NULL, "memory");
	for (size_t i = 0; i < BUFFER_SIZE; i++)
		buffer[i] = (unsigned char)(i % 18 == 1 ? 0x20 : i * 7 % 251);
	check_quire(quire_writer_create(path, &options, &writer, &error),
		    &error);
	declare(writer, count, k, n);
	for (size_t i = 0; i < count; i++)
		fill(writer, i, k / 32 * 18 * n, buffer);
	check_quire(quire_writer_finish(writer, &error), &error);
	quire_writer_free(writer);
	free(buffer);
}

static int open_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	check(fd >= 0, path);
	return fd;
}

void fixture_drop(const char *path)
{
	const int fd = open_file(path);

	/* Only clean pages go. */
	fsync(fd);
	check(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, path);
	close(fd);
}

struct reader {
	pthread_t thread;
	int fd;
	uint64_t start, end;
};

static void *read_part(void *context)
{
	const struct reader *reader = context;
	unsigned char *buffer = aligned_alloc(READ_ALIGNMENT, READ_SIZE);
	uint64_t at = reader->start;
	ssize_t got = 1;

	check(buffer != NULL, "memory");
	while (at < reader->end && got > 0) {
		got = pread(reader->fd, buffer, READ_SIZE, (off_t)at);
		at += got > 0 ? (uint64_t)got : 0;
	}
	free(buffer);
	return NULL;
}

double fixture_read(const char *path, unsigned threads)
{
	const uint64_t size = fixture_size(path);
	const int fd = open_file(path);
	struct reader readers[THREADS_MAX];
	double seconds;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	seconds = fixture_seconds();
	for (unsigned i = 0; i < threads; i++) {
		readers[i].fd = fd;
		readers[i].start = size / threads * i;
		readers[i].end =
		    i + 1 < threads ? size / threads * (i + 1) : size;
		if (i > 0)
			check(pthread_create(&readers[i].thread, NULL,
					     read_part, &readers[i]) == 0,
			      "thread");
	}
	read_part(&readers[0]);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(readers[i].thread, NULL);
	seconds = fixture_seconds() - seconds;
	close(fd);
	return seconds;
}

uint64_t fixture_size(const char *path)
{
	struct stat file;

	check(stat(path, &file) == 0, path);
	return (uint64_t)file.st_size;
}

double fixture_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t fixture_memory(const char *name)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	const size_t size = strlen(name);
	unsigned long long kib = 0;
	char line[256];

	check(file != NULL, "/proc/self/smaps_rollup");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, size) == 0 && line[size] == ':')
			sscanf(line + size + 1, "%llu", &kib);
	fclose(file);
	return (uint64_t)kib * 1024;
}

double fixture_run(char *const argv[])
{
	const double started = fixture_seconds();
	pid_t child;
	int status = 1;

	fflush(stdout); /* else the child would write it too */
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(2);
		execvp(argv[0], argv);
		_exit(2);
	}
	waitpid(child, &status, 0);
	return status == 0 ? fixture_seconds() - started : -1;
}

char *fixture_path(const char *folder, const char *name)
{
	const size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	check(path != NULL, "memory");
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}
