/*
 * cmd_info.c - quire info: prints what a file holds, as text for people or as
 * JSON for programs. Reads no tensor data.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/files/lookup.h"
#include "cli/ui/json_out.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/text_table.h"
#include "cli/ui/trouble.h"

struct values {
	bool json;
};

static const struct args_option options[] = {
	OPTION_JSON(struct values, "print everything as one JSON object"),
	{ .name = NULL },
};

static void json_tensor(struct json_out *out, const quire_tensor *tensor)
{
	json_out_begin(out, NULL, '{');
	json_out_string(out, "name", tensor->name);
	json_out_text(out, "dtype", quire_dtype_name(tensor->dtype));
	json_out_begin(out, "shape", '[');
	for (uint32_t i = 0; i < tensor->rank; i++)
		json_out_u64(out, NULL, tensor->shape[i]);
	json_out_end(out, ']');
	json_out_u64(out, "offset", tensor->offset);
	json_out_u64(out, "size", tensor->size);
	if (tensor->has_xxh3)
		json_out_hash(out, "xxh3", tensor->xxh3);
	else
		json_out_null(out, "xxh3");
	if (tensor->source.size)
		json_out_string(out, "source", tensor->source);
	else
		json_out_null(out, "source");
	if (tensor->operation.size)
		json_out_string(out, "operation", tensor->operation);
	json_out_end(out, '}');
}

static void json_linear(struct json_out *out, const quire_linear *linear)
{
	json_out_begin(out, NULL, '{');
	json_out_string(out, "name", linear->name);
	json_out_string(out, "weight", linear->weight->name);
	if (linear->bias)
		json_out_string(out, "bias", linear->bias->name);
	else
		json_out_null(out, "bias");
	json_out_u64(out, "k", linear->k);
	json_out_u64(out, "n", linear->n);
	json_out_u64(out, "accuracy_level", linear->accuracy_level);
	json_out_end(out, '}');
}

static void json_metadata(struct json_out *out, const quire_model *model)
{
	const size_t count = quire_model_value_count(model);
	quire_string key;

	json_out_begin(out, "metadata", '{');
	for (size_t i = 0; i < count; i++) {
		const quire_value *value = quire_model_value(model, i, &key);

		json_out_value(out, key, value);
	}
	json_out_end(out, '}');
}

static int print_json(const quire_model *model, const quire_model_info *info)
{
	struct json_out out = json_out_start(stdout);

	json_out_begin(&out, NULL, '{');
	json_out_u64(&out, "gguf_version", info->gguf_version);
	json_out_u64(&out, "alignment", info->alignment);
	json_out_u64(&out, "data_offset", info->data_offset);
	json_out_u64(&out, "file_size", info->file_size);
	json_metadata(&out, model);
	json_out_begin(&out, "tensors", '[');
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		json_tensor(&out, quire_model_tensor(model, i));
	json_out_end(&out, ']');
	json_out_begin(&out, "linears", '[');
	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		json_linear(&out, quire_model_linear(model, i));
	json_out_end(&out, ']');
	json_out_end(&out, '}');
	return json_out_finish(&out) ? EXIT_FINE : trouble_memory();
}

/* Room for a cell of text_table.h and its quotes. */
#define SHOWN_CAPACITY 96
#define STRING_SHOWN   60
#define ARRAY_SHOWN    4

static void describe_plain(char *text, size_t capacity,
			   const quire_value *value, bool as_hash)
{
	char shown[STRING_SHOWN];

	switch (value->type) {
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_I16:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_I64:
		snprintf(text, capacity, "%" PRId64, value->as.i);
		return;
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		snprintf(text, capacity, "%.9g", value->as.f);
		return;
	case QUIRE_VALUE_BOOL:
		snprintf(text, capacity, "%s", value->as.b ? "true" : "false");
		return;
	case QUIRE_VALUE_STRING:
		snprintf(text, capacity, "\"%s\"",
			 text_shorten(shown, sizeof(shown), value->as.s));
		return;
	default:
		snprintf(text, capacity, as_hash ? "%016" PRIx64 : "%" PRIu64,
			 value->as.u);
	}
}

static void describe_array(char *text, size_t capacity, quire_array array,
			   bool as_hash)
{
	char item[SHOWN_CAPACITY];
	const uint64_t count = array.count;
	quire_value element;
	size_t used;

	used = (size_t)snprintf(text, capacity, "[%" PRIu64 "]", count);
	for (unsigned i = 0; quire_array_next(&array, &element); i++) {
		describe_plain(item, sizeof(item), &element, as_hash);
		if (i == ARRAY_SHOWN || used + strlen(item) > STRING_SHOWN) {
			snprintf(text + used, capacity - used, " ...");
			return;
		}
		used +=
		    (size_t)snprintf(text + used, capacity - used, " %s", item);
	}
}

