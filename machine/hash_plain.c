/*
 * hash_plain.c - XXH3 for every CPU of the architecture that we are built for.
 */
#define QUIRE_HASH_CODE quire_hash_plain
#include "machine/hash_code.h"
