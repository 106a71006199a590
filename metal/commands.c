/*
 * commands.c - encodes products. x is copied into memory that the device sees,
 * with rows padded to QUIRE_GPU_ROW_ALIGNMENT, and y is copied back from such
 * memory. The weights stay in place. One encoder takes all products of a batch,
 * and a product that needs the y of another runs after it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "format/parse.h"
#include "metal/commands.h"
#include "metal/params.h"
#include "metal/slabs.h"

/* A y that is on the device and not yet in the caller's memory. */
struct pending {
	struct place place;
	size_t rows, cols;
	size_t stride; /* bytes, on the device */
	quire_dtype dtype;
	unsigned char *y;
	size_t y_row_size;
};

struct commands {
	struct commands *next; /* in the list of unused ones */
	struct gpu *gpu;
	id buffer, encoder; /* nil: nothing is encoded */
	struct slabs slabs;
	struct pending *pending;
	size_t pending_count, pending_capacity;
};

/* One product on the device. */
struct job {
	const struct request *request;
	enum kernel kernel;
	size_t type;
	struct place weights, x, y, bias;
	struct product_params params;
};

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

static size_t pad_cols(size_t cols)
{
	return divide_up(cols, QUIRE_GPU_ROW_ALIGNMENT) *
	       QUIRE_GPU_ROW_ALIGNMENT;
}

quire_status quire_commands_take(struct gpu *gpu, struct commands **commands,
				 quire_error *error)
{
	struct commands *taken;

	quire_mutex_lock(&gpu->mutex);
	taken = gpu->commands;
	if (taken)
		gpu->commands = taken->next;
	quire_mutex_unlock(&gpu->mutex);
	if (!taken)
		taken = calloc(1, sizeof(*taken));
	if (!taken)
		return quire_fail_memory(error, sizeof(*taken));
	taken->gpu = gpu;
	*commands = taken;
	return QUIRE_OK;
}

/* Drops what was encoded and not committed. */
static void clear(struct commands *commands)
{
	if (commands->encoder)
		SEND(end_encoding, commands->encoder);
	SEND(release, commands->encoder);
	SEND(release, commands->buffer);
	commands->encoder = (id)0;
	commands->buffer = (id)0;
	commands->pending_count = 0;
	quire_slabs_reset(&commands->slabs);
}

void quire_commands_give(struct commands *commands)
{
	struct gpu *gpu = commands->gpu;
	id pool = metal_pool_push();

	clear(commands);
	metal_pool_pop(pool);
	quire_mutex_lock(&gpu->mutex);
	commands->next = gpu->commands;
	gpu->commands = commands;
	quire_mutex_unlock(&gpu->mutex);
}

void quire_commands_free(struct commands *commands)
{
	while (commands) {
		struct commands *next = commands->next;

		quire_slabs_free(&commands->slabs);
		free(commands->pending);
		free(commands);
		commands = next;
	}
}

static quire_status begin(struct commands *commands, quire_error *error)
{
	if (commands->encoder)
		return QUIRE_OK;
	commands->buffer =
	    SEND(retain, SEND(command_buffer, commands->gpu->queue));
	commands->encoder =
	    SEND(retain, SEND(compute_encoder, commands->buffer));
	if (commands->encoder)
		return QUIRE_OK;
	SEND(release, commands->buffer);
	commands->buffer = (id)0;
	return quire_gpu_fail(error, QUIRE_ERROR_MEMORY,
			      "no command buffer could be made", (id)0);
}

static quire_status reserve_pending(struct commands *commands,
				    quire_error *error)
{
	struct pending *pending =
	    quire_grow(commands->pending, &commands->pending_capacity,
		       commands->pending_count, sizeof(*pending));

	if (!pending)
		return quire_fail_memory(error, sizeof(*pending));
	commands->pending = pending;
	return QUIRE_OK;
}

/* Bytes of rows; the last one has no stride after it. */
static size_t extent(size_t rows, size_t row_size, size_t last)
{
	return rows == 0 ? 0 : (rows - 1) * row_size + last;
}

static bool overlaps(const struct pending *pending,
		     const struct request *request)
{
	const size_t x_size =
	    extent(request->m, request->x_row_size,
		   request->k * quire_plain_size(request->x_dtype));
	const size_t y_size =
	    extent(pending->rows, pending->y_row_size,
		   pending->cols * quire_plain_size(pending->dtype));

	return (uintptr_t)request->x < (uintptr_t)pending->y + y_size &&
	       (uintptr_t)pending->y < (uintptr_t)request->x + x_size;
}

static bool continues(const struct pending *pending,
		      const struct request *request)
{
	return request->x == pending->y && request->x_dtype == pending->dtype &&
	       request->k <= pending->cols && request->m <= pending->rows &&
	       (request->m == 1 || request->x_row_size == pending->y_row_size);
}

