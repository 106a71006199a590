/*
 * provider.h - QuireExecutionProvider: takes the nodes of an unmodified model
 * whose weights a container has.
 *
 * Its stages: provider_options.c reads the user's options, graph_nodes.c finds
 * nodes with quantized weights in a graph, node_weight.c reads such a node,
 * model_files.c its constants, match.c finds its linear in the container,
 * compare_node.c compares the two, provider.c claims the node, claims.c keeps
 * the claim, and provider_kernels.c multiplies.
 *
 * ONNX Runtime only logs what goes wrong while nodes are claimed, and runs the
 * model without the provider. So a node that should run here but cannot is
 * claimed all the same, with the text of the failure, and the creation of its
 * kernel fails with that. So does that of the first node of a graph that has no
 * such node, where there is no container.
 */
#ifndef QUIRE_ONNXRUNTIME_PROVIDER_H
#define QUIRE_ONNXRUNTIME_PROVIDER_H

#include "onnxruntime/plugin.h"

#define QUIRE_PROVIDER_NAME "QuireExecutionProvider"

/* ----------------------------------------------------------------- options */

/* How much of a weight is compared with the model's own. */
enum check {
	CHECK_SAMPLE,
	CHECK_ALL,
	CHECK_NONE,
};

struct provider_options {
	char *container; /* NULL: beside the model */
	uint32_t accuracy_level;
	quire_open_options open;
	enum check check;
};

/* Free them after success. */
OrtStatus *quire_provider_options_read(const OrtApi *api,
				       const OrtSessionOptions *session,
				       struct provider_options *options);
void quire_provider_options_free(struct provider_options *options);

/* --------------------------------------------------------------- constants */

/* The files of a model that nodes are compared with the container. */
struct model_file;
struct model_files {
	const OrtApi *api;
	char *folder; /* without links; NULL: not known */
	struct model_file *items;
	size_t count, capacity;
};

/* A model in memory has no path, or an empty one. */
void quire_model_files_open(struct model_files *files, const OrtApi *api,
			    const char *model_path);
/* Constants that were read are gone. */
void quire_model_files_close(struct model_files *files);

/* A constant of the model. */
struct node_constant {
	const unsigned char *data; /* NULL: the node has none */
	ONNXTensorElementDataType type;
	uint64_t count; /* elements */
	uint64_t shape[3];
	size_t rank;
};

/* Reads a constant of up to three dimensions. False: it is none, or cannot be
 * read; `value` may be NULL, and then there is none. */
bool quire_node_constant_read(struct model_files *files,
			      const OrtValueInfo *value,
			      struct node_constant *constant);

/* ------------------------------------------------------------- node weights */

/* Where the element of (row, column) of a matrix is:
 * row / row_group * row_step + column / col_group * col_step. */
struct node_order {
	uint64_t row_group, row_step;
	uint64_t col_group, col_step;
};

/* A node, or several that compute one product, as ONNX Runtime shows them; the
 * texts and constants are its own and live while the graph is shown. */
struct node_group {
	const OrtNode *nodes[3]; /* the last one multiplies */
	size_t count;
	const char *op_type; /* of the last one */
	const char *name;    /* likewise */
	const char *output;
	const OrtValueInfo *inputs[6]; /* of the last one; NULL: none */
	const OrtNode *dequantize;     /* NULL: the node is MatMulNBits */
	bool transposed; /* between DequantizeLinear and product */
};

/* W[row][col] = (code - zero) * scale, n rows and k columns. */
struct node_weight {
	const char *codes_name;
	uint64_t k, n;
	uint32_t bits;
	bool is_signed; /* codes and packed zero points */
	int64_t accuracy_level;
	struct node_constant codes, scales, zeros, g_idx, bias;
	bool has_bias;
	struct node_order code_order, scale_order, zero_order;
	float default_zero;
	/* Rows and columns that lie together. */
	uint64_t near_rows, near_cols;
};

/* Whether the nodes of a group add a bias to the product. */
bool quire_node_has_bias(const struct node_group *group);

/* The name of the constant with a group's codes. */
const char *quire_node_codes_name(const OrtApi *api,
				  const struct node_group *group);

/* Reads K, N, bits and the names, and with `constants` the rest. Fails with a
 * reason, to be freed, for what contradicts itself or cannot be read. */
bool quire_node_weight_read(struct model_files *files,
			    const struct node_group *group, bool constants,
			    struct node_weight *weight, char **reason);

float quire_node_weight_code(const struct node_weight *weight, uint64_t row,
			     uint64_t col);
/* The codes of `count` columns of a row. */
void quire_node_weight_codes(const struct node_weight *weight, uint64_t row,
			     uint64_t col, size_t count, float *codes);
float quire_node_weight_scale(const struct node_weight *weight, uint64_t row,
			      uint64_t col);
