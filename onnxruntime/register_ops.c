/*
 * register_ops.c - RegisterCustomOps, which ONNX Runtime calls for each set of
 * session options that is to know the custom ops.
 *
 * A domain and its ops must outlive every session that knows them, and nobody
 * says when the last one ends. So there is one for each folder that containers
 * are looked for in (and each ONNX Runtime in the process), and it stays.
 */
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/custom_op.h"

/* Where relative paths in attribute `container` begin. */
#define FOLDER_KEY "quire.folder"

#define OP_COUNT 8

struct domain {
	struct domain *next;
	const OrtApi *api;
	char *folder;
	OrtCustomOpDomain *domain;
	struct custom_op ops[OP_COUNT];
};

static struct domain *domains;

/* ------------------------------------------------- what all ops have alike */

static const char *provider(const OrtCustomOp *op)
{
	(void)op;
	return NULL; /* the CPU's */
}

static size_t two(const OrtCustomOp *op)
{
	(void)op;
	return 2;
}

static size_t one_output(const OrtCustomOp *op)
{
	(void)op;
	return 1;
}

static int one(const OrtCustomOp *op)
{
	(void)op;
	return 1;
}

static ONNXTensorElementDataType input_type(const OrtCustomOp *op, size_t index)
{
	return index == QUIRE_OP_CONTAINER_INPUT
		   ? (ONNXTensorElementDataType)
			 ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8
		   : ((const struct custom_op *)op)->input;
}

static ONNXTensorElementDataType output_type(const OrtCustomOp *op,
					     size_t index)
{
	(void)index;
	return ((const struct custom_op *)op)->output;
}

static OrtCustomOpInputOutputCharacteristic input_kind(const OrtCustomOp *op,
						       size_t index)
{
	(void)op;
	return index == QUIRE_OP_CONTAINER_INPUT ? INPUT_OUTPUT_OPTIONAL
						 : INPUT_OUTPUT_REQUIRED;
}

static OrtCustomOpInputOutputCharacteristic required(const OrtCustomOp *op,
						     size_t index)
{
	(void)op;
	(void)index;
	return INPUT_OUTPUT_REQUIRED;
}

static OrtMemType memory_type(const OrtCustomOp *op, size_t index)
{
	(void)op;
	(void)index;
	return OrtMemTypeDefault;
}

static const OrtCustomOp base_op = {
	.version = QUIRE_ORT_CUSTOM_OP_VERSION,
	.GetExecutionProviderType = provider,
	.GetInputType = input_type,
	.GetInputTypeCount = two,
	.GetOutputType = output_type,
	.GetOutputTypeCount = one_output,
	.GetInputCharacteristic = input_kind,
	.GetOutputCharacteristic = required,
	.GetInputMemoryType = memory_type,
	.GetVariadicInputMinArity = one,
	.GetVariadicInputHomogeneity = one,
	.GetVariadicOutputMinArity = one,
	.GetVariadicOutputHomogeneity = one,
	.GetStartVersion = one,
	.GetEndVersion = one,
};

/* ------------------------------------------------------------- the domains */

static const struct {
	void (*fill)(OrtCustomOp *base);
	ONNXTensorElementDataType input;
	ONNXTensorElementDataType output;
} rows[OP_COUNT] = {
	{ quire_op_linear, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT },
	{ quire_op_linear, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 },
	{ quire_op_linear_many, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT },
	{ quire_op_linear_many, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 },
	{ quire_op_embedding, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT },
	{ quire_op_embedding, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 },
	{ quire_op_embedding, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT },
	{ quire_op_embedding, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
	  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 },
};

static OrtStatus *fill_domain(struct domain *made)
{
	const OrtApi *api = made->api;
	OrtStatus *status = api->CreateCustomOpDomain("quire", &made->domain);

	for (size_t i = 0; i < OP_COUNT && !status; i++) {
		made->ops[i] = (struct custom_op){
			.base = base_op,
			.api = api,
			.folder = made->folder,
			.input = rows[i].input,
			.output = rows[i].output,
		};
		rows[i].fill(&made->ops[i].base);
		status =
		    api->CustomOpDomain_Add(made->domain, &made->ops[i].base);
	}
	return status;
}

/* The domain for a folder. Called under the lock; takes over `folder`. A domain
 * that cannot be filled is lost with its few bytes. */
static OrtStatus *find_domain(const OrtApi *api, char *folder,
			      OrtCustomOpDomain **domain)
{
	struct domain *found = domains;
	OrtStatus *status = NULL;

	while (found &&
	       (found->api != api || strcmp(found->folder, folder) != 0))
		found = found->next;
	if (found) {
		free(folder);
	} else {
		found = calloc(1, sizeof(*found));
		if (!found) {
			free(folder);
			return quire_ort_status(api, ORT_FAIL, "out of memory");
		}
		found->api = api;
		found->folder = folder;
		status = fill_domain(found);
		if (status)
			return status;
		found->next = domains;
		domains = found;
	}
	*domain = found->domain;
	return NULL;
}

/* The value of the folder's key, or "", to be freed; NULL: out of memory. */
static char *read_folder(const OrtApi *api, const OrtSessionOptions *options)
{
	size_t size = 0;
	int has = 0;
	char *folder;

	if (quire_ort_ignore(
		api, api->HasSessionConfigEntry(options, FOLDER_KEY, &has)) &&
	    has)
		quire_ort_ignore(api, api->GetSessionConfigEntry(
					  options, FOLDER_KEY, NULL, &size));
	folder = calloc(size + 1, 1);
	if (folder && size > 0)
		quire_ort_ignore(api, api->GetSessionConfigEntry(
					  options, FOLDER_KEY, folder, &size));
	return folder;
}

QUIRE_ORT_EXPORT OrtStatus *RegisterCustomOps(OrtSessionOptions *options,
					      const OrtApiBase *base);

OrtStatus *RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base)
{
	const OrtApi *api = base->GetApi(QUIRE_ORT_CUSTOM_OP_VERSION);
	OrtCustomOpDomain *domain = NULL;
	OrtStatus *status;
	char *folder;

	if (!api)
		return quire_ort_too_old(base, "custom ops",
					 QUIRE_ORT_CUSTOM_OP_VERSION);
	folder = read_folder(api, options);
	if (!folder || !quire_ort_lock()) {
		free(folder);
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	}
	status = find_domain(api, folder, &domain);
	quire_ort_unlock();
	return status ? status : api->AddCustomOpDomain(options, domain);
}
