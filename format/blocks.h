/*
 * blocks.h - how a block of each block type lies in memory (spec/format.md,
 * 4). The parser, the converter and the kernels take it from here. compare/
 * has its own numbers: it is the independent reader.
 */
#ifndef QUIRE_FORMAT_BLOCKS_H
#define QUIRE_FORMAT_BLOCKS_H

/* Columns of a block. They share one scale. */
#define QUIRE_BLOCK_COLS 32

/* A block of every type begins with its scale d, an f16. */
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

#endif
