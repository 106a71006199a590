/*
 * compare.h - `quire compare`: reads the quantized weights of an ONNX model a
 * second time and checks the tensors of a container against them.
 *
 * A check that shared code with the converter would share its mistakes. So
 * compare/ has its own reading of each operator, written from the operator's
 * documentation, and its own statement of the block layouts, written from
 * spec/format.md. It reads in the plainest way: whole constants in memory, one
 * element at a time. It may include convert/onnx (where the constants of a
 * model lie), base/ and public headers; not operators/, weight/, plan/, encode/
 * and format/blocks.h. scripts/check_arrows enforces this.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_H
#define QUIRE_CONVERT_COMPARE_COMPARE_H

#include "base/arena.h"
#include "base/table.h"
#include "convert/onnx/onnx.h"
#include "quire_convert.h"

/* --------------------------------------------------- a weight of the model */

/* No weight has codes of more dimensions. */
#define COMPARE_RANK_MAX 8

/* The constants of a weight; COMPARE_ORDER is g_idx. */
enum {
	COMPARE_CODES,
	COMPARE_SCALES,
	COMPARE_ZEROS,
	COMPARE_ORDER,
	COMPARE_ARRAY_COUNT
};

struct compare_array {
	const struct onnx_value *value; /* NULL: absent */
	const struct onnx_node *user;	/* the node that has it as input */
	size_t input;			/* the input's number */
	/* Set by quire_compare_open. */
	int32_t type; /* of the bytes: the constant's, or FLOAT after a Cast */
	uint64_t size;
	unsigned char *bytes;
};

/* The most nodes between a constant and its user, or between a DequantizeLinear
 * and its product. */
#define COMPARE_STEPS_MAX 32

/* A bias of INT32, and the inputs of nodes whose numbers multiply it. */
struct compare_integers {
	const struct onnx_value *value; /* NULL: it is of a float type */
	struct {
		const struct onnx_node *user; /* NULL: none */
		size_t input;
	} scales[2];
};

/* How far the comparison is. */
struct compare_watch {
	const quire_compare_options *options;
	uint64_t done, total; /* bytes of tensors */
	uint64_t reported;    /* of them */
	uint64_t pending;     /* bytes compared since the last report */
};

struct compare_source {
	struct compare_watch *watch; /* set by quire_compare_watch_start */
	/* Set by the caller. */
	const struct onnx_model *model;
	const struct onnx_node *node;
	size_t index; /* among the weights of the node */
	quire_error *error;
	/* Set by quire_compare_find_all. */
	const struct compare_kind *kind;
	const struct onnx_node *holder; /* the node that has the arrays */
	/* The node that has the scales in its place, and their input; NULL. */
	const struct onnx_node *scaler;
	size_t scaler_input;
	struct compare_array arrays[COMPARE_ARRAY_COUNT];
	bool has_linear;
	const char *bias; /* of the linear: its name; empty: none */
	struct compare_integers integers; /* that the bias is */
	/* Where that is empty: the constant that an Add adds to the product,
	 * which may be the linear's bias as well; empty: none. */
	const char *added;
	/* Of a matrix that a node multiplies by: what is between it and the
	 * codes, the last step first. */
	bool is_product;
	bool by_rows;	   /* it is [n, k] there, not [k, n] */
	uint64_t shape[2]; /* of the matrix there */
	size_t turn_count; /* transpositions, and the columns that each gives */
	uint64_t turns[COMPARE_STEPS_MAX];
	/* Set by quire_compare_open. */
	uint64_t k;
	uint64_t n;
	size_t rank; /* of the codes */
	uint64_t dims[COMPARE_RANK_MAX];
	uint64_t bits;
	bool is_signed;		/* two's complement */
	bool around_0;		/* an absent zero point is 0 */
	const double *codebook; /* NULL: a code is a number */
	uint64_t block_size;	/* 0: no blocks */
	uint64_t blocks;	/* in a row */
	size_t axis;		/* of DequantizeLinear */
	bool swapped;		/* the weight has the last two dimensions of
				   the codes in the other order */
};

/* Where an element of the weight lies in each array, in elements. */
struct compare_place {
	uint64_t code;
	uint64_t scale;
	uint64_t zero;
};

/* The node and input of an array. */
struct compare_user {
	const struct onnx_node *node;
	size_t input;
};

struct compare_user quire_compare_user(const struct compare_source *source,
				       size_t array);

/* ------------------------------------------------------------------- kinds */

#define COMPARE_NO_INPUT SIZE_MAX

