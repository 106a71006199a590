/*
 * provider_kernels.c - kernels of nodes that a QuireExecutionProvider has
 * claimed: MatMulNBits as a kernel of the registry, DequantizeLinear with
 * MatMul or Gemm as a fused node.
 */
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/provider.h"

/* -------------------------------------------------------------- MatMulNBits */

struct nbits_kernel {
	OrtKernelImpl base; /* first, so that one is the other */
	struct ort_product product;
	quire_linear linear;
	const quire_linear *linears[1];
	char *name;
};

static OrtStatus *compute(OrtKernelImpl *self, OrtKernelContext *context)
{
	return quire_ort_multiply(&((struct nbits_kernel *)self)->product,
				  context);
}

static void release(OrtKernelImpl *self)
{
	free(((struct nbits_kernel *)self)->name);
	free(self);
}

/* The weight is in the container, so that the session may drop its own. */
static OrtStatus *prepack(OrtKernelImpl *self, const OrtValue *tensor,
			  int index, OrtAllocator *allocator,
			  OrtSharedPrePackedWeightCache *cache, bool *packed)
{
	(void)self;
	(void)tensor;
	(void)allocator;
	(void)cache;
	*packed = index >= 1;
	return NULL;
}

typedef OrtStatus *(*name_fn)(const OrtKernelInfo *info, size_t index,
			      char *name, size_t *size);

/* The name of an input or output, to be freed; NULL: out of memory. */
static char *value_name(const OrtApi *api, name_fn get,
			const OrtKernelInfo *info, size_t index)
{
	size_t size = 0;
	char *name;

	quire_ort_ignore(api, get(info, index, NULL, &size));
	name = calloc(size + 1, 1);
	if (name)
		quire_ort_ignore(api, get(info, index, name, &size));
	return name;
}

/* The claim of the node that a kernel is made for. */
static const struct claim *find_claim(const struct factory *factory,
				      const OrtKernelInfo *info,
				      struct provider *provider)
{
	const OrtApi *api = factory->api;
	char *name = quire_ort_node_name(api, info);
	char *output = value_name(api, api->KernelInfo_GetOutputName, info, 0);
	char *codes = value_name(api, api->KernelInfo_GetInputName, info, 1);
	const struct claim *claim =
	    name && output && codes
		? quire_provider_claim(provider, name, output, codes)
		: NULL;

	free(name);
	free(output);
	free(codes);
	return claim;
}

static OrtStatus *fail_claim(const OrtApi *api, const struct claim *claim)
{
	if (!claim)
		return quire_ort_status(api, ORT_FAIL,
					"a node that was not claimed");
	return quire_ort_status(api, ORT_FAIL, "%s", claim->failure);
}

static OrtStatus *create(void *state, const OrtKernelInfo *info,
			 OrtKernelImpl **made)
{
	const struct factory *factory = state;
	const OrtApi *api = factory->api;
	const OrtEp *ep = NULL;
	struct provider *provider;
	const struct claim *claim;
	struct nbits_kernel *kernel;
	OrtStatus *status = factory->ep->KernelInfo_GetEp(info, &ep);

	if (status)
		return status;
	provider = (struct provider *)(uintptr_t)ep;
	claim = find_claim(factory, info, provider);
	if (!claim || claim->failure)
		return fail_claim(api, claim);
	kernel = calloc(1, sizeof(*kernel));
	if (kernel)
		kernel->name = quire_ort_text("%s", claim->name);
	if (!kernel || !kernel->name) {
		free(kernel);
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	}
	kernel->base = (OrtKernelImpl){
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
		.Compute = compute,
		.Release = release,
		.PrePackWeight = prepack,
	};
	kernel->linear = quire_claim_linear(claim);
	kernel->linears[0] = &kernel->linear;
	kernel->product = (struct ort_product){
		.api = api,
		.node = kernel->name,
		.linears = kernel->linears,
		.count = 1,
		.accuracy_level = provider->options.accuracy_level,
	};
	*made = &kernel->base;
	return NULL;
}

static OrtStatus *build_def(const OrtEpApi *ep, OrtKernelDefBuilder *builder,
			    OrtKernelDef **def)
{
	const OrtDataType *types[2];
	OrtStatus *status = ep->GetTensorDataType(
	    ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &types[0]);

	if (!status)
		status = ep->GetTensorDataType(
		    ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, &types[1]);
	if (!status)
		status = ep->KernelDefBuilder_SetOperatorType(builder,
							      "MatMulNBits");
	if (!status)
		status =
		    ep->KernelDefBuilder_SetDomain(builder, "com.microsoft");
	if (!status)
		status = ep->KernelDefBuilder_SetSinceVersion(builder, 1, 1);
	if (!status)
		status = ep->KernelDefBuilder_SetExecutionProvider(
		    builder, QUIRE_PROVIDER_NAME);
	if (!status)
		status = ep->KernelDefBuilder_AddTypeConstraint(builder, "T1",
								types, 2);
	return status ? status : ep->KernelDefBuilder_Build(builder, def);
}

