/*
 * peak.c - runs the loops of peak_loops.h on several threads at once and times
 * them. Knows instruction sets by their table only.
 *
 * All threads go through the same list of samples, and meet before each. A busy
 * machine may nevertheless run them one after the other. So a sample counts if
 * all of them worked for nearly all of its time; it then shows what they can do
 * together.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/thread.h"
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
	&quire_peak_neon,
#endif
	&quire_peak_scalar,
};

#define LOOPS_COUNT (sizeof(all_loops) / sizeof(all_loops[0]))

/* What is measured. Reading is in two ways, and the faster one counts. */
enum kind {
	KIND_READ_AHEAD,
	KIND_READ,
	KIND_INT8,
	KIND_F32,
	KIND_COUNT
};

/* Samples of each kind; more are not taken. */
#define MAX_SAMPLES 256

/* Samples of each kind in one call of peak_meter_sample, and of all. */
#define AT_ONCE	    16
#define ALL_AT_ONCE ((size_t)KIND_COUNT * AT_ONCE)

/* A sample is so long that a difference of 5 us between the threads is about 1
 * % of it, and so short that most end before the system gives the CPU to
 * another program (4 ms or more on Linux). */
#define SAMPLE_SECONDS 0.0005

/* Each thread takes the next piece, so that a faster one reads more. Pieces are
 * so large that little is lost at their ends, where up to 40 KiB of the next
 * piece are prefetched by the wrong thread. */
#define PIECE_SIZE	  ((size_t)1 << 20)
#define PIECES_PER_THREAD 8

/* A thread that waits for others spins for this long, before it sleeps in
 * between. */
#define SPIN_SECONDS  0.0005
#define SLEEP_SECONDS 0.00005

/* The share of a sample's time in which each thread works, on average, if they
 * work together: one may be later by a piece. */
#define TOGETHER 0.9

/* Fewer samples of threads that worked together do not count. */
#define ENOUGH 8

/* 10^9 per second. */
struct rates {
	size_t count;
	double rate[MAX_SAMPLES];
};

/* The rates of samples whose threads worked together; and of each sample what
 * one thread reached in its own time, times the threads or CPUs. That is a
 * limit too, but too high where threads slow each other. */
struct samples {
	struct rates together, alone;
};

/* Reading has the best loops of the CPU, multiplying those of a kernel set. */
struct peak_meter {
	const struct peak_loops *readers, *loops;
	uint32_t threads;
	size_t int8_rounds, f32_rounds; /* of one sample */
	size_t read_offset; /* where the next sample begins to read */
	struct samples samples[KIND_COUNT];
};

/* The threads of one call of peak_meter_sample. */
struct team {
	const struct peak_meter *meter;
	const unsigned char *memory[ALL_AT_ONCE]; /* to be read */
	size_t pieces;				  /* of each */
	atomic_size_t next_piece[ALL_AT_ONCE];
	atomic_size_t met; /* how often a thread came to a meeting */
	atomic_bool ended; /* a thread could not be started */
};

struct member {
	struct team *team;
	struct thread thread;
	double begin[ALL_AT_ONCE], end[ALL_AT_ONCE]; /* seconds */
	double amount[ALL_AT_ONCE];		     /* bytes or operations */
	volatile uint64_t sink;
};

static const struct peak_loops *best_loops(void)
{
	size_t i = 0;

	while (i + 1 < LOOPS_COUNT && !all_loops[i]->runs())
		i++;
	return all_loops[i];
}

static const struct peak_loops *choose_loops(const char *kernels)
{
	for (size_t i = 0; kernels && i < LOOPS_COUNT; i++)
		if (strcmp(all_loops[i]->name, kernels) == 0 &&
		    all_loops[i]->runs())
			return all_loops[i];
	return best_loops();
}

/* Both ways to read take turns. Products of one kind are together, as some CPUs
 * slow down for 512-bit f32, and for the time after. */
