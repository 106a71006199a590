/*
 * set_neon_i8mm.c - the set for arm64 with the int8 matrix instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon_i8mm =
    NEON_SET("neon_i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, 2, i8mm);
