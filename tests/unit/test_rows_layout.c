/*
 * test_rows_layout.c - rows gathered from tensors of every order, in memory
 * that ends where the tensor does and in a file. Each bit is compared with the
 * one that the formula of weight.h names.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/weight/weight.h"
#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define FILE_OFFSET 5

struct order_case {
	uint64_t rows;
	uint64_t cols;
	struct element_order order;
};

/* 7 rows of 5 elements: row after row; column after column; rows in padded
 * groups; an element for each 3 rows, by columns or by rows; for each 4
 * elements of a line; one for each row; one for all. */
static const struct order_case cases[] = {
	{ 7, 5, { 7, 0, 5, 1, 1, 0 } },
	{ 7, 5, { 7, 0, 5, 1, 1, 1 } },
	{ 7, 5, { 7, 0, 1, 7, 1, 0 } },
	{ 7, 5, { 7, 0, 1, 9, 1, 1 } },
	{ 7, 1, { 3, 4, 1, 0, 1, 0 } },
	{ 7, 5, { 3, 20, 5, 1, 1, 0 } },
	{ 7, 5, { 3, 1, 0, 3, 1, 0 } },
	{ 7, 5, { 3, 5, 0, 1, 1, 0 } },
	{ 7, 5, { 7, 0, 5, 1, 4, 0 } },
	{ 7, 5, { 7, 0, 1, 7, 4, 0 } },
	{ 7, 1, { 1, 1, 0, 0, 1, 0 } },
	{ 7, 1, { 7, 0, 0, 0, 1, 0 } },
	{ 7, 5, { 7, 0, 0, 1, 1, 0 } },
	/* Rows of whole bytes; and more columns than are read together. */
	{ 5, 8, { 5, 0, 8, 1, 1, 0 } },
	{ 5, 8, { 5, 0, 8, 1, 1, 1 } },
	{ 5, 7, { 5, 0, 8, 1, 1, 1 } },
	{ 5, 71, { 5, 0, 1, 5, 1, 0 } },
	{ 5, 71, { 2, 2, 1, 6, 1, 0 } },
	/* Matrices one after the other, by columns; and one row for all. */
	{ 6, 5, { 3, 15, 1, 3, 1, 0 } },
	{ 6, 37, { 3, 111, 1, 3, 1, 0 } },
	{ 8, 5, { 4, 20, 1, 4, 1, 0 } },
	{ 6, 1, { 3, 0, 1, 0, 1, 0 } },
};

static uint64_t element_of(const struct element_order *order, uint64_t row,
			   uint64_t col)
{
	const uint64_t at =
	    (row / order->group * order->group_step +
	     row % order->group * order->row_step + col * order->col_step) /
	    order->share;

	return at ^ order->swap;
}

static unsigned bit_of(const unsigned char *bytes, uint64_t at)
{
	const unsigned byte = bytes[at / 8];

	return byte >> (at % 8) & 1;
}

/* `flip` inverts the top bit of elements of up to 8 bits; wider ones are
 * floats. */
static void check_rows(const struct rows_layout *layout,
		       const unsigned char *source, uint64_t first,
		       uint64_t count, const unsigned char *rows)
{
	for (uint64_t row = 0; row < count; row++)
		for (uint64_t i = 0; i < layout->cols * layout->bits; i++) {
			const uint64_t at =
			    element_of(&layout->order, first + row,
				       i / layout->bits) *
				layout->bits +
			    i % layout->bits;
			const unsigned flip =
			    layout->flip &&
			    i % layout->bits == layout->bits - 1;

			assert_int_equal(
			    bit_of(rows + row * quire_rows_size(layout), i),
			    bit_of(source, at) ^ flip);
		}
}

static void check_value(const struct rows_layout *layout,
			const struct onnx_value *value,
			const unsigned char *source, uint64_t all)
{
	for (uint64_t first = 0; first < all; first++)
		for (uint64_t count = 1; count <= all - first; count++) {
			/* The same for any rows of that number. */
			const size_t room =
			    quire_rows_scratch(layout, value, count);
			struct guarded scratch = guarded_create(room);

			assert_int_equal(quire_rows_gather(layout, value, first,
							   count, scratch.data,
							   NULL),
					 QUIRE_OK);
			check_rows(layout, source, first, count, scratch.data);
			guarded_free(&scratch);
		}
}

static void check_order(const struct order_case *order_case, uint32_t bits,
			bool flip, struct rng *rng, const char *path)
{
	const struct rows_layout layout = { order_case->order, bits,
					    order_case->cols, flip };
	uint64_t elements = 0;
	struct onnx_value value = { .name = "" };
	struct onnx_file *file;
	unsigned char *beside;
	struct guarded bytes;

	for (uint64_t row = 0; row < order_case->rows; row++)
		for (uint64_t col = 0; col < order_case->cols; col++) {
			const uint64_t at =
			    element_of(&order_case->order, row, col) + 1;

			elements = at > elements ? at : elements;
		}
	bytes = guarded_create((size_t)(elements * bits + 7) / 8);
	random_bytes(rng, bytes.data, bytes.size);
	value.count = elements;
	value.size = bytes.size;
	value.bytes = bytes.data;
	check_value(&layout, &value, bytes.data, order_case->rows);

	beside = calloc(1, FILE_OFFSET + bytes.size);
	memcpy(beside + FILE_OFFSET, bytes.data, bytes.size);
	scratch_write(path, beside, FILE_OFFSET + bytes.size);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	value.file = file;
	value.offset = FILE_OFFSET;
	check_value(&layout, &value, bytes.data, order_case->rows);
	quire_onnx_file_close(file);
	free(beside);
	guarded_free(&bytes);
}

static void test_orders(void **state)
{
	static const uint32_t widths[] = { 2, 4, 8, 16, 32 };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "numbers.bin");
	struct rng rng = { 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t j = 0; j < 5; j++) {
			const struct order_case *order_case = &cases[i];

			if (order_case->order.swap && widths[j] != 4)
				continue;
			check_order(order_case, widths[j], false, &rng, path);
			if (widths[j] <= 8)
				check_order(order_case, widths[j], true, &rng,
					    path);
		}
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