static enum kind kind_of(size_t sample)
{
	if (sample < (size_t)2 * AT_ONCE)
		return sample % 2 == 0 ? KIND_READ_AHEAD : KIND_READ;
	return sample < (size_t)3 * AT_ONCE ? KIND_INT8 : KIND_F32;
}

/* Waits until all threads have come to this sample. False: they never will. */
static bool meet(struct team *team, size_t sample)
{
	const size_t all = (sample + 1) * team->meter->threads;
	const double start = quire_clock_seconds();

	atomic_fetch_add(&team->met, 1);
	while (atomic_load(&team->met) < all) {
		if (atomic_load(&team->ended))
			return false;
		if (quire_clock_seconds() - start < SPIN_SECONDS)
			quire_cpu_pause();
		else
			quire_clock_sleep(SLEEP_SECONDS);
	}
	return true;
}

/* Returns how many bytes were read. */
static size_t read_pieces(struct member *member, size_t sample,
			  uint64_t (*read)(const void *data, size_t size))
{
	struct team *team = member->team;
	size_t size = 0;
	size_t piece;

	while ((piece = atomic_fetch_add(&team->next_piece[sample], 1)) <
	       team->pieces) {
		member->sink =
		    read(team->memory[sample] + piece * PIECE_SIZE, PIECE_SIZE);
		size += PIECE_SIZE;
	}
	return size;
}

/* Returns the bytes or operations. */
static size_t run_sample(struct member *member, size_t sample)
{
	const struct peak_meter *meter = member->team->meter;
	const struct peak_loops *loops = meter->loops;

	switch (kind_of(sample)) {
	case KIND_READ_AHEAD:
		return read_pieces(member, sample, meter->readers->read_ahead);
	case KIND_READ:
		return read_pieces(member, sample, meter->readers->read);
	case KIND_INT8:
		member->sink = loops->int8(meter->int8_rounds);
		return meter->int8_rounds * loops->int8_ops;
	case KIND_F32:
	default:
		member->sink = loops->f32(meter->f32_rounds);
		return meter->f32_rounds * loops->f32_ops;
	}
}

static void run_member(void *context)
{
	struct member *member = context;

	for (size_t i = 0; i < ALL_AT_ONCE; i++) {
		if (!meet(member->team, i))
			return;
		member->begin[i] = quire_clock_seconds();
		member->amount[i] = (double)run_sample(member, i);
		member->end[i] = quire_clock_seconds();
	}
}

/* Runs all samples; the caller is the first member. False: a thread could not
 * be started. */
static bool run_team(struct team *team, struct member *members)
{
	const size_t threads = team->meter->threads;
	size_t started = 1;

	for (size_t i = 0; i < threads; i++)
		members[i].team = team;
	while (started < threads &&
	       quire_thread_start(&members[started].thread, run_member,
				  &members[started]))
		started++;
	if (started == threads)
		run_member(&members[0]);
	else
		atomic_store(&team->ended, true);
	for (size_t i = 1; i < started; i++)
		quire_thread_join(&members[i].thread);
	return started == threads;
}

static void add_rate(struct rates *rates, double rate)
{
	if (rates->count < MAX_SAMPLES)
		rates->rate[rates->count++] = rate * 1e-9;
}

static void take_sample(struct samples *samples, const struct member *members,
			uint32_t threads, uint32_t cpus, size_t sample)
{
	double begin = members[0].begin[sample];
	double end = members[0].end[sample];
	double amount = 0, worked = 0, sum = 0;
	uint32_t workers = 0;

	for (uint32_t i = 0; i < threads; i++) {
		const struct member *member = &members[i];
		const double time = member->end[sample] - member->begin[sample];

		if (member->begin[sample] < begin)
			begin = member->begin[sample];
		if (member->end[sample] > end)
			end = member->end[sample];
		amount += member->amount[sample];
		worked += time;
		if (time > 0 && member->amount[sample] > 0) {
			sum += member->amount[sample] / time;
			workers++;
		}
	}
	if (end > begin && worked >= TOGETHER * threads * (end - begin))
		add_rate(&samples->together, amount / (end - begin));
	if (workers > 0)
		add_rate(&samples->alone,
			 sum / workers * (threads < cpus ? threads : cpus));
}

