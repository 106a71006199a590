/*
 * lock.h - locks that keep processes from writing one file at once. A lock
 * ends when its file is closed or its process ends.
 */
#ifndef QUIRE_BASE_LOCK_H
#define QUIRE_BASE_LOCK_H

#include <stdbool.h>

/* Locks an open file. If it is locked already, returns false at once. */
bool quire_lock_take(int file);

/* Whether the file at `path` is locked. */
bool quire_lock_is_taken(const char *path);

#endif
