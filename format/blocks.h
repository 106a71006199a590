/*
 * blocks.h - how a block of each block type lies in memory (spec/format.md,
 * 4). The parser, the converter and the kernels take it from here. compare/
 * has its own numbers: it is the independent reader.
 */
#ifndef QUIRE_FORMAT_BLOCKS_H
#define QUIRE_FORMAT_BLOCKS_H

/* Columns of a block. They share one scale. */
#define QUIRE_BLOCK_COLS 32

/* A block of a type that Quire writes begins with its scale d, an f16. */
#define QUIRE_BLOCK_SCALE 0

/* 32 codes of 4 bits: byte i has column i in its low half and column i + 16 in
 * its high half. */
#define QUIRE_NIBBLES_SIZE (QUIRE_BLOCK_COLS / 2)

/* Q4_0: d and nibbles; a column is (code - 8) * d. */
#define QUIRE_Q4_0_CODES 2
#define QUIRE_Q4_0_SIZE	 (QUIRE_Q4_0_CODES + QUIRE_NIBBLES_SIZE)
#define QUIRE_Q4_0_ZERO	 8

/* Q4_1: d, the minimum m, an f16, and nibbles; a column is code * d + m. */
#define QUIRE_Q4_1_MIN	 2
#define QUIRE_Q4_1_CODES 4
#define QUIRE_Q4_1_SIZE	 (QUIRE_Q4_1_CODES + QUIRE_NIBBLES_SIZE)

/* Q8_0: d and 32 codes of int8; a column is code * d. */
#define QUIRE_Q8_0_CODES 2
#define QUIRE_Q8_0_SIZE	 (QUIRE_Q8_0_CODES + QUIRE_BLOCK_COLS)

/* ---------------------------------- types that only other programs write */

/* A fifth bit of each of 32 codes: bit i of a u32 is column i's. */
#define QUIRE_FIFTH_SIZE 4

/* Q5_0: d, fifth bits and nibbles; a column is (code - 16) * d. */
#define QUIRE_Q5_0_FIFTH 2
#define QUIRE_Q5_0_CODES (QUIRE_Q5_0_FIFTH + QUIRE_FIFTH_SIZE)
#define QUIRE_Q5_0_SIZE	 (QUIRE_Q5_0_CODES + QUIRE_NIBBLES_SIZE)
#define QUIRE_Q5_0_ZERO	 16

/* Q5_1: d, m, fifth bits and nibbles; a column is code * d + m. */
#define QUIRE_Q5_1_MIN	 2
#define QUIRE_Q5_1_FIFTH 4
#define QUIRE_Q5_1_CODES (QUIRE_Q5_1_FIFTH + QUIRE_FIFTH_SIZE)
#define QUIRE_Q5_1_SIZE	 (QUIRE_Q5_1_CODES + QUIRE_NIBBLES_SIZE)

/* IQ4_NL: d and nibbles, which are indices of 16 levels. */
#define QUIRE_IQ4_NL_CODES 2
#define QUIRE_IQ4_NL_SIZE  (QUIRE_IQ4_NL_CODES + QUIRE_NIBBLES_SIZE)

/* MXFP4: an exponent of 8 bits and nibbles, which are e2m1 numbers. */
#define QUIRE_MXFP4_CODES 1
#define QUIRE_MXFP4_SIZE  (QUIRE_MXFP4_CODES + QUIRE_NIBBLES_SIZE)

/* NVFP4: 4 scales of e4m3, each for 16 columns with 8 bytes of nibbles. */
#define QUIRE_NVFP4_COLS  64
#define QUIRE_NVFP4_CODES 4
#define QUIRE_NVFP4_SIZE  (QUIRE_NVFP4_CODES + QUIRE_NVFP4_COLS / 2)

/* Columns of a block of the types below, in groups that have scales of their
 * own, which d multiplies. */
#define QUIRE_SUPER_COLS 256

/* Codes of 2 bits: 128 columns have 32 bytes, 4 columns a byte, 32 columns
 * apart, the first in the lowest bits. */
#define QUIRE_PAIRS_SIZE (QUIRE_SUPER_COLS / 4)

