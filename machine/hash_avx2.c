/*
 * hash_avx2.c - XXH3 in 256-bit steps.
 */
#ifndef __AVX2__
#error "compile this file with AVX2"
#endif

#define QUIRE_HASH_CODE quire_hash_avx2
#include "machine/hash_code.h"
