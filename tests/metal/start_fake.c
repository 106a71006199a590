/*
 * start_fake.c - the fake device as it is before main: whole.
 */
#include "tests/metal/fake_metal.h"

static void __attribute__((constructor)) start(void)
{
	fake_metal_reset();
}