/* Q2_K: 16 bytes, the scale of 16 columns in the low half and their minimum in
 * the high one; codes; d; the factor of the minima. */
#define QUIRE_Q2_K_CODES 16
#define QUIRE_Q2_K_SCALE (QUIRE_Q2_K_CODES + QUIRE_PAIRS_SIZE)
#define QUIRE_Q2_K_MIN	 (QUIRE_Q2_K_SCALE + 2)
#define QUIRE_Q2_K_SIZE	 (QUIRE_Q2_K_MIN + 2)

/* Q3_K: third bits (bit i of byte j is column 32 * i + j's), the lower two, 16
 * scales of 6 bits, d. */
#define QUIRE_Q3_K_CODES  (QUIRE_SUPER_COLS / 8)
#define QUIRE_Q3_K_SCALES (QUIRE_Q3_K_CODES + QUIRE_PAIRS_SIZE)
#define QUIRE_Q3_K_SCALE  (QUIRE_Q3_K_SCALES + 12)
#define QUIRE_Q3_K_SIZE	  (QUIRE_Q3_K_SCALE + 2)
#define QUIRE_Q3_K_ZERO	  4

/* Q4_K: d; the factor of the minima; 8 scales and 8 minima of 6 bits; nibbles:
 * 64 columns have 32 bytes, the first 32 in the low halves. */
#define QUIRE_Q4_K_MIN	  2
#define QUIRE_Q4_K_SCALES 4
#define QUIRE_Q4_K_CODES  (QUIRE_Q4_K_SCALES + 12)
#define QUIRE_Q4_K_SIZE	  (QUIRE_Q4_K_CODES + QUIRE_SUPER_COLS / 2)

/* Q5_K: as Q4_K, with fifth bits, as Q3_K's third bits, before the nibbles. */
#define QUIRE_Q5_K_FIFTH QUIRE_Q4_K_CODES
#define QUIRE_Q5_K_CODES (QUIRE_Q5_K_FIFTH + QUIRE_SUPER_COLS / 8)
#define QUIRE_Q5_K_SIZE	 (QUIRE_Q5_K_CODES + QUIRE_SUPER_COLS / 2)

/* Q6_K: the lower 4 bits (128 columns have 64 bytes, the first 64 in the low
 * halves), the upper 2, 16 scales of int8, d. */
#define QUIRE_Q6_K_UPPER  (QUIRE_SUPER_COLS / 2)
#define QUIRE_Q6_K_SCALES (QUIRE_Q6_K_UPPER + QUIRE_PAIRS_SIZE)
#define QUIRE_Q6_K_SCALE  (QUIRE_Q6_K_SCALES + 16)
#define QUIRE_Q6_K_SIZE	  (QUIRE_Q6_K_SCALE + 2)
#define QUIRE_Q6_K_ZERO	  32

/* IQ4_XS: d; the upper 2 bits of 8 scales, in a u16; their lower 4; nibbles:
 * 32 columns have 16 bytes. */
#define QUIRE_IQ4_XS_UPPER  2
#define QUIRE_IQ4_XS_SCALES 4
#define QUIRE_IQ4_XS_CODES  8
#define QUIRE_IQ4_XS_SIZE   (QUIRE_IQ4_XS_CODES + QUIRE_SUPER_COLS / 2)

/* The zero of the 6-bit scales of Q3_K and IQ4_XS. */
#define QUIRE_SCALE_ZERO 32

/* IQ2 and IQ3: a code is the index of a vector of 8 or 4 levels, whose signs
 * are elsewhere: as eight bits, or as seven, where the eighth sign makes the
 * number of minuses even. Scales have 4 bits. */

/* IQ2_XXS: d; 32 columns have 4 codes and a u32, from below four times seven
 * signs, and a scale. */
#define QUIRE_IQ2_XXS_CODES 2
#define QUIRE_IQ2_XXS_SIZE  (QUIRE_IQ2_XXS_CODES + QUIRE_SUPER_COLS / 32 * 8)

/* IQ2_XS: d; for 8 columns a u16, a code of 9 bits and seven signs; a scale for
 * 16 columns. */
