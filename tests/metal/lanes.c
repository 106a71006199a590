/*
 * lanes.c - lanes, their stacks, their order, and the places where they wait
 * for each other.
 */
#include "tests/metal/lanes.h"

#include "tests/support/guard.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* gcc defines the macro; clang has a feature instead. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define __asan_unpoison_memory_region(address, size) ((void)(address))
#endif

#define STACK_SIZE ((size_t)128 << 10)

enum state {
	READY,
	AT_COLLECTIVE,
	AT_BARRIER,
	ENDED
};

struct lane {
	struct lanes_ids ids;
	enum state state;
	void *stack_pointer; /* while another lane runs */
	unsigned char *stack;
};

struct simdgroup {
	int count, arrived;
	lanes_fold_fn fold;
	const char *what;
	struct lanes_slot in[LANES_SIMD], out[LANES_SIMD];
};

/* The run in progress. Callers make sure that there is only one. */
static struct {
	const struct lanes_kernel *kernel;
	const struct lanes_bindings *bindings;
	struct lane lanes[LANES_MAX];
	struct simdgroup simds[LANES_MAX / LANES_SIMD];
	uint32_t turns[LANES_MAX]; /* lanes in the order of their turns */
	uint32_t count;
	uint32_t at_barrier;
	struct lane *now;
	void *home;
	char *message;
	size_t message_size;
	bool failed;
	enum lanes_order order;
} run;

/* Saves the registers that a call must preserve, and continues where `to` did
 * the same. */
void lanes_switch(void **from, void *to);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl lanes_switch\n"
	".type lanes_switch,@function\n"
	"lanes_switch:\n"
	"push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
	"mov %rsp,(%rdi)\n"
	"mov %rsi,%rsp\n"
	"pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\n"
	"ret\n"
	".size lanes_switch,.-lanes_switch\n");
/* Six registers, the return address, and one word that aligns the stack as a
 * call does. */
#define FRAME_WORDS 8
#define FRAME_ENTRY 6
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl lanes_switch\n"
	".type lanes_switch,%function\n"
	"lanes_switch:\n"
	"sub sp,sp,#160\n"
	"stp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\n"
	"stp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\nstp x29,x30,[sp,#80]\n"
	"stp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\n"
	"stp d14,d15,[sp,#144]\n"
	"mov x2,sp\nstr x2,[x0]\n"
	"mov sp,x1\n"
	"ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\n"
	"ldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\nldp x29,x30,[sp,#80]\n"
	"ldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\n"
	"ldp d14,d15,[sp,#144]\n"
	"add sp,sp,#160\n"
	"ret\n"
	".size lanes_switch,.-lanes_switch\n");
#define FRAME_WORDS 20
#define FRAME_ENTRY 11
#else
#error lanes_switch for this machine
#endif

static void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	if (run.failed)
		return;
	run.failed = true;
	va_start(args, format);
	vsnprintf(run.message, run.message_size, format, args);
	va_end(args);
}

const struct lanes_kernel *lanes_find(const char *name)
{
	for (size_t i = 0; i < lanes_kernel_count; i++)
		if (strcmp(lanes_kernels[i].name, name) == 0)
			return &lanes_kernels[i];
	return NULL;
}

void lanes_set_order(enum lanes_order order)
{
	run.order = order;
}

const struct lanes_ids *lanes_here(void)
{
	return &run.now->ids;
}

static void yield(void)
{
	lanes_switch(&run.now->stack_pointer, run.home);
}

static void begin_lane(void)
{
	run.kernel->run(run.bindings, &run.now->ids);
	run.now->state = ENDED;
	yield();
	abort(); /* A lane that has ended gets no more turns. */
}

static void take_turn(struct lane *lane)
{
	run.now = lane;
	lanes_switch(&run.home, lane->stack_pointer);
}

