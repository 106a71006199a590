/*
 * cmd_matmul.c - quire matmul: runs one linear layer on a NumPy array, so that
 * a layer can be compared with other programs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/files/lookup.h"
#include "cli/files/npy.h"
#include "cli/files/output_file.h"
#include "cli/files/output_path.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

#define ACCURACY_OF_LINEAR UINT32_MAX

struct values {
	const char *input;
	const char *output;
	const char *kernels;
	const char *device;
	uint32_t accuracy;
	uint32_t threads;
	bool force;
};

static const struct args_option options[] = {
	{ .name = "input",
	  .letter = 'i',
	  .value = "X.npy",
	  .type = ARGS_TEXT,
	  .required = true,
	  .offset = offsetof(struct values, input),
	  .help = "[.., K], float32 or float16; - is stdin" },
	OPTION_OUTPUT(struct values, true, "Y.npy",
		      "[.., N], of the same type; - is stdout"),
	OPTION_FORCE(struct values, "replace Y.npy if it exists"),
	{ .name = "accuracy",
	  .value = "N",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct values, accuracy),
	  .max = 4,
	  .help = "0 to 3: compute in f32; 4: in int8; default: the level of "
		  "the linear" },
	OPTION_THREADS(struct values, "to use"),
	OPTION_KERNELS(struct values),
	OPTION_DEVICE(struct values),
	{ .name = NULL },
};

static bool read_input(const char *name, struct npy_array *x)
{
	const bool from_stdin = strcmp(name, "-") == 0;
	quire_status status;
	quire_error error;
	FILE *stream;

	if (from_stdin && quire_file_is_terminal(FILE_STDIN)) {
		trouble("stdin is a terminal; redirect a .npy file to it");
		return false;
	}
	stream = from_stdin ? stdin : fopen(name, "rb");
	if (!stream) {
		trouble("%s: cannot open: %s", name, strerror(errno));
		return false;
	}
	status = npy_read(stream, x, &error);
	if (status != QUIRE_OK) {
		/* The advice for containers does not fit arrays. */
		error.status = QUIRE_OK;
		trouble_with_file(from_stdin ? "stdin" : name, &error);
	}
	if (!from_stdin)
		fclose(stream);
	return status == QUIRE_OK;
}

static bool shapes_fit(const struct lookup_operand *operand, const char *path,
		       const char *name, const struct npy_array *x)
{
	const uint32_t rank = x->header.rank;
	char shape[256];

	if (rank > 0 && x->header.shape[rank - 1] == operand->k)
		return true;
	trouble("%s: shapes do not fit: X is %s, but '%s' takes [.., %" PRIu64
		"] and gives [.., %" PRIu64 "]",
		path, npy_shape_text(shape, sizeof(shape), &x->header), name,
		operand->k, operand->tensor->shape[1]);
	return false;
}

static bool is_weight(const quire_model *model, const quire_tensor *tensor)
{
	const size_t count = quire_model_linear_count(model);

	for (size_t i = 0; i < count; i++)
		if (quire_model_linear(model, i)->weight == tensor)
			return true;
	return false;
}

/* Constants of an ONNX model are in the container as they are. The weight of a
 * MatMul is [K, N] there, and W of Y = X W^T is [N, K]. */
static void warn_of_order(const quire_model *model, const char *path,
			  const char *name,
			  const struct lookup_operand *operand)
{
	const quire_tensor *tensor = operand->tensor;

	/* Only a tensor of an ONNX model has a source. */
	if (tensor->source.size == 0 || operand->linear ||
	    (tensor->dtype != QUIRE_F32 && tensor->dtype != QUIRE_F16 &&
	     tensor->dtype != QUIRE_BF16) ||
	    is_weight(model, tensor))
		return;
	trouble("%s: warning: '%s' belongs to no linear, so nothing says which "
		"way it is multiplied by; Y = X W^T takes it as [N, K] = "
		"[%" PRIu64 ", %" PRIu64 "], and the weight of an ONNX MatMul "
		"is [K, N]",
		path, name, tensor->shape[1], tensor->shape[0]);
}

/* Lets the runtime use the model's memory; frees it on failure. */
static quire_runtime *attach(quire_runtime *runtime, const quire_model *model,
			     const char *path)
{
	quire_error error;

	if (quire_runtime_attach(runtime, model, &error) == QUIRE_OK)
		return runtime;
	trouble_with_file(path, &error);
	quire_runtime_free(runtime);
	return NULL;
}

