/*
 * fuzz_folder.h - a folder in memory, for targets that need paths: made once
 * per process, removed when it ends.
 */
#ifndef QUIRE_TESTS_FUZZ_FOLDER_H
#define QUIRE_TESTS_FUZZ_FOLDER_H

#include <stddef.h>

#define FUZZ_PATH_SIZE 128

/* Writes "FOLDER/NAME" into `path`, and makes the folder at the first call. */
void fuzz_path(char path[FUZZ_PATH_SIZE], const char *name);

/* Makes `path` a file of those bytes. */
void fuzz_write_file(const char *path, const void *data, size_t size);

/* The number of files in the folder: what should not be there shows. */
size_t fuzz_file_count(void);

void fuzz_remove_files(void);

#endif
