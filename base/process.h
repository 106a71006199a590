/*
 * process.h - other processes. For programs that measure and tests; not part of
 * the libraries.
 */
#ifndef QUIRE_BASE_PROCESS_H
#define QUIRE_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two ends of a connection to another process. */
struct process_link {
	int to, from;
};

struct process {
	int64_t number;
	struct process_link link;
};

/* Runs run(context, link) in a copy of this process. The copy ends without
 * this process's exit functions, and has succeeded if `run` returned true.
 * False, and errno: no process can be started. */
bool quire_process_start(struct process *process,
			 bool (*run)(void *context,
				     const struct process_link *link),
			 void *context);

/* Waits for its end; returns whether it succeeded. */
bool quire_process_join(struct process *process);

/* All `size` bytes, or false: the other process has ended. */
bool quire_process_send(const struct process_link *link, const void *data,
			size_t size);
bool quire_process_receive(const struct process_link *link, void *data,
			   size_t size);

/* Runs a program, found by PATH, with its output thrown away, and waits for its
 * end; returns whether it ran and succeeded. */
bool quire_process_run(char *const argv[]);

#endif
