/*
 * geometry_avxvnni.h - what each AVX-VNNI file exports. The layouts of x and of
 * panels are AVX2's.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVXVNNI_GEOMETRY_AVXVNNI_H
#define QUIRE_RUNTIME_KERNELS_AVXVNNI_GEOMETRY_AVXVNNI_H

#include "runtime/kernels/avx2/geometry_avx2.h"

extern const struct gemv_form quire_gemv_int8_avxvnni[];
extern const struct small_form quire_small_int8_avxvnni[];
extern const struct tile_form quire_tile_int8_avxvnni[];

#endif
