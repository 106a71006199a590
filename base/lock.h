/*
 * lock.h - locks that keep processes from writing one file at once. A lock
 * ends when its file is closed or its process ends.
 */
#ifndef QUIRE_BASE_LOCK_H
#define QUIRE_BASE_LOCK_H

#include <stdbool.h>

enum lock {
	LOCK_TAKEN,
	LOCK_HELD,   /* by another opening of the file */
	LOCK_NONE,   /* the file system has no locks: NFS without its daemon */
	LOCK_FAILED, /* and errno */
};

/* Locks an open file, and waits for nothing. */
enum lock quire_lock_take(int file);

/* Whether the file at `path` is locked, or may be: where that cannot be found
 * out, but for a file system without locks. */
bool quire_lock_is_taken(const char *path);

#endif
