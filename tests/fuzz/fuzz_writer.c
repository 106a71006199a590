/*
 * fuzz_writer.c - the bytes of the input choose calls of the writer, valid and
 * invalid ones. A file that the writer finishes must open, verify, and have the
 * content that the writer accepted.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/touch.h"

#define ITEMS_MAX    64
#define CALLS_MAX    256
#define PAYLOAD_SIZE 256
#define DATA_MAX     ((uint64_t)1 << 16) /* of a tensor that is written */

struct kept_value {
	char key[8];
	quire_value value;
	unsigned char payload[PAYLOAD_SIZE];
};

/* What the writer accepted. */
struct kept {
	struct kept_value values[ITEMS_MAX];
	size_t value_count;
	quire_tensor tensors[ITEMS_MAX];
	char names[ITEMS_MAX][72];
	size_t tensor_count;
	quire_linear_entry linears[ITEMS_MAX];
	char linear_names[ITEMS_MAX][8];
	size_t linear_count;
};

static const quire_dtype dtypes[] = { QUIRE_F32,  QUIRE_F16,  QUIRE_Q4_0,
				      QUIRE_Q4_1, QUIRE_Q8_0, QUIRE_BF16 };

static size_t take(struct fuzz_bytes *in, void *bytes, size_t capacity)
{
	size_t size = fuzz_u8(in) % (capacity + 1);

	if (size > in->size)
		size = in->size;
	memcpy(bytes, in->data, size);
	in->data += size;
	in->size -= size;
	return size;
}

static quire_value make_value(struct fuzz_bytes *in, unsigned char *payload)
{
	quire_value value = { .type = fuzz_u8(in) % 15 };
	const size_t size = take(in, payload, PAYLOAD_SIZE - 1);

	switch (value.type) {
	case QUIRE_VALUE_STRING:
		value.as.s = (quire_string){ (const char *)payload, size };
		break;
	case QUIRE_VALUE_ARRAY:
		value.as.a = (quire_array){ .type = fuzz_u8(in) % 15,
					    .count = fuzz_u64(in),
					    .data = payload,
					    .size = size };
		break;
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		value.as.f = (double)fuzz_u8(in) / 4;
		break;
	case QUIRE_VALUE_BOOL:
		value.as.b = fuzz_u8(in) & 1;
		break;
	default:
		value.as.u = fuzz_u64(in);
		break;
	}
	return value;
}

static void set_value(struct fuzz_bytes *in, quire_writer *writer,
		      struct kept *kept)
{
	static const char *const derived[] = { "general.alignment",
					       "quire.version", "" };
	const uint8_t choice = fuzz_u8(in);
	struct kept_value next;
	size_t at = 0;

	if (choice < 3) {
		FUZZ_CHECK(quire_writer_set_u32(writer, derived[choice], 1,
						NULL) != QUIRE_OK ||
			   choice == 2);
		return;
	}
	snprintf(next.key, sizeof(next.key), "k%u", choice % 32u);
	next.value = make_value(in, next.payload);
	if (quire_writer_set_value(writer, next.key, &next.value, NULL) !=
	    QUIRE_OK)
		return;
	while (at < kept->value_count &&
	       strcmp(kept->values[at].key, next.key) != 0)
		at++;
	kept->values[at] = next;
	kept->values[at].value.as.s.data =
	    next.value.type == QUIRE_VALUE_STRING
		? (const char *)kept->values[at].payload
		: next.value.as.s.data;
	if (next.value.type == QUIRE_VALUE_ARRAY)
		kept->values[at].value.as.a.data = kept->values[at].payload;
	kept->value_count += at == kept->value_count;
}

static void add_tensor(struct fuzz_bytes *in, quire_writer *writer,
		       struct kept *kept)
{
	const size_t at = kept->tensor_count;
	const bool wild = fuzz_u8(in) == 255;
	quire_tensor tensor = { .dtype = dtypes[fuzz_u8(in) % 6] };

	if (at == ITEMS_MAX)
		return;
	tensor.rank = wild ? fuzz_u8(in) : 1 + fuzz_u8(in) % 4;
	for (int i = 0; i < 4; i++)
		tensor.shape[i] = wild ? fuzz_u64(in) : 1u + fuzz_u8(in) % 4;
	if (!wild && tensor.dtype != QUIRE_F32 && tensor.dtype != QUIRE_F16 &&
	    tensor.dtype != QUIRE_BF16)
		tensor.shape[0] *= 32;
	tensor.name.data = kept->names[at];
	tensor.name.size = take(in, kept->names[at], 71);
	tensor.source = tensor.name;
	if (quire_writer_add_tensor(writer, &tensor, NULL) != QUIRE_OK)
		return;
	kept->tensors[at] = tensor;
	kept->tensor_count++;
}

static void add_linear(struct fuzz_bytes *in, quire_writer *writer,
		       struct kept *kept)
{
	const size_t at = kept->linear_count;
	quire_linear_entry linear = { .weight = fuzz_u8(in) };

	if (at == ITEMS_MAX)
		return;
	linear.bias = fuzz_u8(in);
	if (linear.bias == 255)
		linear.bias = QUIRE_NO_TENSOR;
	linear.k = fuzz_u64(in);
	if (linear.k == 0 && linear.weight < kept->tensor_count)
		linear.k = kept->tensors[linear.weight].shape[0];
	linear.accuracy_level = fuzz_u8(in) % 6;
	snprintf(kept->linear_names[at], 8, "l%u", fuzz_u8(in));
	linear.name = kept->linear_names[at];
	if (quire_writer_add_linear(writer, &linear, NULL) != QUIRE_OK)
		return;
	kept->linears[at] = linear;
	kept->linear_count++;
}