static void table_value(struct text_table *table, quire_string key,
			const quire_value *value)
{
	const bool as_hash = json_out_is_hash(key, value->type);
	char text[SHOWN_CAPACITY];

	text_table_name(table, key);
	if (value->type == QUIRE_VALUE_ARRAY)
		describe_array(text, sizeof(text), value->as.a, as_hash);
	else if (text_equal(key, "quire.padding"))
		snprintf(text, sizeof(text), "(%zu spaces)", value->as.s.size);
	else
		describe_plain(text, sizeof(text), value, as_hash);
	text_table_text(table, text);
}

static bool print_metadata(const quire_model *model)
{
	const size_t count = quire_model_value_count(model);
	struct text_table table = text_table_start("ll");
	quire_string key;

	printf("\nmetadata: %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const quire_value *value = quire_model_value(model, i, &key);

		table_value(&table, key, value);
	}
	return text_table_print(&table);
}

static void table_shape(struct text_table *table, const quire_tensor *tensor)
{
	/* Four dimensions of 20 digits and " x ". */
	char text[4 * 23];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < tensor->rank; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%" PRIu64, i ? " x " : "",
					 tensor->shape[i]);
	text_table_text(table, text);
}

static bool has_operations(const quire_model *model)
{
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		if (quire_model_tensor(model, i)->operation.size > 0)
			return true;
	return false;
}

/* With a column for operations if there are some. */
static bool print_tensors(const quire_model *model)
{
	const size_t count = quire_model_tensor_count(model);
	const bool operations = has_operations(model);
	struct text_table table =
	    text_table_start(operations ? "lllrrll" : "lllrrl");
	char text[32];

	printf("\ntensors: %zu (K first)\n", count);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		text_table_name(&table, tensor->name);
		text_table_text(&table, quire_dtype_name(tensor->dtype));
		table_shape(&table, tensor);
		snprintf(text, sizeof(text), "at %" PRIu64, tensor->offset);
		text_table_text(&table, text);
		text_table_text(&table, text_human_size(text, tensor->size));
		snprintf(text, sizeof(text), "%016" PRIx64, tensor->xxh3);
		text_table_text(&table, tensor->has_xxh3 ? text : "-");
		if (operations)
			text_table_name(&table, tensor->operation);
	}
	return text_table_print(&table);
}

static bool print_linears(const quire_model *model)
{
	const size_t count = quire_model_linear_count(model);
	struct text_table table = text_table_start("lrrrll");
	char text[32];

	printf("\nlinears: %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		text_table_name(&table, linear->name);
		snprintf(text, sizeof(text), "k %" PRIu64, linear->k);
		text_table_text(&table, text);
		snprintf(text, sizeof(text), "n %" PRIu64, linear->n);
		text_table_text(&table, text);
		snprintf(text, sizeof(text), "accuracy %" PRIu32,
			 linear->accuracy_level);
		text_table_text(&table, text);
		text_table_name(&table, linear->weight->name);
		text_table_name(&table, linear->bias ? linear->bias->name
						     : text_of("no bias"));
	}
	return text_table_print(&table);
}

static int print_text(const quire_model *model, const quire_model_info *info,
		      const char *path)
{
	char size[TEXT_SIZE_CAPACITY];
	bool done;

	text_print(stdout, path);
	printf(": GGUF v%" PRIu32 ", ", info->gguf_version);
	if (info->quire_version)
		printf("quire v%" PRIu32, info->quire_version);
	else
		printf("no checksums (another program wrote it)");
	printf(", %s\nalignment %" PRIu32 ", data at byte %" PRIu64 "\n",
	       text_human_size(size, info->file_size), info->alignment,
	       info->data_offset);
	done = print_metadata(model) && print_tensors(model) &&
	       print_linears(model);
	return done ? EXIT_FINE : trouble_memory();
}

/* Warns of each file whose header another tool has changed. */
static void warn_edited(const quire_model *model, const char *path)
{
	const bool is_set = quire_model_part_count(model) > 1;
	quire_part part;

	for (size_t i = 0; quire_model_part(model, i, &part); i++)
		if (part.header_edited)
			trouble("%s: warning: the metadata was edited after "
				"the file was written; 'quire verify' checks "
				"the tensors",
				is_set && part.path ? part.path : path);
}

static int run(int argc, char **argv)
{
	struct values values = { .json = false };
	struct args_words words;
	quire_model_info info;
	quire_model *model;
	int code;

	if (!args_parse(&command_info, argc, argv, &values, &words, &code))
		return code;
	model = lookup_model(words.word[0], true);
	if (!model)
		return EXIT_TROUBLE;
	quire_model_describe(model, &info);
	if (info.header_edited)
		warn_edited(model, words.word[0]);
	code = values.json ? print_json(model, &info)
			   : print_text(model, &info, words.word[0]);
	quire_model_close(model);
	return code;
}

static const char about[] =
    "Shows the header, metadata, tensors and linear layers of any GGUF file.\n"
    "The text shortens long values; --json prints everything, and the name of\n"
    "each tensor in the source model. A tensor's operation says how its rows\n"
    "came from those of its source (F-49 of spec/format.md).";

static const char examples[] =
    "  quire info model.gguf\n"
    "  quire info --json model.gguf | jq '.linears[].name'";

const struct command command_info = {
	.name = "info",
	.summary = "show what a file holds",
	.usage = "FILE [--json]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
