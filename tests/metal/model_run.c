/*
 * model_run.c - see the header. The code is the same for every device.
 */
#include "tests/metal/model_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "quire_convert.h"
#include "tests/metal/exact.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define POISON	  0xA5
#define ALIGNMENT 65536

static char *folder, *path;

void model_convert(const char *onnx)
{
	quire_error error;

	folder = scratch_make();
	path = scratch_path(folder, "model.gguf");
	if (!onnx)
		onnx = QUIRE_EXAMPLES "/minilm-layer0-int4.onnx";
	if (quire_convert_onnx(onnx, path, NULL, NULL, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

void model_remove(void)
{
	free(path);
	scratch_remove(folder);
}

int model_set_up(void **state)
{
	(void)state;
	model_convert(NULL);
	return 0;
}

int model_tear_down(void **state)
{
	(void)state;
	model_remove();
	return 0;
}

quire_model *model_open(void)
{
	quire_model *model = NULL;
	quire_error error;

	if (quire_model_open(path, NULL, &model, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	return model;
}

/* The bytes left before and behind become guards too. */
static struct guarded create_aligned(size_t size)
{
	const size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct guarded guarded = guarded_create(padded + ALIGNMENT);
	const size_t before = -(uintptr_t)guarded.data % ALIGNMENT;

	mprotect(guarded.data, before, PROT_NONE);
	guarded.data += before;
	guarded.size = padded;
	mprotect(guarded.data + padded, ALIGNMENT - before, PROT_NONE);
	return guarded;
}

quire_model *model_open_aligned(struct guarded *memory)
{
	quire_model *model = NULL;
	quire_error error;
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	*memory = create_aligned(size);
	memcpy(memory->data, bytes, size);
	free(bytes);
	if (quire_model_open_memory(memory->data, size, NULL, &model, &error) !=
	    QUIRE_OK)
		fail_msg("%s", error.message);
	return model;
}

static const struct {
	const char *name;
	quire_dtype dtype;
} ragged[RAGGED_LINEARS + 1] = {
	{ "q4_0", QUIRE_Q4_0 }, { "q4_1", QUIRE_Q4_1 }, { "q8_0", QUIRE_Q8_0 },
	{ "f16", QUIRE_F16 },	{ "f32", QUIRE_F32 },	{ "bias", QUIRE_F32 },
};

/* Random bytes; the numbers of f16 and f32 among them are small. */
static size_t fill_ragged(unsigned char *bytes, size_t index, struct rng *rng)
{
	const quire_dtype dtype = ragged[index].dtype;
	const size_t size = index < RAGGED_LINEARS
				? exact_row_size(dtype, RAGGED_K) * RAGGED_N
				: RAGGED_N * sizeof(float);
	uint32_t block_count, block_size;

	quire_dtype_block(dtype, &block_count, &block_size);
	random_bytes(rng, bytes, size);
	for (size_t at = 0; at < size; at += block_size) {
		exact_store(bytes + at,
			    dtype == QUIRE_F32 ? QUIRE_F32 : QUIRE_F16, 0,
			    random_f32(rng));
		if (dtype == QUIRE_Q4_1)
			exact_store(bytes + at, QUIRE_F16, 1, random_f32(rng));
	}
	return size;
}

static void declare_ragged(quire_writer *writer)
{
	for (size_t i = 0; i <= RAGGED_LINEARS; i++) {
		uint32_t count, size;
		quire_tensor tensor = {
			.name = { ragged[i].name, strlen(ragged[i].name) },
			.dtype = ragged[i].dtype,
			.rank = i < RAGGED_LINEARS ? 2 : 1,
			.shape = { RAGGED_N, 1, 1, 1 },
		};

		quire_dtype_block(tensor.dtype, &count, &size);
		if (i < RAGGED_LINEARS) {
			tensor.shape[0] =
			    (RAGGED_K + count - 1) / count * count;
			tensor.shape[1] = RAGGED_N;
		}
		writing_declare(writer, &tensor);
	}
	for (size_t i = 0; i < RAGGED_LINEARS; i++) {
		const quire_linear_entry linear = { ragged[i].name, i,
						    RAGGED_LINEARS, RAGGED_K,
						    0 };

		assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
				 QUIRE_OK);
	}
}

quire_model *model_open_ragged(void)
{
	/* The smallest alignment of tensors, 32 bytes, is the hardest for
	 * shaders. */
	const quire_writer_options options = { .alignment = 32,
					       .overwrite = true };
	unsigned char bytes[RAGGED_K * RAGGED_N * sizeof(float)];
	char *name = scratch_path(folder, "ragged.gguf");
	struct rng rng = { 71 };
	quire_writer *writer = writing_begin(name, &options);
	quire_model *model = NULL;

	declare_ragged(writer);
	for (size_t i = 0; i <= RAGGED_LINEARS; i++) {
		const size_t size = fill_ragged(bytes, i, &rng);

		writing_put(writer, i, bytes, size);
	}
	writing_finish(writer);
	model = writing_open(name);
	free(name);
	return model;
}

quire_runtime *runtime_open(quire_device device)
{
	const quire_runtime_options options = { .device = device,
						.threads = 1 };
	quire_runtime *runtime = NULL;
	quire_error error;

	if (quire_runtime_create(&options, &runtime, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	return runtime;
}

void runtime_attach(quire_runtime *runtime, const quire_model *model)
{
	quire_error error;

	if (quire_runtime_attach(runtime, model, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

int attached_set_up(void **state)
{
	struct attached *attached = malloc(sizeof(*attached));

	assert_non_null(attached);
	attached->model = model_open();
	attached->runtime = runtime_open(QUIRE_DEVICE_METAL);
	runtime_attach(attached->runtime, attached->model);
	*state = attached;
	return 0;
}

int attached_tear_down(void **state)
{
	struct attached *attached = *state;

	quire_runtime_free(attached->runtime);
	quire_model_close(attached->model);
	free(attached);
	return 0;
}

static size_t element_size(quire_dtype dtype)
{
	return dtype == QUIRE_F32 ? 4 : 2;
}

/* Bytes of rows with a gap between them; there is none behind the last. */
static size_t extent(size_t rows, size_t cols, size_t gap, quire_dtype dtype)
{
	return (rows * (cols + gap) - gap) * element_size(dtype);
}

static size_t y_bytes(const struct run *run)
{
	return extent(run->m, run->linear->n, run->y_gap, run->y_dtype);
}

void run_create(struct run *run, uint64_t seed)
{
	struct rng rng = { seed };
	const size_t k = run->linear->k, stride = k + run->x_gap;
	const size_t x_size = extent(run->m, k, run->x_gap, run->x_dtype);

	run->memory[0] = guarded_create(x_size);
	run->memory[1] = guarded_create(y_bytes(run));
	run->x = run->memory[0].data;
	run->y = run->memory[1].data;
	memset(run->x, 0xFF, x_size); /* NaNs */
	memset(run->y, POISON, y_bytes(run));
	for (size_t m = 0; m < run->m; m++)
		for (size_t i = 0; i < k; i++)
			exact_store(run->x, run->x_dtype, m * stride + i,
				    random_f32(&rng));
	run->options = (quire_matmul_options){
		.x_dtype = run->x_dtype,
		.y_dtype = run->y_dtype,
		.x_stride = stride,
		.y_stride = run->linear->n + run->y_gap,
		.accuracy_level = 1,
	};
}

void run_free(struct run *run)
{
	guarded_free(&run->memory[0]);
	guarded_free(&run->memory[1]);
}

quire_status run_try(struct run *run, quire_runtime *runtime,
		     quire_error *error)
{
	return quire_linear_run(runtime, run->linear, run->x, run->m, run->y,
				&run->options, error);
}

void run_do(struct run *run, quire_runtime *runtime)
{
	quire_error error;

	if (run_try(run, runtime, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

void run_check(const struct run *run)
{
	const quire_tensor *bias = run->linear->bias;
	const struct exact exact = {
		.weights = run->linear->weight->dtype,
		.w = run->linear->weight->data,
		.m = run->m,
		.n = run->linear->n,
		.k = run->linear->k,
		.x = run->x,
		.x_dtype = run->x_dtype,
		.x_stride = run->linear->k + run->x_gap,
		.bias = bias ? bias->data : NULL,
		.bias_dtype = bias ? bias->dtype : QUIRE_F32,
	};
	const size_t size = element_size(run->y_dtype);
	const unsigned char *y = run->y;

	exact_check(&exact, EXACT_ANY, run->y, run->y_dtype,
		    run->options.y_stride, "linear");
	for (size_t m = 0; m + 1 < run->m; m++)
		for (size_t i = run->linear->n * size;
		     i < run->options.y_stride * size; i++)
			assert_int_equal(
			    y[m * run->options.y_stride * size + i], POISON);
}

void run_check_untouched(const struct run *run)
{
	const unsigned char *y = run->y;

	for (size_t i = 0; i < y_bytes(run); i++)
		assert_int_equal(y[i], POISON);
}

/* Each is within 1e-6 of the exact product, in norm. */
static void check_alike(const struct run *run, const struct run *other)
{
	double error = 0, norm = 0;

	for (size_t i = 0; i < run->m * run->linear->n; i++) {
		const double x = ((float *)run->y)[i];
		const double y = ((float *)other->y)[i];

		error += (x - y) * (x - y);
		norm += y * y;
	}
	assert_true(sqrt(error) <= 2e-6 * sqrt(norm));
}

void run_model(quire_runtime *metal, const quire_model *model)
{
	static const size_t rows[] = { 1, 5, 64 };
	quire_runtime *cpu = runtime_open(QUIRE_DEVICE_CPU);

	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		for (size_t j = 0; j < 3; j++) {
			struct run run = { .linear =
					       quire_model_linear(model, i),
					   .m = rows[j] };
			struct run other = run;

			run_create(&run, i);
			run_create(&other, i);
			run_do(&run, metal);
			run_do(&other, cpu);
			run_check(&run);
			check_alike(&run, &other);
			run_free(&run);
			run_free(&other);
		}
	quire_runtime_free(cpu);
}

void run_whole(quire_runtime *runtime, const quire_linear *linear, size_t m,
	       quire_dtype x_dtype, quire_dtype y_dtype)
{
	struct run run = {
		.linear = linear, .m = m, .x_dtype = x_dtype, .y_dtype = y_dtype
	};

	run_create(&run, m + linear->n);
	run_do(&run, runtime);
	run_check(&run);
	run_free(&run);
}
