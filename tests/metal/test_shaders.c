/*
 * test_shaders.c - every kernel of metal/kernels, run from its text by lanes.c
 * in guarded memory, compared with products in f64 and with the CPU's scalar
 * kernels.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metal/params.h"
#include "tests/metal/exact.h"
#include "tests/metal/lanes.h"
#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

#define POISON	     0xA5
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	quire_dtype dtype;
	const char *name;
} types[] = {
	{ QUIRE_Q4_0, "q4_0" }, { QUIRE_Q4_1, "q4_1" }, { QUIRE_Q8_0, "q8_0" },
	{ QUIRE_F16, "f16" },	{ QUIRE_F32, "f32" },
};

static const struct {
	const char *name;
	enum exact_kernel kernel;
} kernels[] = {
	{ "gemv", EXACT_GEMV },
	{ "small", EXACT_SMALL },
	{ "packed", EXACT_PACKED },
};

struct trial {
	enum exact_kernel kernel;
	size_t type; /* in `types` */
	size_t m, n, k;
	uint32_t simds; /* of a group; not used by the packed kernel */
	quire_dtype x_dtype, y_dtype;
	uint32_t bias; /* QUIRE_GPU_BIAS_* */
	float x_size, w_size;
	enum lanes_order order;
	bool low; /* the guard is before the memory, not behind it */
};

struct memory {
	struct guarded w, x, y, bias, params;
	size_t x_stride, y_stride;
};

static size_t divide_up(size_t a, size_t b)
{
	return (a + b - 1) / b;
}

static size_t element_size(quire_dtype dtype)
{
	return dtype == QUIRE_F32 ? 4 : 2;
}

static quire_dtype bias_dtype(uint32_t bias)
{
	return bias == QUIRE_GPU_BIAS_F32   ? QUIRE_F32
	       : bias == QUIRE_GPU_BIAS_F16 ? QUIRE_F16
					    : QUIRE_BF16;
}

static struct guarded allocate(const struct trial *trial, size_t size)
{
	return trial->low ? guarded_create_low(size) : guarded_create(size);
}

static void fill_weights(const struct trial *trial, struct memory *memory,
			 struct rng *rng)
{
	const quire_dtype dtype = types[trial->type].dtype;
	uint32_t block_count, block_size;

	quire_dtype_block(dtype, &block_count, &block_size);
	memory->w = allocate(trial, trial->n * exact_row_size(dtype, trial->k));
	random_bytes(rng, memory->w.data, memory->w.size);
	for (size_t i = 0; i < memory->w.size; i += block_size) {
		const float scale = random_f32(rng) * trial->w_size;
		unsigned char *block = memory->w.data + i;

		exact_store(block, dtype == QUIRE_F32 ? QUIRE_F32 : QUIRE_F16,
			    0, scale);
		if (dtype == QUIRE_Q4_1)
			exact_store(block, QUIRE_F16, 1,
				    random_f32(rng) * trial->w_size);
	}
}

static void fill(const struct trial *trial, struct memory *memory,
		 struct rng *rng)
{
	const size_t x_size = element_size(trial->x_dtype);
	const size_t y_size = element_size(trial->y_dtype);

	memory->x_stride = divide_up(trial->k, QUIRE_GPU_ROW_ALIGNMENT) *
			   QUIRE_GPU_ROW_ALIGNMENT;
	memory->y_stride = divide_up(trial->n, QUIRE_GPU_ROW_ALIGNMENT) *
			   QUIRE_GPU_ROW_ALIGNMENT;
	fill_weights(trial, memory, rng);
	memory->x = allocate(trial, trial->m * memory->x_stride * x_size);
	memset(memory->x.data, 0xFF, memory->x.size); /* NaNs */
	for (size_t m = 0; m < trial->m; m++)
		for (size_t i = 0; i < trial->k; i++)
			exact_store(memory->x.data, trial->x_dtype,
				    m * memory->x_stride + i,
				    random_f32(rng) * trial->x_size);
	memory->y = allocate(trial, trial->m * memory->y_stride * y_size);
	memset(memory->y.data, POISON, memory->y.size);
	memory->bias =
	    allocate(trial, trial->n * element_size(bias_dtype(trial->bias)));
	for (size_t n = 0; n < trial->n; n++)
		exact_store(memory->bias.data, bias_dtype(trial->bias), n,
			    random_f32(rng) * trial->x_size);
	memory->params = allocate(trial, sizeof(struct product_params));
	memcpy(
	    memory->params.data,
	    &(struct product_params){
		.row_size = exact_row_size(types[trial->type].dtype, trial->k),
		.k = (uint32_t)trial->k,
		.n = (uint32_t)trial->n,
		.m = (uint32_t)trial->m,
		.x_stride = (uint32_t)memory->x_stride,
		.y_stride = (uint32_t)memory->y_stride,
		.bias = trial->bias,
		.y_half = trial->y_dtype == QUIRE_F16,
	    },
	    sizeof(struct product_params));
}

