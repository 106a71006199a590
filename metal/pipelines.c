/*
 * pipelines.c - chooses a kernel for a product, and compiles it for the device.
 */
#include <stdio.h>

#include "base/error.h"
#include "metal/gpu.h"
#include "metal/params.h"

static const struct {
	quire_dtype dtype;
	const char *name;
} types[METAL_TYPE_COUNT] = {
	{ QUIRE_Q4_0, "q4_0" }, { QUIRE_Q4_1, "q4_1" }, { QUIRE_Q8_0, "q8_0" },
	{ QUIRE_F16, "f16" },	{ QUIRE_F32, "f32" },
};

bool quire_gpu_type(quire_dtype dtype, size_t *type)
{
	for (size_t i = 0; i < METAL_TYPE_COUNT; i++)
		if (types[i].dtype == dtype) {
			*type = i;
			return true;
		}
	return false;
}

/* MTLGPUFamilyApple7 is M1 and A14, by Metal's tables the first family with
 * matrices of simdgroups. FAMILY_ANY is every other family. */
#define FAMILY_APPLE7 1007
#define FAMILY_ANY    0

static const struct tuning tunings[] = {
	{ .family = FAMILY_APPLE7,
	  /* 8 rows of W a group, as in other kernels for Q4_0 on these GPUs:
	   * enough groups for all cores even at n = 384. */
	  .gemv_simds = 2,
	  /* 4 rows, for the same reason. */
	  .small_simds = 2,
	  /* A second pass of mul_small over W costs more than empty rows of a
	   * tile. */
	  .packed_from = QUIRE_GPU_SMALL_X + 1,
	  .promises_matrices = true },
	{ .family = FAMILY_ANY,
	  /* Groups of twice the size, as other GPUs than Apple's take longer to
	   * start one. */
	  .gemv_simds = 4,
	  .small_simds = 4,
	  /* As above, where it works: on Apple's GPUs in a virtual machine. */
	  .packed_from = QUIRE_GPU_SMALL_X + 1,
	  .promises_matrices = false },
};

const struct tuning *quire_gpu_tuning(id device)
{
	const struct tuning *tuning = tunings;

	while (tuning->family != FAMILY_ANY &&
	       !SEND_WITH(supports_family, device, tuning->family))
		tuning++;
	return tuning;
}

enum kernel quire_gpu_choose(const struct gpu *gpu, size_t m)
{
	if (m == 1)
		return KERNEL_GEMV;
	return m < gpu->packed_from ? KERNEL_SMALL : KERNEL_PACKED;
}

static uint32_t threads_of(const struct gpu *gpu, enum kernel kernel)
{
	switch (kernel) {
	case KERNEL_GEMV:
		return gpu->tuning->gemv_simds * QUIRE_GPU_SIMD_WIDTH;
	case KERNEL_SMALL:
		return gpu->tuning->small_simds * QUIRE_GPU_SIMD_WIDTH;
	default:
		return QUIRE_GPU_TILE_THREADS;
	}
}

static quire_status make(struct gpu *gpu, enum kernel kernel, size_t type,
			 bool x_half, id *pipeline, quire_error *error)
{
	static const char *const kernels[] = { "gemv", "small", "packed" };
	char name[32];
	id function, made, why = (id)0;

	snprintf(name, sizeof(name), "mul_%s_%s_%s", kernels[kernel],
		 types[type].name, x_half ? "f16" : "f32");
	function =
	    SEND_WITH(new_function, gpu->library,
		      SEND_WITH(string, (id)objc_getClass("NSString"), name));
	if (!function)
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED, name,
				      (id)0);
	made = SEND_WITH(new_pipeline, gpu->device, function, &why);
	SEND(release, function);
	if (!made)
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED, name,
				      why);
	if (SEND(execution_width, made) != QUIRE_GPU_SIMD_WIDTH ||
	    SEND(max_threads, made) < threads_of(gpu, kernel)) {
		SEND(release, made);
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED,
				      "the device's simdgroups do not have 32 "
				      "threads, or it runs too few of them",
				      (id)0);
	}
	*pipeline = made;
	return QUIRE_OK;
}

quire_status quire_gpu_pipeline(struct gpu *gpu, enum kernel kernel,
				size_t type, bool x_half, id *pipeline,
				quire_error *error)
{
	id *cached = &gpu->pipelines[kernel][type][x_half];
	quire_status status = QUIRE_OK;

	quire_mutex_lock(&gpu->mutex);
	if (!*cached)
		status = make(gpu, kernel, type, x_half, cached, error);
	*pipeline = *cached;
	quire_mutex_unlock(&gpu->mutex);
	return status;
}
