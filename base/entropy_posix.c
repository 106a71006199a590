/*
 * entropy_posix.c - entropy.h by getentropy.
 */
#include "base/entropy.h"

#include <sys/random.h>
#include <unistd.h>

bool quire_entropy(void *bytes, size_t size)
{
	return getentropy(bytes, size) == 0;
}
