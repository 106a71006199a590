/*
 * test_decode.c - decoding blocks of every type of GGUF: no byte outside of a
 * block is read, whatever it holds, and each of its bytes counts for
 * something.
 */
#include <string.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

/* More than GGUF's numbers of types. */
#define TYPES	  64
#define BLOCKS	  200
#define MOST_COLS 256

/* A tensor of one block. */
static quire_tensor tensor_of(quire_dtype dtype, uint32_t cols,
			      const struct guarded *block)
{
	return (quire_tensor){
		.name = { "t", 1 },
		.dtype = dtype,
		.rank = 1,
		.shape = { cols, 1, 1, 1 },
		.data = block->data,
		.size = block->size,
	};
}

/* Decodes blocks of random bytes, of zeros and of ones, between guards. */
static void decode_blocks(quire_dtype dtype, struct guarded *block,
			  uint32_t cols)
{
	const quire_tensor tensor = tensor_of(dtype, cols, block);
	struct rng rng = { .state = dtype + 1 };
	float y[MOST_COLS + 1];

	for (size_t i = 0; i < BLOCKS; i++) {
		if (i < 2)
			memset(block->data, i == 0 ? 0 : 0xff, block->size);
		else
			random_bytes(&rng, block->data, block->size);
		y[cols] = 7;
		assert_int_equal(
		    quire_tensor_decode(&tensor, 0, 1, cols, y, NULL),
		    QUIRE_OK);
		assert_true(y[cols] == 7);
	}
}

/* How many bytes change a number when they change. */
static size_t count_effects(quire_dtype dtype, struct guarded *block,
			    uint32_t cols)
{
	const quire_tensor tensor = tensor_of(dtype, cols, block);
	struct rng rng = { .state = 5 };
	size_t effects = 0;

	for (size_t at = 0; at < block->size; at++) {
		bool changed = false;

		for (int i = 0; i < 40 && !changed; i++) {
			float before[MOST_COLS];
			float after[MOST_COLS];

			random_bytes(&rng, block->data, block->size);
			(void)quire_tensor_decode(&tensor, 0, 1, cols, before,
						  NULL);
			block->data[at] ^=
			    (unsigned char)(1 + random_below(&rng, 255));
			(void)quire_tensor_decode(&tensor, 0, 1, cols, after,
						  NULL);
			changed =
			    memcmp(before, after, cols * sizeof(float)) != 0;
		}
		effects += changed;
	}
	return effects;
}

static void check_type(quire_dtype dtype, uint32_t cols, uint32_t size)
{
	struct guarded high = guarded_create(size);
	struct guarded low = guarded_create_low(size);

	assert_in_range(cols, 1, MOST_COLS);
	decode_blocks(dtype, &high, cols);
	decode_blocks(dtype, &low, cols);
	assert_int_equal(count_effects(dtype, &high, cols), size);
	guarded_free(&high);
	guarded_free(&low);
}

static void test_every_type(void **state)
{
	size_t decoded = 0;

	(void)state;
	for (int dtype = 0; dtype < TYPES; dtype++) {
		uint32_t cols, size;
		struct guarded block;
		quire_tensor tensor;
		float y;

		if (!quire_dtype_block((quire_dtype)dtype, &cols, &size))
			continue;
		block = guarded_create(size);
		tensor = tensor_of((quire_dtype)dtype, cols, &block);
		if (quire_tensor_decode(&tensor, 0, 0, 0, &y, NULL) ==
		    QUIRE_OK) {
			print_message("%s\n",
				      quire_dtype_name((quire_dtype)dtype));
			check_type((quire_dtype)dtype, cols, size);
			decoded++;
		}
		guarded_free(&block);
	}
	/* All but Q8_K, Q1_0, Q2_0, F64 and the integers. */
	assert_int_equal(decoded, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
