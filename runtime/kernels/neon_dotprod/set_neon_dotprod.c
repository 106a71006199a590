/*
 * set_neon_dotprod.c - the set for arm64 with the dot product instructions.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon_dotprod =
    NEON_SET("neon_dotprod", CPU_NEON | CPU_DOTPROD, 3, dotprod);
