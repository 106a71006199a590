/*
 * fuzz_folder.h - a folder in memory, for targets that need paths. It is made
 * once in a process and removed when the process ends.
 */
#ifndef QUIRE_TESTS_FUZZ_FOLDER_H
#define QUIRE_TESTS_FUZZ_FOLDER_H

#include <stddef.h>

#define FUZZ_PATH_SIZE 128

/* Writes "FOLDER/NAME" into `path`, and makes the folder at the first call. */
void fuzz_path(char path[FUZZ_PATH_SIZE], const char *name);

/* Writes those bytes to the file `path`. */
void fuzz_write_file(const char *path, const void *data, size_t size);

/* The number of files in the folder, by which targets find files that should
 * not be there. */
size_t fuzz_file_count(void);

void fuzz_remove_files(void);

#endif