#define QUIRE_IQ2_XS_CODES  2
#define QUIRE_IQ2_XS_SCALES (QUIRE_IQ2_XS_CODES + QUIRE_SUPER_COLS / 8 * 2)
#define QUIRE_IQ2_XS_SIZE   (QUIRE_IQ2_XS_SCALES + QUIRE_SUPER_COLS / 32)

/* IQ2_S: d; for 8 columns the lower 8 bits of a code; their signs; the upper 2
 * bits; a scale for 16 columns. */
#define QUIRE_IQ2_S_CODES  2
#define QUIRE_IQ2_S_SIGNS  (QUIRE_IQ2_S_CODES + QUIRE_SUPER_COLS / 8)
#define QUIRE_IQ2_S_UPPER  (QUIRE_IQ2_S_SIGNS + QUIRE_SUPER_COLS / 8)
#define QUIRE_IQ2_S_SCALES (QUIRE_IQ2_S_UPPER + QUIRE_SUPER_COLS / 32)
#define QUIRE_IQ2_S_SIZE   (QUIRE_IQ2_S_SCALES + QUIRE_SUPER_COLS / 32)

/* IQ3_XXS: d; codes of 4 columns; for 32 columns a u32 as in IQ2_XXS. */
#define QUIRE_IQ3_XXS_CODES  2
#define QUIRE_IQ3_XXS_SCALES (QUIRE_IQ3_XXS_CODES + QUIRE_SUPER_COLS / 4)
#define QUIRE_IQ3_XXS_SIZE   (QUIRE_IQ3_XXS_SCALES + QUIRE_SUPER_COLS / 32 * 4)

/* IQ3_S: d; the lower 8 bits of codes of 4 columns; the ninth ones; signs of 8
 * columns; a scale for 32 columns. */
#define QUIRE_IQ3_S_CODES  2
#define QUIRE_IQ3_S_UPPER  (QUIRE_IQ3_S_CODES + QUIRE_SUPER_COLS / 4)
#define QUIRE_IQ3_S_SIGNS  (QUIRE_IQ3_S_UPPER + QUIRE_SUPER_COLS / 32)
#define QUIRE_IQ3_S_SCALES (QUIRE_IQ3_S_SIGNS + QUIRE_SUPER_COLS / 8)
#define QUIRE_IQ3_S_SIZE   (QUIRE_IQ3_S_SCALES + QUIRE_SUPER_COLS / 64)

/* IQ1_S: d; the lower 8 bits of codes of 8 columns; for 32 columns a u16, from
 * below the upper 3 bits of four codes, 3 bits of a scale, and whether the
 * levels move down. */
#define QUIRE_IQ1_S_CODES 2
#define QUIRE_IQ1_S_UPPER (QUIRE_IQ1_S_CODES + QUIRE_SUPER_COLS / 8)
#define QUIRE_IQ1_S_SIZE  (QUIRE_IQ1_S_UPPER + QUIRE_SUPER_COLS / 32 * 2)

/* IQ1_M: the lower 8 bits of codes of 8 columns; 4 bits for each code, the
 * upper 3 and whether the levels move down; four u16, each with four scales of
 * 3 bits, for 16 columns, and 4 bits of d. */
#define QUIRE_IQ1_M_UPPER  (QUIRE_SUPER_COLS / 8)
#define QUIRE_IQ1_M_SCALES (QUIRE_IQ1_M_UPPER + QUIRE_SUPER_COLS / 16)
#define QUIRE_IQ1_M_SIZE   (QUIRE_IQ1_M_SCALES + QUIRE_SUPER_COLS / 32)

/* TQ1_0: five ternary digits a byte, for 160 columns in 32 bytes and 80 in 16;
 * four a byte, for 16 in 4; d. */
#define QUIRE_TQ1_0_SCALE 52
#define QUIRE_TQ1_0_SIZE  (QUIRE_TQ1_0_SCALE + 2)

/* TQ2_0: codes of 2 bits, d; a column is (code - 1) * d. */
#define QUIRE_TQ2_0_SCALE QUIRE_PAIRS_SIZE
#define QUIRE_TQ2_0_SIZE  (QUIRE_TQ2_0_SCALE + 2)

#endif