/* The bytes of tensor `index` show its number. The writer takes as many bytes
 * as the tensor has, and no more. */
static void write_data(quire_writer *writer, const struct kept *kept)
{
	unsigned char bytes[4096];

	for (size_t i = 0; i < kept->tensor_count; i++) {
		uint64_t left = DATA_MAX;

		memset(bytes, (int)i + 1, sizeof(bytes));
		for (size_t size = sizeof(bytes); size > 0; size /= 2)
			while (left >= size &&
			       quire_writer_write(writer, i, bytes, size,
						  NULL) == QUIRE_OK)
				left -= size;
	}
}

static bool same_value(const quire_value *a, const quire_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case QUIRE_VALUE_STRING:
		return a->as.s.size == b->as.s.size &&
		       (a->as.s.size == 0 ||
			memcmp(a->as.s.data, b->as.s.data, a->as.s.size) == 0);
	case QUIRE_VALUE_ARRAY:
		return a->as.a.type == b->as.a.type &&
		       a->as.a.count == b->as.a.count &&
		       a->as.a.size == b->as.a.size &&
		       (a->as.a.size == 0 ||
			memcmp(a->as.a.data, b->as.a.data, a->as.a.size) == 0);
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		return a->as.f == b->as.f;
	case QUIRE_VALUE_BOOL:
		return a->as.b == b->as.b;
	case QUIRE_VALUE_U8:
	case QUIRE_VALUE_I8:
		return (uint8_t)a->as.u == (uint8_t)b->as.u;
	case QUIRE_VALUE_U16:
	case QUIRE_VALUE_I16:
		return (uint16_t)a->as.u == (uint16_t)b->as.u;
	case QUIRE_VALUE_U32:
	case QUIRE_VALUE_I32:
		return (uint32_t)a->as.u == (uint32_t)b->as.u;
	default:
		return a->as.u == b->as.u;
	}
}

static void check_tensor(const quire_tensor *is, const quire_tensor *was,
			 unsigned char byte)
{
	const unsigned char *bytes = is->data;

	FUZZ_CHECK(is->name.size == was->name.size &&
		   memcmp(is->name.data, was->name.data, is->name.size) == 0);
	FUZZ_CHECK(is->dtype == was->dtype && is->rank == was->rank);
	for (uint32_t i = 0; i < is->rank; i++)
		FUZZ_CHECK(is->shape[i] == was->shape[i]);
	for (uint64_t i = 0; i < is->size; i++)
		FUZZ_CHECK(bytes[i] == byte);
}

static void check_file(const char *path, const struct kept *kept)
{
	quire_model *model;

	FUZZ_CHECK(quire_model_open(path, NULL, &model, NULL) == QUIRE_OK);
	FUZZ_CHECK(touch_model(model, 1) == QUIRE_OK);
	for (size_t i = 0; i < kept->value_count; i++) {
		const quire_value *value =
		    quire_model_find_value(model, kept->values[i].key);

		FUZZ_CHECK(value && same_value(value, &kept->values[i].value));
	}
	FUZZ_CHECK(quire_model_tensor_count(model) == kept->tensor_count);
	for (size_t i = 0; i < kept->tensor_count; i++)
		check_tensor(quire_model_tensor(model, i), &kept->tensors[i],
			     (unsigned char)(i + 1));
	FUZZ_CHECK(quire_model_linear_count(model) == kept->linear_count);
	for (size_t i = 0; i < kept->linear_count; i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		FUZZ_CHECK(linear->k == kept->linears[i].k);
		FUZZ_CHECK(linear->weight ==
			   quire_model_tensor(model, kept->linears[i].weight));
		FUZZ_CHECK(linear->accuracy_level ==
			   kept->linears[i].accuracy_level);
	}
	quire_model_close(model);
}

static void run_calls(struct fuzz_bytes *in, quire_writer *writer,
		      struct kept *kept)
{
	for (int calls = 0; calls < CALLS_MAX && in->size > 0; calls++)
		switch (fuzz_u8(in) % 8) {
		case 0:
		case 1:
		case 2:
			set_value(in, writer, kept);
			break;
		case 3:
		case 4:
			add_tensor(in, writer, kept);
			break;
		case 5:
		case 6:
			add_linear(in, writer, kept);
			break;
		default: /* lays the file out now: later declarations are
			    refused */
			if (fuzz_u8(in) == 1)
				quire_writer_write(writer, 0, NULL, 0, NULL);
			break;
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t alignments[] = { 0, 32, 64, 4096, 65536, 8 };
	struct fuzz_bytes in = { data, size };
	const quire_writer_options options = {
		.alignment = alignments[fuzz_u8(&in) % 6],
		.overwrite = fuzz_u8(&in) & 1,
	};
	struct kept *kept = calloc(1, sizeof(*kept));
	char path[FUZZ_PATH_SIZE];
	quire_writer *writer;

	FUZZ_CHECK(kept);
	fuzz_path(path, "written.gguf");
	if (quire_writer_create(path, &options, &writer, NULL) == QUIRE_OK) {
		run_calls(&in, writer, kept);
		write_data(writer, kept);
		if (quire_writer_finish(writer, NULL) == QUIRE_OK) {
			check_file(path, kept);
			FUZZ_CHECK(unlink(path) == 0);
		}
		quire_writer_free(writer);
	}
	FUZZ_CHECK(fuzz_file_count() == 0);
	free(kept);
	return 0;
}
