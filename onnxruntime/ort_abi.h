/*
 * ort_abi.h - the part of ONNX Runtime's C interface that the plugin uses, so
 * that it can be built without ONNX Runtime's headers.
 *
 * That interface is tables of function pointers. A function is a slot, eight
 * bytes on a 64-bit machine; a slot never moves, and newer ones are appended.
 * The lists below state each slot that is used, with the API version that
 * brought it (ONNX Runtime 1.N has API version N); of them come the tables.
 * ort_abi_check.c compares the lists with the real headers
 * (-DQUIRE_ORT_HEADERS=DIR).
 *
 * GetApi(N) returns one table whatever N is, up to the library's own version,
 * and NULL beyond it. A function that returns an OrtStatus returns NULL when
 * all went well; the status belongs to the caller.
 */
#ifndef QUIRE_ONNXRUNTIME_ORT_ABI_H
#define QUIRE_ONNXRUNTIME_ORT_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The greatest API version among the functions that custom ops call, and among
 * those that the execution provider calls. */
#define QUIRE_ORT_CUSTOM_OP_VERSION 17
#define QUIRE_ORT_PROVIDER_VERSION  24

/* clang-format off */

#define QUIRE_ORT_VALUES(X) \
	X(ORT_FAIL, 1) \
	X(ORT_INVALID_ARGUMENT, 2) \
	X(ORT_NO_SUCHFILE, 3) \
	X(ORT_NOT_IMPLEMENTED, 9) \
	X(ORT_INVALID_GRAPH, 10) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, 1) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, 2) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, 3) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, 6) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, 7) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, 10) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, 16) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4, 21) \
	X(ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4, 22) \
	X(INPUT_OUTPUT_REQUIRED, 0) \
	X(INPUT_OUTPUT_OPTIONAL, 1) \
	X(INPUT_OUTPUT_VARIADIC, 2) \
	X(OrtMemTypeDefault, 0) \
	X(ORT_OP_ATTR_INT, 1) \
	X(ORT_OP_ATTR_INTS, 2) \
	X(ORT_OP_ATTR_FLOAT, 3) \
	X(ORT_LOGGING_LEVEL_WARNING, 2) \
	X(ORT_LOGGING_LEVEL_ERROR, 3) \
	X(OrtHardwareDeviceType_CPU, 0)

/* Functions of ONNX Runtime: slot, API version, result, name, parameters. FIRST
 * is the slot 0. */
