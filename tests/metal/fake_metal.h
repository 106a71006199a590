/*
 * fake_metal.h - a Metal device for machines that have none. The host's
 * messages reach objects with real retain counts, and lanes.c runs its shaders.
 * What Metal forbids aborts the test; what Metal may answer can be set.
 */
#ifndef QUIRE_TESTS_FAKE_METAL_H
#define QUIRE_TESTS_FAKE_METAL_H

#include <stdbool.h>
#include <stddef.h>

struct fake_metal {
	size_t page_size; /* sysconf returns it to the host */
	size_t max_buffer;
	size_t max_memory; /* of a threadgroup */
	size_t max_threads, simd_width;
	long family;
	bool no_device, not_unified, no_queue, no_command_buffer, no_encoder;
	bool bad_shader;     /* newLibraryWithSource fails */
	bool no_function;    /* newFunctionWithName finds none */
	bool no_pipeline;    /* the function does not become a pipeline */
	bool no_matrices;    /* ... if it is a mul_packed */
	bool wrong_matrices; /* a mul_packed does nothing */
	bool no_view;	     /* newBufferWithBytesNoCopy gives nil */
	bool empty_view;     /* ... or a buffer of no length */
	long failing_buffer; /* number of the newBuffer that gives nil; or -1 */
	long failing_command; /* error code of every command buffer; or 0 */
};

/* Objects that exist, and what was done since fake_metal_reset. */
struct fake_counts {
	long live; /* objects that are not freed; never reset */
	long views, buffers, dispatches, commits;
	long tiles; /* dispatches of a mul_packed */
};

extern struct fake_metal fake_metal;
struct fake_counts fake_metal_counts(void);

/* An M1 with this machine's page size; counts begin at 0. */
void fake_metal_reset(void);

/* cmocka's set-up and tear-down of a test. The set-up resets the device and
 * gives its lanes an order that finds missing barriers. The tear-down fails if
 * an object is left, whatever the test did. */
int fake_metal_set_up(void **state);
int fake_metal_tear_down(void **state);

#define FAKE_METAL_TEST(test)                                                  \
	cmocka_unit_test_setup_teardown((test), &fake_metal_set_up,            \
					&fake_metal_tear_down)

#endif