/* How an operator stores weights. */
struct compare_kind {
	/* Whether the node has such weights; if so, sets holder, has_linear,
	 * bias and the fields of a product. */
	bool (*is)(struct compare_source *source);
	/* A node counts only if no other node has an input of it as an array
	 * of a weight. */
	bool late;
	size_t count; /* of weights of a node */
	/* For each weight: the numbers of the holder's inputs. */
	size_t inputs[3][COMPARE_ARRAY_COUNT];
	/* Sets k, n, bits and the fields below them. Rank and dims are set. */
	quire_status (*measure)(struct compare_source *source);
	void (*place)(const struct compare_source *source, uint64_t row,
		      uint64_t col, struct compare_place *place);
};

/*
 * The kinds. A node is of the first kind that accepts it. To add one: its name
 * here, and a file that defines quire_compare_kind_<name>, in CMakeLists.txt.
 */
/* clang-format off */
#define COMPARE_KINDS(X) \
	X(matmulnbits) \
	X(gather_block_quantized) \
	X(matmul_bnb4) \
	X(qmoe) \
	X(dequantized_matmul) \
	X(quantized_product) \
	X(integer_to_float) \
	X(dynamic_product) \
	X(scaled_product) \
	X(dequantized_rows) \
	X(dequantized_tensor)
/* clang-format on */

#define COMPARE_KIND_DECLARE(name)                                             \
	extern const struct compare_kind quire_compare_kind_##name;
COMPARE_KINDS(COMPARE_KIND_DECLARE)
#undef COMPARE_KIND_DECLARE

/* For the kinds. Sets k to the last dimension times `each`, n to the product of
 * the others. */
quire_status quire_compare_measure_rows(struct compare_source *source,
					uint64_t each);

/* An integer attribute; 0 if it is negative. */
static inline uint64_t compare_attribute(const struct onnx_node *node,
					 const char *name, int64_t absent)
{
	const int64_t value = quire_onnx_integer(node, name, absent);

	return value < 0 ? 0 : (uint64_t)value;
}

/* The name of an input; empty: absent. */
static inline const char *compare_input(const struct onnx_node *node,
					size_t input)
{
	return input < node->input_count ? node->inputs[input] : "";
}

/* Rounds up, and cannot overflow. */
static inline uint64_t compare_div_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

/* ---------------------------------------------------------- compare_find.c */

/* A node whose quantized weight no kind reads: an operator that is refused, or
 * left out. */
struct compare_left {
	const struct onnx_node *node;
	const struct onnx_value *value; /* the weight; NULL: undefined */
};

struct compare_found {
	/* Each as quire_compare_find leaves it, in the order of the nodes;
	 * those of late kinds are last. */
	struct compare_source *weights;
	size_t count;
	/* Of each value: it is an array of a weight; another input of a node.
	 */
	bool *used_by_weight;
	bool *used_otherwise;
	struct compare_left *left; /* in the order of the nodes */
	size_t left_count;
};

/* Finds all quantized weights of a model. Free *found in any case. Fails with
 * MEMORY only; reading the weights reports to `error`, too. */
quire_status quire_compare_find_all(const struct onnx_model *model,
				    struct compare_found *found,
				    quire_error *error);
void quire_compare_found_free(struct compare_found *found);

/* -------------------------------------------------------- compare_source.c */

/*
 * Reads the arrays of a weight that was found. Close it in any case. Fails
 * with LAYOUT for a node that contradicts itself, IO, MEMORY.
 */
quire_status quire_compare_open(struct compare_source *source);
void quire_compare_close(struct compare_source *source);

/* One element of the weight: (code - zero) * scale. */
struct compare_element {
	double code;
	double zero;
	double scale;
	uint64_t scale_at; /* the scale's place in its array */
};

/* Fails with LAYOUT if an array is too short. */
quire_status quire_compare_element(const struct compare_source *source,
				   uint64_t row, uint64_t col,
				   struct compare_element *element);

/* Fails with LAYOUT, naming the node. */
quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what);

/* ---------------------------------------------------------- compare_thin.c */

struct compare_container {
	const struct onnx_model *model;
	const quire_model *file;
};

/* The linears or tensors of the container to which a node refers. */
struct compare_references {
	const struct onnx_node *node;
	size_t count;	    /* 0: the node is not of domain quire */
	size_t taken;	    /* of them */
	quire_string names; /* of the others, one on each line */
};

struct compare_references quire_compare_references_of(
    const struct onnx_node *node);

/* One of them. */
struct compare_reference {
	const char *reason; /* why it is not what the node says, or NULL */
	/* What it refers to, or NULL. */
	const quire_linear *linear;
	const quire_tensor *tensor;
};

/* Takes the next one; there must be one. Fails with MEMORY only. */
quire_status quire_compare_take_reference(const struct compare_container *in,
					  struct compare_references *all,
					  struct compare_reference *reference,
					  quire_error *error);

