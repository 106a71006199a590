/*
 * lock.h - locks that keep processes from writing one file at once. A lock
 * ends when its file is closed, or its process is.
 */
#ifndef QUIRE_BASE_LOCK_H
#define QUIRE_BASE_LOCK_H

#include <stdbool.h>

/* Locks an open file. False at once if another one has it locked. */
bool quire_lock_take(int file);

/* Whether anybody has the file at `path` locked. */
bool quire_lock_is_taken(const char *path);

#endif
