/*
 * kernels_avxvnni.h - the kernels for AVX-VNNI. Their geometry, and what they
 * take of x and of panels, is that of AVX2's int8 kernels.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVXVNNI_KERNELS_AVXVNNI_H
#define QUIRE_RUNTIME_KERNELS_AVXVNNI_KERNELS_AVXVNNI_H

#include "runtime/kernels/avx2/kernels_avx2.h"

quire_gemv_function quire_vec_int8_q4_0_avxvnni;
quire_gemv_function quire_vec_int8_q4_1_avxvnni;
quire_gemv_function quire_vec_int8_q8_0_avxvnni;

quire_small_function quire_few_int8_q4_0_avxvnni;
quire_small_function quire_few_int8_q4_1_avxvnni;
quire_small_function quire_few_int8_q8_0_avxvnni;

quire_tile_function quire_tile_int8_q4_0_avxvnni;
quire_tile_function quire_tile_int8_q4_1_avxvnni;
quire_tile_function quire_tile_int8_q8_0_avxvnni;

#endif
