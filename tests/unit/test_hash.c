/*
 * test_hash.c - every compilation of XXH3 that this CPU runs gives the values
 * of the packaged one, whole and in pieces.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "machine/cpu.h"
#include "machine/hash.h"
#include "machine/hash_code.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
