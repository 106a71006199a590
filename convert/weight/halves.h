/*
 * halves.h - many f32 to f16 at once, each as FP16's conversion has it: to the
 * nearest, ties to even. Any thread may call.
 */
#ifndef QUIRE_CONVERT_WEIGHT_HALVES_H
#define QUIRE_CONVERT_WEIGHT_HALVES_H

#include <stddef.h>
#include <stdint.h>

/* Writes the f16 of each of `count` values; the two do not overlap. */
void quire_halves_of(const float *values, size_t count, uint16_t *halves);

/* The same, as f32 again. */
void quire_halves_round(const float *values, size_t count, float *rounded);

#endif
