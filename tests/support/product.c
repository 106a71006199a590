/*
 * product.c - random products, their f64 reference, and the bounds. The
 * quantization of activations is written again here, from spec/kernels.md.
 */
#include "tests/support/product.h"

#include <float.h>
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "tests/support/check.h"

#define BLOCK	    32
#define GAP_PATTERN 0xA5

static size_t item_size(quire_dtype dtype)
{
	return dtype == QUIRE_F32 ? 4 : 2;
}

/* Weights in blocks of 32, which int8 compute takes. */
static bool in_blocks(const struct product *product)
{
	return product->weights == QUIRE_Q4_0 ||
	       product->weights == QUIRE_Q4_1 || product->weights == QUIRE_Q8_0;
}

static size_t cols_of(const struct product *product)
{
	if (!in_blocks(product))
		return product->k;
	return (product->k + BLOCK - 1) / BLOCK * BLOCK;
}

/* For little-endian hosts only, as the sets under test are. */
static void store(void *bytes, quire_dtype dtype, float value)
{
	const uint16_t half = fp16_ieee_from_fp32_value(value);
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (dtype == QUIRE_F32)
		memcpy(bytes, &value, sizeof(value));
	else if (dtype == QUIRE_F16)
		memcpy(bytes, &half, sizeof(half));
	else
		memcpy(bytes, (uint16_t[]){ (uint16_t)(bits >> 16) }, 2);
}

static float load(const void *bytes, quire_dtype dtype)
{
	uint16_t half;
	float value;

	if (dtype == QUIRE_F32) {
		memcpy(&value, bytes, sizeof(value));
		return value;
	}
	memcpy(&half, bytes, sizeof(half));
	return fp16_ieee_to_fp32_value(half);
}

static unsigned char *x_at(const struct product *product, size_t row,
			   size_t col)
{
	return product->x.data +
	       (row * product->x_stride + col) * item_size(product->x_dtype);
}

static unsigned char *y_at(const struct product *product, size_t row,
			   size_t col)
{
	return product->y.data +
	       (row * product->y_stride + col) * item_size(product->y_dtype);
}

float product_x(const struct product *product, size_t row, size_t col)
{
	return load(x_at(product, row, col), product->x_dtype);
}

void product_set_x(struct product *product, size_t row, size_t col, float value)
{
	store(x_at(product, row, col), product->x_dtype, value);
}

/* The last row ends with its last column, and the guard begins there. */
static struct guarded create_plain(size_t rows, size_t cols, size_t stride,
				   quire_dtype dtype)
{
	return guarded_create(((rows - 1) * stride + cols) * item_size(dtype));
}

static void fill_weights(struct product *product, struct rng *rng)
{
	unsigned char *w = product->w.data + product->odd_size;
	const size_t size = (size_t)product->weight.size;
	uint32_t block_count, block_size;

	if (!in_blocks(product)) {
		const size_t step = item_size(product->weights);

		for (size_t i = 0; i < size; i += step)
			store(w + i, product->weights, random_f32(rng));
		return;
	}
	random_bytes(rng, w, size);
	quire_dtype_block(product->weights, &block_count, &block_size);
	for (size_t i = 0; i < size; i += block_size) {
		const float most = product->weights == QUIRE_Q8_0 ? 128 : 8;

		store(w + i, QUIRE_F16, random_f32(rng) / most);
		if (product->weights == QUIRE_Q4_1)
			store(w + i + 2, QUIRE_F16, random_f32(rng));
	}
}

static void create_bias(struct product *product, struct rng *rng)
{
	const quire_dtype dtype = (quire_dtype)product->bias_dtype;
	const size_t size = item_size(dtype);

	/* One byte more, so that the bias is not aligned. */
	product->bias = guarded_create(product->n * size + 1);
	for (size_t i = 0; i < product->n; i++)
		store(product->bias.data + i * size, dtype, random_f32(rng));
	product->bias_tensor = (quire_tensor){
		.name = { "bias", 4 },
		.dtype = dtype,
		.rank = 1,
		.shape = { product->n, 1, 1, 1 },
		.size = product->n * size,
		.data = product->bias.data,
	};
}

