/*
 * start_fake.c - before main, the fake device is reset; after it, no object may
 * be left.
 */
#include "tests/metal/fake_metal.h"
#include "tests/metal/fake_objects.h"

static void __attribute__((constructor)) start(void)
{
	fake_metal_reset();
}

static void __attribute__((destructor)) end(void)
{
	if (fake_metal_counts().live != 0)
		fake_die("%ld objects are left", fake_metal_counts().live);
}
