/*
 * activations.c - feeds rows of x to a kernel's prepare function, a segment
 * at a time: f16 converted, and zeros where x has ended. Whole segments of
 * f32 are handed over where they lie; the others pass through a buffer on the
 * stack, so that no row is ever copied whole.
 */
#include "runtime/activations.h"

#include <assert.h>
#include <string.h>

#include "runtime/sizes.h"

/* Bytes of x, four segments of f32; and one of them. */
#define AHEAD	  8192
#define AHEAD_MIN 2048

size_t quire_x_groups(const struct x_form *form, const struct request *request)
{
	return request->cols / form->group + (request->cols % form->group != 0);
}

/* `valid` columns of a row, then zeros up to `count`: in place, or in
 * `buffer`. */
static const float *load_segment(const struct kernel_table *kernels,
				 const unsigned char *x, quire_dtype dtype,
				 size_t valid, size_t count, float *buffer)
{
	if (dtype == QUIRE_F32 && valid == count)
		return (const float *)(const void *)x;
	if (valid > 0 && dtype == QUIRE_F16)
		kernels->from_f16((const uint16_t *)(const void *)x, valid,
				  buffer);
	else if (valid > 0)
		memcpy(buffer, x, valid * sizeof(*buffer));
	memset(buffer + valid, 0, (count - valid) * sizeof(*buffer));
	return buffer;
}

/* Asks for as much of x as a segment has, some segments ahead of `x`, the fewer
 * the more rows are taken in turn: in this row, or in the next one if rows lie
 * close together. */
static void ask_ahead(const unsigned char *x, size_t size, size_t rows)
{
	const uintptr_t from =
	    (uintptr_t)x +
	    (AHEAD / rows > AHEAD_MIN ? AHEAD / rows : AHEAD_MIN);

	for (size_t at = 0; at < size; at += QUIRE_LINE_SIZE)
		__builtin_prefetch((const void *)(from + at), 0, 3);
}

/* How many of `count` columns from `col` on x has in this row. */
static size_t count_valid(const struct request *request, size_t row, size_t col,
			  size_t count)
{
	if (row >= request->m || col >= request->k)
		return 0;
	return request->k - col < count ? request->k - col : count;
}

/* `count` columns from `col` on of a row, as row `tile_row` of a tile. */
static void prepare_segment(const struct kernel_table *kernels,
			    const struct x_form *form,
			    const struct request *request, size_t row,
			    size_t col, size_t count, size_t tile_row,
			    unsigned char *tile)
{
	const size_t item_size = quire_plain_size(request->x_dtype);
	const size_t valid = count_valid(request, row, col, count);
	const unsigned char *x =
	    valid ? request->x + row * request->x_row_size + col * item_size
		  : NULL;
	float buffer[QUIRE_SEGMENT_COLS];
	const float *segment =
	    load_segment(kernels, x, request->x_dtype, valid, count, buffer);

	if (x)
		ask_ahead(x, valid * item_size, form->rows);
	form->prepare(form, segment, count / form->group, tile_row,
		      tile + col / form->group * form->size);
}

/* All rows for each segment: what a kernel has side by side of them is then
 * written while it is in the first-level cache. */
void quire_prepare_tile(const struct kernel_table *kernels,
			const struct x_form *form,
			const struct request *request, size_t first, void *tile)
{
	const size_t cols = quire_x_groups(form, request) * form->group;

	assert(QUIRE_SEGMENT_COLS % form->group == 0);
	for (size_t col = 0; col < cols; col += QUIRE_SEGMENT_COLS) {
		const size_t count = min_size(cols - col, QUIRE_SEGMENT_COLS);

		for (size_t row = 0; row < form->rows; row++)
			prepare_segment(kernels, form, request, first + row,
					col, count, row, tile);
	}
}
