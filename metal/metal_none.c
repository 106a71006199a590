/*
 * metal_none.c - takes the place of metal.c in a build without Metal.
 */
#include "base/error.h"
#include "runtime/device.h"

quire_status quire_metal_open(struct accelerator *accelerator,
			      quire_error *error)
{
	(void)accelerator;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "this build has no Metal device; use the CPU");
}
