/*
 * fuzz_tokenizer.c - any bytes as the JSON files of a model's folder. A line
 * "@@ NAME" begins the next file; the first one is tokenizer.json. A tokenizer
 * that reads has a text and a type for each token and makes a GGUF file that
 * opens. Any other has an error with a message.
 */
#include <string.h>

#include "convert/llama/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

static const char *const names[] = {
	"tokenizer_config.json",
	"genai_config.json",
	"config.json",
	"chat_template.jinja",
};

static void write_file(const char *name, const char *text, size_t size)
{
	char path[FUZZ_PATH_SIZE];

	fuzz_path(path, name);
	fuzz_write_file(path, text, size);
}

/* The name behind "@@ " at the start of a line; NULL: none begins here. */
static const char *name_at(const char *text, size_t size, size_t at)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const size_t length = strlen(names[i]);

		if (size - at > length + 4 &&
		    memcmp(text + at, "\n@@ ", 4) == 0 &&
		    memcmp(text + at + 4, names[i], length) == 0)
			return names[i];
	}
	return NULL;
}

static void write_files(const char *text, size_t size)
{
	const char *name = "tokenizer.json", *next;
	size_t start = 0;

	for (size_t at = 0; at < size; at++) {
		next = name_at(text, size, at);
		if (!next)
			continue;
		write_file(name, text + start, at - start);
		name = next;
		start = at + strlen("\n@@ ") + strlen(name);
	}
	write_file(name, text + start, size - start);
}

static void check_written(const struct tokenizer *tokenizer)
{
	const quire_writer_options options = { .plain = true,
					       .overwrite = true };
	char path[FUZZ_PATH_SIZE];
	quire_writer *writer;
	quire_model *model;
	quire_array tokens;

	fuzz_path(path, "tokenizer.gguf");
	FUZZ_CHECK(quire_writer_create(path, &options, &writer, NULL) ==
		   QUIRE_OK);
	FUZZ_CHECK(quire_tokenizer_write(tokenizer, writer, NULL) == QUIRE_OK);
	FUZZ_CHECK(quire_writer_finish(writer, NULL) == QUIRE_OK);
	quire_writer_free(writer);
	FUZZ_CHECK(quire_model_open(path, NULL, &model, NULL) == QUIRE_OK);
	tokens = quire_model_find_value(model, "tokenizer.ggml.tokens")->as.a;
	FUZZ_CHECK(tokens.count == tokenizer->token_count);
	quire_model_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tokenizer_options options = {
		.rows = size % 4 == 0 ? 300 : 0,
		.pre = size % 8 == 1 ? "qwen2" : NULL,
	};
	struct tokenizer *tokenizer = NULL;
	char folder[FUZZ_PATH_SIZE];
	quire_error error = { .status = QUIRE_OK };

	fuzz_path(folder, "");
	write_files((const char *)data, size);
	if (quire_tokenizer_read(folder, &options, &tokenizer, &error) ==
	    QUIRE_OK) {
		for (size_t id = 0; id < tokenizer->token_count; id++)
			FUZZ_CHECK(tokenizer->tokens[id].data &&
				   tokenizer->types[id] >= TOKEN_NORMAL &&
				   tokenizer->types[id] <= TOKEN_BYTE);
		check_written(tokenizer);
	} else {
		FUZZ_CHECK(!tokenizer && error.message[0] != '\0');
	}
	quire_tokenizer_free(tokenizer);
	fuzz_remove_files();
	return 0;
}