#define QUIRE_ORT_API(FIRST, SLOT) \
	FIRST(1, OrtStatus *, CreateStatus, OrtErrorCode code, const char *text) \
	SLOT(2, 1, const char *, GetErrorMessage, const OrtStatus *status) \
	SLOT(26, 1, OrtStatus *, CreateCustomOpDomain, const char *name, OrtCustomOpDomain **domain) \
	SLOT(27, 1, OrtStatus *, CustomOpDomain_Add, OrtCustomOpDomain *domain, const OrtCustomOp *op) \
	SLOT(28, 1, OrtStatus *, AddCustomOpDomain, OrtSessionOptions *options, OrtCustomOpDomain *domain) \
	SLOT(51, 1, OrtStatus *, GetTensorMutableData, OrtValue *value, void **data) \
	SLOT(55, 1, OrtStatus *, CastTypeInfoToTensorInfo, const OrtTypeInfo *type, const OrtTensorTypeAndShapeInfo **info) \
	SLOT(57, 1, OrtStatus *, CreateTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo **info) \
	SLOT(58, 1, OrtStatus *, SetTensorElementType, OrtTensorTypeAndShapeInfo *info, ONNXTensorElementDataType type) \
	SLOT(59, 1, OrtStatus *, SetDimensions, OrtTensorTypeAndShapeInfo *info, const int64_t *dims, size_t count) \
	SLOT(60, 1, OrtStatus *, GetTensorElementType, const OrtTensorTypeAndShapeInfo *info, ONNXTensorElementDataType *type) \
	SLOT(61, 1, OrtStatus *, GetDimensionsCount, const OrtTensorTypeAndShapeInfo *info, size_t *count) \
	SLOT(62, 1, OrtStatus *, GetDimensions, const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t count) \
	SLOT(63, 1, OrtStatus *, GetSymbolicDimensions, const OrtTensorTypeAndShapeInfo *info, const char **names, size_t count) \
	SLOT(64, 1, OrtStatus *, GetTensorShapeElementCount, const OrtTensorTypeAndShapeInfo *info, size_t *count) \
	SLOT(65, 1, OrtStatus *, GetTensorTypeAndShape, const OrtValue *value, OrtTensorTypeAndShapeInfo **info) \
	SLOT(86, 1, OrtStatus *, KernelInfoGetAttribute_int64, const OrtKernelInfo *info, const char *name, int64_t *value) \
	SLOT(87, 1, OrtStatus *, KernelInfoGetAttribute_string, const OrtKernelInfo *info, const char *name, char *text, size_t *size) \
	SLOT(90, 1, OrtStatus *, KernelContext_GetInput, const OrtKernelContext *context, size_t index, const OrtValue **value) \
	SLOT(91, 1, OrtStatus *, KernelContext_GetOutput, OrtKernelContext *context, size_t index, const int64_t *dims, size_t count, OrtValue **value) \
	SLOT(93, 1, void, ReleaseStatus, OrtStatus *status) \
	SLOT(99, 1, void, ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo *info) \
	SLOT(163, 11, OrtStatus *, KernelInfoGetAttributeArray_int64, const OrtKernelInfo *info, const char *name, int64_t *values, size_t *count) \
	SLOT(230, 14, OrtStatus *, KernelInfo_GetInputCount, const OrtKernelInfo *info, size_t *count) \
	SLOT(231, 14, OrtStatus *, KernelInfo_GetOutputCount, const OrtKernelInfo *info, size_t *count) \
	SLOT(232, 14, OrtStatus *, KernelInfo_GetInputName, const OrtKernelInfo *info, size_t index, char *name, size_t *size) \
	SLOT(233, 14, OrtStatus *, KernelInfo_GetOutputName, const OrtKernelInfo *info, size_t index, char *name, size_t *size) \
	SLOT(237, 14, OrtStatus *, HasSessionConfigEntry, const OrtSessionOptions *options, const char *key, int *has) \
	SLOT(238, 14, OrtStatus *, GetSessionConfigEntry, const OrtSessionOptions *options, const char *key, char *value, size_t *size) \
	SLOT(244, 15, OrtStatus *, KernelInfo_GetNodeName, const OrtKernelInfo *info, char *name, size_t *size) \
	SLOT(247, 15, OrtStatus *, Logger_LogMessage, const OrtLogger *logger, OrtLoggingLevel level, const char *message, const char *file, int line, const char *function) \
	SLOT(249, 15, OrtStatus *, KernelInfoGetConstantInput_tensor, const OrtKernelInfo *info, size_t index, int *constant, const OrtValue **value) \
	SLOT(268, 17, OrtStatus *, ShapeInferContext_GetInputTypeShape, const OrtShapeInferContext *context, size_t index, OrtTensorTypeAndShapeInfo **info) \
	SLOT(269, 17, OrtStatus *, ShapeInferContext_GetAttribute, const OrtShapeInferContext *context, const char *name, const OrtOpAttr **attribute) \
	SLOT(270, 17, OrtStatus *, ShapeInferContext_SetOutputTypeShape, const OrtShapeInferContext *context, size_t index, const OrtTensorTypeAndShapeInfo *info) \
	SLOT(271, 17, OrtStatus *, SetSymbolicDimensions, OrtTensorTypeAndShapeInfo *info, const char **names, size_t count) \
	SLOT(272, 17, OrtStatus *, ReadOpAttr, const OrtOpAttr *attribute, OrtOpAttrType type, void *data, size_t size, size_t *used) \
	SLOT(274, 17, OrtStatus *, KernelContext_ParallelFor, const OrtKernelContext *context, void (*task)(void *, size_t), size_t count, size_t batches, void *user) \
	SLOT(289, 22, OrtStatus *, GetValueInfoName, const OrtValueInfo *value, const char **name) \
	SLOT(290, 22, OrtStatus *, GetValueInfoTypeInfo, const OrtValueInfo *value, const OrtTypeInfo **type) \
	SLOT(298, 22, void, GetKeyValuePairs, const OrtKeyValuePairs *pairs, const char *const **keys, const char *const **values, size_t *count) \
	SLOT(300, 22, void, ReleaseKeyValuePairs, OrtKeyValuePairs *pairs) \
	SLOT(307, 22, OrtHardwareDeviceType, HardwareDevice_Type, const OrtHardwareDevice *device) \
	SLOT(317, 22, const OrtEpApi *, GetEpApi, void) \
	SLOT(323, 23, OrtStatus *, ValueInfo_GetValueProducer, const OrtValueInfo *value, const OrtNode **node, size_t *index) \
	SLOT(324, 23, OrtStatus *, ValueInfo_GetValueNumConsumers, const OrtValueInfo *value, size_t *count) \
	SLOT(326, 23, OrtStatus *, ValueInfo_GetInitializerValue, const OrtValueInfo *info, const OrtValue **value) \
	SLOT(327, 23, OrtStatus *, ValueInfo_GetExternalInitializerInfo, const OrtValueInfo *value, OrtExternalInitializerInfo **info) \
	SLOT(330, 23, OrtStatus *, ValueInfo_IsGraphOutput, const OrtValueInfo *value, bool *is) \
	SLOT(331, 23, OrtStatus *, ValueInfo_IsConstantInitializer, const OrtValueInfo *value, bool *is) \
	SLOT(334, 23, OrtStatus *, Graph_GetModelPath, const OrtGraph *graph, const char **path) \
	SLOT(344, 23, OrtStatus *, Graph_GetNumNodes, const OrtGraph *graph, size_t *count) \
	SLOT(345, 23, OrtStatus *, Graph_GetNodes, const OrtGraph *graph, const OrtNode **nodes, size_t count) \
	SLOT(349, 23, OrtStatus *, Node_GetName, const OrtNode *node, const char **name) \
	SLOT(350, 23, OrtStatus *, Node_GetOperatorType, const OrtNode *node, const char **type) \
	SLOT(351, 23, OrtStatus *, Node_GetDomain, const OrtNode *node, const char **domain) \
	SLOT(353, 23, OrtStatus *, Node_GetNumInputs, const OrtNode *node, size_t *count) \
	SLOT(354, 23, OrtStatus *, Node_GetInputs, const OrtNode *node, const OrtValueInfo **inputs, size_t count) \
	SLOT(356, 23, OrtStatus *, Node_GetOutputs, const OrtNode *node, const OrtValueInfo **outputs, size_t count) \
	SLOT(361, 23, OrtStatus *, Node_GetAttributeByName, const OrtNode *node, const char *name, const OrtOpAttr **attribute) \
	SLOT(369, 23, void, ReleaseExternalInitializerInfo, OrtExternalInitializerInfo *info) \
	SLOT(370, 23, const char *, ExternalInitializerInfo_GetFilePath, const OrtExternalInitializerInfo *info) \
	SLOT(371, 23, int64_t, ExternalInitializerInfo_GetFileOffset, const OrtExternalInitializerInfo *info) \
	SLOT(372, 23, size_t, ExternalInitializerInfo_GetByteSize, const OrtExternalInitializerInfo *info) \
	SLOT(379, 23, OrtStatus *, GetSessionOptionsConfigEntries, const OrtSessionOptions *options, OrtKeyValuePairs **entries) \
	SLOT(391, 24, OrtStatus *, KernelInfo_GetConfigEntries, const OrtKernelInfo *info, OrtKeyValuePairs **entries)

