/*
 * test_hash.c - every compilation of XXH3 that this CPU runs gives the values
 * of the packaged one: whole, in pieces, and summed in parts that are joined.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "base/cpu.h"
#include "base/hash.h"
#include "base/hash_code.h"
#include "tests/support/check.h"

/* XXH3 changes its way at 16, 128, 240 and 256 bytes, and at blocks of 1024. */
#define SIZE ((size_t)3 * 1024 + 17)

static const uint32_t feature_sets[] = { 0, CPU_AVX2, UINT32_MAX };

static unsigned char *make_bytes(size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 31 + (i >> 8) * 7);
	return bytes;
}

static void check_pieces(const unsigned char *bytes, uint32_t features,
			 size_t piece)
{
	struct quire_hash *hash = quire_hash_create(features);

	assert_non_null(hash);
	for (size_t size = 0; size <= SIZE; size += 1 + size / 7) {
		quire_hash_reset(hash);
		for (size_t at = 0; at < size; at += piece)
			quire_hash_update(hash, bytes + at,
					  size - at < piece ? size - at
							    : piece);
		assert_true(quire_hash_digest(hash) ==
			    XXH3_64bits(bytes, size));
	}
	quire_hash_free(hash);
}

static void test_pieces(void **state)
{
	static const size_t pieces[] = { 1, 63, 64, 256, 1000, SIZE };
	const uint32_t ours = quire_cpu_features();
	/* From an odd address on. */
	unsigned char *bytes = make_bytes(SIZE + 1);

	(void)state;
	for (size_t set = 0; set < 3; set++)
		for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
			check_pieces(bytes + 1, feature_sets[set] & ours,
				     pieces[i]);
	free(bytes);
}

static void test_whole(void **state)
{
	/* On both sides of where the CPU is asked. */
	static const size_t sizes[] = {
		0, 1, 240, 4096, (4 << 20) - 1, (4 << 20) + 3
	};
	unsigned char *bytes = make_bytes(((size_t)4 << 20) + 3);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_true(quire_hash_bytes(bytes, sizes[i]) ==
			    XXH3_64bits(bytes, sizes[i]));
		assert_true(quire_hash_plain.whole(bytes, sizes[i]) ==
			    XXH3_64bits(bytes, sizes[i]));
	}
	free(bytes);
}

/* Pieces of so many blocks, the last one first; `sums` has room for all. */
static uint64_t hash_joined(const unsigned char *bytes, size_t size,
			    size_t blocks, uint32_t features,
			    struct quire_hash_sum *sums)
{
	const size_t piece = blocks * QUIRE_HASH_BLOCK_SIZE;
	/* The last one has 64 bytes or more. */
	const size_t last = size > piece ? (size - 64) / piece * piece : 0;
	struct quire_hash_sum state;
	size_t count = quire_hash_sum(features, bytes + last, size - last, true,
				      sums + last / QUIRE_HASH_BLOCK_SIZE);

	count += last / QUIRE_HASH_BLOCK_SIZE;
	for (size_t at = last; at > 0; at -= piece)
		assert_int_equal(
		    quire_hash_sum(features, bytes + at - piece, piece, false,
				   sums + (at - piece) / QUIRE_HASH_BLOCK_SIZE),
		    blocks);
	quire_hash_join_begin(&state);
	for (size_t i = 0; i + 1 < count; i++)
		quire_hash_join(features, &state, &sums[i], 1);
	return quire_hash_join_end(&state, &sums[count - 1], size);
}

/* In order, without sums between. */
static uint64_t hash_in_turn(const unsigned char *bytes, size_t size,
			     size_t blocks, uint32_t features)
{
	const size_t piece = blocks * QUIRE_HASH_BLOCK_SIZE;
	const size_t last = size > piece ? (size - 64) / piece * piece : 0;
	struct quire_hash_sum state, end;

	quire_hash_join_begin(&state);
	for (size_t at = 0; at < last; at += piece)
		assert_int_equal(quire_hash_sum_joined(features, &state,
						       bytes + at, piece, false,
						       &end),
				 0);
	assert_int_equal(quire_hash_sum_joined(features, &state, bytes + last,
					       size - last, true, &end),
			 1);
	return quire_hash_join_end(&state, &end, size);
}

static void check_joined(const unsigned char *bytes, size_t size, size_t blocks,
			 uint32_t features)
{
	const uint64_t value = XXH3_64bits(bytes, size);
	struct quire_hash_sum sums[6];

	assert_true(hash_joined(bytes, size, blocks, features, sums) == value);
	assert_true(hash_in_turn(bytes, size, blocks, features) == value);
}

static void test_joined(void **state)
{
	const uint32_t ours = quire_cpu_features();
	const size_t largest = 5 * QUIRE_HASH_BLOCK_SIZE + 70;
	unsigned char *bytes = make_bytes(largest + 1);

	(void)state;
	for (size_t set = 0; set < 3; set++)
		for (size_t size = QUIRE_HASH_SUM_MIN_SIZE; size <= largest;
		     size++)
			for (size_t blocks = 1; blocks <= 3; blocks++)
				check_joined(bytes + 1, size, blocks,
					     feature_sets[set] & ours);
	free(bytes);
}

/* Joining several sums at once, and more data than a cache holds. */
static void test_joined_large(void **state)
{
	const uint32_t features = quire_cpu_features();
	const size_t size = ((size_t)3 << 20) + 1;
	const size_t blocks = size / QUIRE_HASH_BLOCK_SIZE + 1;
	unsigned char *bytes = make_bytes(size);
	struct quire_hash_sum *sums = calloc(blocks, sizeof(*sums));
	struct quire_hash_sum joined;

	(void)state;
	assert_non_null(sums);
	assert_int_equal(quire_hash_sum(features, bytes, size, true, sums),
			 blocks);
	quire_hash_join_begin(&joined);
	quire_hash_join(features, &joined, sums, 1000);
	quire_hash_join(features, &joined, sums + 1000, blocks - 1001);
	assert_true(quire_hash_join_end(&joined, &sums[blocks - 1], size) ==
		    XXH3_64bits(bytes, size));
	free(sums);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_joined_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
