/*
 * export_same.c - whether a tensor of any type has the numbers of its node's
 * weight. Dequantizes both, a piece at a time.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/encode/encode.h"
#include "convert/export/export.h"

/* Bytes of dequantized weights that are compared at a time. */
#define PIECE_SIZE (UINT64_C(1) << 20)

static bool same_floats(const float *values, const unsigned char *encoded,
			uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const float other = load_f32(encoded + 4 * i);

		if (fp32_to_bits(values[i]) != fp32_to_bits(other) &&
		    !(isnan(values[i]) && isnan(other)))
			return false;
	}
	return true;
}

/* Compares rows->count rows. `room` has 8 bytes for each element, and after
 * them the scratch for fetching the rows. */
static quire_status same_rows(struct weight_rows *rows,
			      const quire_tensor *tensor, unsigned char *room,
			      bool *same, quire_error *error)
{
	const struct weight *weight = rows->weight;
	const uint64_t count = rows->count * weight->value.k;
	float *values = (float *)(void *)room;
	unsigned char *encoded = room + 4 * count;
	quire_status status =
	    quire_weight_fetch(rows, encoded + 4 * count, error);

	if (status == QUIRE_OK)
		status = quire_tensor_decode(tensor, rows->first, rows->count,
					     weight->value.k, values, error);
	if (status != QUIRE_OK)
		return status;
	quire_encode_dense.encode(rows, encoded);
	*same = same_floats(values, encoded, count);
	return QUIRE_OK;
}

static quire_status same_weight(const struct weight *weight,
				const uint32_t *blocks,
				const quire_tensor *tensor, bool *same,
				quire_error *error)
{
	const uint64_t row_size = 8 * weight->value.k;
	const uint64_t step = row_size < PIECE_SIZE ? PIECE_SIZE / row_size : 1;
	const uint64_t most = step < weight->value.n ? step : weight->value.n;
	const size_t size =
	    (size_t)(most * row_size) + quire_weight_scratch(weight, most);
	unsigned char *room = malloc(size + 1);
	struct weight_rows rows = { .weight = weight, .column_blocks = blocks };
	quire_status status = QUIRE_OK;

	if (!room)
		return quire_fail_memory(error, size + 1);
	*same = true;
	while (rows.first < weight->value.n && *same && status == QUIRE_OK) {
		const uint64_t left = weight->value.n - rows.first;

		rows.count = left < most ? left : most;
		status = same_rows(&rows, tensor, room, same, error);
		rows.first += rows.count;
	}
	free(room);
	return status;
}

quire_status quire_export_same(const struct weight *weight,
			       const quire_tensor *tensor, bool *same,
			       quire_error *error)
{
	uint32_t *blocks = NULL;
	quire_status status = quire_weight_acquire(weight, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_weight_column_blocks(weight, &blocks, error);
	if (status == QUIRE_OK)
		status = same_weight(weight, blocks, tensor, same, error);
	free(blocks);
	quire_weight_release(weight);
	return status;
}