#define QUIRE_ORT_EP_API(FIRST, SLOT) \
	FIRST(22, OrtStatus *, CreateEpDevice, OrtEpFactory *factory, const OrtHardwareDevice *device, const OrtKeyValuePairs *metadata, const OrtKeyValuePairs *options, OrtEpDevice **made) \
	SLOT(2, 23, OrtStatus *, EpGraphSupportInfo_AddNodesToFuse, OrtEpGraphSupportInfo *support, const OrtNode *const *nodes, size_t count, const OrtNodeFusionOptions *options) \
	SLOT(3, 23, OrtStatus *, EpGraphSupportInfo_AddSingleNode, OrtEpGraphSupportInfo *support, const OrtNode *node) \
	SLOT(18, 24, OrtStatus *, CreateKernelRegistry, OrtKernelRegistry **registry) \
	SLOT(19, 24, void, ReleaseKernelRegistry, OrtKernelRegistry *registry) \
	SLOT(20, 24, OrtStatus *, KernelRegistry_AddKernel, OrtKernelRegistry *registry, const OrtKernelDef *def, OrtKernelCreateFunc create, void *state) \
	SLOT(21, 24, OrtStatus *, CreateKernelDefBuilder, OrtKernelDefBuilder **builder) \
	SLOT(22, 24, void, ReleaseKernelDefBuilder, OrtKernelDefBuilder *builder) \
	SLOT(23, 24, OrtStatus *, KernelDefBuilder_SetOperatorType, OrtKernelDefBuilder *builder, const char *type) \
	SLOT(24, 24, OrtStatus *, KernelDefBuilder_SetDomain, OrtKernelDefBuilder *builder, const char *domain) \
	SLOT(25, 24, OrtStatus *, KernelDefBuilder_SetSinceVersion, OrtKernelDefBuilder *builder, int first, int last) \
	SLOT(26, 24, OrtStatus *, KernelDefBuilder_SetExecutionProvider, OrtKernelDefBuilder *builder, const char *provider) \
	SLOT(29, 24, OrtStatus *, KernelDefBuilder_AddTypeConstraint, OrtKernelDefBuilder *builder, const char *parameter, const OrtDataType *const *types, size_t count) \
	SLOT(32, 24, OrtStatus *, KernelDefBuilder_Build, OrtKernelDefBuilder *builder, OrtKernelDef **def) \
	SLOT(33, 24, void, ReleaseKernelDef, OrtKernelDef *def) \
	SLOT(40, 24, OrtStatus *, GetTensorDataType, ONNXTensorElementDataType element, const OrtDataType **type) \
	SLOT(43, 24, OrtStatus *, KernelInfo_GetEp, const OrtKernelInfo *info, const OrtEp **ep)

