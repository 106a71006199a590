/*
 * activations.c - passes rows of x to a kernel's prepare function, a segment at
 * a time. A whole segment of f32 is passed in place. Any other goes through a
 * buffer on the stack, which converts f16 and adds zeros after the end of x; so
 * no row is copied as a whole.
 */
#include <assert.h>
#include <string.h>

#include "runtime/activations.h"
#include "runtime/sizes.h"

/* How many bytes ahead x is prefetched: four segments of f32, at least one. */
#define AHEAD	  8192
#define AHEAD_MIN 2048

size_t quire_x_groups(const struct x_form *form, const struct request *request)
{
	return request->cols / form->group + (request->cols % form->group != 0);
}

/* `count` columns of a row, in place or in `buffer`: `valid` ones of x, then
 * zeros. */
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

/* Prefetches as many bytes of x as a segment has, some segments ahead; fewer
 * ahead if more rows are taken in turn. If rows lie close together, the bytes
 * may be those of the next row. */
static void prefetch_ahead(const unsigned char *x, size_t size, size_t rows)
{
	const uintptr_t from =
	    (uintptr_t)x +
	    (AHEAD / rows > AHEAD_MIN ? AHEAD / rows : AHEAD_MIN);

	for (size_t at = 0; at < size; at += QUIRE_LINE_SIZE)
		__builtin_prefetch((const void *)(from + at), 0, 3);
}

/* How many of the `count` columns from `col` on are in x. */
static size_t count_valid(const struct request *request, size_t col,
			  size_t count)
{
	return col < request->k ? min_size(request->k - col, count) : 0;
}

/* Writes `count` columns of a row, from `col` on, as row `tile_row` of a tile:
 * `valid` ones of x, then zeros. */
static void prepare_segment(const struct kernel_table *kernels,
			    const struct x_form *form,
			    const struct request *request, size_t row,
			    size_t col, size_t valid, size_t count,
			    size_t tile_row, unsigned char *tile)
{
	const size_t item_size = quire_plain_size(request->x_dtype);
	const unsigned char *x =
	    valid ? request->x + row * request->x_row_size + col * item_size
		  : NULL;
	float buffer[QUIRE_SEGMENT_COLS];
	const float *segment =
	    load_segment(kernels, x, request->x_dtype, valid, count, buffer);

	if (x)
		prefetch_ahead(x, valid * item_size, form->rows);
	form->prepare(form, segment, count / form->group, tile_row,
		      tile + col / form->group * form->size);
}

/* Takes a segment of all rows, then the next: where a kernel keeps columns of
 * several rows side by side, they are then in the first-level cache. */
void quire_prepare_tile(const struct kernel_table *kernels,
			const struct x_form *form,
			const struct request *request, size_t first, size_t end,
			void *tile)
{
	const size_t cols = quire_x_groups(form, request) * form->group;

	assert(QUIRE_SEGMENT_COLS % form->group == 0);
	for (size_t col = 0; col < cols; col += QUIRE_SEGMENT_COLS) {
		const size_t count = min_size(cols - col, QUIRE_SEGMENT_COLS);
		const size_t valid = count_valid(request, col, count);

		for (size_t row = 0; row < form->rows; row++)
			prepare_segment(kernels, form, request, first + row,
					col, first + row < end ? valid : 0,
					count, row, tile);
	}
}
