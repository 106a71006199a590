/*
 * path.h - the parts of a path, as text. Looks at no file.
 */
#ifndef QUIRE_BASE_PATH_H
#define QUIRE_BASE_PATH_H

/* The last name of a path: what follows its last separator. */
const char *quire_path_name(const char *path);

/* The folder that a path is in, with the separator at its end, or "." for a
 * bare name; to be freed. NULL: out of memory. */
char *quire_path_folder(const char *path);

#endif
