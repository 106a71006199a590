/*
 * test_pipeline.c - tensors of many pieces: the container has the same bytes
 * for any number of threads, and wherever the source lies.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/pipeline.h"
#include "format/value.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

/* Many pieces of 256 KiB, the last of them smaller. */
#define K	    1000
#define BLOCKS	    32
#define N	    7001
#define CODES_SIZE  (BLOCKS * 16)
#define PLAIN_COUNT 700001

struct bench {
	char *folder;
	char *output;
	struct onnx_value values[4]; /* codes, scales, g_idx, dense */
	struct weight weight;
	struct plan_item items[3];
	struct plan plan;
};

static void set_value(struct onnx_value *value, int32_t type, size_t size,
		      struct rng *rng)
{
	unsigned char *bytes = malloc(size);

	random_bytes(rng, bytes, size);
	*value = (struct onnx_value){ .name = "v",
				      .origin = ONNX_CONSTANT,
				      .type = type,
				      .size = size,
				      .bytes = bytes };
}

static void set_item(struct bench *bench, size_t index, const char *name,
		     quire_dtype dtype, uint64_t cols, uint64_t rows)
{
	struct plan_item *item = &bench->items[index];
	uint32_t block_count;
	uint32_t block_size;

	quire_dtype_block(dtype, &block_count, &block_size);
	*item = (struct plan_item){ .name = name,
				    .index = index,
				    .dtype = dtype,
				    .rank = 2,
				    .shape = { cols, rows, 1, 1 },
				    .size = cols / block_count * block_size *
					    rows };
	bench->plan.size += item->size;
}

/* A weight, as Q4_0 or with g_idx as F32, and a dense tensor. */
static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct rng rng = { 5 };
	unsigned char *g_idx;

	bench->folder = scratch_make();
	bench->output = scratch_path(bench->folder, "out.gguf");
	set_value(&bench->values[0], ONNX_UINT8, (size_t)N * CODES_SIZE, &rng);
	set_value(&bench->values[1], ONNX_FLOAT16, (size_t)N * BLOCKS * 2,
		  &rng);
	set_value(&bench->values[2], ONNX_INT32, K * 4, &rng);
	set_value(&bench->values[3], ONNX_FLOAT, PLAIN_COUNT * 4, &rng);
	g_idx = (unsigned char *)bench->values[2].bytes;
	memset(g_idx, 0, K * 4);
	for (size_t col = 0; col < K; col++)
		g_idx[4 * col] = (unsigned char)random_below(&rng, BLOCKS);
	bench->weight = (struct weight){
		.storage = {
			.codes = { .value = &bench->values[0],
				   .row_size = CODES_SIZE },
			.scales = { .value = &bench->values[1],
				    .row_size = BLOCKS * 2 },
		},
		.value = {
			.k = K,
			.n = N,
			.block_size = 32,
			.blocks = BLOCKS,
			.bits = 4,
			.zero_point = 8,
		},
	};
	set_item(bench, 0, "blocks", QUIRE_Q4_0, BLOCKS * 32, N);
	bench->items[0].kind = PLAN_WEIGHT;
	bench->items[0].weight = &bench->weight;
	bench->items[0].encoding = &quire_encode_q4_0;
	bench->items[0].value = &bench->values[0];
	set_item(bench, 1, "plain", QUIRE_F32, PLAIN_COUNT, 1);
	bench->items[1].kind = PLAN_COPY;
	bench->items[1].value = &bench->values[3];
	bench->plan.items = bench->items;
	bench->plan.item_count = 2;
	bench->plan.tensor_count = 2;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	for (size_t i = 0; i < 4; i++)
		free((void *)bench->values[i].bytes);
	free(bench->output);
	scratch_remove(bench->folder);
	free(bench);
	return 0;
}

static void run(struct bench *bench, uint32_t threads)
{
	const struct pipeline_options options = { .threads = threads };
	const quire_writer_options overwrite = { .overwrite = true };
	quire_error error = { 0 };
	quire_writer *writer;

	assert_int_equal(
	    quire_writer_create(bench->output, &overwrite, &writer, &error),
	    QUIRE_OK);
	quire_writer_set_string(writer, "general.architecture", "test", NULL);
	for (size_t i = 0; i < bench->plan.item_count; i++) {
		const struct plan_item *item = &bench->items[i];
		quire_tensor tensor = { .name = quire_string_of(item->name),
					.dtype = item->dtype,
					.rank = item->rank };

		memcpy(tensor.shape, item->shape, sizeof(tensor.shape));
		assert_int_equal(
		    quire_writer_add_tensor(writer, &tensor, &error), QUIRE_OK);
	}
	assert_int_equal(
	    quire_pipeline_run(&bench->plan, writer, &options, &error),
	    QUIRE_OK);
	assert_int_equal(quire_writer_finish(writer, &error), QUIRE_OK);
	quire_writer_free(writer);
}

