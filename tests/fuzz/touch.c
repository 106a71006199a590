/*
 * touch.c - uses an opened model in every way. Buffers are as large as the
 * contract says and no larger, so that AddressSanitizer finds an access behind
 * their end.
 */
#include "tests/fuzz/touch.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Products stay small: large tensors would only take time. */
#define SIDE_MAX     4096
#define MATRICES_MAX 8
#define ROWS	     3

/* Results are added here, so that the compiler must compute them. */
static volatile uint64_t sink;

static void touch_string(quire_string string)
{
	if (string.size > 0)
		sink += XXH3_64bits(string.data, string.size);
}

static void touch_value(const quire_value *value)
{
	quire_array rest;
	quire_value element;

	if (value->type == QUIRE_VALUE_STRING)
		touch_string(value->as.s);
	if (value->type != QUIRE_VALUE_ARRAY)
		return;
	rest = value->as.a;
	while (quire_array_next(&rest, &element))
		if (element.type == QUIRE_VALUE_STRING)
			touch_string(element.as.s);
		else if (element.type == QUIRE_VALUE_BOOL)
			sink += element.as.b;
		else
			sink += element.as.u;
}

/* A NUL-terminated copy of a view, for the lookups. */
static char *name_of(quire_string string)
{
	char *name = malloc(string.size + 1);

	if (name) {
		memcpy(name, string.data, string.size);
		name[string.size] = '\0';
	}
	return name;
}

static void touch_tensor(const quire_model *model, const quire_tensor *tensor)
{
	const uint64_t cols = tensor->shape[0] < 64 ? tensor->shape[0] : 64;
	const uint64_t last = tensor->shape[1] - 1;
	char *name = name_of(tensor->name);
	float y[64];

	touch_string(tensor->source);
	if (name)
		sink += quire_model_find_tensor(model, name) == tensor;
	free(name);
	sink += quire_tensor_hash(tensor);
	if (quire_tensor_decode(tensor, 0, 1, cols, y, NULL) == QUIRE_OK)
		sink += y[0] != 0;
	if (quire_tensor_decode(tensor, last, 1, cols, y, NULL) == QUIRE_OK)
		sink += y[cols - 1] != 0;
}

/* By `linear` if there is one, else by the tensor alone. */
static void multiply(quire_runtime *runtime, const quire_tensor *tensor,
		     const quire_linear *linear, uint32_t level)
{
	const quire_matmul_options options = { .accuracy_level = level };
	const uint64_t k = linear ? linear->k : tensor->shape[0];
	const uint64_t n = tensor->shape[1];
	quire_status status;
	float *x, *y;

	if (tensor->rank != 2 || k > SIDE_MAX || n > SIDE_MAX)
		return;
	x = malloc((size_t)k * ROWS * sizeof(*x));
	y = malloc((size_t)n * ROWS * sizeof(*y));
	for (size_t i = 0; x && i < k * ROWS; i++)
		x[i] = (float)(i % 7) - 3.0F;
	if (x && y) {
		if (linear)
			status = quire_linear_run(runtime, linear, x, ROWS, y,
						  &options, NULL);
		else
			status = quire_matmul(runtime, tensor, x, ROWS, y,
					      &options, NULL);
		if (status == QUIRE_OK)
			sink += y[n * ROWS - 1] != 0;
	}
	free(x);
	free(y);
}

static void touch_products(const quire_model *model)
{
	const size_t tensors = quire_model_tensor_count(model);
	const size_t linears = quire_model_linear_count(model);
	const quire_runtime_options options = {
		.device = QUIRE_DEVICE_CPU,
		.threads = 1,
		.kernels = tensors % 2 ? NULL : "scalar",
	};
	quire_runtime *runtime;

	if (quire_runtime_create(&options, &runtime, NULL) != QUIRE_OK)
		return;
	for (size_t i = 0; i < tensors && i < MATRICES_MAX; i++) {
		multiply(runtime, quire_model_tensor(model, i), NULL, 0);
		multiply(runtime, quire_model_tensor(model, i), NULL, 4);
	}
	for (size_t i = 0; i < linears && i < MATRICES_MAX; i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		multiply(runtime, linear->weight, linear, 0);
	}
	quire_runtime_free(runtime);
}

quire_status touch_model(const quire_model *model, uint32_t threads)
{
	const quire_verify_options options = { .threads = threads };
	const quire_value *value;
	quire_model_info info;
	quire_string key;
	size_t differences;
	quire_part part;

	quire_model_describe(model, &info);
	sink += info.data_offset;
	for (size_t i = 0; i < quire_model_part_count(model); i++)
		sink += quire_model_part(model, i, &part) && part.path != NULL;
	sink += quire_model_check_files(model, NULL) == QUIRE_OK;
	for (size_t i = 0; (value = quire_model_value(model, i, &key)); i++) {
		char *name = name_of(key);

		if (name)
			sink += quire_model_find_value(model, name) == value;
		free(name);
		touch_value(value);
	}
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		touch_tensor(model, quire_model_tensor(model, i));
	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		touch_string(quire_model_linear(model, i)->name);
	sink += quire_model_find_tensor(model, "") != NULL;
	sink += quire_model_find_linear(model, "fc") != NULL;
	touch_products(model);
	sink += quire_model_diff(model, model, NULL, &differences, NULL);
	return quire_model_verify(model, &options, NULL);
}

static uint64_t hash_header(const unsigned char *bytes, size_t field,
			    size_t size)
{
	static const unsigned char zeros[8];
	XXH3_state_t *state = XXH3_createState();
	uint64_t hash;

	if (!state)
		return 0;
	XXH3_64bits_reset(state);
	XXH3_64bits_update(state, bytes, field);
	XXH3_64bits_update(state, zeros, sizeof(zeros));
	XXH3_64bits_update(state, bytes + field + 8, size - field - 8);
	hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return hash;
}

bool touch_reseal(unsigned char *bytes, size_t size)
{
	const quire_open_options options = { .allow_edited_header = true };
	quire_model_info info;
	quire_string key = { NULL, 0 };
	quire_model *model;
	bool found = false;

	if (quire_model_open_memory(bytes, size, &options, &model, NULL) !=
	    QUIRE_OK)
		return false;
	quire_model_describe(model, &info);
	for (size_t i = 0;
	     info.header_edited && !found && quire_model_value(model, i, &key);
	     i++)
		found = key.size == 17 &&
			memcmp(key.data, "quire.header.xxh3", 17) == 0;
	if (found) {
		/* The key is followed by 4 bytes of the type and then by the
		 * value. */
		const size_t field =
		    (size_t)((const unsigned char *)key.data - bytes) + 17 + 4;
		const uint64_t header =
		    info.data_offset < size ? info.data_offset : size;
		const uint64_t hash = hash_header(bytes, field, (size_t)header);

		for (int i = 0; i < 8; i++)
			bytes[field + (size_t)i] =
			    (unsigned char)(hash >> (8 * i));
	}
	quire_model_close(model);
	return found;
}
