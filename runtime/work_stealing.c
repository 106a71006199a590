/*
 * work_stealing.c - without locks: a range is one word, and a worker that takes
 * items of it exchanges the word for what is left. The same word twice means
 * the same items, which nobody has taken yet, so an exchange that succeeds late
 * is right too.
 */
#include <assert.h>

#include "runtime/work_stealing.h"

/* The items of a word; the first is its lower half. */
struct range {
	uint32_t first, end;
};

static uint64_t to_word(struct range range)
{
	return (uint64_t)range.end << 32 | range.first;
}

static struct range to_range(uint64_t word)
{
	return (struct range){ .first = (uint32_t)word,
			       .end = (uint32_t)(word >> 32) };
}

static uint32_t length(struct range range)
{
	return range.end - range.first;
}

void quire_work_split(struct work_range *ranges, size_t count, uint32_t items)
{
	uint64_t first = 0;

	assert(count > 0 && count <= UINT32_MAX);
	for (size_t i = 0; i < count; i++) {
		const uint64_t end = (uint64_t)items * (i + 1) / count;
		const struct range range = { .first = (uint32_t)first,
					     .end = (uint32_t)end };

		ranges[i].whole = to_word(range);
		atomic_init(&ranges[i].left, ranges[i].whole);
		first = end;
	}
}

/* A worker takes the first items of its own range, and half of what is left at
 * the end, so that others can help with the rest. */
static bool take_own(struct work_range *ranges, size_t count, size_t own,
		     size_t most, struct range *taken)
{
	_Atomic uint64_t *left = &ranges[own].left;
	uint64_t word = atomic_load(left);
	struct range rest;

	do {
		size_t items;

		*taken = rest = to_range(word);
		if (length(rest) == 0)
			return false;
		items = length(rest);
		if (count > 1)
			items = divide_up(items, 2);
		taken->end = rest.first =
		    rest.first + (uint32_t)min_size(items, most);
	} while (!atomic_compare_exchange_weak(left, &word, to_word(rest)));
	return true;
}

/* *longest = the range that has the most items left; false if none has any. */
static bool find_longest(struct work_range *ranges, size_t count,
			 size_t *longest)
{
	uint32_t most = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t left =
		    length(to_range(atomic_load(&ranges[i].left)));

		if (left > most) {
			most = left;
			*longest = i;
		}
	}
	return most > 0;
}

/* Moves another worker's range, or its later half, into the own one, which is
 * empty. Nobody else changes an empty range. */
static bool steal(struct work_range *ranges, size_t count, size_t own)
{
	size_t other;

	while (find_longest(ranges, count, &other)) {
		_Atomic uint64_t *left = &ranges[other].left;
		uint64_t word = atomic_load(left);
		const struct range all = to_range(word);
		const uint32_t stays =
		    word == ranges[other].whole ? 0 : length(all) / 2;
		const struct range first = { .first = all.first,
					     .end = all.first + stays };
		const struct range later = { .first = first.end,
					     .end = all.end };

		if (length(all) > 0 && atomic_compare_exchange_strong(
					   left, &word, to_word(first))) {
			atomic_store(&ranges[own].left, to_word(later));
			return true;
		}
	}
	return false;
}

bool quire_work_take(struct work_range *ranges, size_t count, size_t own,
		     size_t most, size_t *first, size_t *end)
{
	struct range taken;

	while (!take_own(ranges, count, own, most, &taken))
		if (!steal(ranges, count, own))
			return false;
	*first = taken.first;
	*end = taken.end;
	return true;
}