/* Whether the data of a constant is external data in the container. NULL: it is
 * that of the tensor; empty: it is elsewhere; else what is wrong. */
const char *quire_compare_place(const struct compare_container *in,
				const struct onnx_value *value,
				const quire_tensor *tensor);

/* Whether a node gives the numbers of its first input again: an Identity, a
 * Reshape, or a Cast from one float type to another. */
bool quire_compare_passes(const struct onnx_node *node);

/* The value from which such nodes make the input of a node; NULL: none. */
const struct onnx_value *quire_compare_origin(const struct onnx_model *model,
					      const struct onnx_node *node,
					      size_t input);

/* The name of the vector from which such nodes make an input, or else of the
 * input; empty: it is absent. */
const char *quire_compare_bias(const struct onnx_model *model,
			       const struct onnx_node *node, size_t input);

/* The Gather of rows that makes an input of the holder; NULL: none. */
const struct onnx_node *quire_compare_gather(
    const struct compare_source *source, size_t input);

/* Dimensions of a value. */
struct compare_dims {
	size_t rank;
	uint64_t sizes[COMPARE_RANK_MAX];
};

/* The dimensions of an input that such nodes make of a constant. Whether they
 * are known. */
bool quire_compare_dims(const struct onnx_model *model,
			const struct onnx_node *node, size_t input,
			struct compare_dims *dims);

/* The dimensions that a Reshape makes of *dims. */
bool quire_compare_reshape(const struct onnx_model *model,
			   const struct onnx_node *reshape,
			   struct compare_dims *dims);

/* Does to the floats of an array what the Casts between the constant and the
 * input of a node do. Fails with MEMORY. */
quire_status quire_compare_cast(const struct compare_source *source,
				const struct onnx_node *node, size_t input,
				struct compare_array *array);

/* ----------------------------------------------------- compare_dequantize.c */

/* Whether the node dequantizes a constant, or rows that a Gather takes of one.
 */
bool quire_compare_dequantizes(const struct onnx_model *model,
			       const struct onnx_node *node, bool gathered);

/* Whether an input of a node is INT32 that a DequantizeLinear has multiplied by
 * constants. If so, sets the source's bias. */
bool quire_compare_dequantizes_bias(struct compare_source *source,
				    size_t input);

/* ------------------------------------------------------- compare_product.c */

/* The `is` of a matrix that comes from a DequantizeLinear and that a MatMul,
 * Gemm, FusedMatMul, FusedGemm or Einsum multiplies by. */
bool quire_compare_is_product(struct compare_source *source);

/* The name of the vector that a node adds to another one's output, a number to
 * each column; empty: it does something else. */
const char *quire_compare_added(const struct onnx_model *model,
				const struct onnx_node *product,
				const struct onnx_node *taker);

/* ----------------------------------------------------- compare_operation.c */

/* The most steps that an operation has (F-49 of spec/format.md). */
#define COMPARE_OPERATION_MAX 8

struct compare_step {
	char kind; /* 'r'ows, 'p'ermute or 't'ranspose */
	uint64_t first;
	uint64_t count; /* of rows, or heads */
	uint64_t rows;	/* before the step; set by quire_compare_part_fits */
};

/* Rows of a tensor that come from one constant by an operation. A tensor that a
 * join makes has two of these. */
struct compare_part {
	const quire_tensor *tensor;
	quire_string name; /* of the constant */
	uint64_t first;	   /* row of the tensor */
	uint64_t count;
	struct compare_step steps[COMPARE_OPERATION_MAX];
	size_t step_count;
	bool turned;   /* rows are the constant's columns */
	bool whole;    /* they are; set by quire_compare_part_fits */
	bool compared; /* or reported */
	size_t next;   /* with the same constant, or SIZE_MAX */
};

/* Zero has none. */
struct compare_parts {
	struct compare_part *items;
	size_t count;
	struct table first; /* name to the first part */
};

/* Finds the parts of all tensors with an operation. Free *parts in any case.
 * Fails with MEMORY, and with LAYOUT for what is no operation. */
quire_status quire_compare_parts_find(const quire_model *file,
				      struct compare_parts *parts,
				      quire_error *error);
void quire_compare_parts_free(struct compare_parts *parts);

/* Why the part cannot come from a matrix of so many rows and columns and have
 * `width` columns; NULL: it can. Must come before the next two. */
const char *quire_compare_part_fits(struct compare_part *part, uint64_t rows,
				    uint64_t cols, uint64_t width);

/* From the place of an element, with the row counted from the part's first one,
 * to its place in the constant. */
void quire_compare_part_place(const struct compare_part *part, uint64_t *row,
			      uint64_t *col);