static struct lanes_grid make_grid(const struct trial *trial)
{
	struct lanes_grid grid = {
		.groups = { 1, (uint32_t)trial->m, 1 },
		.threads = trial->simds * QUIRE_GPU_SIMD_WIDTH,
	};
	size_t rows = QUIRE_GPU_GEMV_ROWS * trial->simds;

	if (trial->kernel == EXACT_SMALL) {
		rows = QUIRE_GPU_SMALL_ROWS * trial->simds;
		grid.groups[1] =
		    (uint32_t)divide_up(trial->m, QUIRE_GPU_SMALL_X);
	} else if (trial->kernel == EXACT_PACKED) {
		rows = QUIRE_GPU_TILE_ROWS;
		grid.groups[1] =
		    (uint32_t)divide_up(trial->m, QUIRE_GPU_TILE_X);
		grid.threads = QUIRE_GPU_TILE_THREADS;
		grid.memory_size[0] = QUIRE_GPU_TILE_MEMORY;
	}
	grid.groups[0] = (uint32_t)divide_up(trial->n, rows);
	return grid;
}

static void check_gaps(const struct trial *trial, const struct memory *memory)
{
	const size_t size = element_size(trial->y_dtype);

	for (size_t m = 0; m < trial->m; m++)
		for (size_t i = trial->n * size; i < memory->y_stride * size;
		     i++)
			if (memory->y.data[m * memory->y_stride * size + i] !=
			    POISON)
				fail_msg("row %zu of y: byte %zu was written",
					 m, i);
}

