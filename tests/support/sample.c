/*
 * sample.c - writes the sample container.
 */
#include "tests/support/sample.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/writing.h"

static quire_tensor tensor_of(const char *name, const char *source,
			      quire_dtype dtype, uint32_t rank,
			      const uint64_t *shape)
{
	quire_tensor tensor = { .dtype = dtype, .rank = rank };

	tensor.name.data = name;
	tensor.name.size = strlen(name);
	tensor.source.data = source;
	tensor.source.size = strlen(source);
	memcpy(tensor.shape, shape, rank * sizeof(*shape));
	return tensor;
}

static void set_values(quire_writer *writer)
{
	static const int16_t numbers[] = { -1, 2, -3 };
	static const unsigned char words[] = { 2,   0, 0, 0, 0, 0, 0, 0, 'a',
					       'b', 0, 0, 0, 0, 0, 0, 0, 0 };
	const quire_value values[] = {
		{ .type = QUIRE_VALUE_U8, .as.u = 255 },
		{ .type = QUIRE_VALUE_I8, .as.i = -128 },
		{ .type = QUIRE_VALUE_U16, .as.u = 65535 },
		{ .type = QUIRE_VALUE_I16, .as.i = -32768 },
		{ .type = QUIRE_VALUE_U32, .as.u = UINT32_MAX },
		{ .type = QUIRE_VALUE_I32, .as.i = INT32_MIN },
		{ .type = QUIRE_VALUE_F32, .as.f = 0.5 },
		{ .type = QUIRE_VALUE_BOOL, .as.b = true },
		{ .type = QUIRE_VALUE_U64, .as.u = UINT64_MAX },
		{ .type = QUIRE_VALUE_I64, .as.i = INT64_MIN },
		{ .type = QUIRE_VALUE_F64, .as.f = 1e300 },
		{ .type = QUIRE_VALUE_ARRAY,
		  .as.a = { QUIRE_VALUE_I16, 3, numbers, sizeof(numbers) } },
		{ .type = QUIRE_VALUE_ARRAY,
		  .as.a = { QUIRE_VALUE_STRING, 2, words, sizeof(words) } },
	};
	char key[] = "test.a";

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(
		    quire_writer_set_value(writer, key, &values[i], NULL),
		    QUIRE_OK);
		key[5]++;
	}
}

void sample_write(const char *path)
{
	static const uint64_t shapes[3][3] = { { 64, SAMPLE_N },
					       { SAMPLE_N },
					       { 5, 2, 2 } };
	const quire_tensor tensors[3] = {
		tensor_of("w.weight", "w_Q4", QUIRE_Q4_0, 2, shapes[0]),
		tensor_of("bias", "bias", QUIRE_F32, 1, shapes[1]),
		tensor_of("e", "", QUIRE_F16, 3, shapes[2]),
	};
	static const size_t sizes[3] = { 2 * SAMPLE_N * 18, SAMPLE_N * 4,
					 5 * 2 * 2 * 2 };
	const quire_linear_entry linear = { "fc", 0, 1, SAMPLE_K, 4 };
	const quire_writer_options options = { .alignment = 64 };
	unsigned char bytes[2 * SAMPLE_N * 18];
	quire_writer *writer;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(7 * i);
	writer = writing_begin(path, &options);
	set_values(writer);
	for (int i = 0; i < 3; i++)
		writing_declare(writer, &tensors[i]);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < 3; i++)
		writing_put(writer, i, bytes, sizes[i]);
	writing_finish(writer);
}
