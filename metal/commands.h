/*
 * commands.h - products on the device: encoded one by one, committed together,
 * and their results copied out at the end.
 */
#ifndef QUIRE_METAL_COMMANDS_H
#define QUIRE_METAL_COMMANDS_H

#include "metal/gpu.h"

/* Used by one thread at a time. */
struct commands;

/* *commands = empty ones; quire_commands_give takes them back. */
quire_status quire_commands_take(struct gpu *gpu, struct commands **commands,
				 quire_error *error);
/* Products that were not flushed are dropped. */
void quire_commands_give(struct commands *commands);
void quire_commands_free(struct commands *commands);

/* Adds a product and reads its x; the next flush writes y. An x that is the y
 * of an earlier product of these commands is taken from the device. */
quire_status quire_commands_multiply(struct commands *commands,
				     const struct request *request,
				     quire_error *error);

/* Runs what was added and writes every y, or none on failure. */
quire_status quire_commands_flush(struct commands *commands,
				  quire_error *error);

#endif
