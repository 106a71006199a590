/*
 * lanes.h - runs a kernel as a GPU would, on one thread: each thread of a
 * threadgroup is a lane with a stack of its own, and lanes take turns only
 * where the shading language lets them meet. So a run is the same each time,
 * and every order of lanes that a test asks for can be had.
 *
 * Lanes that meet at different places, or never, make the run fail; memory of
 * a threadgroup begins as a pattern that is no sensible number. One run at a
 * time: callers hold a lock.
 */
#ifndef QUIRE_TESTS_LANES_H
#define QUIRE_TESTS_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LANES_SIMD    32
#define LANES_MAX     256 /* threads of a group; ours take 128 at most */
#define LANES_BINDING 31  /* places for buffers, as Metal has */

/* What one lane brings to a meeting of its simdgroup, and takes from it. */
struct lanes_slot {
	unsigned char bytes[32];
};

typedef void (*lanes_fold_fn)(const struct lanes_slot *in,
			      struct lanes_slot *out, int count);

struct lanes_ids {
	uint32_t group[3]; /* threadgroup_position_in_grid */
	uint32_t index;	   /* thread_index_in_threadgroup */
	uint32_t lane;	   /* thread_index_in_simdgroup */
	uint32_t simd;	   /* simdgroup_index_in_threadgroup */
	uint32_t simds;	   /* simdgroups_per_threadgroup */
};

struct lanes_bindings {
	void *buffers[LANES_BINDING];
	void *memory[LANES_BINDING]; /* of the threadgroup */
};

struct lanes_kernel {
	const char *name;
	void (*run)(const struct lanes_bindings *bindings,
		    const struct lanes_ids *ids);
	uint32_t buffers, memory; /* bit i: binding i is read or written */
};

/* The kernels that were compiled, and their number; the text they are from. */
extern const struct lanes_kernel lanes_kernels[];
extern const size_t lanes_kernel_count;
extern const char lanes_source[];
const struct lanes_kernel *lanes_find(const char *name);

/* Called by kernels. */
const struct lanes_ids *lanes_here(void);
void lanes_barrier(void);
/* Waits until each lane of the simdgroup has come, with the same `fold`, which
 * then runs once for all. */
void lanes_collective(const void *in, size_t in_size, void *out,
		      size_t out_size, lanes_fold_fn fold, const char *what);

/* The order in which lanes get their turns. */
enum lanes_order {
	LANES_FORWARD,
	LANES_BACKWARD,
	LANES_SHUFFLED,
	LANES_RESHUFFLED, /* by another seed */
	/* A simdgroup goes as far as it can before the next one begins. */
	LANES_SIMD_FORWARD,
	LANES_SIMD_BACKWARD,
	LANES_SIMD_SHUFFLED,
	LANES_SIMD_RESHUFFLED,
	LANES_ORDER_COUNT
};
void lanes_set_order(enum lanes_order order);

struct lanes_grid {
	uint32_t groups[3];
	uint32_t threads; /* of a group */
	size_t memory_size[LANES_BINDING];
};

/* Runs all groups. False, with a message, when lanes diverge, a binding is
 * missing or the grid is not one that a device would take. */
bool lanes_run(const struct lanes_kernel *kernel, void *const *buffers,
	       const struct lanes_grid *grid, char *message,
	       size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
