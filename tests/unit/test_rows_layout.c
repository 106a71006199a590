/*
 * test_rows_layout.c - rows gathered by every kind of map, out of memory that
 * ends where the tensor does and out of a file, against the map's own words,
 * element by element and bit by bit.
 */
#include "convert/weight/weight.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define FILE_OFFSET 5

struct layout {
	uint64_t rows;
	uint64_t cols;
	struct element_map map;
};

/* With 7 rows of 5: row after row; column after column; rows in groups that
 * are padded; a number for each 3 rows, within columns or beside them; for each
 * 4 elements in a line; one for each row; one for all. */
static const struct layout layouts[] = {
	{ 7, 5, { 7, 0, 5, 1, 1, false } },
	{ 7, 5, { 7, 0, 5, 1, 1, true } },
	{ 7, 5, { 7, 0, 1, 7, 1, false } },
	{ 7, 5, { 7, 0, 1, 9, 1, true } },
	{ 7, 1, { 3, 4, 1, 0, 1, false } },
	{ 7, 5, { 3, 20, 5, 1, 1, false } },
	{ 7, 5, { 3, 1, 0, 3, 1, false } },
	{ 7, 5, { 3, 5, 0, 1, 1, false } },
	{ 7, 5, { 7, 0, 5, 1, 4, false } },
	{ 7, 5, { 7, 0, 1, 7, 4, false } },
	{ 7, 1, { 1, 1, 0, 0, 1, false } },
	{ 7, 1, { 7, 0, 0, 0, 1, false } },
	{ 7, 5, { 7, 0, 0, 1, 1, false } },
	/* Rows of whole bytes; and more columns than are read together. */
	{ 5, 8, { 5, 0, 8, 1, 1, false } },
	{ 5, 8, { 5, 0, 8, 1, 1, true } },
	{ 5, 7, { 5, 0, 8, 1, 1, true } },
	{ 5, 71, { 5, 0, 1, 5, 1, false } },
	{ 5, 71, { 2, 2, 1, 6, 1, false } },
};

static uint64_t element_of(const struct element_map *map, uint64_t row,
			   uint64_t col)
{
	const uint64_t at =
	    (row / map->group * map->group_step +
	     row % map->group * map->row_step + col * map->col_step) /
	    map->share;

	return map->swapped ? at ^ 1 : at;
}

static unsigned bit_of(const unsigned char *bytes, uint64_t at)
{
	const unsigned byte = bytes[at / 8];

	return byte >> (at % 8) & 1;
}

/* Elements of up to 8 bits have their top bit inverted where that is asked
 * for; wider ones are floats. */
static void check_rows(const struct rows_shape *shape,
		       const unsigned char *source, uint64_t first,
		       uint64_t count, const unsigned char *rows)
{
	for (uint64_t row = 0; row < count; row++)
		for (uint64_t i = 0; i < shape->cols * shape->bits; i++) {
			const uint64_t at = element_of(&shape->map, first + row,
						       i / shape->bits) *
						shape->bits +
					    i % shape->bits;
			const unsigned flip =
			    shape->flip && i % shape->bits == shape->bits - 1;

			assert_int_equal(
			    bit_of(rows + row * quire_rows_size(shape), i),
			    bit_of(source, at) ^ flip);
		}
}

static void check_value(const struct rows_shape *shape,
			const struct onnx_value *value,
			const unsigned char *source, uint64_t all)
{
	for (uint64_t first = 0; first < all; first++)
		for (uint64_t count = 1; count <= all - first; count++) {
			/* The room of the most rows is that of any. */
			const size_t room =
			    quire_rows_scratch(shape, value, count);
			struct guarded scratch = guarded_create(room);

			assert_int_equal(quire_rows_gather(shape, value, first,
							   count, scratch.data,
							   NULL),
					 QUIRE_OK);
			check_rows(shape, source, first, count, scratch.data);
			guarded_free(&scratch);
		}
}

static void check_layout(const struct layout *layout, uint32_t bits, bool flip,
			 struct rng *rng, const char *path)
{
	const struct rows_shape shape = { layout->map, bits, layout->cols,
					  flip };
	uint64_t elements = 0;
	struct onnx_value value = { .name = "" };
	struct onnx_file *file;
	unsigned char *beside;
	struct guarded bytes;

	for (uint64_t row = 0; row < layout->rows; row++)
		for (uint64_t col = 0; col < layout->cols; col++) {
			const uint64_t at =
			    element_of(&layout->map, row, col) + 1;

			elements = at > elements ? at : elements;
		}
	bytes = guarded_create((size_t)(elements * bits + 7) / 8);
	random_bytes(rng, bytes.data, bytes.size);
	value.count = elements;
	value.size = bytes.size;
	value.bytes = bytes.data;
	check_value(&shape, &value, bytes.data, layout->rows);

	beside = calloc(1, FILE_OFFSET + bytes.size);
	memcpy(beside + FILE_OFFSET, bytes.data, bytes.size);
	scratch_write(path, beside, FILE_OFFSET + bytes.size);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	value.file = file;
	value.offset = FILE_OFFSET;
	check_value(&shape, &value, bytes.data, layout->rows);
	quire_onnx_file_close(file);
	free(beside);
	guarded_free(&bytes);
}

static void test_layouts(void **state)
{
	static const uint32_t widths[] = { 2, 4, 8, 16, 32 };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "numbers.bin");
	struct rng rng = { 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		for (size_t j = 0; j < 5; j++) {
			const struct layout *layout = &layouts[i];

			if (layout->map.swapped && widths[j] != 4)
				continue;
			check_layout(layout, widths[j], false, &rng, path);
			if (widths[j] <= 8)
				check_layout(layout, widths[j], true, &rng,
					     path);
		}
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
