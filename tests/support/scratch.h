/*
 * scratch.h - a temporary folder for the files of one test, and files read and
 * written as a whole. Every function fails the running test if it cannot do its
 * job.
 */
#ifndef QUIRE_TESTS_SCRATCH_H
#define QUIRE_TESTS_SCRATCH_H

#include <stddef.h>

/* Makes an empty folder. scratch_remove deletes it with all that is in it and
 * frees the path. */
char *scratch_make(void);
void scratch_remove(char *folder);

/* "FOLDER/NAME", to be freed. */
char *scratch_path(const char *folder, const char *name);

/* The number of files in the folder. */
size_t scratch_count(const char *folder);

/* A file's bytes, to be freed. */
unsigned char *scratch_read(const char *path, size_t *size);
void scratch_write(const char *path, const void *data, size_t size);
/* Writes a text to "FOLDER/NAME", and makes the folders that the name has. */
void scratch_write_in(const char *folder, const char *name, const char *text);
void scratch_copy(const char *from, const char *to);

/* Inverts bits of one byte of a file. */
void scratch_flip(const char *path, size_t at, unsigned char bits);

#endif
