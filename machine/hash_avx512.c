/*
 * hash_avx512.c - XXH3 in 512-bit steps.
 */
#ifndef __AVX512F__
#error "compile this file with AVX-512"
#endif

#define QUIRE_HASH_CODE quire_hash_avx512
#include "machine/hash_code.h"