#define QUIRE_ORT_API_BASE(FIRST, SLOT) \
	FIRST(1, const OrtApi *, GetApi, uint32_t version) \
	SLOT(1, 1, const char *, GetVersionString, void)

/*
 * Structs that the plugin fills in: their fields, in order, to the last one of
 * the API version that the first field states. ONNX Runtime reads no field that
 * is newer. VALUE: byte of the struct, type, name. FUNCTION: slot, result, name,
 * parameters. NONE: slot and name of a function that stays NULL.
 */
#define QUIRE_ORT_CUSTOM_OP(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, version) \
	NONE(1, CreateKernel) \
	FUNCTION(2, const char *, GetName, const OrtCustomOp *op) \
	FUNCTION(3, const char *, GetExecutionProviderType, const OrtCustomOp *op) \
	FUNCTION(4, ONNXTensorElementDataType, GetInputType, const OrtCustomOp *op, size_t index) \
	FUNCTION(5, size_t, GetInputTypeCount, const OrtCustomOp *op) \
	FUNCTION(6, ONNXTensorElementDataType, GetOutputType, const OrtCustomOp *op, size_t index) \
	FUNCTION(7, size_t, GetOutputTypeCount, const OrtCustomOp *op) \
	NONE(8, KernelCompute) \
	FUNCTION(9, void, KernelDestroy, void *kernel) \
	FUNCTION(10, OrtCustomOpInputOutputCharacteristic, GetInputCharacteristic, const OrtCustomOp *op, size_t index) \
	FUNCTION(11, OrtCustomOpInputOutputCharacteristic, GetOutputCharacteristic, const OrtCustomOp *op, size_t index) \
	FUNCTION(12, OrtMemType, GetInputMemoryType, const OrtCustomOp *op, size_t index) \
	FUNCTION(13, int, GetVariadicInputMinArity, const OrtCustomOp *op) \
	FUNCTION(14, int, GetVariadicInputHomogeneity, const OrtCustomOp *op) \
	FUNCTION(15, int, GetVariadicOutputMinArity, const OrtCustomOp *op) \
	FUNCTION(16, int, GetVariadicOutputHomogeneity, const OrtCustomOp *op) \
	FUNCTION(17, OrtStatus *, CreateKernelV2, const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **kernel) \
	FUNCTION(18, OrtStatus *, KernelComputeV2, void *kernel, OrtKernelContext *context) \
	FUNCTION(19, OrtStatus *, InferOutputShapeFn, const OrtCustomOp *op, OrtShapeInferContext *context) \
	FUNCTION(20, int, GetStartVersion, const OrtCustomOp *op) \
	FUNCTION(21, int, GetEndVersion, const OrtCustomOp *op)

