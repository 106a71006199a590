/*
 * match_path.c - compares paths by their text, from the end.
 */
#include "cli/verify/match_path.h"

#include <string.h>

/* Takes the last name off a path. Names that are empty or "." mean nothing.
 * Empty: there is none. */
static quire_string take_last(quire_string *path)
{
	quire_string name = { path->data, 0 };

	do {
		while (path->size > 0 && path->data[path->size - 1] == '/')
			path->size--;
		name.size = 0;
		while (path->size > 0 && path->data[path->size - 1] != '/') {
			path->size--;
			name.size++;
		}
		name.data = path->data + path->size;
	} while (name.size == 1 && name.data[0] == '.');
	return name;
}

static bool same_text(quire_string a, quire_string b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_absolute(quire_string path)
{
	return path.size > 0 && path.data[0] == '/';
}

size_t match_path_score(quire_string a, quire_string b)
{
	const bool same_root = is_absolute(a) == is_absolute(b);
	size_t score = 0;

	for (;; score++) {
		const quire_string x = take_last(&a), y = take_last(&b);

		if (x.size == 0 && y.size == 0)
			return same_root ? MATCH_EQUAL : score;
		if (!same_text(x, y))
			return score;
	}
}

quire_string match_path_last(quire_string path, size_t longest)
{
	size_t size = 0;

	while (path.size > 0 && path.data[path.size - 1] == '/')
		path.size--;
	while (size < path.size && size <= longest &&
	       path.data[path.size - size - 1] != '/')
		size++;
	if (size > longest)
		size = 0;
	return (quire_string){ path.data + path.size - size, size };
}
