/*
 * fake_device.h - what fake_metal.c and fake_commands.c share.
 */
#ifndef QUIRE_TESTS_FAKE_DEVICE_H
#define QUIRE_TESTS_FAKE_DEVICE_H

#include <stdbool.h>

#include "tests/metal/fake_objects.h"
#include "tests/metal/lanes.h"
#include "tests/support/guard.h"

/* Resource options. */
#define FAKE_SHARED  0
#define FAKE_PRIVATE 32

/* A function, and a pipeline. */
struct fake_function {
	struct objc_object object;
	const struct lanes_kernel *kernel;
};

struct fake_buffer {
	struct objc_object object;
	unsigned char *bytes;
	struct guarded owned; /* nothing: a view */
	size_t size;
	bool hidden;
};

id fake_make_queue(id device);
/* Whether the kernel is a mul_packed. */
bool fake_is_tile(const struct lanes_kernel *kernel);
void fake_count_dispatch(const struct lanes_kernel *kernel);
void fake_count_commit(void);

#endif