OrtStatus *quire_provider_register(const struct factory *factory,
				   OrtKernelRegistry *registry)
{
	const OrtEpApi *ep = factory->ep;
	OrtKernelDefBuilder *builder = NULL;
	OrtKernelDef *def = NULL;
	OrtStatus *status = ep->CreateKernelDefBuilder(&builder);

	if (status)
		return status;
	status = build_def(ep, builder, &def);
	/* The registry hands the factory to `create`. */
	if (!status)
		status = ep->KernelRegistry_AddKernel(
		    registry, def, create, (void *)(uintptr_t)factory);
	if (def)
		ep->ReleaseKernelDef(def);
	ep->ReleaseKernelDefBuilder(builder);
	return status;
}

/* -------------------------------------------------------------- fused nodes */

struct fused {
	OrtNodeComputeInfo base; /* first, so that one is the other */
	struct ort_product product;
	quire_linear linear;
	const quire_linear *linears[1];
	char *name;
};

static OrtStatus *fused_create(OrtNodeComputeInfo *self,
			       OrtNodeComputeContext *context, void **state)
{
	(void)context;
	*state = self;
	return NULL;
}

static OrtStatus *fused_compute(OrtNodeComputeInfo *self, void *state,
				OrtKernelContext *context)
{
	(void)state;
	return quire_ort_multiply(&((struct fused *)self)->product, context);
}

static void fused_release(OrtNodeComputeInfo *self, void *state)
{
	(void)self;
	(void)state;
}

static void free_fused(struct fused *fused)
{
	if (fused)
		free(fused->name);
	free(fused);
}

/* The group of a fused graph: its last node ends it. */
static OrtStatus *find_group(const OrtApi *api, const OrtGraph *graph,
			     struct node_group *group)
{
	const OrtNode *nodes[3];
	size_t count = 0;
	OrtStatus *status = api->Graph_GetNumNodes(graph, &count);

	if (!status && count <= sizeof(nodes) / sizeof(nodes[0]))
		status = api->Graph_GetNodes(graph, nodes, count);
	if (status)
		return status;
	for (size_t i = 0; i < count && count <= 3; i++)
		if (quire_node_group_find(api, nodes[i], group) == GROUP_FOUND)
			return NULL;
	return quire_ort_status(api, ORT_FAIL,
				"fused nodes are not those that "
				"were claimed");
}

/* Which input of the fused node x is. */
static OrtStatus *find_x(const OrtApi *api, const OrtNode *fused, const char *x,
			 size_t *index)
{
	size_t count = 0;
	const OrtValueInfo *inputs[8] = { NULL };
	OrtStatus *status = api->Node_GetNumInputs(fused, &count);

	if (!status && count <= sizeof(inputs) / sizeof(inputs[0]))
		status = api->Node_GetInputs(fused, inputs, count);
	if (status)
		return status;
	for (size_t i = 0; i < count && count <= 8; i++)
		if (strcmp(quire_value_name(api, inputs[i]), x) == 0) {
			*index = i;
			return NULL;
		}
	return quire_ort_status(api, ORT_FAIL, "a fused node has no input '%s'",
				x);
}

static OrtStatus *compile(struct provider *provider, const OrtGraph *graph,
			  const OrtNode *node, struct fused *fused)
{
	const OrtApi *api = provider->factory->api;
	struct node_group group = { 0 };
	const struct claim *claim;
	size_t x = 0;
	OrtStatus *status;

	if (!provider->container)
		return quire_ort_status(
		    api, ORT_FAIL, "model '%s' cannot use container '%s': %s",
		    provider->model_path ? provider->model_path : "?",
		    provider->container_path ? provider->container_path : "?",
		    provider->failure ? provider->failure : "out of memory");
	status = find_group(api, graph, &group);
	if (status)
		return status;
	claim = quire_provider_claim(provider, group.name, group.output,
				     quire_value_name(api, group.inputs[1]));
	if (!claim || claim->failure)
		return fail_claim(api, claim);
	status = find_x(api, node, quire_value_name(api, group.inputs[0]), &x);
	if (status)
		return status;
	fused->name = quire_ort_text("%s", claim->name);
	if (!fused->name)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	fused->base = (OrtNodeComputeInfo){
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
		.CreateState = fused_create,
		.Compute = fused_compute,
		.ReleaseState = fused_release,
	};
	fused->linear = quire_claim_linear(claim);
	fused->linears[0] = &fused->linear;
	fused->product = (struct ort_product){
		.api = api,
		.node = fused->name,
		.linears = fused->linears,
		.count = 1,
		.accuracy_level = provider->options.accuracy_level,
		.x_input = x,
	};
	return NULL;
}

OrtStatus *quire_provider_compile(OrtEp *self, const OrtGraph **graphs,
				  const OrtNode **fused, size_t count,
				  OrtNodeComputeInfo **infos,
				  OrtNode **contexts)
{
	struct provider *provider = (struct provider *)self;
	OrtStatus *status = NULL;

	(void)contexts;
	for (size_t i = 0; i < count && !status; i++) {
		struct fused *made = calloc(1, sizeof(*made));

		status = made ? compile(provider, graphs[i], fused[i], made)
			      : quire_ort_status(provider->factory->api,
						 ORT_FAIL, "out of memory");
		if (status)
			free_fused(made);
		else
			infos[i] = &made->base;
	}
	return status;
}

void quire_provider_release_computes(OrtEp *self, OrtNodeComputeInfo **infos,
				     size_t count)
{
	(void)self;
	for (size_t i = 0; i < count; i++)
		free_fused((struct fused *)infos[i]);
}
