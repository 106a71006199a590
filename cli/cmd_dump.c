/*
 * cmd_dump.c - quire dump: writes one tensor, dequantized to float32, as a
 * NumPy file. Rows go through a small buffer, so the tensor may be of any size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/files/lookup.h"
#include "cli/files/npy.h"
#include "cli/files/output_file.h"
#include "cli/files/output_path.h"
#include "cli/ui/options.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

struct values {
	const char *output;
	bool force;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, true, "W.npy",
		      "where to write; - is stdout"),
	OPTION_FORCE(struct values, "replace W.npy if it exists"),
	{ .name = NULL },
};

/* Elements decoded at once: 1 MiB of floats, which fits into a second-level
 * cache. */
#define CHUNK_COUNT ((uint64_t)1 << 18)

/* A tensor as it is written. */
struct matrix {
	const quire_tensor *tensor;
	struct npy_header header;
	uint64_t rows; /* the product of all dimensions but the first */
	uint64_t cols;
};

static struct matrix matrix_of(const struct lookup_operand *operand)
{
	const quire_tensor *tensor = operand->tensor;
	struct matrix matrix = {
		.tensor = tensor,
		.header = { .dtype = QUIRE_F32, .rank = tensor->rank },
		.rows = 1,
		.cols = operand->k,
	};

	/* GGUF puts the fastest dimension first, NumPy puts it last. */
	for (uint32_t i = 1; i < tensor->rank; i++) {
		matrix.header.shape[tensor->rank - 1 - i] = tensor->shape[i];
		matrix.rows *= tensor->shape[i];
	}
	matrix.header.shape[tensor->rank - 1] = matrix.cols;
	return matrix;
}

static int write_rows(const struct matrix *matrix, const char *path,
		      FILE *stream, float *chunk, uint64_t chunk_rows)
{
	quire_error error;
	uint64_t rows;

	for (uint64_t first = 0; first < matrix->rows; first += rows) {
		rows = matrix->rows - first;
		if (rows > chunk_rows)
			rows = chunk_rows;
		if (quire_tensor_decode(matrix->tensor, first, rows,
					matrix->cols, chunk,
					&error) != QUIRE_OK)
			return trouble_with_file(path, &error);
		npy_write(stream, QUIRE_F32, chunk,
			  (size_t)(rows * matrix->cols));
		if (ferror(stream) || signals_pending())
			break;
	}
	return EXIT_FINE; /* the commit reports errors of the stream */
}

static int write_matrix(const struct matrix *matrix, const char *path,
			FILE *stream)
{
	const uint64_t chunk_rows =
	    matrix->cols < CHUNK_COUNT ? CHUNK_COUNT / matrix->cols : 1;
	float *chunk;
	int code;

	if (matrix->cols > SIZE_MAX / sizeof(*chunk) / chunk_rows)
		return trouble_memory();
	chunk = malloc((size_t)(chunk_rows * matrix->cols) * sizeof(*chunk));
	if (!chunk)
		return trouble_memory();
	npy_write_header(stream, &matrix->header);
	code = write_rows(matrix, path, stream, chunk, chunk_rows);
	free(chunk);
	return code;
}

static int dump(const quire_model *model, const char *path, const char *name,
		const struct values *values)
{
	struct lookup_operand operand;
	struct output_file file;
	struct matrix matrix;
	quire_error error;
	float none;
	int code;

	if (!output_path_spares(values->output, model) ||
	    !lookup_tensor(model, path, name, &operand))
		return EXIT_TROUBLE;
	/* No row: only whether the type is decoded, before anything is written
	 * to a pipe. */
	if (quire_tensor_decode(operand.tensor, 0, 0, 0, &none, &error) !=
	    QUIRE_OK)
		return trouble_with_file(path, &error);
	matrix = matrix_of(&operand);
	if (!output_file_open(&file, values->output, values->force))
		return EXIT_TROUBLE;
	code = write_matrix(&matrix, path, file.stream);
	if (code != EXIT_FINE || signals_pending())
		output_file_discard(&file);
	else if (!output_file_commit(&file))
		code = EXIT_TROUBLE;
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .output = NULL };
	struct args_words words;
	quire_model *model;
	int code;

	if (!args_parse(&command_dump, argc, argv, &values, &words, &code))
		return code;
	if (!output_path_differs(values.output, words.word[0], "model",
				 "output"))
		return EXIT_TROUBLE;
	model = lookup_model(words.word[0], false);
	if (!model)
		return EXIT_TROUBLE;
	code = dump(model, words.word[0], words.word[1], &values);
	quire_model_close(model);
	return code;
}

static const char about[] =
    "TENSOR is the name of a tensor, of a linear layer, or of a tensor in the\n"
    "source model. The array is float32: [N, K] for a matrix, where K\n"
    "excludes the padding of its rows; [n] for a vector; other shapes in\n"
    "NumPy's order, with the fastest dimension last. All floating-point and\n"
    "quantized types of GGUF are decoded but Q8_K, Q1_0, Q2_0 and F64;\n"
    "integers are not.";

static const char examples[] =
    "  quire dump model.gguf layers.0.query.weight -o W.npy\n"
    "  quire dump model.gguf layers.0.query.weight -o - >W.npy";

const struct command command_dump = {
	.name = "dump",
	.summary = "write a tensor, dequantized, as a NumPy file",
	.usage = "FILE TENSOR -o W.npy [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 2,
	.words_max = 2,
	.run = run,
};