#define QUIRE_ORT_EP_FACTORY(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, ort_version_supported) \
	FUNCTION(1, const char *, GetName, const OrtEpFactory *self) \
	FUNCTION(2, const char *, GetVendor, const OrtEpFactory *self) \
	FUNCTION(3, OrtStatus *, GetSupportedDevices, OrtEpFactory *self, const OrtHardwareDevice *const *devices, size_t count, OrtEpDevice **made, size_t most, size_t *made_count) \
	FUNCTION(4, OrtStatus *, CreateEp, OrtEpFactory *self, const OrtHardwareDevice *const *devices, const OrtKeyValuePairs *const *metadata, size_t count, const OrtSessionOptions *options, const OrtLogger *logger, OrtEp **ep) \
	FUNCTION(5, void, ReleaseEp, OrtEpFactory *self, OrtEp *ep) \
	FUNCTION(6, uint32_t, GetVendorId, const OrtEpFactory *self) \
	FUNCTION(7, const char *, GetVersion, const OrtEpFactory *self) \
	NONE(8, ValidateCompiledModelCompatibilityInfo) \
	FUNCTION(9, OrtStatus *, CreateAllocator, OrtEpFactory *self, const OrtMemoryInfo *memory, const OrtKeyValuePairs *options, OrtAllocator **allocator) \
	FUNCTION(10, void, ReleaseAllocator, OrtEpFactory *self, OrtAllocator *allocator) \
	FUNCTION(11, OrtStatus *, CreateDataTransfer, OrtEpFactory *self, OrtDataTransferImpl **transfer) \
	FUNCTION(12, bool, IsStreamAware, const OrtEpFactory *self) \
	NONE(13, CreateSyncStreamForDevice) \
	NONE(14, GetHardwareDeviceIncompatibilityDetails) \
	NONE(15, CreateExternalResourceImporterForDevice) \
	NONE(16, GetNumCustomOpDomains) \
	NONE(17, GetCustomOpDomains)

#define QUIRE_ORT_EP(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, ort_version_supported) \
	FUNCTION(1, const char *, GetName, const OrtEp *self) \
	FUNCTION(2, OrtStatus *, GetCapability, OrtEp *self, const OrtGraph *graph, OrtEpGraphSupportInfo *support) \
	FUNCTION(3, OrtStatus *, Compile, OrtEp *self, const OrtGraph **graphs, const OrtNode **fused, size_t count, OrtNodeComputeInfo **infos, OrtNode **contexts) \
	FUNCTION(4, void, ReleaseNodeComputeInfos, OrtEp *self, OrtNodeComputeInfo **infos, size_t count) \
	NONE(5, GetPreferredDataLayout) \
	NONE(6, ShouldConvertDataLayoutForOp) \
	NONE(7, SetDynamicOptions) \
	NONE(8, OnRunStart) \
	NONE(9, OnRunEnd) \
	NONE(10, CreateAllocator) \
	NONE(11, CreateSyncStreamForDevice) \
	NONE(12, GetCompiledModelCompatibilityInfo) \
	FUNCTION(13, OrtStatus *, GetKernelRegistry, OrtEp *self, const OrtKernelRegistry **registry) \
	NONE(14, IsConcurrentRunSupported)

#define QUIRE_ORT_NODE_COMPUTE_INFO(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, ort_version_supported) \
	FUNCTION(1, OrtStatus *, CreateState, OrtNodeComputeInfo *self, OrtNodeComputeContext *context, void **state) \
	FUNCTION(2, OrtStatus *, Compute, OrtNodeComputeInfo *self, void *state, OrtKernelContext *context) \
	FUNCTION(3, void, ReleaseState, OrtNodeComputeInfo *self, void *state)

#define QUIRE_ORT_KERNEL_IMPL(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, ort_version_supported) \
	VALUE(4, uint32_t, flags) \
	FUNCTION(1, OrtStatus *, Compute, OrtKernelImpl *self, OrtKernelContext *context) \
	FUNCTION(2, void, Release, OrtKernelImpl *self) \
	FUNCTION(3, OrtStatus *, PrePackWeight, OrtKernelImpl *self, const OrtValue *tensor, int index, OrtAllocator *allocator, OrtSharedPrePackedWeightCache *cache, bool *packed) \
	NONE(4, SetSharedPrePackedWeight)

#define QUIRE_ORT_NODE_FUSION_OPTIONS(VALUE, FUNCTION, NONE) \
	VALUE(0, uint32_t, ort_version_supported) \
	VALUE(4, bool, drop_constant_initializers)

/* clang-format on */

#ifndef QUIRE_ORT_CHECK

