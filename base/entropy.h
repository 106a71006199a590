/*
 * entropy.h - bytes that nobody can predict.
 */
#ifndef QUIRE_BASE_ENTROPY_H
#define QUIRE_BASE_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

/* At most 256 bytes. False: the system has none. */
bool quire_entropy(void *bytes, size_t size);

#endif
