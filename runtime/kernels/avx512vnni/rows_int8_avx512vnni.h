/*
 * rows_int8_avx512vnni.h - a block of 16 rows of W, in registers, a row in a
 * lane, by 1 to 16 rows of quantized x: for W in place and prepacked, which
 * have their own ways to read a block.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_ROWS_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_ROWS_INT8_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512vnni/dpbusd_avx512vnni.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	ROWS = 16, /* of W, at a time */
	TILE = 4,  /* rows of x in a tile */
	/* Rows of x that each have code of their own. gcc's code for more is
	 * better in a function that has no other. */
	FEW_ROWS = 10,
	/* Rows of x whose sums are in registers. Those of more are in memory,
	 * and multiplied in a loop. */
	IN_REGISTERS = 16,
};

/* A block of each of 16 rows of W. */
struct row_block {
	__m512i codes[8]; /* unsigned, of columns 4j to 4j + 3 */
	__m512 d, min;
};

/* The sums of 16 rows of W by each row of x. */
struct row_sums {
	__m512 held[IN_REGISTERS], more[QUIRE_SMALL_ROWS - IN_REGISTERS];
};

/* MULTIPLY(count) with the least of these constants that is at least x_rows,
 * which is at most FEW_ROWS, or is more. */
#define QUIRE_BY_FEW_ROWS(x_rows, MULTIPLY)                                    \
	do {                                                                   \
		if ((x_rows) <= 1)                                             \
			MULTIPLY(1);                                           \
		else if ((x_rows) <= 2)                                        \
			MULTIPLY(2);                                           \
		else if ((x_rows) <= 3)                                        \
			MULTIPLY(3);                                           \
		else if ((x_rows) <= 4)                                        \
			MULTIPLY(4);                                           \
		else if ((x_rows) <= 5)                                        \
			MULTIPLY(5);                                           \
		else if ((x_rows) <= 6)                                        \
			MULTIPLY(6);                                           \
		else if ((x_rows) <= 7)                                        \
			MULTIPLY(7);                                           \
		else if ((x_rows) <= 8)                                        \
			MULTIPLY(8);                                           \
		else if ((x_rows) <= 9)                                        \
			MULTIPLY(9);                                           \
		else                                                           \
			MULTIPLY(FEW_ROWS);                                    \
	} while (0)
#define QUIRE_BY_MORE_ROWS(x_rows, MULTIPLY)                                   \
	do {                                                                   \
		if ((x_rows) <= 12)                                            \
			MULTIPLY(12);                                          \
		else if ((x_rows) <= 14)                                       \
			MULTIPLY(14);                                          \
		else if ((x_rows) <= IN_REGISTERS)                             \
			MULTIPLY(IN_REGISTERS);                                \
		else                                                           \
			MULTIPLY(QUIRE_SMALL_ROWS);                            \
	} while (0)

/* sum + a block of row m of the tile at `x` times a block of 16 rows of W.
 * `begin` subtracts what the integers begin at. */
QUIRE_INLINE __m512 add_block(__m512 sum, const struct row_block *w,
			      __m512 begin, const unsigned char *x, size_t m,
			      bool minima)
{
	const unsigned char *offset = x + QUIRE_INT8_OFFSETS(TILE) + m * 4;
	const __m512 scale = broadcast_f32(x + QUIRE_INT8_SCALES(TILE) + m * 4);
	__m512i s = minima ? begin_integers() : broadcast(offset);
	__m512 block;

	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		s = add_codes(s, w->codes[i], x + m * QUIRE_BLOCK_COLS + i * 4);
	block = scale_integers(s, w->d, begin);
	if (minima)
		block = _mm512_fmadd_ps(w->min, broadcast_f32(offset), block);
	return _mm512_fmadd_ps(block, scale, sum);
}

/* Of `count`, a constant, the rows whose sums are in registers. */
QUIRE_INLINE size_t count_held(size_t count)
{
	return count < IN_REGISTERS ? count : IN_REGISTERS;
}

/* The same for the first `count` rows of x; beyond those whose sums are in
 * registers, for x_rows of them. */
QUIRE_INLINE void add_rows(struct row_sums *sums, const struct row_block *w,
			   const unsigned char *x, size_t x_size, size_t count,
			   size_t x_rows, bool minima)
{
	const __m512 begin = take_off_begin(w->d);

	QUIRE_UNROLL
	for (size_t m = 0; m < count_held(count); m++)
		sums->held[m] =
		    add_block(sums->held[m], w, begin, x + m / TILE * x_size,
			      m % TILE, minima);
	if (count <= IN_REGISTERS)
		return;
	QUIRE_NO_UNROLL
	for (size_t m = IN_REGISTERS; m < x_rows; m++)
		sums->more[m - IN_REGISTERS] =
		    add_block(sums->more[m - IN_REGISTERS], w, begin,
			      x + m / TILE * x_size, m % TILE, minima);
}

QUIRE_INLINE void clear_rows(struct row_sums *sums, size_t count)
{
	QUIRE_UNROLL
	for (size_t m = 0; m < count_held(count); m++)
		sums->held[m] = _mm512_setzero_ps();
	QUIRE_NO_UNROLL
	for (size_t m = IN_REGISTERS; m < count; m++)
		sums->more[m - IN_REGISTERS] = _mm512_setzero_ps();
}

/* Writes the sums of the first x_rows rows of x. */
QUIRE_INLINE void store_rows(const struct row_sums *sums, size_t count,
			     size_t x_rows, float *y, size_t y_stride,
			     __mmask16 lanes)
{
	QUIRE_UNROLL
	for (size_t m = 0; m < count_held(count); m++)
		if (m < x_rows)
			_mm512_mask_storeu_ps(y + m * y_stride, lanes,
					      sums->held[m]);
	if (count <= IN_REGISTERS)
		return;
	QUIRE_NO_UNROLL
	for (size_t m = IN_REGISTERS; m < x_rows; m++)
		_mm512_mask_storeu_ps(y + m * y_stride, lanes,
				      sums->more[m - IN_REGISTERS]);
}

#endif
