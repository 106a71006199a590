/*
 * linears.c - the table of linear layers, F-35 to F-40: five arrays, read as
 * the columns of one table.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "format/value.h"

enum {
	NAME,
	WEIGHT,
	BIAS,
	COLS,
	LEVEL,
	COLUMN_COUNT
};

struct column {
	const char *key;
	quire_value_type type;
};

static const struct column columns[COLUMN_COUNT] = {
	[NAME] = { "quire.linear.name", QUIRE_VALUE_STRING },
	[WEIGHT] = { "quire.linear.weight", QUIRE_VALUE_U32 },
	[BIAS] = { "quire.linear.bias", QUIRE_VALUE_I32 },
	[COLS] = { "quire.linear.k", QUIRE_VALUE_U64 },
	[LEVEL] = { "quire.linear.accuracy_level", QUIRE_VALUE_U8 },
};

struct linear_table {
	const struct quire_index *index;
	quire_array rest[COLUMN_COUNT]; /* the rows that are not read yet */
	uint64_t key_offset[COLUMN_COUNT];
	quire_error *error;
};

/* Whether the file has no table, which F-35 allows. */
static bool is_absent(const struct quire_index *index)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (quire_index_value(index, columns[i].key))
			return false;
	return true;
}

/* F-35 */
static quire_status find_columns(const unsigned char *bytes,
				 struct linear_table *table)
{
	const struct quire_index *index = table->index;

	for (int i = 0; i < COLUMN_COUNT; i++) {
		const char *key = columns[i].key;
		const size_t item =
		    quire_names_find(&index->value_names, quire_string_of(key));
		const struct quire_entry *entry;
		uint64_t count;

		if (item == QUIRE_NO_ITEM)
			return quire_fail(table->error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "key '%s' is missing [F-35]", key);
		entry = &index->values[item];
		table->rest[i] = entry->value.as.a;
		table->key_offset[i] = quire_string_offset(bytes, entry->key);
		count = table->rest[NAME].count;
		if (entry->value.type != QUIRE_VALUE_ARRAY ||
		    table->rest[i].type != columns[i].type ||
		    table->rest[i].count != count)
			return quire_fail(
			    table->error, QUIRE_ERROR_LAYOUT,
			    table->key_offset[i],
			    "key '%s' is not an array of type %d, as long as "
			    "'%s' [F-35]",
			    key, (int)columns[i].type, columns[NAME].key);
	}
	return QUIRE_OK;
}

static quire_status fail_row(const struct linear_table *table, int column,
			     const quire_linear *linear, const char *text)
{
	return quire_fail(table->error, QUIRE_ERROR_LAYOUT,
			  table->key_offset[column], "linear '%.*s': %s",
			  QUIRE_PRINT(linear->name), text);
}

/* F-37, F-39 */
static quire_status check_weight(const struct linear_table *table,
				 uint64_t weight, quire_linear *linear)
{
	uint32_t block_count, block_size;
	uint64_t padded;

	if (weight >= table->index->tensor_count ||
	    table->index->tensors[weight].rank != 2)
		return fail_row(table, WEIGHT, linear,
				"its weight is not a tensor of rank 2 [F-37]");
	linear->weight = &table->index->tensors[weight];
	linear->n = linear->weight->shape[1];
	quire_dtype_block(linear->weight->dtype, &block_count, &block_size);
	/* The block counts are powers of two. */
	if (linear->k == 0 || !checked_pad(linear->k, block_count, &padded) ||
	    padded != linear->weight->shape[0])
		return fail_row(table, COLS, linear,
				"its k does not fit its weight [F-39]");
	return QUIRE_OK;
}

/* F-38 */
static quire_status check_bias(const struct linear_table *table, int64_t bias,
			       quire_linear *linear)
{
	const quire_tensor *tensor;

	if (bias == -1)
		return QUIRE_OK;
	if (bias < 0 || (uint64_t)bias >= table->index->tensor_count)
		return fail_row(table, BIAS, linear,
				"its bias is not a tensor [F-38]");
	tensor = &table->index->tensors[bias];
	if (tensor->rank != 1 || tensor->shape[0] != linear->n ||
	    (tensor->dtype != QUIRE_F32 && tensor->dtype != QUIRE_F16 &&
	     tensor->dtype != QUIRE_BF16))
		return fail_row(table, BIAS, linear,
				"its bias is not one float for each row of "
				"its weight [F-38]");
	linear->bias = tensor;
	return QUIRE_OK;
}

static quire_status read_row(struct linear_table *table, quire_linear *linear)
{
	quire_value row[COLUMN_COUNT];
	quire_status status;

	for (int i = 0; i < COLUMN_COUNT; i++)
		if (!quire_array_next(&table->rest[i], &row[i]))
			return quire_fail(table->error, QUIRE_ERROR_LAYOUT,
					  table->key_offset[i], QUIRE_CHANGED);
	linear->name = row[NAME].as.s;
	linear->k = row[COLS].as.u;
	linear->accuracy_level = (uint32_t)row[LEVEL].as.u;
	if (linear->name.size == 0)
		return fail_row(table, NAME, linear, "it has no name [F-36]");
	status = check_weight(table, row[WEIGHT].as.u, linear);
	if (status == QUIRE_OK)
		status = check_bias(table, row[BIAS].as.i, linear);
	if (status != QUIRE_OK)
		return status;
	if (linear->accuracy_level > 4)
		return fail_row(table, LEVEL, linear,
				"its accuracy level is over 4 [F-40]");
	return QUIRE_OK;
}

/* F-36 */
static quire_status index_linears(const struct linear_table *table,
				  const struct quire_parse_options *options,
				  struct quire_index *index)
{
	size_t second;
	const quire_status status = quire_names_build(
	    &index->linear_names, index->linears, sizeof(*index->linears),
	    index->linear_count, options->seed, &second, table->error);

	if (status != QUIRE_OK || second == QUIRE_NO_ITEM)
		return status;
	return fail_row(table, NAME, &index->linears[second],
			"its name occurs twice [F-36]");
}

quire_status quire_parse_linears(const unsigned char *bytes,
				 const struct quire_parse_options *options,
				 struct quire_index *index, quire_error *error)
{
	struct linear_table table = { .index = index, .error = error };
	quire_status status;
	size_t count;

	if (is_absent(index))
		return QUIRE_OK;
	status = find_columns(bytes, &table);
	if (status != QUIRE_OK)
		return status;
	count = (size_t)table.rest[NAME].count;
	if (count > 0) {
		index->linears = calloc(count, sizeof(*index->linears));
		if (!index->linears)
			return quire_fail_memory(
			    error, count * sizeof(*index->linears));
	}
	index->linear_count = count;
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = read_row(&table, &index->linears[i]);
	if (status != QUIRE_OK)
		return status;
	return index_linears(&table, options, index);
}
