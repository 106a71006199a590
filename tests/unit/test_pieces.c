/*
 * test_pieces.c - results are joined in order and once, whatever the number of
 * threads, slots and runs; the first failure in order ends it all.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "tests/support/check.h"

#define CROWD	  UINT32_C(5)
#define SLOTS_MAX 20
#define NEVER	  UINT64_MAX

struct job {
	uint64_t results[SLOTS_MAX];
	size_t slots;
	atomic_uint ahead; /* pieces worked on and not joined */
	atomic_uint workers[CROWD];
	uint64_t joined;
	uint64_t fail_work_at, fail_join_at;
};

static uint64_t result_of(uint64_t number)
{
	return number * 7 + 3;
}

static quire_status work(void *context, size_t worker, uint64_t number,
			 size_t slot, quire_error *error)
{
	struct job *job = context;

	assert_true(worker < CROWD && slot == number % job->slots);
	assert_int_equal(atomic_fetch_add(&job->workers[worker], 1), 0);
	assert_true(atomic_fetch_add(&job->ahead, 1) < job->slots);
	/* Some pieces take longer than others. */
	for (volatile uint64_t i = 0; i < number % 5 * 1000; i++)
		;
	job->results[slot] = result_of(number);
	atomic_fetch_sub(&job->workers[worker], 1);
	if (number < job->fail_work_at)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_IO, number, "work");
}

static quire_status join(void *context, uint64_t number, size_t slot,
			 quire_error *error)
{
	struct job *job = context;

	assert_true(number == job->joined);
	assert_true(job->results[slot] == result_of(number));
	job->joined++;
	atomic_fetch_sub(&job->ahead, 1);
	if (number < job->fail_join_at)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_CANCELLED, number, "join");
}

static struct job make_job(size_t slots)
{
	return (struct job){ .slots = slots,
			     .fail_work_at = NEVER,
			     .fail_join_at = NEVER };
}

/* Runs of so many pieces each, up to the first failure. */
static quire_status run(struct job *job, struct crew *crew,
			const uint64_t *counts, size_t runs, quire_error *error)
{
	struct pieces pieces = { .work = work, .join = join, .context = job };
	quire_status status = QUIRE_OK;

	assert_int_equal(quire_pieces_init(&pieces, crew, job->slots, error),
			 QUIRE_OK);
	for (size_t i = 0; i < runs && status == QUIRE_OK; i++)
		status = quire_pieces_run(&pieces, counts[i], error);
	if (status == QUIRE_OK)
		status = quire_pieces_end(&pieces, error);
	quire_pieces_destroy(&pieces);
	return status;
}

/* Calls `test` with crews of 1 to CROWD threads, and 1 to many slots. */
static void for_each_crew(void (*test)(struct crew *crew, size_t slots))
{
	for (uint32_t threads = 1; threads <= CROWD; threads++) {
		struct crew crew;

		assert_int_equal(quire_crew_init(&crew, threads, NULL, NULL),
				 QUIRE_OK);
		for (size_t slots = 1; slots <= SLOTS_MAX; slots += 3)
			test(&crew, slots);
		assert_true(quire_pieces_slots(&crew) <= SLOTS_MAX);
		test(&crew, quire_pieces_slots(&crew));
		quire_crew_destroy(&crew);
	}
}

static void check_order(struct crew *crew, size_t slots)
{
	static const uint64_t counts[] = { 1, 1, 1, 60, 0, 2, 33, 1 };
	struct job job = make_job(slots);
	quire_error error;

	assert_int_equal(run(&job, crew, counts, 8, &error), QUIRE_OK);
	assert_int_equal(job.joined, 99);
	assert_int_equal(job.ahead, 0);
}

static void test_order(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		for_each_crew(check_order);
}

/* Work fails from one piece on, and joining at a later one: the first piece
 * that failed is reported, and none after it is joined. */
static void check_first_failure(struct crew *crew, size_t slots)
{
	static const uint64_t counts[] = { 10, 50 };

	for (uint64_t at = 0; at < 60; at += 7) {
		struct job job = make_job(slots);
		quire_error error = { .status = QUIRE_OK };

		job.fail_work_at = at;
		assert_int_equal(run(&job, crew, counts, 2, &error),
				 QUIRE_ERROR_IO);
		assert_int_equal(error.offset, at);
		assert_string_equal(error.message, "work");
		assert_int_equal(job.joined, at);
		job = make_job(slots);
		job.fail_work_at = at + 3;
		job.fail_join_at = at;
		assert_int_equal(run(&job, crew, counts, 2, NULL),
				 QUIRE_ERROR_CANCELLED);
		assert_int_equal(job.joined, at + 1);
	}
}

static void test_first_failure(void **state)
{
	(void)state;
	for_each_crew(check_first_failure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_first_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
