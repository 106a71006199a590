/*
 * test_work_stealing.c - each item is taken once, by whichever worker, and in
 * long runs.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/work_stealing.h"

enum {
	MAX_RANGES = 5,
	MAX_ITEMS = 4096
};

static struct work_range ranges[MAX_RANGES];
static atomic_uint times[MAX_ITEMS]; /* each item was taken */

/* One worker. */
struct taker {
	size_t count, own, most;
	size_t taken, runs; /* items, and runs of items in order */
};

static void *take_all(void *argument)
{
	struct taker *taker = argument;
	size_t first, end, last = SIZE_MAX;

	while (quire_work_take(ranges, taker->count, taker->own, taker->most,
			       &first, &end)) {
		if (first >= end || end - first > taker->most ||
		    end > MAX_ITEMS)
			break;
		if (first != last)
			taker->runs++;
		last = end;
		taker->taken += end - first;
		for (size_t i = first; i < end; i++)
			atomic_fetch_add(&times[i], 1);
	}
	return NULL;
}

static void begin(struct taker *takers, size_t count, uint32_t items,
		  size_t most)
{
	for (size_t i = 0; i < MAX_ITEMS; i++)
		atomic_store(&times[i], 0);
	for (size_t i = 0; i < count; i++)
		takers[i] =
		    (struct taker){ .count = count, .own = i, .most = most };
	quire_work_split(ranges, count, items);
}

static void check_all_taken(size_t items)
{
	for (size_t i = 0; i < MAX_ITEMS; i++)
		assert_int_equal(atomic_load(&times[i]), i < items ? 1 : 0);
}

/* Workers that begin late, or never, leave their range to the others. */
static void test_one_worker_takes_what_all_have(void **state)
{
	(void)state;
	for (size_t count = 1; count <= MAX_RANGES; count++) {
		for (uint32_t items = 0; items < 70; items++) {
			struct taker takers[MAX_RANGES];

			begin(takers, count, items, 1 + items % 3);
			take_all(&takers[count - 1]);
			check_all_taken(items);
			for (size_t i = 0; i + 1 < count; i++) {
				take_all(&takers[i]);
				assert_int_equal(takers[i].taken, 0);
			}
		}
	}
}

/* Workers of the same speed: each takes its even range in one run. */
static void test_ranges_are_even_and_in_order(void **state)
{
	size_t next[MAX_RANGES];

	(void)state;
	quire_work_split(ranges, MAX_RANGES, MAX_ITEMS);
	for (size_t i = 0; i < MAX_RANGES; i++)
		next[i] = i * MAX_ITEMS / MAX_RANGES;
	for (size_t turn = 0; turn < MAX_ITEMS / MAX_RANGES; turn++) {
		for (size_t i = 0; i < MAX_RANGES; i++) {
			size_t first, end;

			assert_true(quire_work_take(ranges, MAX_RANGES, i, 1,
						    &first, &end));
			assert_int_equal(first, next[i]);
			assert_int_equal(end, first + 1);
			next[i] = end;
		}
	}
}

/* Towards the end of a range a worker takes half of what is left, so that
 * another can help. A worker that is alone takes all. */
static void test_last_items_are_taken_one_by_one(void **state)
{
	size_t first, end;

	(void)state;
	quire_work_split(ranges, 2, 16);
	assert_true(quire_work_take(ranges, 2, 0, 100, &first, &end));
	assert_int_equal(first, 0);
	assert_int_equal(end, 4);
	/* The other is done with its own range, and steals two of four items.
	 */
	for (size_t left = 8; left > 0; left -= end - first)
		assert_true(quire_work_take(ranges, 2, 1, 100, &first, &end));
	assert_true(quire_work_take(ranges, 2, 1, 100, &first, &end));
	assert_int_equal(first, 6);
	assert_int_equal(end, 7);
	assert_true(quire_work_take(ranges, 2, 0, 100, &first, &end));
	assert_int_equal(first, 4);
	assert_int_equal(end, 5);

	quire_work_split(ranges, 1, 16);
	assert_true(quire_work_take(ranges, 1, 0, 100, &first, &end));
	assert_int_equal(end, 16);
	assert_false(quire_work_take(ranges, 1, 0, 100, &first, &end));
}

static void test_threads_take_each_item_once(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		const size_t count = 2 + round % (MAX_RANGES - 1);
		const uint32_t items = MAX_ITEMS - round;
		struct taker takers[MAX_RANGES];
		pthread_t threads[MAX_RANGES];
		size_t taken = 0;

		begin(takers, count, items, 1 + round % 7);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
							take_all, &takers[i]),
					 0);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			taken += takers[i].taken;
			/* Each theft takes half of the longest: few runs. */
			assert_in_range(takers[i].runs, 0, 64 * count);
		}
		assert_int_equal(taken, items);
		check_all_taken(items);
	}
}

/* A worker that has not begun may lack a CPU: another takes its range in one
 * run. If it begins after all, it takes half of what is left. */
static void test_a_range_that_nobody_began_is_taken_whole(void **state)
{
	size_t first, end;

	(void)state;
	quire_work_split(ranges, 2, 16);
	for (size_t left = 8; left > 0; left -= end - first)
		assert_true(quire_work_take(ranges, 2, 0, 100, &first, &end));
	assert_int_equal(end, 8);
	assert_true(quire_work_take(ranges, 2, 0, 2, &first, &end));
	assert_int_equal(first, 8);
	assert_int_equal(end, 10);
	assert_true(quire_work_take(ranges, 2, 1, 100, &first, &end));
	assert_int_equal(first, 13);
	assert_int_equal(end, 15);
	assert_true(quire_work_take(ranges, 2, 0, 2, &first, &end));
	assert_int_equal(first, 10);
	assert_int_equal(end, 12);
}

/* As many items as can be counted. */
static void test_ends_of_the_largest_ranges(void **state)
{
	size_t first, end;

	(void)state;
	quire_work_split(ranges, 2, UINT32_MAX);
	assert_true(quire_work_take(ranges, 2, 1, SIZE_MAX, &first, &end));
	assert_int_equal(first, UINT32_MAX / 2);
	while (quire_work_take(ranges, 2, 1, SIZE_MAX, &first, &end) &&
	       end != UINT32_MAX)
		assert_true(first > UINT32_MAX / 2);
	assert_int_equal(end, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_worker_takes_what_all_have),
		cmocka_unit_test(test_ranges_are_even_and_in_order),
		cmocka_unit_test(test_last_items_are_taken_one_by_one),
		cmocka_unit_test(test_a_range_that_nobody_began_is_taken_whole),
		cmocka_unit_test(test_threads_take_each_item_once),
		cmocka_unit_test(test_ends_of_the_largest_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
