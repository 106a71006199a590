/*
 * nearest.c - edit distance with transpositions of neighbours (optimal
 * string alignment), three rows at a time. Knows no names of its own.
 */
#include "base/nearest.h"

#include <string.h>

/* Longer names are not compared, so that hostile ones cost nothing. Tensor
 * names have 63 bytes at most; those of a source may be longer. */
#define NAME_SIZE_MAX 255

struct rows {
	unsigned before[NAME_SIZE_MAX + 1];
	unsigned last[NAME_SIZE_MAX + 1];
	unsigned now[NAME_SIZE_MAX + 1];
};

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void fill_row(struct rows *rows, quire_string a, size_t i,
		     quire_string b)
{
	rows->now[0] = (unsigned)i;
	for (size_t j = 1; j <= b.size; j++) {
		const unsigned change = a.data[i - 1] != b.data[j - 1];
		unsigned cost = rows->last[j - 1] + change;

		cost = smaller(cost, rows->last[j] + 1);
		cost = smaller(cost, rows->now[j - 1] + 1);
		if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
		    a.data[i - 2] == b.data[j - 1])
			cost = smaller(cost, rows->before[j - 2] + 1);
		rows->now[j] = cost;
	}
}

static unsigned edits_between(quire_string a, quire_string b)
{
	struct rows rows;

	for (size_t i = 0; i <= b.size; i++)
		rows.last[i] = (unsigned)i;
	memcpy(rows.before, rows.last, sizeof(rows.last));
	for (size_t i = 1; i <= a.size; i++) {
		fill_row(&rows, a, i, b);
		memcpy(rows.before, rows.last, sizeof(rows.last));
		memcpy(rows.last, rows.now, sizeof(rows.now));
	}
	return rows.last[b.size];
}

static bool contains(quire_string name, quire_string text)
{
	for (size_t i = 0; i + text.size <= name.size; i++)
		if (memcmp(name.data + i, text.data, text.size) == 0)
			return true;
	return false;
}

struct nearest quire_nearest_to(const char *text)
{
	return (struct nearest){ .text = { text, strlen(text) },
				 .cost = SIZE_MAX };
}

void quire_nearest_offer(struct nearest *nearest, quire_string name)
{
	const quire_string text = nearest->text;
	const size_t longer = name.size > text.size ? name.size : text.size;
	/* One edit in three characters still looks like the same word. */
	const size_t limit = longer < 6 ? 1 : longer / 3;
	size_t cost;

	if (name.size == 0 || text.size == 0 || longer > NAME_SIZE_MAX)
		return;
	cost = edits_between(text, name);
	if (cost > limit) {
		/* Fewer than three characters are in nearly every name. */
		if (text.size < 3 || !contains(name, text))
			return;
		cost +=
		    NAME_SIZE_MAX; /* after all names that few edits reach */
	}
	if (cost < nearest->cost) {
		nearest->name = name;
		nearest->cost = cost;
		nearest->found = true;
	}
}