static quire_runtime *create_runtime(const struct values *values,
				     const quire_model *model, const char *path)
{
	quire_runtime_options how = {
		.threads = values->threads,
		.kernels = values->kernels,
	};
	quire_runtime *runtime = NULL;
	struct nearest near;
	quire_status status;
	quire_error error;
	const char *name;

	if (!option_device("matmul", values->device, &how.device))
		return NULL;
	status = quire_runtime_create(&how, &runtime, &error);
	if (status == QUIRE_OK)
		return attach(runtime, model, path);
	if (status != QUIRE_ERROR_NOT_FOUND) {
		trouble("matmul: %s", error.message);
		return NULL;
	}
	near = quire_nearest_to(values->kernels);
	for (size_t i = 0; (name = quire_kernels_name(i, NULL)) != NULL; i++)
		quire_nearest_offer(&near, text_of(name));
	trouble("matmul: no kernel set '%s'; %s '%s'", values->kernels,
		near.found ? "did you mean" : "there is for example",
		near.found ? near.name.data : quire_kernels_name(0, NULL));
	return NULL;
}

static quire_status multiply(quire_runtime *runtime,
			     const struct lookup_operand *operand,
			     const struct npy_array *x, void *y,
			     uint32_t accuracy, quire_error *error)
{
	quire_matmul_options how = {
		.x_dtype = x->header.dtype,
		.y_dtype = x->header.dtype,
	};
	const size_t m = (size_t)(x->count / operand->k);

	if (accuracy != ACCURACY_OF_LINEAR)
		/* 0 means the linear's own level to the library. */
		how.accuracy_level = accuracy > 0 ? accuracy : 1;
	if (m == 0)
		return QUIRE_OK;
	if (operand->linear)
		return quire_linear_run(runtime, operand->linear, x->data, m, y,
					&how, error);
	how.k = operand->k;
	return quire_matmul(runtime, operand->tensor, x->data, m, y, &how,
			    error);
}

static int write_output(const struct values *values,
			const struct npy_header *header, void *y, size_t count)
{
	struct output_file file;

	if (!output_file_open(&file, values->output, values->force))
		return EXIT_TROUBLE;
	npy_write_header(file.stream, header);
	npy_write(file.stream, header->dtype, y, count);
	return output_file_commit(&file) ? EXIT_FINE : EXIT_TROUBLE;
}

static int run_operand(const struct values *values, const quire_model *model,
		       const char *path, const struct lookup_operand *operand,
		       const struct npy_array *x)
{
	struct npy_header header = x->header;
	const size_t element_size = npy_element_size(header.dtype);
	const uint64_t m = x->count / operand->k;
	const uint64_t n = operand->tensor->shape[1];
	quire_runtime *runtime;
	void *y = NULL;
	quire_error error;
	int code = EXIT_TROUBLE;

	header.shape[header.rank - 1] = n;
	runtime = create_runtime(values, model, path);
	if (!runtime)
		return EXIT_TROUBLE;
	if (m <= SIZE_MAX / element_size / n)
		/* One byte more, because malloc(0) may return NULL. */
		y = malloc((size_t)(m * n) * element_size + 1);
	if (!y)
		trouble_memory();
	else if (multiply(runtime, operand, x, y, values->accuracy, &error) !=
		 QUIRE_OK)
		trouble_with_file(path, &error);
	else
		code = write_output(values, &header, y, (size_t)(m * n));
	free(y);
	quire_runtime_free(runtime);
	return code;
}

static int matmul(const struct values *values, const char *path,
		  const char *name)
{
	quire_model *model = lookup_model(path, false);
	struct npy_array x = { .data = NULL };
	struct lookup_operand operand;
	int code = EXIT_TROUBLE;

	if (model && output_path_spares(values->output, model) &&
	    lookup_matrix(model, path, name, &operand) &&
	    read_input(values->input, &x)) {
		warn_of_order(model, path, name, &operand);
		if (shapes_fit(&operand, path, name, &x))
			code = run_operand(values, model, path, &operand, &x);
	}
	npy_free(&x);
	quire_model_close(model);
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .accuracy = ACCURACY_OF_LINEAR };
	struct args_words words;
	int code;

	if (!args_parse(&command_matmul, argc, argv, &values, &words, &code))
		return code;
	if (!output_path_differs(values.output, words.word[0], "model",
				 "output") ||
	    !output_path_differs(values.output, values.input, "input",
				 "output"))
		return EXIT_TROUBLE;
	return matmul(&values, words.word[0], words.word[1]);
}

static const char about[] =
    "Computes Y = X W^T + bias with the weight and the bias of a linear\n"
    "layer. LINEAR may also be the name of a 2-D tensor: then there is no\n"
    "bias, and f32 is used unless --accuracy is 4. A dense tensor that "
    "belongs\n"
    "to no linear gives a warning: it is used as [N, K], as it is stored, and\n"
    "the weight of an ONNX MatMul is [K, N].";

static const char examples[] =
    "  quire matmul model.gguf layers.0.query -i X.npy -o Y.npy\n"
    "  quire matmul model.gguf layers.0.query --accuracy 4 -i - -o - <X.npy "
    ">Y.npy";

const struct command command_matmul = {
	.name = "matmul",
	.summary = "run one linear layer on a NumPy array",
	.usage = "FILE LINEAR -i X.npy -o Y.npy [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 2,
	.words_max = 2,
	.run = run,
};
