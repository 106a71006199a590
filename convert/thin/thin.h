/*
 * thin.h - `quire thin`: writes an ONNX model again, without the weights that a
 * container holds. thin.c takes the steps that the files beside it implement,
 * in the order in which they stand here.
 */
#ifndef QUIRE_CONVERT_THIN_THIN_H
#define QUIRE_CONVERT_THIN_THIN_H

#include "base/arena.h"
#include "convert/onnx/splice.h"
#include "convert/plan/plan.h"

/* What becomes of a node. */
enum thin_kind {
	THIN_STAYS = 0,
	THIN_LINEAR,	/* quire.Linear, or the first of a quire.LinearMany */
	THIN_JOINED,	/* in the quire.LinearMany of a node before it */
	THIN_ADDER,	/* left out: the linear before it adds its constant */
	THIN_EMBEDDING, /* quire.Embedding */
	THIN_UNUSED,	/* left out: nothing uses what it gives */
	THIN_HOISTED,	/* a Constant, which becomes an initializer */
};

struct thin_node {
	enum thin_kind kind;
	const char *input;	    /* x or the indices, by name */
	const char *output;	    /* of LINEAR and JOINED: what it gives */
	const quire_linear *linear; /* of these */
	size_t adder; /* of these: the Add that it replaces, or SIZE_MAX */
	bool no_bias; /* of these: an Add that stays adds the bias */
	size_t next;  /* of these: the next of its LinearMany, or SIZE_MAX */
	size_t last;  /* of LINEAR: the last one of its LinearMany */
	const quire_tensor *tensor; /* of EMBEDDING */
	uint64_t rows;
	uint64_t k;
	int32_t type; /* an enum onnx_type, of what it gives */
};

/* What the user frees. */
struct thin_report {
	quire_thin_report public; /* first: the user's pointer */
	quire_thin_row *rows;
	size_t capacity;
	struct arena strings; /* of the rows */
};

struct thinning {
	const char *onnx_path;
	const char *gguf_path;
	const char *thin_path;
	const quire_thin_options *options;
	struct onnx_model *model;
	struct plan *plan;
	quire_model *file;
	struct thin_report *report;
	quire_error *error;
	/* By thin_match.c: of each planned tensor and each planned linear; NULL
	 * if the container lacks it. */
	const quire_tensor **tensors;
	const quire_linear **linears;
	struct thin_node *nodes; /* of each node of the model */
	/* Of each weight of the plan: why it stays, or NULL. */
	const char **reasons;
	size_t *uses; /* of each value: inputs of nodes, and outputs */
	/* Of each value. Of a THIN_HOISTED one `place` is SPLICE_KEEP, and the
	 * other fields are set. */
	struct splice_data *data;
	/* Of each file of the container, then of each of the model's external
	 * data: where it lies for the new model; NULL: not asked yet. */
	char **locations;
	char *folder;	  /* of the new model, without links */
	char *input_name; /* of the container as an initializer */
	char xxh3[17];	  /* of the container's header, as text */
};

/* ------------------------------------------------------------ thin_match.c */

/*
 * Finds tensors and linears of the plan in the container, by the names of
 * sources and in the order of the linears, and changes the plan's items to the
 * types that the container has. What the container lacks is left out. Fails
 * with NOT_FOUND for a tensor or a linear that the model does not have, LAYOUT
 * for one that converting the model does not give; MEMORY.
 */
quire_status quire_thin_match(struct thinning *thin);

/* Encodes all items again, and compares them with the container's bytes. Fails
 * with LAYOUT where they differ; CANCELLED; IO, MEMORY. */
quire_status quire_thin_prove(struct thinning *thin);

/* ----------------------------------------------------------- thin_choose.c */

/* Decides what becomes of each node with a quantized weight, and reports it. */
quire_status quire_thin_choose(struct thinning *thin);

/* ------------------------------------------------------------- thin_uses.c */

quire_status quire_thin_count_uses(struct thinning *thin);

/* Lets linears stay whose dequantized weight something else uses, too: the
 * model would keep the weight all the same. */
quire_status quire_thin_keep_shared(struct thinning *thin);

/* Leaves out nodes and initializers that only the changed nodes used. */
quire_status quire_thin_drop_unused(struct thinning *thin);

/* -------------------------------------------------------- thin_constants.c */

/* Decides where the data of each constant goes that is left, and reports what
 * moves. Fails with ARGUMENT if a file that the new model needs is not in its
 * folder. */
quire_status quire_thin_place(struct thinning *thin);

/* ----------------------------------------------------------- thin_splice.c */

/* The domain of our operators. */
#define QUIRE_THIN_DOMAIN  "quire"
#define QUIRE_THIN_VERSION 1

/* Lists the bytes of the new model. Fails as quire_splice does. */
quire_status quire_thin_splice(struct thinning *thin,
			       struct segments *segments);

/* ------------------------------------------------------------- thin_node.c */

/* While the bytes are listed. */
struct thin_writer {
	struct thinning *thin;
	struct table nodes;    /* place of a changed node to its number */
	struct table graphs;   /* place of a graph to its scope */
	size_t seen;	       /* changed nodes */
	bool *has_nodes;       /* of each scope: it has nodes of ours */
	size_t *first_hoisted; /* of each scope: a value, or SIZE_MAX */
	size_t *next_hoisted;  /* of each such value: the next of its scope */
	bool by_name;	       /* the container is in several files */
	char *names;	       /* room for those of a quire.LinearMany */
	size_t names_size;
	bool out_of_memory;
};

/* Adds a node of ours, with the name, the documentation and the unknown fields
 * of an old one. */
void quire_thin_add_node(struct thin_writer *in, struct tensor_walk *walk,
			 const struct wire_field *old, size_t number);

/* Adds the fields of a tensor that is the container, with its name in a
 * scope. */
void quire_thin_add_container(struct thin_writer *in, struct segments *out,
			      size_t scope);

/* ------------------------------------------------------------------ thin.c */

/* Adds a row; its strings are copied. The tensor is that of the container, or
 * NULL. */
quire_status quire_thin_add_row(const struct thinning *thin, quire_thin_row row,
				const quire_tensor *tensor);

#endif
