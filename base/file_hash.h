/*
 * file_hash.h - the XXH3-64 of a file, by several threads.
 */
#ifndef QUIRE_BASE_FILE_HASH_H
#define QUIRE_BASE_FILE_HASH_H

#include "quire.h"

/* A file, and a function that reads `size` bytes at a place, or fails. Several
 * threads call it at once. */
struct file_hash_source {
	const void *file;
	uint64_t size;
	quire_status (*read)(const void *file, uint64_t offset, void *bytes,
			     size_t size, quire_error *error);
};

/*
 * `threads` 0: quire_cpu_count. The memory depends on the threads alone.
 * Fails with MEMORY, with ARGUMENT for too many threads, and as reading does.
 */
quire_status quire_file_hash(const struct file_hash_source *source,
			     uint32_t threads, uint64_t *xxh3,
			     quire_error *error);

#endif