/* Encodes all rows at once, without the pipeline. */
static unsigned char *encode_whole(const struct bench *bench, size_t index,
				   const uint32_t *column_blocks)
{
	const struct plan_item *item = &bench->items[index];
	unsigned char *out = malloc(item->size);
	struct weight_rows rows = { .weight = &bench->weight,
				    .column_blocks = column_blocks,
				    .count = N };

	assert_int_equal(quire_weight_fetch(&rows, NULL, NULL), QUIRE_OK);
	item->encoding->encode(&rows, out);
	return out;
}

static void check_tensor(const struct bench *bench, const char *name,
			 const unsigned char *expected, size_t size)
{
	const quire_tensor *tensor;
	quire_model *model;

	assert_int_equal(quire_model_open(bench->output, NULL, &model, NULL),
			 QUIRE_OK);
	tensor = quire_model_find_tensor(model, name);
	assert_int_equal(tensor->size, size);
	assert_int_equal(memcmp(tensor->data, expected, size), 0);
	quire_model_close(model);
}

static void test_threads(void **state)
{
	struct bench *bench = *state;
	unsigned char *blocks = encode_whole(bench, 0, NULL);

	for (uint32_t threads = 1; threads <= 4; threads++) {
		run(bench, threads);
		check_tensor(bench, "blocks", blocks, bench->items[0].size);
		check_tensor(bench, "plain", bench->values[3].bytes,
			     bench->items[1].size);
	}
	free(blocks);
}

static void test_reordered(void **state)
{
	struct bench *bench = *state;
	unsigned char *dense;
	uint32_t *column_blocks;

	bench->weight.storage.g_idx.value = &bench->values[2];
	set_item(bench, 0, "dense", QUIRE_F32, K, N);
	bench->items[0].kind = PLAN_WEIGHT;
	bench->items[0].weight = &bench->weight;
	bench->items[0].encoding = &quire_encode_dense;
	bench->items[0].value = &bench->values[0];
	assert_int_equal(
	    quire_weight_column_blocks(&bench->weight, &column_blocks, NULL),
	    QUIRE_OK);
	assert_non_null(column_blocks);
	dense = encode_whole(bench, 0, column_blocks);
	run(bench, 3);
	check_tensor(bench, "dense", dense, bench->items[0].size);
	free(dense);
	free(column_blocks);
}

/* The same from a file beside the model, at odd offsets. */
static void test_external(void **state)
{
	struct bench *bench = *state;
	unsigned char *blocks = encode_whole(bench, 0, NULL);
	char *path = scratch_path(bench->folder, "data.bin");
	struct onnx_file *file;
	struct onnx_value kept[4];
	unsigned char *bytes;
	size_t size = 0;
	size_t at = 3;

	memcpy(kept, bench->values, sizeof(kept));
	for (size_t i = 0; i < 4; i++)
		size += kept[i].size + 3;
	bytes = calloc(1, size);
	for (size_t i = 0; i < 4; i++) {
		memcpy(bytes + at, kept[i].bytes, kept[i].size);
		at += kept[i].size + (i < 3 ? 3 : 0);
	}
	at = 3;
	scratch_write(path, bytes, size);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	for (size_t i = 0; i < 4; i++) {
		bench->values[i].bytes = NULL;
		bench->values[i].file = file;
		bench->values[i].offset = at;
		at += kept[i].size + (i < 3 ? 3 : 0);
	}
	run(bench, 2);
	assert_int_equal(file->users, 1);
	quire_onnx_file_close(file);
	memcpy(bench->values, kept, sizeof(kept));
	check_tensor(bench, "blocks", blocks, bench->items[0].size);
	check_tensor(bench, "plain", kept[3].bytes, kept[3].size);
	free(bytes);
	free(blocks);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_reordered, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_external, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