/* The x of a job, from an earlier y or from the caller. */
static quire_status place_x(struct commands *commands, struct job *job,
			    quire_error *error)
{
	const struct request *request = job->request;
	const size_t element = quire_plain_size(request->x_dtype);
	const size_t stride = pad_cols(request->k);
	quire_status status;

	/* The latest comes first: its y would be in memory by now. */
	for (size_t i = commands->pending_count; i-- > 0;) {
		const struct pending *pending = &commands->pending[i];

		if (!overlaps(pending, request))
			continue;
		if (continues(pending, request)) {
			job->x = pending->place;
			job->params.x_stride =
			    (uint32_t)(pending->stride / element);
			return QUIRE_OK;
		}
		status = quire_commands_flush(commands, error);
		if (status != QUIRE_OK)
			return status;
		break;
	}
	status =
	    quire_slabs_take(commands->gpu, &commands->slabs,
			     request->m * stride * element, &job->x, error);
	if (status != QUIRE_OK)
		return status;
	for (size_t m = 0; m < request->m; m++)
		memcpy(job->x.contents + m * stride * element,
		       request->x + m * request->x_row_size,
		       request->k * element);
	job->params.x_stride = (uint32_t)stride;
	return QUIRE_OK;
}

static quire_status place_bias(struct commands *commands, struct job *job,
			       quire_error *error)
{
	const quire_tensor *bias = job->request->bias;
	quire_status status;

	/* The device's validation wants something bound. */
	job->bias = job->x;
	job->params.bias = QUIRE_GPU_BIAS_NONE;
	if (!bias)
		return QUIRE_OK;
	job->params.bias = bias->dtype == QUIRE_F32   ? QUIRE_GPU_BIAS_F32
			   : bias->dtype == QUIRE_F16 ? QUIRE_GPU_BIAS_F16
						      : QUIRE_GPU_BIAS_BF16;
	if (quire_gpu_find(commands->gpu, bias->data, (size_t)bias->size,
			   &job->bias))
		return QUIRE_OK;
	status = quire_slabs_take(commands->gpu, &commands->slabs,
				  (size_t)bias->size, &job->bias, error);
	if (status == QUIRE_OK)
		memcpy(job->bias.contents, bias->data, (size_t)bias->size);
	return status;
}

static quire_status place_y(struct commands *commands, struct job *job,
			    quire_error *error)
{
	const struct request *request = job->request;
	const size_t element = quire_plain_size(request->y_dtype);
	const size_t stride = pad_cols(request->n);
	quire_status status = reserve_pending(commands, error);

	if (status != QUIRE_OK)
		return status;
	job->params.y_stride = (uint32_t)stride;
	job->params.y_half = request->y_dtype == QUIRE_F16;
	return quire_slabs_take(commands->gpu, &commands->slabs,
				request->m * stride * element, &job->y, error);
}

static void add_pending(struct commands *commands, const struct job *job)
{
	const struct request *request = job->request;

	commands->pending[commands->pending_count++] = (struct pending){
		.place = job->y,
		.rows = request->m,
		.cols = request->n,
		.stride =
		    job->params.y_stride * quire_plain_size(request->y_dtype),
		.dtype = request->y_dtype,
		.y = request->y,
		.y_row_size = request->y_row_size,
	};
}

static void bind(id encoder, const struct place *place, NSUInteger index)
{
	SEND_WITH(set_buffer, encoder, place->buffer, place->offset, index);
}

static void dispatch(const struct commands *commands, const struct job *job)
{
	const struct tuning *tuning = commands->gpu->tuning;
	const size_t m = job->request->m, n = job->request->n;
	MTLSize groups = { 1, 1, 1 }, threads = { QUIRE_GPU_SIMD_WIDTH, 1, 1 };

	switch (job->kernel) {
	case KERNEL_GEMV:
		threads.width *= tuning->gemv_simds;
		groups.width =
		    divide_up(n, QUIRE_GPU_GEMV_ROWS * tuning->gemv_simds);
		groups.height = m;
		break;
	case KERNEL_SMALL:
		threads.width *= tuning->small_simds;
		groups.width =
		    divide_up(n, QUIRE_GPU_SMALL_ROWS * tuning->small_simds);
		groups.height = divide_up(m, QUIRE_GPU_SMALL_X);
		break;
	default:
		threads.width = QUIRE_GPU_TILE_THREADS;
		groups.width = divide_up(n, QUIRE_GPU_TILE_ROWS);
		groups.height = divide_up(m, QUIRE_GPU_TILE_X);
		SEND_WITH(set_memory, commands->encoder,
			  (NSUInteger)QUIRE_GPU_TILE_MEMORY, (NSUInteger)0);
	}
	SEND_WITH(dispatch, commands->encoder, groups, threads);
}