/* Finds the memory of each sample that reads: the next of `memory`. */
static void choose_memory(struct peak_meter *meter, struct team *team,
			  const unsigned char *memory, size_t size)
{
	size_t at_once;

	team->pieces = (size_t)meter->threads * PIECES_PER_THREAD;
	if (team->pieces > size / PIECE_SIZE)
		team->pieces = size / PIECE_SIZE;
	at_once = team->pieces * PIECE_SIZE;
	for (size_t i = 0; i < (size_t)2 * AT_ONCE; i++) {
		if (meter->read_offset > size - at_once)
			meter->read_offset = 0;
		team->memory[i] = memory + meter->read_offset;
		meter->read_offset += at_once;
	}
}

void peak_meter_sample(struct peak_meter *meter, const void *memory,
		       size_t size)
{
	const uint32_t cpus = quire_cpu_count();
	struct team *team = calloc(1, sizeof(*team));
	struct member *members = calloc(meter->threads, sizeof(*members));

	if (!team || !members)
		goto out;
	team->meter = meter;
	choose_memory(meter, team, memory, size);
	if (!run_team(team, members))
		goto out;
	for (size_t i = 0; i < ALL_AT_ONCE; i++)
		take_sample(&meter->samples[kind_of(i)], members,
			    meter->threads, cpus, i);
out:
	free(members);
	free(team);
}

/* Rounds that take SAMPLE_SECONDS, or up to twice that, by the least of several
 * times: the system may interrupt one of them. */
static size_t count_rounds(uint64_t (*loop)(size_t rounds))
{
	size_t rounds = 1024;
	double least = 0;

	while (least < SAMPLE_SECONDS && rounds < SIZE_MAX / 4) {
		rounds *= 2;
		for (int i = 0; i < 5; i++) {
			const double start = quire_clock_seconds();
			volatile uint64_t sink = loop(rounds);
			const double time = quire_clock_seconds() - start;

			(void)sink;
			if (i == 0 || time < least)
				least = time;
		}
	}
	return rounds;
}

struct peak_meter *peak_meter_create(uint32_t threads, const char *kernels)
{
	struct peak_meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return NULL;
	meter->readers = best_loops();
	meter->loops = choose_loops(kernels);
	meter->threads = threads;
	meter->int8_rounds = count_rounds(meter->loops->int8);
	meter->f32_rounds = count_rounds(meter->loops->f32);
	return meter;
}

static int compare_rates(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What one sample in ten reaches: a limit is what the machine can do if nothing
 * disturbs it, and other programs disturb most samples on some machines. */
static double upper_decile(const struct rates *rates)
{
	struct rates sorted = *rates;

	if (sorted.count == 0)
		return 0;
	qsort(sorted.rate, sorted.count, sizeof(sorted.rate[0]), compare_rates);
	return sorted.rate[sorted.count * 9 / 10];
}

static double limit(const struct samples *samples)
{
	return upper_decile(samples->together.count >= ENOUGH
				? &samples->together
				: &samples->alone);
}

struct peaks peak_meter_result(const struct peak_meter *meter)
{
	const double ahead = limit(&meter->samples[KIND_READ_AHEAD]);
	const double plain = limit(&meter->samples[KIND_READ]);

	return (struct peaks){
		.read_gbps = ahead > plain ? ahead : plain,
		.int8_gops = limit(&meter->samples[KIND_INT8]),
		.f32_gflops = limit(&meter->samples[KIND_F32]),
	};
}

void peak_meter_free(struct peak_meter *meter)
{
	free(meter);
}

const char *peak_loops_name(const char *kernels)
{
	return choose_loops(kernels)->name;
}
