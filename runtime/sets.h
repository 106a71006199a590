/*
 * sets.h - every kernel set; kernels/<set>/set_<set>.c defines it.
 */
#ifndef QUIRE_RUNTIME_SETS_H
#define QUIRE_RUNTIME_SETS_H

#include "runtime/kernel_set.h"

extern const struct kernel_set quire_set_avx512vnni;
extern const struct kernel_set quire_set_avx512;
extern const struct kernel_set quire_set_avxvnni;
extern const struct kernel_set quire_set_avx2;
extern const struct kernel_set quire_set_neon_i8mm;
extern const struct kernel_set quire_set_neon_dotprod;
extern const struct kernel_set quire_set_neon;
extern const struct kernel_set quire_set_scalar;

#endif
