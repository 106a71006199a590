/*
 * dtype.c - the tensor types of GGUF: names and blocks (spec/format.md, 4).
 */
#include "format/blocks.h"
#include "quire.h"

struct dtype_row {
	const char *name;
	uint32_t count; /* elements of a block */
	uint32_t size;	/* bytes of a block */
};

/* By GGUF's number; numbers that are missing here are not in use. One is left
 * out on purpose: 9, Q8_1. A block has 36 bytes in ggml and 40 in gguf-py, and
 * no file holds any: it is what ggml keeps activations in. */
static const struct dtype_row dtypes[] = {
	[0] = { "F32", 1, 4 },
	[1] = { "F16", 1, 2 },
	[2] = { "Q4_0", QUIRE_BLOCK_COLS, QUIRE_Q4_0_SIZE },
	[3] = { "Q4_1", QUIRE_BLOCK_COLS, QUIRE_Q4_1_SIZE },
	[6] = { "Q5_0", QUIRE_BLOCK_COLS, QUIRE_Q5_0_SIZE },
	[7] = { "Q5_1", QUIRE_BLOCK_COLS, QUIRE_Q5_1_SIZE },
	[8] = { "Q8_0", QUIRE_BLOCK_COLS, QUIRE_Q8_0_SIZE },
	[10] = { "Q2_K", QUIRE_SUPER_COLS, QUIRE_Q2_K_SIZE },
	[11] = { "Q3_K", QUIRE_SUPER_COLS, QUIRE_Q3_K_SIZE },
	[12] = { "Q4_K", QUIRE_SUPER_COLS, QUIRE_Q4_K_SIZE },
	[13] = { "Q5_K", QUIRE_SUPER_COLS, QUIRE_Q5_K_SIZE },
	[14] = { "Q6_K", QUIRE_SUPER_COLS, QUIRE_Q6_K_SIZE },
	[15] = { "Q8_K", 256, 292 },
	[16] = { "IQ2_XXS", QUIRE_SUPER_COLS, QUIRE_IQ2_XXS_SIZE },
	[17] = { "IQ2_XS", QUIRE_SUPER_COLS, QUIRE_IQ2_XS_SIZE },
	[18] = { "IQ3_XXS", QUIRE_SUPER_COLS, QUIRE_IQ3_XXS_SIZE },
	[19] = { "IQ1_S", QUIRE_SUPER_COLS, QUIRE_IQ1_S_SIZE },
	[20] = { "IQ4_NL", QUIRE_BLOCK_COLS, QUIRE_IQ4_NL_SIZE },
	[21] = { "IQ3_S", QUIRE_SUPER_COLS, QUIRE_IQ3_S_SIZE },
	[22] = { "IQ2_S", QUIRE_SUPER_COLS, QUIRE_IQ2_S_SIZE },
	[23] = { "IQ4_XS", QUIRE_SUPER_COLS, QUIRE_IQ4_XS_SIZE },
	[24] = { "I8", 1, 1 },
	[25] = { "I16", 1, 2 },
	[26] = { "I32", 1, 4 },
	[27] = { "I64", 1, 8 },
	[28] = { "F64", 1, 8 },
	[29] = { "IQ1_M", QUIRE_SUPER_COLS, QUIRE_IQ1_M_SIZE },
	[30] = { "BF16", 1, 2 },
	[34] = { "TQ1_0", QUIRE_SUPER_COLS, QUIRE_TQ1_0_SIZE },
	[35] = { "TQ2_0", QUIRE_SUPER_COLS, QUIRE_TQ2_0_SIZE },
	[39] = { "MXFP4", QUIRE_BLOCK_COLS, QUIRE_MXFP4_SIZE },
	[40] = { "NVFP4", QUIRE_NVFP4_COLS, QUIRE_NVFP4_SIZE },
	[41] = { "Q1_0", 128, 18 },
	[42] = { "Q2_0", 64, 18 },
};

static const struct dtype_row *find(quire_dtype dtype)
{
	const size_t count = sizeof(dtypes) / sizeof(dtypes[0]);

	if ((size_t)dtype >= count || !dtypes[dtype].name)
		return NULL;
	return &dtypes[dtype];
}

const char *quire_dtype_name(quire_dtype dtype)
{
	const struct dtype_row *row = find(dtype);

	return row ? row->name : NULL;
}

bool quire_dtype_block(quire_dtype dtype, uint32_t *count, uint32_t *size)
{
	const struct dtype_row *row = find(dtype);

	if (!row)
		return false;
	*count = row->count;
	*size = row->size;
	return true;
}