static quire_status encode(struct commands *commands, struct job *job,
			   quire_error *error)
{
	id pipeline, encoder;
	quire_status status = quire_gpu_pipeline(
	    commands->gpu, job->kernel, job->type,
	    job->request->x_dtype == QUIRE_F16, &pipeline, error);

	if (status != QUIRE_OK)
		return status;
	status = begin(commands, error);
	if (status != QUIRE_OK)
		return status;
	encoder = commands->encoder;
	SEND_WITH(set_pipeline, encoder, pipeline);
	bind(encoder, &job->weights, QUIRE_GPU_AT_WEIGHTS);
	bind(encoder, &job->x, QUIRE_GPU_AT_X);
	bind(encoder, &job->y, QUIRE_GPU_AT_Y);
	bind(encoder, &job->bias, QUIRE_GPU_AT_BIAS);
	SEND_WITH(set_bytes, encoder, &job->params,
		  (NSUInteger)sizeof(job->params),
		  (NSUInteger)QUIRE_GPU_AT_PARAMS);
	dispatch(commands, job);
	return QUIRE_OK;
}

static quire_status find_weights(struct gpu *gpu, struct job *job,
				 quire_error *error)
{
	const struct request *request = job->request;

	if (!quire_gpu_type(request->dtype, &job->type))
		return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "Metal: weights of type %s cannot be "
				  "multiplied; these types can: Q4_0, Q4_1, "
				  "Q8_0, F16, F32",
				  quire_dtype_name(request->dtype));
	if (!quire_gpu_find(gpu, request->weights,
			    request->row_size * request->n, &job->weights))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "Metal: no model that is attached to this "
				  "runtime has these weights, or they are not "
				  "aligned to 4 bytes");
	return QUIRE_OK;
}

static quire_status multiply_rows(struct commands *commands,
				  const struct request *request,
				  quire_error *error)
{
	struct job job = { .request = request,
			   .kernel =
			       quire_gpu_choose(commands->gpu, request->m),
			   .params = { .row_size = request->row_size,
				       .k = (uint32_t)request->k,
				       .n = (uint32_t)request->n,
				       .m = (uint32_t)request->m } };
	quire_status status = find_weights(commands->gpu, &job, error);

	if (status == QUIRE_OK)
		status = place_x(commands, &job, error);
	if (status == QUIRE_OK)
		status = place_bias(commands, &job, error);
	if (status == QUIRE_OK)
		status = place_y(commands, &job, error);
	if (status == QUIRE_OK)
		status = encode(commands, &job, error);
	if (status == QUIRE_OK)
		add_pending(commands, &job);
	return status;
}

/* Rows of x and y that the largest buffer of the device can hold. */
static size_t max_rows(const struct gpu *gpu, const struct request *request)
{
	const size_t x = pad_cols(request->k), y = pad_cols(request->n);
	size_t rows;

	if (gpu->max_buffer_size < QUIRE_GPU_PLACE_ALIGNMENT)
		return 0;
	rows = (gpu->max_buffer_size - QUIRE_GPU_PLACE_ALIGNMENT) /
	       sizeof(float) / (x > y ? x : y);
	return rows > UINT32_MAX ? UINT32_MAX : rows;
}

quire_status quire_commands_multiply(struct commands *commands,
				     const struct request *request,
				     quire_error *error)
{
	const size_t cols = request->k > request->n ? request->k : request->n;
	id pool = metal_pool_push();
	quire_status status = QUIRE_OK;
	size_t rows, most = 0;

	/* The shaders count in 32 bits. */
	if (cols <= UINT32_MAX - QUIRE_GPU_ROW_ALIGNMENT)
		most = max_rows(commands->gpu, request);
	if (most == 0)
		status =
		    quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			       "Metal: a row of %zu columns is larger "
			       "than the largest buffer of the device",
			       cols);
	for (size_t first = 0; status == QUIRE_OK && first < request->m;
	     first += rows) {
		struct request piece = *request;

		rows = request->m - first < most ? request->m - first : most;
		piece.m = rows;
		piece.x += first * request->x_row_size;
		piece.y += first * request->y_row_size;
		status = multiply_rows(commands, &piece, error);
	}
	metal_pool_pop(pool);
	return status;
}

static void copy_out(const struct pending *pending)
{
	const size_t size = pending->cols * quire_plain_size(pending->dtype);

	for (size_t m = 0; m < pending->rows; m++)
		memcpy(pending->y + m * pending->y_row_size,
		       pending->place.contents + m * pending->stride, size);
}

quire_status quire_commands_flush(struct commands *commands, quire_error *error)
{
	id pool = metal_pool_push();
	quire_status status = QUIRE_OK;

	if (commands->encoder) {
		SEND(end_encoding, commands->encoder);
		SEND(release, commands->encoder);
		commands->encoder = (id)0;
		SEND(commit, commands->buffer);
		status = quire_gpu_wait(commands->buffer, error);
	}
	for (size_t i = 0; status == QUIRE_OK && i < commands->pending_count;
	     i++)
		copy_out(&commands->pending[i]);
	clear(commands);
	metal_pool_pop(pool);
	return status;
}