void lanes_collective(const void *in, size_t in_size, void *out,
		      size_t out_size, lanes_fold_fn fold, const char *what)
{
	struct lane *own = run.now;
	struct simdgroup *simd = &run.simds[own->ids.simd];

	assert(in_size <= sizeof(simd->in[0]) &&
	       out_size <= sizeof(simd->out[0]));
	if (simd->arrived > 0 && simd->fold != fold)
		fail("%s: lane %u of simdgroup %u is at %s, others at %s",
		     run.kernel->name, own->ids.lane, own->ids.simd, what,
		     simd->what);
	simd->fold = fold;
	simd->what = what;
	memcpy(simd->in[own->ids.lane].bytes, in, in_size);
	if (++simd->arrived == simd->count) {
		struct lane *first = &run.lanes[own->ids.simd * LANES_SIMD];

		fold(simd->in, simd->out, simd->count);
		simd->arrived = 0;
		for (int i = 0; i < simd->count; i++)
			if (first[i].state == AT_COLLECTIVE)
				first[i].state = READY;
	} else {
		own->state = AT_COLLECTIVE;
		yield();
	}
	memcpy(out, simd->out[own->ids.lane].bytes, out_size);
}

void lanes_barrier(void)
{
	if (++run.at_barrier < run.count) {
		run.now->state = AT_BARRIER;
		yield();
		return;
	}
	run.at_barrier = 0;
	for (uint32_t i = 0; i < run.count; i++)
		if (run.lanes[i].state == AT_BARRIER)
			run.lanes[i].state = READY;
}

static bool simd_first(void)
{
	return run.order >= LANES_SIMD_FORWARD;
}

static void set_turns(uint64_t seed)
{
	const enum lanes_order order =
	    simd_first() ? run.order - LANES_SIMD_FORWARD : run.order;

	for (uint32_t i = 0; i < run.count; i++)
		run.turns[i] = order == LANES_BACKWARD ? run.count - 1 - i : i;
	if (order != LANES_SHUFFLED && order != LANES_RESHUFFLED)
		return;
	seed += order;
	for (uint32_t i = run.count - 1; i > 0; i--) {
		uint32_t j, turn = run.turns[i];

		/* Knuth's 64-bit generator. */
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		j = (uint32_t)((seed >> 33) % (i + 1));
		run.turns[i] = run.turns[j];
		run.turns[j] = turn;
	}
}

static void begin_group(const uint32_t *group)
{
	const uint32_t simds = (run.count + LANES_SIMD - 1) / LANES_SIMD;

	for (uint32_t i = 0; i < simds; i++) {
		const uint32_t left = run.count - i * LANES_SIMD;

		run.simds[i].count =
		    (int)(left < LANES_SIMD ? left : LANES_SIMD);
		run.simds[i].arrived = 0;
	}
	for (uint32_t i = 0; i < run.count; i++) {
		struct lane *lane = &run.lanes[i];
		uintptr_t *top =
		    (uintptr_t *)(void *)(lane->stack + STACK_SIZE);

		lane->ids = (struct lanes_ids){
			.group = { group[0], group[1], group[2] },
			.index = i,
			.lane = i % LANES_SIMD,
			.simd = i / LANES_SIMD,
			.simds = simds,
		};
		lane->state = READY;
		memset(top - FRAME_WORDS, 0, FRAME_WORDS * sizeof(*top));
		top[FRAME_ENTRY - FRAME_WORDS] = (uintptr_t)begin_lane;
		lane->stack_pointer = top - FRAME_WORDS;
	}
	run.at_barrier = 0;
}

/* Gives turns to all lanes of a simdgroup, until each waits or has ended. */
static void run_simd(uint32_t simd)
{
	for (bool moved = true; moved && !run.failed;) {
		moved = false;
		for (uint32_t i = 0; i < run.count && !run.failed; i++) {
			struct lane *lane = &run.lanes[run.turns[i]];

			if (lane->ids.simd != simd || lane->state != READY)
				continue;
			take_turn(lane);
			moved = true;
		}
	}
}