/* ------------------------------------ compare_weight.c and compare_plain.c */

/*
 * Compares a tensor with a weight that was found. Fills in the counts, the
 * scale error and the verdict of *row; sets *reason if the two cannot be
 * compared element by element. `linear` is the tensor's, or NULL if the weight
 * has none. `part` is what comes from the weight, or NULL if the tensor has no
 * operation. Fails as quire_compare_open and quire_compare_element do.
 */
quire_status quire_compare_weight(struct compare_source *source,
				  const quire_tensor *tensor,
				  const quire_linear *linear,
				  struct compare_part *part,
				  quire_compare_row *row, const char **reason);

/* The dense type of a container with the elements of an ONNX type, if there is
 * one. */
bool quire_compare_dense_type(int32_t type, quire_dtype *dtype);

/* Compares a tensor with a constant, which is of a dense type and has elements.
 * Counts in *row the elements and those that differ, and the largest rounding;
 * sets its `reason` if the two cannot be compared. Fails with IO, MEMORY and
 * CANCELLED. */
quire_status quire_compare_plain(const struct onnx_value *value,
				 const quire_tensor *tensor,
				 struct compare_watch *watch,
				 quire_compare_row *row, quire_error *error);

/* The rows and columns of a constant; those of a vector are elements. */
void quire_compare_plain_shape(const struct onnx_value *value, uint64_t *rows,
			       uint64_t *cols);

/* Compares a part with its constant, likewise. */
quire_status quire_compare_plain_part(const struct onnx_value *value,
				      struct compare_part *part,
				      struct compare_watch *watch,
				      quire_compare_row *row,
				      quire_error *error);

/* Whether a tensor has the numbers of a bias of INT32. Fails with LAYOUT, IO
 * and MEMORY. */
quire_status quire_compare_integers(const struct compare_source *source,
				    const quire_tensor *tensor, bool *same);

/* --------------------------------------------------------- the comparison */

/* What the user frees. */
struct compare_report {
	quire_compare_report public; /* first: the user's pointer */
	quire_compare_row *rows;
	size_t capacity;
	struct arena strings; /* of the rows */
};

struct comparison {
	struct onnx_model *source;
	quire_model *file;
	struct compare_report *report;
	bool *weight;		    /* of each tensor: compared as a weight */
	bool *referred;		    /* of each tensor: a node refers to it */
	bool *linear_referred;	    /* of each linear: likewise */
	struct compare_found found; /* in the source */
	struct compare_parts parts; /* of the tensors with an operation */
	bool *compared;		    /* of each value */
	size_t *next; /* of each value: the next of its name, or SIZE_MAX */
	struct table names;
	struct compare_watch watch;
	quire_error *error;
};

/* --------------------------------------------------------------- compare.c */

/* A copy that lives as long as the report; NULL: out of memory. */
const char *quire_compare_keep(struct comparison *in, const char *text,
			       size_t size);

/* Adds a row; its strings are copied, but for the reason. */
quire_status quire_compare_add_row(struct comparison *in, quire_compare_row row,
				   const quire_tensor *tensor);

/* The next tensor of a source, without an operation, after another one; after
 * NULL, the first one. NULL: none. */
const quire_tensor *quire_compare_next_tensor(const struct comparison *in,
					      const char *source,
					      const quire_tensor *after);

/* -------------------------------------------------------- compare_weight.c */

/* Once the weights are found. The options must outlive the comparison. */
void quire_compare_watch_start(struct comparison *in,
			       const quire_compare_options *options);

/* So many bytes of a tensor were compared. Fails with CANCELLED. */
quire_status quire_compare_watch_advance(struct compare_watch *watch,
					 uint64_t size, quire_error *error);

/* Reports the rest: what nothing was to be compared with. */
quire_status quire_compare_watch_end(struct compare_watch *watch,
				     quire_error *error);

/* ----------------------------------------------------- compare_operation.c */

/* The first part that comes from a constant. NULL: none. */
struct compare_part *quire_compare_parts_of(const struct comparison *in,
					    const char *name);

/* Whether the container may lack the linear of a weight: it, or its bias, is
 * there by an operation. */
bool quire_compare_may_lack_linear(const struct comparison *in,
				   const struct compare_source *source);

/* Compares a weight with each tensor that has rows of it by an operation, from
 * the first part on. `whole`: a whole tensor has it, too; else all rows must be
 * in one of these. */
quire_status quire_compare_weight_parts(struct comparison *in,
					const struct compare_source *source,
					struct compare_part *part, bool whole);

/* Compares constants with the tensors that have rows of them by an operation
 * and were compared with no weight. Before whole tensors take constants. */
quire_status quire_compare_constant_parts(struct comparison *in);

#endif
