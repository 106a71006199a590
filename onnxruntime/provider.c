/*
 * provider.c - one QuireExecutionProvider, of one session: opens the container
 * and claims nodes.
 */
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/provider.h"

/* ------------------------------------------------------------ the container */

static bool open_container(struct provider *provider)
{
	quire_error error = { 0 };

	if (quire_ort_container_open(provider->container_path,
				     &provider->options.open,
				     &provider->container, &error) == QUIRE_OK)
		return true;
	/* The path is said with every failure. */
	if (quire_error_is_about(&error, provider->container_path))
		error.path[0] = '\0';
	provider->failure = quire_ort_error_text(&error, NULL);
	return false;
}

/* model.gguf for model.onnx, to be freed. NULL with *failure: there is none. */
static char *default_container(const char *model, char **failure)
{
	static const char suffix[] = ".onnx";
	const size_t size = strlen(model);
	const size_t stem = size - (sizeof(suffix) - 1);

	if (size < sizeof(suffix) || strcmp(model + stem, suffix) != 0) {
		*failure = quire_ort_text(
		    "option container is not given, and from '%s' no path of a "
		    "container follows (model.gguf for model.onnx)",
		    model);
		return NULL;
	}
	return quire_ort_text("%.*s.gguf", (int)stem, model);
}

/* The container of the model that a graph belongs to. False: there is none,
 * and provider->failure says why. */
static bool ensure_container(struct provider *provider, const OrtGraph *graph)
{
	const OrtApi *api = provider->factory->api;
	const char *path = NULL;

	if (!provider->model_path &&
	    quire_ort_ignore(api, api->Graph_GetModelPath(graph, &path)))
		provider->model_path = quire_ort_text(
		    "%s", path && path[0] ? path : "(a model in memory)");
	if (provider->container || provider->failure)
		return provider->container != NULL;
	if (!provider->container_path)
		provider->container_path = default_container(
		    path ? path : "(a model in memory)", &provider->failure);
	if (provider->container_path && open_container(provider))
		return true;
	if (!provider->failure)
		provider->failure = quire_ort_text("out of memory");
	return false;
}

/* ------------------------------------------------------------------ capability
 */

/* What was found in one graph. */
struct findings {
	size_t known;
	size_t left; /* without a linear, but with a tensor of that name */
	size_t unknown;
	struct node_group first_left;	 /* of both kinds */
	struct node_group first_unknown; /* of the second one */
};

static OrtStatus *claim_group(struct provider *provider,
			      OrtEpGraphSupportInfo *support,
			      const struct node_group *group,
			      const quire_linear *linear, char *failure)
{
	const OrtEpApi *ep = provider->factory->ep;
	const OrtNodeFusionOptions fusion = {
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
		.drop_constant_initializers = true,
	};
	OrtStatus *status =
	    quire_provider_add_claim(provider, group, linear, failure);

	if (status)
		return status;
	return group->dequantize
		   ? ep->EpGraphSupportInfo_AddNodesToFuse(
			 support, group->nodes, group->count, &fusion)
		   : ep->EpGraphSupportInfo_AddSingleNode(support,
							  group->nodes[0]);
}

/* Why a node that the container should know cannot run. */
static char *describe(const struct provider *provider,
		      const struct node_group *group, const char *reason)
{
	const char *model = provider->model_path ? provider->model_path : "?";

	if (!reason)
		reason = "out of memory";
	if (!provider->container_path)
		return quire_ort_text(
		    "%s node '%s' of model '%s' cannot run: %s", group->op_type,
		    group->name, model, reason);
	return quire_ort_text(
	    "%s node '%s' of model '%s' cannot take its weight from container "
	    "'%s': %s",
	    group->op_type, group->name, model, provider->container_path,
	    reason);
}

/* A model without such a node has no kernel whose creation could fail. A fused
 * node can be any, and its compilation fails. */
static OrtStatus *fail_by(struct provider *provider,
			  OrtEpGraphSupportInfo *support, const OrtNode *node)
{
	const OrtNodeFusionOptions fusion = {
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
	};

	return provider->factory->ep->EpGraphSupportInfo_AddNodesToFuse(
	    support, &node, 1, &fusion);
}