float quire_node_weight_zero(const struct node_weight *weight, uint64_t row,
			     uint64_t col);
float quire_node_weight_bias(const struct node_weight *weight, uint64_t row);

/* Bytes of a constant. */
struct node_range {
	uint64_t first, end;
};

/* From the code, and the scale, of one element to those of another. */
void quire_node_weight_ranges(const struct node_weight *weight,
			      uint64_t first_row, uint64_t first_col,
			      uint64_t last_row, uint64_t last_col,
			      struct node_range *codes,
			      struct node_range *scales);

/* ------------------------------------------------------------ groups of nodes
 */

enum group_kind {
	GROUP_NONE, /* the node does not multiply by a quantized weight */
	GROUP_LEFT, /* it does, in a way that is left to ONNX Runtime */
	GROUP_FOUND,
};

/* Finds the group that a node ends; of one that is left, the type and name. */
enum group_kind quire_node_group_find(const OrtApi *api, const OrtNode *node,
				      struct node_group *group);

/* "": it has none, or an unreadable one. */
const char *quire_value_name(const OrtApi *api, const OrtValueInfo *value);

/* The type and shape of a tensor. NULL: it is none, or NULL, or not known. */
const OrtTensorTypeAndShapeInfo *quire_value_tensor(const OrtApi *api,
						    const OrtValueInfo *value);

/* ---------------------------------------------------------------- matching */

/* Compares a linear with the node's weight, as far as `check` says. False: they
 * differ, and *reason, to be freed, says in what. The bias of a linear may be
 * that of an Add behind the node. */
bool quire_node_compare(const struct node_weight *weight,
			const quire_linear *linear, enum check check,
			char **reason);

/* Starts reading what a sample of the two consists of, so that the disk reads
 * for many nodes at once. */
void quire_node_read_ahead(const struct node_weight *weight,
			   const quire_linear *linear);

/*
 * The linear of a node. NULL with *reason NULL: the container does not know the
 * node. NULL with a reason, to be freed: it does, but the two do not fit.
 */
const quire_linear *quire_node_match(struct model_files *files,
				     const struct node_group *group,
				     const quire_model *model, enum check check,
				     char **reason);

/* quire_node_read_ahead for the linear that has the node's name. */
void quire_node_match_ahead(struct model_files *files,
			    const struct node_group *group,
			    const quire_model *model);

/* ---------------------------------------------------------------- provider */

struct factory {
	OrtEpFactory base; /* first, so that one is the other */
	const OrtApi *api;
	const OrtEpApi *ep;
};

/* A node that the provider has claimed: known again by its three names when its
 * kernel is made. */
struct claim {
	char *name;
	char *output;
	char *codes;
	const quire_linear *linear;
	bool has_bias; /* the node's; else that of the linear is an Add's */
	char *failure; /* NULL: none */
};

struct provider {
	OrtEp base; /* first, so that one is the other */
	const struct factory *factory;
	const OrtLogger *logger;
	OrtKernelRegistry *registry;
	struct provider_options options;
	char *model_path;
	char *container_path;
	struct container *container;
	char *failure; /* why there is no container; NULL: not tried, or open */
	struct claim *claims;
	size_t claim_count, claim_capacity;
	size_t next_claim; /* kernels are made in about the same order */
};

/* Functions of the factory. */
OrtStatus *quire_provider_create(OrtEpFactory *self,
				 const OrtHardwareDevice *const *devices,
				 const OrtKeyValuePairs *const *metadata,
				 size_t count, const OrtSessionOptions *options,
				 const OrtLogger *logger, OrtEp **made);
void quire_provider_release(OrtEpFactory *self, OrtEp *ep);

/* Claims a node; takes over `failure`. */
OrtStatus *quire_provider_add_claim(struct provider *provider,
				    const struct node_group *group,
				    const quire_linear *linear, char *failure);
void quire_provider_free_claims(struct provider *provider);

/* The claim with these names, or NULL. */
const struct claim *quire_provider_claim(struct provider *provider,
					 const char *name, const char *output,
					 const char *codes);

/* The linear that a claimed node computes. */
quire_linear quire_claim_linear(const struct claim *claim);

/* ----------------------------------------------------------------- kernels */

/* Registers the kernels of MatMulNBits. */
OrtStatus *quire_provider_register(const struct factory *factory,
				   OrtKernelRegistry *registry);

/* Functions of the provider for nodes that it fuses. */
OrtStatus *quire_provider_compile(OrtEp *self, const OrtGraph **graphs,
				  const OrtNode **fused, size_t count,
				  OrtNodeComputeInfo **infos,
				  OrtNode **contexts);
void quire_provider_release_computes(OrtEp *self, OrtNodeComputeInfo **infos,
				     size_t count);

#endif
