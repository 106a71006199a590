/*
 * options.h - --device of the commands that multiply.
 */
#ifndef QUIRE_CLI_UI_OPTIONS_H
#define QUIRE_CLI_UI_OPTIONS_H

#include <stdbool.h>

#include "quire.h"

#define DEVICE_OPTION_HELP "cpu, metal, or best: what there is; default: cpu"

/* *device = what `name` says; NULL says the CPU. False, and told on stderr in
 * the name of the command, if it is none. */
bool device_option_read(const char *command, const char *name,
			quire_device *device);

#endif
