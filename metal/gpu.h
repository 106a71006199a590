/*
 * gpu.h - the Metal device of one runtime, with its shaders, its views of
 * attached models, and its memory for products under way.
 */
#ifndef QUIRE_METAL_GPU_H
#define QUIRE_METAL_GPU_H

#include "base/thread.h"
#include "metal/messages.h"
#include "quire.h"
#include "runtime/request.h"

enum kernel {
	KERNEL_GEMV,
	KERNEL_SMALL,
	KERNEL_PACKED,
	KERNEL_COUNT
};

/* Weight types that have shaders: Q4_0, Q4_1, Q8_0, F16, F32. */
#define METAL_TYPE_COUNT 5

/* How kernels are chosen and launched on a family of devices. */
struct tuning {
	NSInteger family;    /* MTLGPUFamily; the table is searched in order */
	uint32_t gemv_simds; /* simdgroups in a threadgroup of mul_gemv */
	uint32_t small_simds;
	uint32_t packed_from;	/* rows of x from which mul_packed is used */
	bool promises_matrices; /* of simdgroups, which mul_packed needs */
};

/* A range of a model's memory as a buffer. */
struct view {
	const quire_model *model;  /* NULL: our own memory */
	const unsigned char *data; /* of byte 0 of the buffer */
	size_t size;
	id buffer;
	bool copied; /* into the device's own memory */
};

#define QUIRE_GPU_NEVER UINT32_MAX

struct gpu {
	/* Constant once the device is open. */
	id device, queue, library;
	const struct tuning *tuning;
	uint32_t
	    packed_from; /* the tuning's; QUIRE_GPU_NEVER without matrices */
	bool unified;	 /* CPU and GPU share their memory */
	size_t page_size, max_buffer_size;
	char name[64];

	struct mutex mutex;				 /* for what follows */
	id pipelines[KERNEL_COUNT][METAL_TYPE_COUNT][2]; /* [2]: x is f16 */
	struct view *views;
	size_t view_count, view_capacity;
	struct commands *commands; /* a list of unused ones */
};

/* Bytes in a buffer. */
struct place {
	id buffer;
	size_t offset;
	unsigned char *contents; /* NULL for views */
};

/* Opens the default device and compiles the shaders. Fails with UNSUPPORTED
 * if there is no device or it cannot run them, MEMORY. */
quire_status quire_gpu_open(struct gpu **gpu, quire_error *error);
/* NULL is fine. No product may be under way. */
void quire_gpu_close(struct gpu *gpu);

/* *type = the index of a weight type; false if it has no shaders. */
bool quire_gpu_type(quire_dtype dtype, size_t *type);

/* The tuning of the device's family. */
const struct tuning *quire_gpu_tuning(id device);

/* The kernel for m rows of x. */
enum kernel quire_gpu_choose(const struct gpu *gpu, size_t m);

/* *pipeline = a compiled kernel, which the gpu makes at its first use and owns.
 */
quire_status quire_gpu_pipeline(struct gpu *gpu, enum kernel kernel,
				size_t type, bool x_half, id *pipeline,
				quire_error *error);

/* Makes buffers over all tensors of a model, or copies where memory is not
 * shared. Does nothing for a model that is attached. */
quire_status quire_gpu_attach(struct gpu *gpu, const quire_model *model,
			      quire_error *error);
void quire_gpu_detach(struct gpu *gpu, const quire_model *model);

/* *data = zeros that the device can multiply by, as if they were those of an
 * attached model. quire_gpu_detach with NULL frees them. */
quire_status quire_gpu_own(struct gpu *gpu, size_t size, unsigned char **data,
			   quire_error *error);

/* Whether mul_packed works on this device. */
bool quire_gpu_check_matrices(struct gpu *gpu);

/* *place = the bytes on the device. False: no attached model has them, or they
 * are not aligned for the shaders. */
bool quire_gpu_find(struct gpu *gpu, const void *data, size_t size,
		    struct place *place);

/* Fails with `status` and the text of an NSError, if there is one. */
quire_status quire_gpu_fail(quire_error *error, quire_status status,
			    const char *what, id ns_error);

/* Waits for a committed command buffer. */
quire_status quire_gpu_wait(id command_buffer, quire_error *error);

#endif
