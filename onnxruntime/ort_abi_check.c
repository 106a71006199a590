/*
 * ort_abi_check.c - compares ort_abi.h with ONNX Runtime's own headers: each
 * slot, type and value. It is compiled only with -DQUIRE_ORT_HEADERS=DIR, and
 * has no code.
 */
#include <onnxruntime_c_api.h>

#define QUIRE_ORT_CHECK
#include "onnxruntime/ort_abi.h"

#define AT_BYTE(type, at, name)                                                \
	_Static_assert(offsetof(type, name) == (at),                           \
		       #type "." #name " is elsewhere");
#define AT(type, slot, name) AT_BYTE(type, (slot) * sizeof(void *), name)
#define IS(type, name, ...)                                                    \
	_Static_assert(__builtin_types_compatible_p(                           \
			   __typeof__(((type *)NULL)->name), __VA_ARGS__),     \
		       #type "." #name " has another type");

/* Tables of ONNX Runtime. */
#define TABLE(type, slot, result, name, ...)                                   \
	AT(type, slot, name) IS(type, name, result (*)(__VA_ARGS__))
#define BASE_FIRST(since, result, name, ...)                                   \
	TABLE(OrtApiBase, 0, result, name, __VA_ARGS__)
#define BASE_SLOT(slot, since, result, name, ...)                              \
	TABLE(OrtApiBase, slot, result, name, __VA_ARGS__)
#define API_FIRST(since, result, name, ...)                                    \
	TABLE(OrtApi, 0, result, name, __VA_ARGS__)
#define API_SLOT(slot, since, result, name, ...)                               \
	TABLE(OrtApi, slot, result, name, __VA_ARGS__)
#define EP_FIRST(since, result, name, ...)                                     \
	TABLE(OrtEpApi, 0, result, name, __VA_ARGS__)
#define EP_SLOT(slot, since, result, name, ...)                                \
	TABLE(OrtEpApi, slot, result, name, __VA_ARGS__)

QUIRE_ORT_API_BASE(BASE_FIRST, BASE_SLOT)
QUIRE_ORT_API(API_FIRST, API_SLOT)
QUIRE_ORT_EP_API(EP_FIRST, EP_SLOT)

/* Structs of the plugin. */
#define FIELD(type, at, field, name)                                           \
	AT_BYTE(type, at, name) IS(type, name, field)
#define OP_VALUE(at, field, name) FIELD(OrtCustomOp, at, field, name)
#define OP_FUNCTION(slot, result, name, ...)                                   \
	TABLE(OrtCustomOp, slot, result, name, __VA_ARGS__)
#define OP_NONE(slot, name)	       AT(OrtCustomOp, slot, name)
#define FACTORY_VALUE(at, field, name) FIELD(OrtEpFactory, at, field, name)
#define FACTORY_FUNCTION(slot, result, name, ...)                              \
	TABLE(OrtEpFactory, slot, result, name, __VA_ARGS__)
#define FACTORY_NONE(slot, name)	AT(OrtEpFactory, slot, name)
#define PROVIDER_VALUE(at, field, name) FIELD(OrtEp, at, field, name)
#define PROVIDER_FUNCTION(slot, result, name, ...)                             \
	TABLE(OrtEp, slot, result, name, __VA_ARGS__)
#define PROVIDER_NONE(slot, name) AT(OrtEp, slot, name)
#define COMPUTE_VALUE(at, field, name)                                         \
	FIELD(OrtNodeComputeInfo, at, field, name)
#define COMPUTE_FUNCTION(slot, result, name, ...)                              \
	TABLE(OrtNodeComputeInfo, slot, result, name, __VA_ARGS__)
#define KERNEL_VALUE(at, field, name) FIELD(OrtKernelImpl, at, field, name)
#define KERNEL_FUNCTION(slot, result, name, ...)                               \
	TABLE(OrtKernelImpl, slot, result, name, __VA_ARGS__)
#define KERNEL_NONE(slot, name) AT(OrtKernelImpl, slot, name)
#define FUSION_VALUE(at, field, name)                                          \
	FIELD(OrtNodeFusionOptions, at, field, name)

QUIRE_ORT_CUSTOM_OP(OP_VALUE, OP_FUNCTION, OP_NONE)
QUIRE_ORT_EP_FACTORY(FACTORY_VALUE, FACTORY_FUNCTION, FACTORY_NONE)
QUIRE_ORT_EP(PROVIDER_VALUE, PROVIDER_FUNCTION, PROVIDER_NONE)
QUIRE_ORT_NODE_COMPUTE_INFO(COMPUTE_VALUE, COMPUTE_FUNCTION, )
QUIRE_ORT_KERNEL_IMPL(KERNEL_VALUE, KERNEL_FUNCTION, KERNEL_NONE)
QUIRE_ORT_NODE_FUSION_OPTIONS(FUSION_VALUE, , )

#define VALUE(name, value)                                                     \
	_Static_assert((name) == (value), #name " has another value");
QUIRE_ORT_VALUES(VALUE)
