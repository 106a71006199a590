/*
 * metal_none.c - the Metal device of a build that has none.
 */
#include "base/error.h"
#include "runtime/device.h"

quire_status quire_metal_open(struct accelerator *accelerator,
			      quire_error *error)
{
	(void)accelerator;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "this build has no Metal device; the CPU is there");
}