typedef struct OrtStatus OrtStatus;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtKernelInfo OrtKernelInfo;
typedef struct OrtKernelContext OrtKernelContext;
typedef struct OrtShapeInferContext OrtShapeInferContext;
typedef struct OrtOpAttr OrtOpAttr;
typedef struct OrtHardwareDevice OrtHardwareDevice;
typedef struct OrtGraph OrtGraph;
typedef struct OrtNode OrtNode;
typedef struct OrtValueInfo OrtValueInfo;
typedef struct OrtExternalInitializerInfo OrtExternalInitializerInfo;
typedef struct OrtKeyValuePairs OrtKeyValuePairs;
typedef struct OrtEpDevice OrtEpDevice;
typedef struct OrtEpGraphSupportInfo OrtEpGraphSupportInfo;
typedef struct OrtKernelRegistry OrtKernelRegistry;
typedef struct OrtKernelDef OrtKernelDef;
typedef struct OrtKernelDefBuilder OrtKernelDefBuilder;
typedef struct OrtDataType OrtDataType;
typedef struct OrtLogger OrtLogger;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtDataTransferImpl OrtDataTransferImpl;
typedef struct OrtNodeComputeContext OrtNodeComputeContext;
typedef struct OrtSharedPrePackedWeightCache OrtSharedPrePackedWeightCache;
typedef union OrtApiBase OrtApiBase;
typedef union OrtApi OrtApi;
typedef union OrtEpApi OrtEpApi;
typedef struct OrtCustomOp OrtCustomOp;
typedef struct OrtEpFactory OrtEpFactory;
typedef struct OrtEp OrtEp;
typedef struct OrtKernelImpl OrtKernelImpl;
typedef struct OrtNodeComputeInfo OrtNodeComputeInfo;
typedef struct OrtNodeFusionOptions OrtNodeFusionOptions;

/* Enumerations of the interface. */
typedef unsigned OrtErrorCode;
typedef unsigned ONNXTensorElementDataType;
typedef unsigned OrtCustomOpInputOutputCharacteristic;
typedef int OrtMemType;
typedef unsigned OrtOpAttrType;
typedef unsigned OrtLoggingLevel;
typedef unsigned OrtHardwareDeviceType;

#define QUIRE_ORT_VALUE(name, value) name = (value),
enum {
	QUIRE_ORT_VALUES(QUIRE_ORT_VALUE)
};

typedef OrtStatus *(*OrtKernelCreateFunc)(void *state,
					  const OrtKernelInfo *info,
					  OrtKernelImpl **made);

/* Each function at its slot, as one of many views of the table. */
#define QUIRE_ORT_FIRST(since, result, name, ...) result (*name)(__VA_ARGS__);
#define QUIRE_ORT_SLOT(slot, since, result, name, ...)                         \
	struct {                                                               \
		void (*before_##name[slot])(void);                             \
		result (*name)(__VA_ARGS__);                                   \
	};

union OrtApiBase {
	QUIRE_ORT_API_BASE(QUIRE_ORT_FIRST, QUIRE_ORT_SLOT)
};
union OrtApi {
	QUIRE_ORT_API(QUIRE_ORT_FIRST, QUIRE_ORT_SLOT)
};
union OrtEpApi {
	QUIRE_ORT_EP_API(QUIRE_ORT_FIRST, QUIRE_ORT_SLOT)
};

#define QUIRE_ORT_FIELD(at, type, name)		    type name;
#define QUIRE_ORT_FUNCTION(slot, result, name, ...) result (*name)(__VA_ARGS__);
#define QUIRE_ORT_NONE(slot, name)		    void (*name)(void);
#define QUIRE_ORT_FIELDS(list)                                                 \
	list(QUIRE_ORT_FIELD, QUIRE_ORT_FUNCTION, QUIRE_ORT_NONE)

struct OrtCustomOp {
	QUIRE_ORT_FIELDS(QUIRE_ORT_CUSTOM_OP)
};
struct OrtEpFactory {
	QUIRE_ORT_FIELDS(QUIRE_ORT_EP_FACTORY)
};
struct OrtEp {
	QUIRE_ORT_FIELDS(QUIRE_ORT_EP)
};
struct OrtNodeComputeInfo {
	QUIRE_ORT_FIELDS(QUIRE_ORT_NODE_COMPUTE_INFO)
};
struct OrtKernelImpl {
	QUIRE_ORT_FIELDS(QUIRE_ORT_KERNEL_IMPL)
};
struct OrtNodeFusionOptions {
	QUIRE_ORT_FIELDS(QUIRE_ORT_NODE_FUSION_OPTIONS)
};

#endif

#endif