/* Whether a tensor of the container was made of a constant of this name, as it
 * is or by an operation: what a join adds stands at the end of it. */
static bool has_source(const quire_model *model, const char *name)
{
	const size_t count = quire_model_tensor_count(model);
	const size_t size = strlen(name);

	for (size_t i = 0; i < count && size > 0; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);
		const quire_string by = tensor->operation;

		if ((tensor->source.size == size &&
		     memcmp(tensor->source.data, name, size) == 0) ||
		    (by.size > size &&
		     memcmp(by.data + by.size - size, name, size) == 0))
			return true;
	}
	return false;
}

static void note_left(const struct provider *provider,
		      const struct node_group *group, struct findings *found)
{
	const quire_model *model =
	    quire_ort_container_model(provider->container);

	if (found->left + found->unknown == 0)
		found->first_left = *group;
	if (has_source(model,
		       quire_node_codes_name(provider->factory->api, group)))
		found->left++;
	else if (found->unknown++ == 0)
		found->first_unknown = *group;
}

static OrtStatus *visit(struct provider *provider, struct model_files *files,
			OrtEpGraphSupportInfo *support, const OrtNode *node,
			struct findings *found)
{
	const OrtApi *api = provider->factory->api;
	const quire_linear *linear;
	struct node_group group;
	char *reason = NULL;
	char *failure;

	switch (quire_node_group_find(api, node, &group)) {
	case GROUP_NONE:
		return NULL;
	case GROUP_LEFT:
		if (found->left++ + found->unknown == 0)
			found->first_left = group;
		return NULL;
	case GROUP_FOUND:
		break;
	}
	if (!provider->container) {
		found->known++;
		return claim_group(
		    provider, support, &group, NULL,
		    describe(provider, &group, provider->failure));
	}
	linear = quire_node_match(
	    files, &group, quire_ort_container_model(provider->container),
	    provider->options.check, &reason);
	if (!linear && !reason) {
		note_left(provider, &group, found);
		return NULL;
	}
	found->known++;
	failure = linear ? NULL : describe(provider, &group, reason);
	free(reason);
	return claim_group(provider, support, &group, linear, failure);
}

static void warn(const struct provider *provider, const char *text)
{
	const OrtApi *api = provider->factory->api;

	quire_ort_ignore(api, api->Logger_LogMessage(
				  provider->logger, ORT_LOGGING_LEVEL_WARNING,
				  text ? text : "out of memory", "quire", 0,
				  QUIRE_PROVIDER_NAME));
}

/* Nodes that the container has no linear of are ONNX Runtime's: a recipe may
 * have left them out, and a Gemm may compute more than a linear. If it has
 * nothing of any of them, it is another model's. */
static OrtStatus *settle_left(struct provider *provider,
			      OrtEpGraphSupportInfo *support,
			      const struct findings *found)
{
	const size_t left = found->left + found->unknown;
	char *text;

	if (left == 0)
		return NULL;
	if (left == found->unknown && found->known == 0)
		return claim_group(
		    provider, support, &found->first_unknown, NULL,
		    describe(provider, &found->first_unknown,
			     "the container has no linear of this name or of "
			     "this weight, nor of any other node of the "
			     "graph"));
	text = quire_ort_text(
	    "quire: ONNX Runtime computes %zu of the %zu quantized products of "
	    "a graph, without container '%s': it has no linear for them, or "
	    "they have constants that may be replaced, or bf16; the first is "
	    "%s node '%s'",
	    left, left + found->known, provider->container_path,
	    found->first_left.op_type, found->first_left.name);
	warn(provider, text);
	free(text);
	return NULL;
}

static void read_ahead(const struct provider *provider,
		       struct model_files *files, const OrtNode *const *nodes,
		       size_t count)
{
	const OrtApi *api = provider->factory->api;
	struct node_group group;

	for (size_t i = 0; i < count; i++)
		if (quire_node_group_find(api, nodes[i], &group) == GROUP_FOUND)
			quire_node_match_ahead(
			    files, &group,
			    quire_ort_container_model(provider->container));
}

