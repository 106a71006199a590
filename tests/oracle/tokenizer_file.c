/*
 * tokenizer_file.c - writes the tokenizer of a model's folder into a GGUF file
 * without tensors, which llama.cpp opens for its vocabulary alone:
 *
 *	tokenizer_file FOLDER OUT.gguf ROWS ARCHITECTURE [PRE]
 *
 * ROWS 0: not known. Prints the notes, or the error and exits with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/llama/tokenizer.h"

/* Keys that llama.cpp wants of any model, by their names behind "llama.". */
static const struct {
	const char *name;
	uint32_t value;
} keys[] = {
	{ "block_count", 1 },	       { "context_length", 64 },
	{ "embedding_length", 32 },    { "feed_forward_length", 32 },
	{ "attention.head_count", 1 }, { "rope.dimension_count", 32 },
};

static quire_status set_keys(quire_writer *writer, const char *architecture,
			     quire_error *error)
{
	quire_status status = quire_writer_set_string(
	    writer, "general.architecture", architecture, error);
	quire_value epsilon = { .type = QUIRE_VALUE_F32, .as.f = 1e-5 };
	char key[100];

	for (size_t i = 0;
	     i < sizeof(keys) / sizeof(*keys) && status == QUIRE_OK; i++) {
		snprintf(key, sizeof(key), "%s.%s", architecture, keys[i].name);
		status =
		    quire_writer_set_u32(writer, key, keys[i].value, error);
	}
	snprintf(key, sizeof(key), "%s.attention.layer_norm%s_epsilon",
		 architecture, strcmp(architecture, "bert") ? "_rms" : "");
	return status == QUIRE_OK
		   ? quire_writer_set_value(writer, key, &epsilon, error)
		   : status;
}

static quire_status write(const struct tokenizer *tokenizer, const char *path,
			  const char *architecture, quire_error *error)
{
	const quire_writer_options options = { .plain = true,
					       .alignment = 32,
					       .overwrite = true };
	quire_writer *writer = NULL;
	quire_status status =
	    quire_writer_create(path, &options, &writer, error);

	if (status == QUIRE_OK)
		status = set_keys(writer, architecture, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_write(tokenizer, writer, error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	quire_writer_free(writer);
	return status;
}

int main(int argc, char **argv)
{
	struct tokenizer_options options = { .rows = 0 };
	struct tokenizer *tokenizer = NULL;
	quire_error error = { .status = QUIRE_OK };
	quire_status status;

	if (argc < 5) {
		fprintf(stderr, "usage: tokenizer_file FOLDER OUT ROWS "
				"ARCHITECTURE [PRE]\n");
		return 2;
	}
	options.rows = strtoul(argv[3], NULL, 10);
	options.pre = argc > 5 ? argv[5] : NULL;
	status = quire_tokenizer_read(argv[1], &options, &tokenizer, &error);
	if (status == QUIRE_OK)
		status = write(tokenizer, argv[2], argv[4], &error);
	if (status == QUIRE_OK)
		for (size_t i = 0; i < tokenizer->note_count; i++)
			printf("note: %s\n", tokenizer->notes[i]);
	else
		fprintf(stderr, "%s: %s: %s\n", quire_status_name(status),
			error.path, error.message);
	quire_tokenizer_free(tokenizer);
	return status == QUIRE_OK ? 0 : 1;
}
