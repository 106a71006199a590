/*
 * lanes.h - runs a kernel as a GPU would, on one thread. Each thread of a
 * threadgroup is a lane with a stack of its own, and lanes take turns only
 * where the shading language makes them wait for each other. So every run is
 * the same, and a test can choose the order of lanes.
 *
 * A run fails if lanes wait at different places or wait for ever. The memory of
 * a threadgroup begins as a pattern that is no sensible number. There is one
 * run at a time: callers hold a lock.
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
#define LANES_MAX     256 /* threads of a group; ours have 128 at most */
#define LANES_BINDING 31  /* binding points of buffers, as in Metal */

/* What a lane gives to a function of its simdgroup, and what it gets. */
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

/* The compiled kernels, their number, and the text that they are from. */
extern const struct lanes_kernel lanes_kernels[];
extern const size_t lanes_kernel_count;
extern const char lanes_source[];
const struct lanes_kernel *lanes_find(const char *name);

/* Called by kernels. */
const struct lanes_ids *lanes_here(void);
void lanes_barrier(void);
/* Waits until each lane of the simdgroup has called it with the same `fold`,
 * which then runs once for all. */
void lanes_collective(const void *in, size_t in_size, void *out,
		      size_t out_size, lanes_fold_fn fold, const char *what);

/* The order in which lanes get their turns. */
enum lanes_order {
	LANES_FORWARD,
	LANES_BACKWARD,
	LANES_SHUFFLED,
	LANES_RESHUFFLED, /* another order for each seed */
	/* A simdgroup runs until it must wait; then the next one does. */
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

/* Runs all groups. Returns false, with a message, if lanes diverge, a binding
 * is missing, or a device would refuse the grid. */
bool lanes_run(const struct lanes_kernel *kernel, void *const *buffers,
	       const struct lanes_grid *grid, char *message,
	       size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
