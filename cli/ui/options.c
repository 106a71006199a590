/*
 * options.c - checks values of the options that several commands have.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/ui/options.h"
#include "cli/ui/trouble.h"

bool option_alignment_fits(const char *command, uint32_t alignment)
{
	if ((alignment & (alignment - 1)) == 0)
		return true;
	trouble("%s: --align takes a power of two, not '%" PRIu32 "'", command,
		alignment);
	return false;
}

bool option_device(const char *command, const char *name, quire_device *device)
{
	static const struct {
		const char *name;
		quire_device device;
	} devices[] = {
		{ "cpu", QUIRE_DEVICE_CPU },
		{ "metal", QUIRE_DEVICE_METAL },
		{ "best", QUIRE_DEVICE_BEST },
	};

	*device = QUIRE_DEVICE_CPU;
	if (!name)
		return true;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (strcmp(devices[i].name, name) == 0) {
			*device = devices[i].device;
			return true;
		}
	trouble("%s: no device '%s'; there are cpu, metal and best", command,
		name);
	return false;
}