/* The product by the CPU's scalar kernels, to be freed. */
static float *run_scalar(const struct trial *trial, const struct memory *memory)
{
	const quire_runtime_options scalar = { .device = QUIRE_DEVICE_CPU,
					       .threads = 1,
					       .kernels = "scalar" };
	const quire_dtype dtype = types[trial->type].dtype;
	const quire_tensor bias = { .dtype = bias_dtype(trial->bias),
				    .rank = 1,
				    .shape = { trial->n, 1, 1, 1 },
				    .size = memory->bias.size,
				    .data = memory->bias.data };
	const quire_matmul_options how = {
		.x_dtype = trial->x_dtype,
		.x_stride = memory->x_stride,
		.k = trial->k,
		.bias = trial->bias == QUIRE_GPU_BIAS_NONE ? NULL : &bias,
	};
	quire_tensor weights = { .dtype = dtype,
				 .rank = 2,
				 .shape = { 0, trial->n, 1, 1 },
				 .size = memory->w.size,
				 .data = memory->w.data };
	float *y = malloc(trial->m * trial->n * sizeof(*y));
	quire_runtime *runtime = NULL;
	uint32_t block_count, block_size;
	quire_error error;

	quire_dtype_block(dtype, &block_count, &block_size);
	weights.shape[0] = divide_up(trial->k, block_count) * block_count;
	if (!y || quire_runtime_create(&scalar, &runtime, &error) != QUIRE_OK ||
	    quire_matmul(runtime, &weights, memory->x.data, trial->m, y, &how,
			 &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	quire_runtime_free(runtime);
	return y;
}

static void try(const struct trial *trial, struct rng *rng)
{
	const struct lanes_grid grid = make_grid(trial);
	char name[64], message[160];
	struct memory memory;
	float *cpu;
	void *buffers[LANES_BINDING] = { NULL };

	snprintf(name, sizeof(name), "mul_%s_%s_%s",
		 kernels[trial->kernel].name, types[trial->type].name,
		 trial->x_dtype == QUIRE_F32 ? "f32" : "f16");
	assert_non_null(lanes_find(name));
	fill(trial, &memory, rng);
	buffers[QUIRE_GPU_AT_WEIGHTS] = memory.w.data;
	buffers[QUIRE_GPU_AT_X] = memory.x.data;
	buffers[QUIRE_GPU_AT_Y] = memory.y.data;
	buffers[QUIRE_GPU_AT_BIAS] = memory.bias.data;
	buffers[QUIRE_GPU_AT_PARAMS] = memory.params.data;
	lanes_set_order(trial->order);
	if (!lanes_run(lanes_find(name), buffers, &grid, message,
		       sizeof(message)))
		fail_msg("%s", message);
	cpu = run_scalar(trial, &memory);
	exact_check(
	    &(struct exact){
		.weights = types[trial->type].dtype,
		.w = memory.w.data,
		.m = trial->m,
		.n = trial->n,
		.k = trial->k,
		.x = memory.x.data,
		.x_dtype = trial->x_dtype,
		.x_stride = memory.x_stride,
		.bias = trial->bias == QUIRE_GPU_BIAS_NONE ? NULL
							   : memory.bias.data,
		.bias_dtype = bias_dtype(trial->bias),
		.cpu = cpu,
	    },
	    trial->kernel, memory.y.data, trial->y_dtype, memory.y_stride,
	    name);
	check_gaps(trial, &memory);
	free(cpu);
	guarded_free(&memory.w);
	guarded_free(&memory.x);
	guarded_free(&memory.y);
	guarded_free(&memory.bias);
	guarded_free(&memory.params);
}

/* With a guard close behind all memory, and with a guard close before it. */
static void try_both_guards(struct trial trial, struct rng *rng)
{
	trial.low = false;
	try(&trial, rng);
	trial.low = true;
	try(&trial, rng);
}

/* Everything except the dimensions, at random. */
static void vary(struct trial *trial, struct rng *rng)
{
	trial->type = (size_t)random_below(rng, COUNT(types));
	trial->simds = 1u << random_below(rng, 3);
	trial->x_dtype = random_below(rng, 2) ? QUIRE_F16 : QUIRE_F32;
	trial->y_dtype = random_below(rng, 2) ? QUIRE_F16 : QUIRE_F32;
	trial->bias = (uint32_t)random_below(rng, QUIRE_GPU_BIAS_BF16 + 1);
	trial->order = (enum lanes_order)random_below(rng, LANES_ORDER_COUNT);
	trial->low = random_below(rng, 2);
	trial->x_size = 1.0F;
	trial->w_size = 0.125F;
}

/* One more than twice what a simdgroup or a threadgroup takes at once. */
static void test_dimensions(void **state)
{
	static const size_t most[][3] = {
		/* m, n, k */
		[EXACT_GEMV] = { 3, 2 * 4 * QUIRE_GPU_GEMV_ROWS + 1, 1025 },
		[EXACT_SMALL] = { 2 * QUIRE_GPU_SMALL_X + 1,
				  2 * 4 * QUIRE_GPU_SMALL_ROWS + 1, 1025 },
		[EXACT_PACKED] = { 2 * QUIRE_GPU_TILE_X + 1,
				   2 * QUIRE_GPU_TILE_ROWS + 1,
				   2 * QUIRE_GPU_STEP_COLS + 1 },
	};
	struct rng rng = { 61 };

	(void)state;
	for (size_t kernel = 0; kernel < COUNT(kernels); kernel++)
		for (size_t axis = 0; axis < 3; axis++)
			for (size_t size = 1; size <= most[kernel][axis];
			     size++) {
				size_t of[3] = {
					random_below(&rng, most[kernel][0]) + 1,
					random_below(&rng, most[kernel][1]) + 1,
					random_below(&rng, 2 * 32 + 1) + 1,
				};
				struct trial trial = {
					.kernel = (enum exact_kernel)kernel
				};

				of[axis] = size;
				vary(&trial, &rng);
				trial.m = of[0];
				trial.n = of[1];
				trial.k = of[2];
				try_both_guards(trial, &rng);
			}
}

/* Every instantiation, in every order of lanes, at a ragged size. */
static void test_orders(void **state)
{
	struct rng rng = { 62 };

	(void)state;
	for (size_t kernel = 0; kernel < COUNT(kernels); kernel++)
		for (size_t type = 0; type < COUNT(types); type++)
			for (int half = 0; half < 2; half++)
				for (int order = 0; order < LANES_ORDER_COUNT;
				     order++) {
					struct trial trial = {
						.kernel =
						    (enum exact_kernel)kernel,
						.m = kernel == EXACT_GEMV ? 2
									  : 11,
						.n = 67,
						.k = 101,
					};

					vary(&trial, &rng);
					trial.type = type;
					trial.x_dtype =
					    half ? QUIRE_F16 : QUIRE_F32;
					trial.order = (enum lanes_order)order;
					try_both_guards(trial, &rng);
				}
}

/* Operands far above f16's largest number, and f16 operands close to it. */
static void test_large_numbers(void **state)
{
	struct rng rng = { 63 };

	(void)state;
	for (size_t kernel = 0; kernel < COUNT(kernels); kernel++)
		for (size_t type = 0; type < COUNT(types); type++)
			for (int half = 0; half < 2; half++) {
				struct trial trial = {
					.kernel = (enum exact_kernel)kernel,
					.m = 9,
					.n = 9,
					.k = 70,
				};

				vary(&trial, &rng);
				trial.type = type;
				trial.x_dtype = half ? QUIRE_F16 : QUIRE_F32;
				trial.y_dtype = QUIRE_F32;
				trial.w_size = 65504.0F;
				trial.x_size = half ? 65504.0F : 1e20F;
				trial.bias = QUIRE_GPU_BIAS_NONE;
				try(&trial, &rng);
			}
}

/* Many columns, as models have. */
static void test_wide(void **state)
{
	static const size_t rows[] = { 1, 8, 33 };
	struct rng rng = { 64 };

	(void)state;
	for (size_t kernel = 0; kernel < COUNT(kernels); kernel++) {
		struct trial trial = { .kernel = (enum exact_kernel)kernel,
				       .m = rows[kernel],
				       .n = 40,
				       .k = 4096 };

		vary(&trial, &rng);
		trial.type = 0;
		trial.y_dtype = QUIRE_F32;
		try(&trial, &rng);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dimensions),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test(test_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