static void tell_stuck(void)
{
	uint32_t counts[ENDED + 1] = { 0 };

	for (uint32_t i = 0; i < run.count; i++)
		counts[run.lanes[i].state]++;
	fail("%s: stuck: %u threads have ended, %u wait for their simdgroup, "
	     "%u at threadgroup_barrier",
	     run.kernel->name, counts[ENDED], counts[AT_COLLECTIVE],
	     counts[AT_BARRIER]);
}

static void run_group(const uint32_t *group)
{
	begin_group(group);
	set_turns(group[0] * 977 + group[1]);
	for (bool moved = true; moved && !run.failed;) {
		moved = false;
		for (uint32_t i = 0; i < run.count && !run.failed; i++) {
			struct lane *lane = &run.lanes[run.turns[i]];

			if (lane->state != READY)
				continue;
			take_turn(lane);
			moved = true;
			if (simd_first())
				run_simd(lane->ids.simd);
		}
	}
	for (uint32_t i = 0; i < run.count && !run.failed; i++)
		if (run.lanes[i].state != ENDED)
			tell_stuck();
}

static void make_stacks(void)
{
	for (uint32_t i = 0; i < run.count; i++) {
		struct lane *lane = &run.lanes[i];

		if (lane->stack)
			continue;
		lane->stack =
		    mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (lane->stack == MAP_FAILED)
			abort();
	}
}

static void check(const struct lanes_kernel *kernel, void *const *buffers,
		  const struct lanes_grid *grid)
{
	if (grid->threads == 0 || grid->threads > LANES_MAX)
		fail("%s: %u threads in a group", kernel->name, grid->threads);
	for (int i = 0; i < LANES_BINDING; i++) {
		if (kernel->buffers >> i & 1 && !buffers[i])
			fail("%s: buffer(%d) is not bound", kernel->name, i);
		if (kernel->memory >> i & 1 && grid->memory_size[i] == 0)
			fail("%s: threadgroup(%d) has no length", kernel->name,
			     i);
	}
}

static void run_grid(const struct lanes_grid *grid,
		     struct lanes_bindings *bindings)
{
	uint32_t group[3];

	for (group[2] = 0; group[2] < grid->groups[2]; group[2]++)
		for (group[1] = 0; group[1] < grid->groups[1]; group[1]++)
			for (group[0] = 0; group[0] < grid->groups[0];
			     group[0]++) {
				/* As f16 and as f32 a huge negative number or a
				 * tiny one, and never zero. */
				for (int i = 0; i < LANES_BINDING; i++)
					if (bindings->memory[i])
						memset(bindings->memory[i],
						       0xFB,
						       grid->memory_size[i]);
				if (!run.failed)
					run_group(group);
			}
}

bool lanes_run(const struct lanes_kernel *kernel, void *const *buffers,
	       const struct lanes_grid *grid, char *message,
	       size_t message_size)
{
	struct lanes_bindings bindings = { .buffers = { NULL } };
	struct guarded memory[LANES_BINDING];

	run.kernel = kernel;
	run.bindings = &bindings;
	run.count = grid->threads;
	run.failed = false;
	run.message = message;
	run.message_size = message_size;
	check(kernel, buffers, grid);
	if (run.failed)
		return false;
	make_stacks();
	memcpy(bindings.buffers, buffers, sizeof(bindings.buffers));
	for (int i = 0; i < LANES_BINDING; i++)
		if (grid->memory_size[i] > 0) {
			memory[i] = guarded_create(grid->memory_size[i]);
			bindings.memory[i] = memory[i].data;
		}
	run_grid(grid, &bindings);
	for (int i = 0; i < LANES_BINDING; i++)
		if (bindings.memory[i])
			guarded_free(&memory[i]);
	/* Lanes that have not ended never continue. */
	for (uint32_t i = 0; i < run.count && run.failed; i++)
		__asan_unpoison_memory_region(run.lanes[i].stack, STACK_SIZE);
	return !run.failed;
}
