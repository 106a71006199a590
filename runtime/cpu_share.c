/*
 * cpu_share.c - looks at the machine from time to time, and divides its CPUs.
 *
 * A product gets the CPUs that other threads left free at some of the last few
 * looks, so one that runs for a moment costs nothing. If others would fill all
 * CPUs, a brief product works alone, and a longer one with all its threads:
 * each of them gets a share of the CPU time.
 *
 * Two such programs, each of which takes the other one's threads for a full
 * machine, would disturb each other for ever. So one that finds the machine
 * full takes half of the CPUs for a few looks. Another program that works by
 * the same rules sees then that the other half is free, and goes there. If the
 * machine stays full, the next try is later.
 */
#include "runtime/cpu_share.h"

#include "base/clock.h"
#include "base/cpu_limits.h"
#include "base/thread_pool.h"

/* Seconds between two looks. After a pause as long as all of them what was seen
 * before does not count. */
#define LOOK_PERIOD 5e-3
#define LOOKS_LAST  (QUIRE_CPU_SHARE_LOOKS * LOOK_PERIOD)

/* Seconds from one try to yield to the next; each time twice as long. */
#define PAUSE_LEAST 0.25
#define PAUSE_MOST  8.0

void quire_cpu_share_init(struct cpu_share *share)
{
	const struct cpu_limits limits = quire_cpu_limits();

	*share = (struct cpu_share){
		.cpus = limits.online,
		.allowed = limits.count,
		.load = { .file = -1 },
		.looking = ATOMIC_FLAG_INIT,
		.pause = PAUSE_LEAST,
	};
	atomic_init(&share->unused, limits.online);
	atomic_init(&share->yields, false);
	atomic_init(&share->ended, 0);
	/* Threads are counted of all CPUs. They say nothing of some of them. */
	if (limits.allowed == limits.online)
		quire_cpu_load_open(&share->load);
}

void quire_cpu_share_destroy(struct cpu_share *share)
{
	quire_cpu_load_close(&share->load);
}

/* Adds a look and returns the fewest threads of any that counts. With fewer
 * looks than are remembered: none. */
static uint32_t fewest_others(struct cpu_share *share, double now,
			      uint32_t others)
{
	const double ended =
	    atomic_load_explicit(&share->ended, memory_order_relaxed);
	uint32_t fewest = others;

	if (now - share->looked > LOOKS_LAST && now - ended > LOOKS_LAST)
		share->count = 0;
	share->looked = now;
	share->others[share->count++ % QUIRE_CPU_SHARE_LOOKS] = others;
	if (share->count < QUIRE_CPU_SHARE_LOOKS)
		return 0;
	for (uint32_t i = 0; i < QUIRE_CPU_SHARE_LOOKS; i++)
		if (share->others[i] < fewest)
			fewest = share->others[i];
	return fewest;
}

/* Whether to yield until the next look, on a full machine. */
static bool try_to_yield(struct cpu_share *share, double now)
{
	if (share->yielded > 0 && share->yielded < QUIRE_CPU_SHARE_LOOKS) {
		share->yielded++;
		return true;
	}
	share->yielded = 0;
	if (now < share->yields_at)
		return false;
	share->yielded = 1;
	share->yields_at = now + share->pause;
	if (share->pause < PAUSE_MOST)
		share->pause *= 2;
	return true;
}

void quire_cpu_share_note(struct cpu_share *share, double now, uint32_t others)
{
	const uint32_t fewest = fewest_others(share, now, others);
	bool yields = false;

	if (fewest >= share->cpus) {
		yields = try_to_yield(share, now);
	} else {
		share->yielded = 0;
		share->yields_at = now;
		share->pause = PAUSE_LEAST;
	}
	atomic_store(&share->yields, yields);
	atomic_store(&share->unused,
		     fewest < share->cpus ? share->cpus - fewest : 0);
}

/* A brief product after a pause is computed by its caller anyway, whom a look
 * would only delay. */
static void look(struct cpu_share *share, uint32_t own, bool brief)
{
	double now, pause;

	if (atomic_flag_test_and_set_explicit(&share->looking,
					      memory_order_acquire))
		return;
	now = quire_clock_seconds();
	pause = now - atomic_load_explicit(&share->ended, memory_order_relaxed);
	if (now - share->looked >= LOOK_PERIOD &&
	    !(brief && pause > QUIRE_RUNS_FOLLOW)) {
		const uint32_t all = quire_cpu_load_read(&share->load);

		quire_cpu_share_note(share, now, all > own ? all - own : 0);
	}
	atomic_flag_clear_explicit(&share->looking, memory_order_release);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t quire_cpu_share_divide(const struct cpu_share *share, uint32_t most,
				bool brief)
{
	const uint32_t unused = atomic_load(&share->unused);

	most = least(most, share->allowed);
	if (unused > 0)
		return least(most, unused);
	if (brief)
		return 1;
	return atomic_load(&share->yields) ? least(most, (share->cpus + 1) / 2)
					   : most;
}

uint32_t quire_cpu_share_threads(struct cpu_share *share, uint32_t most,
				 uint32_t own, bool brief)
{
	if (most > 1 && share->allowed > 1 && share->load.file >= 0)
		look(share, own, brief);
	return quire_cpu_share_divide(share, most, brief);
}

void quire_cpu_share_end(struct cpu_share *share)
{
	atomic_store_explicit(&share->ended, quire_clock_seconds(),
			      memory_order_relaxed);
}