static OrtStatus *get_capability(OrtEp *self, const OrtGraph *graph,
				 OrtEpGraphSupportInfo *support)
{
	struct provider *provider = (struct provider *)self;
	const OrtApi *api = provider->factory->api;
	struct findings found = { .known = 0 };
	struct model_files files;
	const char *path = NULL;
	const OrtNode **nodes;
	size_t count = 0;
	OrtStatus *status = api->Graph_GetNumNodes(graph, &count);

	if (status || count == 0)
		return status;
	nodes = calloc(count, sizeof(*nodes));
	if (!nodes)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	ensure_container(provider, graph);
	quire_ort_ignore(api, api->Graph_GetModelPath(graph, &path));
	quire_model_files_open(&files, api, path);
	status = api->Graph_GetNodes(graph, nodes, count);
	if (!status && provider->container &&
	    provider->options.check == CHECK_SAMPLE)
		read_ahead(provider, &files, nodes, count);
	for (size_t i = 0; i < count && !status; i++)
		status = visit(provider, &files, support, nodes[i], &found);
	if (!status && provider->container)
		status = settle_left(provider, support, &found);
	if (!status && !provider->container && found.known == 0)
		status = fail_by(provider, support, nodes[0]);
	quire_model_files_close(&files);
	free(nodes);
	return status;
}

/* ----------------------------------------------------------------- the object
 */

static const char *get_name(const OrtEp *self)
{
	(void)self;
	return QUIRE_PROVIDER_NAME;
}

static OrtStatus *get_registry(OrtEp *self, const OrtKernelRegistry **registry)
{
	*registry = ((struct provider *)self)->registry;
	return NULL;
}

void quire_provider_release(OrtEpFactory *self, OrtEp *ep)
{
	struct provider *provider = (struct provider *)ep;

	(void)self;
	if (!provider)
		return;
	if (provider->registry)
		provider->factory->ep->ReleaseKernelRegistry(
		    provider->registry);
	quire_provider_free_claims(provider);
	quire_ort_container_release(provider->container);
	quire_provider_options_free(&provider->options);
	free(provider->model_path);
	free(provider->container_path);
	free(provider->failure);
	free(provider);
}

/*
 * Reads the options, and opens the container if it is named. What goes wrong is
 * kept until nodes are claimed: where this failed, Python's InferenceSession
 * would print it and go on without the provider.
 */
static void prepare(struct provider *provider, const OrtSessionOptions *options)
{
	const OrtApi *api = provider->factory->api;
	OrtStatus *status =
	    quire_provider_options_read(api, options, &provider->options);

	if (status) {
		const char *text = api->GetErrorMessage(status);

		/* The prefix comes with the status that this becomes. */
		if (strncmp(text, "quire: ", 7) == 0)
			text += 7;
		provider->failure = quire_ort_text("%s", text);
		api->ReleaseStatus(status);
	} else if (provider->options.container) {
		provider->container_path =
		    quire_ort_text("%s", provider->options.container);
		if (provider->container_path)
			open_container(provider);
	} else {
		return;
	}
	if (!provider->container && !provider->failure)
		provider->failure = quire_ort_text("out of memory");
}

OrtStatus *quire_provider_create(OrtEpFactory *self,
				 const OrtHardwareDevice *const *devices,
				 const OrtKeyValuePairs *const *metadata,
				 size_t count, const OrtSessionOptions *options,
				 const OrtLogger *logger, OrtEp **made)
{
	const struct factory *factory = (const struct factory *)self;
	const OrtApi *api = factory->api;
	struct provider *provider = calloc(1, sizeof(*provider));
	OrtStatus *status;

	(void)devices;
	(void)metadata;
	(void)count;
	if (!provider)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	provider->base = (OrtEp){
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
		.GetName = get_name,
		.GetCapability = get_capability,
		.Compile = quire_provider_compile,
		.ReleaseNodeComputeInfos = quire_provider_release_computes,
		.GetKernelRegistry = get_registry,
	};
	provider->factory = factory;
	provider->logger = logger;
	prepare(provider, options);
	status = factory->ep->CreateKernelRegistry(&provider->registry);
	if (!status)
		status = quire_provider_register(factory, provider->registry);
	if (status)
		quire_provider_release(self, &provider->base);
	else
		*made = &provider->base;
	return status;
}
