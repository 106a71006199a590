/*
 * options.c - names of devices.
 */
#include <stddef.h>
#include <string.h>

#include "cli/ui/options.h"
#include "cli/ui/trouble.h"

bool device_option_read(const char *command, const char *name,
			quire_device *device)
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
