/*
 * few_f32_nibbles_avx512.h - how the few form in f32 decodes rows of Q4_0 and
 * Q4_1.
 *
 * The 16 numbers that a code can be are one vector, scaled once for each block;
 * the lowest 4 bits of each lane, at which alone a permute looks, pick one.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_FEW_F32_NIBBLES_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_FEW_F32_NIBBLES_AVX512_H

#include "runtime/kernels/avx512/few_f32_avx512.h"
#include "runtime/kernels/quantize.h"

/* Blocks of FEW_KC columns, whose scales and minima are in 64 bytes. */
#define RUN_BLOCKS (FEW_KC / QUIRE_BLOCK_COLS)

/* The 16 numbers of the codes of a block with scale d and minimum min. */
typedef __m512 (*scale_numbers_fn)(float d, float min);

/* A type of weights, constant as well. */
struct few_nibbles {
	scale_numbers_fn scale;
	size_t block_size, codes; /* codes are so many bytes from its begin */
};

/* d of each block of a run, then the f16 after each: its minimum, if it has
 * one. Reads no more than the blocks that are there. */
QUIRE_INLINE void load_scales(const unsigned char *row, size_t blocks,
			      float scales[2 * RUN_BLOCKS],
			      const struct few_nibbles *type)
{
	const size_t size = blocks * type->block_size;
	const __mmask64 bytes = size < 64 ? (1ULL << size) - 1 : ~0ULL;
	const short step = (short)(type->block_size / 2);
	const __m256i places =
	    _mm256_setr_epi16(0, step, (short)(2 * step), (short)(3 * step), 1,
			      (short)(step + 1), (short)(2 * step + 1),
			      (short)(3 * step + 1), 0, 0, 0, 0, 0, 0, 0, 0);
	const __m512i picked =
	    _mm512_permutexvar_epi16(_mm512_castsi256_si512(places),
				     _mm512_maskz_loadu_epi8(bytes, row));

	_mm256_storeu_ps(scales,
			 _mm256_cvtph_ps(_mm512_castsi512_si128(picked)));
}

/* The block at `block`, whose scale and minimum are given. */
QUIRE_INLINE void decode_block(const unsigned char *block, float d, float min,
			       float *out, const struct few_nibbles *type)
{
	const __m512 numbers = type->scale(d, min);
	const __m512i codes = _mm512_cvtepu8_epi32(
	    _mm_loadu_si128((const void *)(block + type->codes)));

	_mm512_store_ps(out, _mm512_permutexvar_ps(codes, numbers));
	_mm512_store_ps(
	    out + QUIRE_BLOCK_COLS / 2,
	    _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4), numbers));
}

/* The scales are read from memory, as operands: out of a register each would
 * take shuffles. */
QUIRE_INLINE void decode_nibbles(const unsigned char *row, size_t cols,
				 float *out, const struct few_nibbles *type)
{
	const size_t blocks = cols / QUIRE_BLOCK_COLS;
	float scales[2 * RUN_BLOCKS];

	if (blocks == RUN_BLOCKS) {
		load_scales(row, RUN_BLOCKS, scales, type);
		QUIRE_SPILL(scales);
		QUIRE_UNROLL
		for (size_t b = 0; b < RUN_BLOCKS; b++)
			decode_block(row + b * type->block_size, scales[b],
				     scales[RUN_BLOCKS + b],
				     out + b * QUIRE_BLOCK_COLS, type);
		return;
	}
	load_scales(row, blocks, scales, type);
	for (size_t b = 0; b < blocks; b++)
		decode_block(row + b * type->block_size, scales[b],
			     scales[RUN_BLOCKS + b], out + b * QUIRE_BLOCK_COLS,
			     type);
}

#endif