void product_create(struct product *product, struct rng *rng)
{
	const size_t m = product->m, n = product->n, k = product->k;
	uint32_t block_count, block_size;

	if (!product->x_stride)
		product->x_stride = k;
	if (!product->y_stride)
		product->y_stride = n;
	assert_true(
	    quire_dtype_block(product->weights, &block_count, &block_size));
	product->weight = (quire_tensor){
		.name = { "weight", 6 },
		.dtype = product->weights,
		.rank = 2,
		.shape = { cols_of(product), n, 1, 1 },
		.size = cols_of(product) / block_count * block_size * n,
	};
	product->w =
	    guarded_create((size_t)product->weight.size + product->odd_size);
	product->weight.data = product->w.data + product->odd_size;
	fill_weights(product, rng);
	product->x = create_plain(m, k, product->x_stride, product->x_dtype);
	memset(product->x.data, 0xFF, product->x.size); /* NaNs */
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < k; j++)
			product_set_x(product, i, j, random_f32(rng));
	product->y = create_plain(m, n, product->y_stride, product->y_dtype);
	memset(product->y.data, GAP_PATTERN, product->y.size);
	if (product->bias_dtype != PRODUCT_NO_BIAS)
		create_bias(product, rng);
	product->options = (quire_matmul_options){
		.x_dtype = product->x_dtype,
		.y_dtype = product->y_dtype,
		.x_stride = product->x_stride,
		.y_stride = product->y_stride,
		.accuracy_level = product->level,
		.k = k,
		.bias = product->bias.data ? &product->bias_tensor : NULL,
	};
}

void product_free(struct product *product)
{
	guarded_free(&product->x);
	guarded_free(&product->y);
	guarded_free(&product->w);
	if (product->bias.data)
		guarded_free(&product->bias);
}

quire_runtime *product_runtime(const char *kernels, uint32_t threads)
{
	const quire_runtime_options options = { .kernels = kernels,
						.threads = threads };
	quire_runtime *runtime = NULL;

	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	product_use_all_threads(runtime);
	return runtime;
}

void product_use_all_threads(quire_runtime *runtime)
{
	if (!runtime->crew.pool)
		return;
	quire_cpu_share_destroy(&runtime->share);
	runtime->share.allowed = UINT32_MAX;
}

