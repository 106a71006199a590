/*
 * entropy.h - bytes that nobody can know beforehand.
 */
#ifndef QUIRE_BASE_ENTROPY_H
#define QUIRE_BASE_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

/* At most 256 bytes. False where the system has none to give. */
bool quire_entropy(void *bytes, size_t size);

#endif
