/*
 * match_path.h - what two paths have in common. Looks at no file.
 */
#ifndef QUIRE_CLI_VERIFY_MATCH_PATH_H
#define QUIRE_CLI_VERIFY_MATCH_PATH_H

#include "quire.h"

/* The score of two equal paths. */
#define MATCH_EQUAL SIZE_MAX

/* How many of their last names the paths have in common, or MATCH_EQUAL. Names
 * that are empty or "." do not count, so ./a//b equals a/b. */
size_t match_path_score(quire_string a, quire_string b);

/* The last name of a path; empty if it has none, or one of more than `longest`
 * bytes. It is a part of the path's text. */
quire_string match_path_last(quire_string path, size_t longest);

#endif