void product_run(struct product *product, quire_runtime *runtime)
{
	quire_error error;

	if (quire_matmul(runtime, &product->weight, product->x.data, product->m,
			 product->y.data, &product->options,
			 &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

/* Replaces a block of x by what int8 compute makes of it. */
static void quantize(float *x, size_t count)
{
	float max = 0.0F, scale, inverse;
	bool finite = true;

	for (size_t i = 0; i < count; i++) {
		finite = finite && isfinite(x[i]);
		max = fmaxf(max, fabsf(x[i]));
	}
	scale = max / 127.0F;
	inverse = 127.0F / max;
	for (size_t i = 0; i < count; i++) {
		if (!finite)
			x[i] = NAN;
		else if (isinf(inverse))
			x[i] = 0.0F;
		else
			x[i] = rintf(x[i] * inverse);
	}
	/* The scale is stored behind the block. */
	x[count] = finite && !isinf(inverse) ? scale : 1.0F;
}

/* A row of x as the level computes with it, in f64, which is exact. */
static void expected_x(const struct product *product, size_t row, bool int8,
		       double *x)
{
	for (size_t k = 0; k < product->k; k += BLOCK) {
		const size_t rest = product->k - k;
		const size_t count = rest < BLOCK ? rest : BLOCK;
		float block[BLOCK + 1];

		for (size_t i = 0; i < count; i++)
			block[i] = product_x(product, row, k + i);
		block[count] = 1.0F;
		if (int8)
			quantize(block, count);
		for (size_t i = 0; i < count; i++)
			x[k + i] = (double)block[i] * (double)block[count];
	}
}

struct expected {
	double sum;
	double magnitude; /* the sum of |x w| */
};

static struct expected dot(const double *x, const float *w, size_t k)
{
	struct expected expected = { 0.0, 0.0 };

	for (size_t i = 0; i < k; i++) {
		expected.sum += x[i] * (double)w[i];
		expected.magnitude += fabs(x[i] * (double)w[i]);
	}
	return expected;
}

static bool uses_int8(const struct product *product)
{
	return product->level == 4 && in_blocks(product);
}

/* Q4_1 in int8 computes x w as x q d + x m. The two terms are summed
 * separately, so the bound needs the sum of their magnitudes, not |x w|. */
static float *decode_parts(const struct product *product)
{
	const unsigned char *block = product->weight.data;
	const size_t cols = cols_of(product);
	float *parts = malloc(product->n * product->k * sizeof(*parts));

	assert_non_null(parts);
	for (size_t n = 0; n < product->n; n++)
		for (size_t k = 0; k < cols; k++) {
			const unsigned char *at =
			    block + (n * cols + k) / 32 * 20;
			const size_t i = k % BLOCK;
			const int codes = at[4 + i % 16];
			const int q = i < 16 ? codes & 15 : codes >> 4;

			if (k < product->k)
				parts[n * product->k + k] =
				    (float)q * fabsf(load(at, QUIRE_F16)) +
				    fabsf(load(at + 2, QUIRE_F16));
		}
	return parts;
}

/* "Bounds" of spec/kernels.md: how far y may be from `expected`. */
static double bound(const struct product *product,
		    const struct expected *expected, double bias)
{
	const double unit = 0x1p-24;
	const double k = (double)product->k;
	const double blocks = ceil(k / BLOCK);
	const double depth =
	    uses_int8(product) ? blocks + 6 : fmin(k, 256) + blocks + 8;
	const double gamma = depth * unit / (1 - depth * unit);
	const double least_block =
	    product->weights == QUIRE_Q8_0 ? 0x1p-130 : 0x1p-134;
	const double least =
	    uses_int8(product) ? blocks * least_block : k * 0x1p-149;
	double most = gamma * expected->magnitude + least;
	const double sum = fabs(expected->sum + bias) + most;

	if (product->bias_dtype != PRODUCT_NO_BIAS)
		most += unit * sum;
	if (product->y_dtype == QUIRE_F16)
		most += 0x1p-11 * (sum + unit * sum) + 0x1p-25;
	return most;
}

static void check_one(const struct product *product, size_t row, size_t col,
		      const struct expected *expected)
{
	const double y = load(y_at(product, row, col), product->y_dtype);
	const double most =
	    product->y_dtype == QUIRE_F16 ? 65504.0 : (double)FLT_MAX;
	double bias = 0.0, allowed;

	if (product->bias_dtype == QUIRE_BF16) {
		const unsigned char *bytes = product->bias.data + col * 2;
		const uint32_t bits =
		    (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
		float value;

		memcpy(&value, &bits, sizeof(value));
		bias = value;
	} else if (product->bias_dtype != PRODUCT_NO_BIAS) {
		const quire_dtype dtype = (quire_dtype)product->bias_dtype;

		bias = load(product->bias.data + col * item_size(dtype), dtype);
	}
	if (isnan(expected->sum)) {
		assert_true(isnan(y));
		return;
	}
	if (isinf(expected->sum)) {
		assert_true(y == expected->sum);
		return;
	}
	/* Beyond this, the result or an intermediate sum may overflow. */
	if (expected->magnitude + fabs(bias) > most / 2)
		return;
	allowed = bound(product, expected, bias);
	if (!(fabs(y - (expected->sum + bias)) <= allowed))
		fail_msg("m %zu n %zu k %zu level %u type %d: y[%zu][%zu] is "
			 "%.9g, not %.9g, off by %.3g of %.3g",
			 product->m, product->n, product->k, product->level,
			 (int)product->weights, row, col, y,
			 expected->sum + bias, fabs(y - (expected->sum + bias)),
			 allowed);
}

static void check_gaps(const struct product *product)
{
	const size_t size = item_size(product->y_dtype);

	for (size_t row = 0; row + 1 < product->m; row++) {
		const unsigned char *gap = y_at(product, row, product->n);

		for (size_t i = 0; i < (product->y_stride - product->n) * size;
		     i++)
			assert_int_equal(gap[i], GAP_PATTERN);
	}
}

static float *decode_weights(const struct product *product)
{
	float *w = malloc(product->n * product->k * sizeof(*w));

	assert_non_null(w);
	assert_int_equal(quire_tensor_decode(&product->weight, 0, product->n,
					     product->k, w, NULL),
			 QUIRE_OK);
	return w;
}

void product_check(const struct product *product)
{
	const bool parted =
	    uses_int8(product) && product->weights == QUIRE_Q4_1;
	float *w = decode_weights(product);
	float *parts = parted ? decode_parts(product) : NULL;
	double *x = malloc(product->k * sizeof(*x));

	assert_non_null(x);
	for (size_t row = 0; row < product->m; row++) {
		expected_x(product, row, uses_int8(product), x);
		for (size_t col = 0; col < product->n; col++) {
			struct expected expected =
			    dot(x, w + col * product->k, product->k);

			if (parted)
				expected.magnitude =
				    dot(x, parts + col * product->k, product->k)
					.magnitude;
			check_one(product, row, col, &expected);
		}
	}
	free(x);
	free(parts);
	free(w);
	check_gaps(product);
}

void product_norms(const struct product *product, double *error, double *norm)
{
	float *w = decode_weights(product);
	double *x = malloc(product->k * sizeof(*x));
	double errors = 0.0, squares = 0.0;

	assert_non_null(x);
	for (size_t row = 0; row < product->m; row++) {
		expected_x(product, row, false, x);
		for (size_t col = 0; col < product->n; col++) {
			const double sum =
			    dot(x, w + col * product->k, product->k).sum;
			const double y =
			    load(y_at(product, row, col), product->y_dtype);

			errors += (y - sum) * (y - sum);
			squares += sum * sum;
		}
	}
	*error = sqrt(errors);
	*norm = sqrt(squares);
	free(x);
	free(w);
}
