/*
 * peak.c - runs the loops of peak_loops.h on several threads at once and times
 * them. Knows instruction sets by their table only.
 */
#include <pthreadpool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/bench/peak.h"
#include "cli/bench/peak_loops.h"

/* Fastest first: the first one that the CPU can run is taken. */
static const struct peak_loops *const all_loops[] = {
#if defined(__x86_64__)
	&quire_peak_avx512vnni,
	&quire_peak_avxvnni,
	&quire_peak_avx2,
#elif defined(__aarch64__)
	&quire_peak_i8mm,
	&quire_peak_dotprod,
#endif
	&quire_peak_plain,
};

#define LOOPS_COUNT (sizeof(all_loops) / sizeof(all_loops[0]))

/* Samples of each limit; more are not taken. */
#define MAX_SAMPLES 256

/* Samples of each limit in one call of peak_meter_sample. */
#define SAMPLES_AT_ONCE 16

/* A sample is so long that starting the threads (5 us) takes about 1 % of it,
 * and so short that most end before the system gives the CPU to another program
 * (4 ms or more on Linux). */
#define SAMPLE_SECONDS 0.0005
#define READ_SIZE      ((size_t)8 << 20)

/* Each thread takes the next piece, so that a faster one reads more. Pieces are
 * so large that the hardware's prefetching loses nothing at their ends. */
#define PIECE_SIZE ((size_t)512 << 10)

struct samples {
	size_t count;
	double rate[MAX_SAMPLES]; /* 10^9 per second */
};

struct peak_meter {
	const struct peak_loops *loops;
	uint32_t threads;
	size_t int8_rounds, f32_rounds; /* of one sample */
	size_t read_offset; /* where the next sample begins to read */
	struct samples read, int8, f32;
};

/* Running work: all threads run the same loop. */
struct work {
	pthreadpool_t pool;
	const struct peak_loops *loops;
	const unsigned char *memory;
	size_t rounds;
	volatile uint64_t sink;
};

static const struct peak_loops *choose_loops(void)
{
	size_t i = 0;

	while (i + 1 < LOOPS_COUNT && !all_loops[i]->runs())
		i++;
	return all_loops[i];
}

static void read_piece(void *context, size_t index)
{
	struct work *work = context;

	work->sink =
	    work->loops->read(work->memory + index * PIECE_SIZE, PIECE_SIZE);
}

static void multiply_int8(void *context, size_t index)
{
	struct work *work = context;

	(void)index;
	work->sink = work->loops->int8(work->rounds);
}

static void multiply_f32(void *context, size_t index)
{
	struct work *work = context;

	(void)index;
	work->sink = work->loops->f32(work->rounds);
}

static double time_work(struct work *work, pthreadpool_task_1d_t task,
			size_t count)
{
	const double start = quire_clock_seconds();

	pthreadpool_parallelize_1d(work->pool, task, work, count, 0);
	return quire_clock_seconds() - start;
}

/* The least of several times: the system may interrupt one of them. */
static double least_time(struct work *work, pthreadpool_task_1d_t task)
{
	double least = time_work(work, task, 1);

	for (int i = 0; i < 4; i++) {
		const double time = time_work(work, task, 1);

		if (time < least)
			least = time;
	}
	return least;
}

/* Rounds that take SAMPLE_SECONDS, or up to twice that. */
static size_t count_rounds(struct work *work, pthreadpool_task_1d_t task)
{
	work->rounds = 1024;
	while (least_time(work, task) < SAMPLE_SECONDS &&
	       work->rounds < SIZE_MAX / 4)
		work->rounds *= 2;
	return work->rounds;
}

static void add_sample(struct samples *samples, double amount, double time)
{
	if (samples->count < MAX_SAMPLES && time > 0)
		samples->rate[samples->count++] = amount / time * 1e-9;
}

static void sample_read(struct peak_meter *meter, struct work *work,
			const unsigned char *memory, size_t size)
{
	const size_t at_once = size < READ_SIZE ? size : READ_SIZE;
	double time;

	if (at_once < PIECE_SIZE)
		return;
	for (int i = 0; i < SAMPLES_AT_ONCE; i++) {
		if (meter->read_offset > size - at_once)
			meter->read_offset = 0;
		work->memory = memory + meter->read_offset;
		time = time_work(work, read_piece, at_once / PIECE_SIZE);
		add_sample(&meter->read,
			   (double)(at_once / PIECE_SIZE * PIECE_SIZE), time);
		meter->read_offset += at_once;
	}
}

static void sample_multiply(struct peak_meter *meter, struct work *work)
{
	const double threads = meter->threads;
	double ops, time;

	for (int i = 0; i < SAMPLES_AT_ONCE; i++) {
		work->rounds = meter->int8_rounds;
		ops = (double)work->rounds * (double)work->loops->int8_ops;
		time = time_work(work, multiply_int8, meter->threads);
		add_sample(&meter->int8, ops * threads, time);
		work->rounds = meter->f32_rounds;
		ops = (double)work->rounds * (double)work->loops->f32_ops;
		time = time_work(work, multiply_f32, meter->threads);
		add_sample(&meter->f32, ops * threads, time);
	}
}

struct peak_meter *peak_meter_create(uint32_t threads)
{
	struct peak_meter *meter = calloc(1, sizeof(*meter));
	struct work work = { .pool = NULL };

	if (!meter)
		return NULL;
	meter->loops = choose_loops();
	meter->threads = threads;
	work.loops = meter->loops;
	meter->int8_rounds = count_rounds(&work, multiply_int8);
	meter->f32_rounds = count_rounds(&work, multiply_f32);
	return meter;
}

void peak_meter_sample(struct peak_meter *meter, const void *memory,
		       size_t size)
{
	struct work work = { .loops = meter->loops };

	if (meter->threads > 1) {
		work.pool = pthreadpool_create(meter->threads);
		if (!work.pool)
			return;
		/* In the first run the threads are still asleep. */
		work.rounds = meter->f32_rounds;
		time_work(&work, multiply_f32, meter->threads);
	}
	sample_read(meter, &work, memory, size);
	sample_multiply(meter, &work);
	pthreadpool_destroy(work.pool);
}

static int compare_rates(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct samples *samples)
{
	struct samples sorted = *samples;

	if (sorted.count == 0)
		return 0;
	qsort(sorted.rate, sorted.count, sizeof(sorted.rate[0]), compare_rates);
	return sorted.rate[sorted.count / 2];
}

struct peaks peak_meter_result(const struct peak_meter *meter)
{
	return (struct peaks){
		.read_gbps = median(&meter->read),
		.int8_gops = median(&meter->int8),
		.f32_gflops = median(&meter->f32),
	};
}

void peak_meter_free(struct peak_meter *meter)
{
	free(meter);
}

const char *peak_loops_name(void)
{
	return choose_loops()->name;
}
