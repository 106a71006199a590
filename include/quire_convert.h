/*
 * quire_convert.h - the public face of libquire_convert: ONNX to container,
 * and back.
 *
 * It is a library of its own, so that a program that only loads models links no
 * protobuf. The conventions are those of quire.h. Any number of threads may
 * call these functions at once, for different outputs.
 */
#ifndef QUIRE_CONVERT_H
#define QUIRE_CONVERT_H

#include "quire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a weight is in the container. */
typedef enum quire_outcome {
	QUIRE_OUTCOME_EXACT = 0,    /* the codes or values of the source */
	QUIRE_OUTCOME_FALLBACK = 1, /* dequantized to a dense type */
	QUIRE_OUTCOME_SKIPPED = 2,  /* not in the container */
	QUIRE_OUTCOME_ROUNDED = 3,  /* dense, in a type that the recipe names */
} quire_outcome;

/* What a row is about. */
typedef enum quire_role {
	QUIRE_ROLE_WEIGHT = 0,	  /* a quantized weight */
	QUIRE_ROLE_BIAS = 1,	  /* floats: the bias of a linear */
	QUIRE_ROLE_EMBEDDING = 2, /* floats; nodes gather rows of it */
	QUIRE_ROLE_TENSOR = 3,	  /* other floats, and integers of 8 or less
				     bits */
	/* Not floats: shapes, indices, axes. Never in the container. */
	QUIRE_ROLE_CONSTANT = 4,
} quire_role;

/* The result for one weight or constant of the source. */
typedef struct quire_convert_row {
	const char *node;   /* that has the weight; NULL: an initializer */
	const char *source; /* the initializer's name */
	const char *tensor; /* the name in the container; NULL: skipped */
	const char *reason; /* for a fallback or a skip; else a note or NULL */
	quire_outcome outcome;
	quire_role role;
	quire_dtype dtype;    /* in the container; not if skipped */
	uint64_t source_size; /* bytes, with scales and zero points */
	uint64_t tensor_size; /* bytes; 0: skipped */
	/* The largest and the mean of |f16(s) - s| / |s| over the scales, and
	 * for Q4_1 over the offsets too. For a rounded tensor: of its elements.
	 * Otherwise 0. */
	double scale_error_max;
	double scale_error_mean;
} quire_convert_row;

/* Owned by the caller; freed with quire_convert_report_free. */
typedef struct quire_convert_report {
	size_t count;
	const quire_convert_row *rows; /* in the container's tensor order */
	uint64_t source_size;	       /* sum of the rows' source_size */
	uint64_t tensor_size;	       /* sum of the rows' tensor_size */
	size_t left; /* nodes whose quantized weight was left out, because it
			cannot be converted: see quire_convert_options */
	uint64_t file_size; /* bytes of the container, all parts together */
	/* The files that were written, or with `dry_run` would be: one, or the
	 * parts of a split set, with the index of each part's first tensor in
	 * the container. */
	size_t part_count;
	const quire_part *parts;
} quire_convert_report;

/* What to do with a weight that no block type can hold. */
typedef enum quire_fallback {
	QUIRE_FALLBACK_DEFAULT = 0, /* what the recipe says, or else F32 */
	QUIRE_FALLBACK_F32 = 1,	    /* dequantize it, to the last bit */
	/* Dequantize and round it to F16; to F32 if a number is too large. */
	QUIRE_FALLBACK_F16 = 2,
	QUIRE_FALLBACK_ERROR = 3, /* fail with UNSUPPORTED */
} quire_fallback;

/*
 * An option that is set here overrides the recipe. For an option that is 0 or
 * NULL the recipe decides, and where it says nothing, the default.
 *
 * A recipe (docs/recipe.md) is YAML: which tensors to take, their names and
 * types, metadata. It is a file at `recipe_path`, or `recipe_size` bytes of
 * text at `recipe`, which need no NUL; both NULL: no recipe. A mistake in it is
 * ARGUMENT: error->path is `recipe_path`, or for a text `recipe_name` (NULL:
 * "recipe"), and the message begins with "line L, column C: ".
 */
typedef struct quire_convert_options {
	uint32_t threads;    /* 0: see quire_runtime_options */
	uint32_t alignment;  /* see quire_writer_options */
	bool overwrite;	     /* see quire_writer_options */
	bool dry_run;	     /* decide and report, and write nothing */
	uint64_t split_size; /* see quire_writer_options */
	quire_fallback fallback;
	/* More patterns of names to leave out, as the recipe's `leave`. A node
	 * whose quantized weight cannot be converted is left out too, instead
	 * of failing with UNSUPPORTED, if one of them matches its name or that
	 * of the weight; or in any case with `leave_unsupported`. */
	const char *const *leave;
	size_t leave_count;
	bool leave_unsupported;
	const char *architecture; /* NULL: "onnx" */
	const char *name;	  /* NULL: the graph's, else the file's name */
	const char *recipe_path;
	const char *recipe;
	size_t recipe_size;
	const char *recipe_name;
	/* "llama.cpp": a file that llama.cpp runs (docs/llama.md). NULL: none.
	 * The path of the model may then be that of its folder, which has
	 * genai_config.json, tokenizer.json and so on, as onnxruntime-genai's
	 * builder writes them; or `config_path` names the folder of these. A
	 * recipe, `architecture` and `leave` do not go with it. */
	const char *target;
	const char *config_path;
	const char *tokenizer_pre;  /* the name of the pre-tokenizer; NULL: by
				       tokenizer.json */
	bool no_tokenizer;	    /* llama.cpp takes token ids only */
	bool keep_fused_qkv;	    /* one tensor for q, k and v, which older
				       releases of llama.cpp do not know */
	quire_progress_fn progress; /* in bytes of the container's tensors */
	void *context;		    /* passed to progress */
	/* A file that the caller writes when the call has returned, such as the
	 * report; NULL: none. The call fails with ARGUMENT if that would
	 * destroy a file of the source, the recipe or the container. */
	const char *report_path;
	/* Bytes of memory that reading the model's graph may take, without the
	 * data of its weights, which are never in memory as a whole. A file
	 * that needs more fails with MEMORY. 0: 1 GiB, for hundreds of
	 * thousands of nodes. Whatever this is, a file that would unpack to far
	 * more than its size fails with LAYOUT. */
	uint64_t max_memory;
} quire_convert_options;

/*
 * Converts the ONNX model at `onnx_path`, with its external data, to a
 * container at `gguf_path`. Quantized weights (docs/onnx.md: those of
 * MatMulNBits, GatherBlockQuantized, DequantizeLinear, QLinearMatMul, QGemm,
 * QMoE, MatMulBnb4 and others) are never quantized again: their codes are put
 * into blocks, or, where no block type can hold them, they are dequantized as
 * `fallback` says.
 *
 * Files appear whole or not at all (quire_writer_create). No file of the source
 * and no recipe is ever replaced: ARGUMENT. The files of a split set take the
 * place of the one at `gguf_path`, which must not be the name of a part. On
 * success, if `report` is not NULL, the caller owns *report. With `dry_run`
 * nothing is written, and `gguf_path` may be NULL: the report's paths then are
 * `onnx_path`, with .gguf at its end.
 *
 * Fails with IO, also if a file of the source changes while it is read; EXISTS,
 * MEMORY, ARGUMENT, CANCELLED; LAYOUT for a malformed model; UNSUPPORTED for a
 * model that cannot become a container. With a `target` also with LAYOUT where
 * two of the model's files disagree, and NOT_FOUND where none says what
 * llama.cpp must know.
 */
QUIRE_API quire_status quire_convert_onnx(const char *onnx_path,
					  const char *gguf_path,
					  const quire_convert_options *options,
					  quire_convert_report **report,
					  quire_error *error);

/*
 * Writes the recipe that a conversion with these options would follow, with
 * comments. The text is a recipe: with it and no other options, a conversion
 * makes the same container. `threads`, `overwrite` and `progress` have no
 * effect. On success the caller owns *text, which ends with NUL, and frees it
 * with quire_recipe_text_free. Fails with IO, ARGUMENT and MEMORY.
 */
QUIRE_API quire_status quire_recipe_write(const quire_convert_options *options,
					  char **text, quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_recipe_text_free(char *text);

/* NULL is fine. */
QUIRE_API void quire_convert_report_free(quire_convert_report *report);

/* Reads a size in bytes, such as "4G", "0.5G", "500M", "64KiB" or "1000": a
 * number and, directly after it, nothing, K, M, G, T (powers of 1000) or Ki,
 * Mi, Gi, Ti (powers of 1024), with or without a B, in upper or lower case.
 * With a unit the number may have up to six digits after a point; the result is
 * rounded down. Returns false for anything else, and for sizes above 2^63 - 1.
 */
QUIRE_API bool quire_size_parse(const char *text, uint64_t *size);

/* "exact", "fallback", "skipped", "rounded". Static storage. */
QUIRE_API const char *quire_outcome_name(quire_outcome outcome);

/* "weight", "bias", "embedding", "tensor", "constant". Static storage. */
QUIRE_API const char *quire_role_name(quire_role role);

/* ----------------------------------------------------------------- compare */

typedef enum quire_verdict {
	QUIRE_VERDICT_SAME = 0,
	QUIRE_VERDICT_DIFFERS = 1,
	QUIRE_VERDICT_ONLY_SOURCE = 2, /* the container lacks it */
	QUIRE_VERDICT_ONLY_FILE = 3,   /* the source lacks it */
} quire_verdict;

/* One weight of the source compared with its tensor. */
typedef struct quire_compare_row {
	const char *node;   /* that has the weight; NULL: a dense tensor */
	const char *source; /* the initializer's name, or NULL */
	const char *tensor; /* the name in the container, or NULL */
	const char *reason; /* of a verdict without numbers, or NULL */
	quire_verdict verdict;
	quire_dtype dtype;  /* the tensor's */
	uint64_t count;	    /* codes or elements that were compared */
	uint64_t different; /* how many of them differ */
	/* Scales, and for Q4_1 offsets, that differ by more than the rounding
	 * to f16, a relative 2^-11. */
	uint64_t scales_different;
	/* The largest |f16(s) - s| / |s| over the scales. For a dense tensor of
	 * another type than its source: over its elements. */
	double scale_error_max;
} quire_compare_row;

/* Owned by the caller; freed with quire_compare_report_free. */
typedef struct quire_compare_report {
	size_t count;
	/* Quantized weights, then dense tensors. */
	const quire_compare_row *rows;
	size_t different; /* rows whose verdict is not SAME */
	/* Rows of a thin model (quire_thin_onnx) that are the same because the
	 * model refers to the container. Their numbers have no other copy, so
	 * none were compared: `count` is 0. */
	size_t referred;
	/* Rows of nodes whose quantized weight cannot be converted, which
	 * `leave` or `leave_unsupported` of quire_convert_options left out. */
	size_t left;
} quire_compare_report;

typedef struct quire_compare_options {
	quire_progress_fn progress; /* in bytes of the container's tensors */
	void *context;		    /* passed to progress */
} quire_compare_options;

/*
 * Reads an ONNX model and a container. Compares each quantized weight with a
 * linear or a tensor of the container, and each floating-point constant with a
 * tensor. Codes and dense elements must be the same. Scales, and the elements
 * of a dense tensor of another type, must be within their rounding. The
 * operators are decoded by code of its own, which shares nothing with
 * quire_convert_onnx.
 *
 * Of a thin model it checks that each node of domain "quire" refers to this
 * container, by the checksum of its header, and to a linear or a tensor of the
 * node's shape; and that external data in the container is that of the
 * constant's tensor.
 *
 * On success the caller owns *report; a difference is no failure. Fails as
 * quire_convert_onnx and quire_model_open do, and with CANCELLED.
 */
QUIRE_API quire_status quire_compare_onnx(const char *onnx_path,
					  const char *gguf_path,
					  const quire_compare_options *options,
					  quire_compare_report **report,
					  quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_compare_report_free(quire_compare_report *report);

/* "same", "differs", "only in the source", "only in the file". Static
 * storage. */
QUIRE_API const char *quire_verdict_name(quire_verdict verdict);

/* ------------------------------------------------------------------ export */

typedef struct quire_export_options {
	bool
	    overwrite; /* replace files that exist; default: fail with EXISTS */
	/* Put each constant of 1024 bytes or more into a second file,
	 * BACK_PATH.data, each on a multiple of 4096 bytes. Without it all
	 * constants are in the model, which can have 2 GiB. */
	bool external_data;
	quire_progress_fn progress; /* in bytes written */
	void *context;		    /* passed to progress */
	uint64_t max_memory;	    /* see quire_convert_options */
} quire_export_options;

typedef struct quire_export_summary {
	size_t weights;	    /* that have the container's codes and scales */
	size_t kept;	    /* unchanged, because the container has the same */
	size_t plain;	    /* float constants with the container's elements */
	uint64_t file_size; /* bytes of the model */
	uint64_t data_size; /* bytes of the external data; 0: there is none */
} quire_export_summary;

/*
 * The way back: writes to `back_path` the ONNX model from which the container
 * was made, with the container's weights, so that an ONNX runtime computes with
 * what the container holds. Every byte of the model that does not hold or
 * locate such a weight stays as it is. The new model does not refer to external
 * data of the old one: it is copied.
 *
 * A node whose weight is in Q4_0, Q4_1 or Q8_0 (of MatMulNBits or another
 * operator that quire_convert_onnx takes) gets the container's codes, and its
 * f16 scales in the float type of the node's scales; zero points stay. If the
 * f16 scale of a Q4_1 block does not give the block's offset, the node gets the
 * nearest f32 scale that does: converted again, the model gives the same
 * tensors. A node whose weight is dense in the container, with the same bits as
 * the dequantized weight, stays as it is. Float constants get the container's
 * elements, or stay as they are if the container has no such tensor.
 *
 * A tensor and a constant belong together by the tensor's source name. The
 * container's checksums are verified. On success *summary is written, if
 * `summary` is not NULL.
 *
 * Fails with NOT_FOUND for a weight or a tensor that has no counterpart (the
 * container was made from another model) and for a container without checksums;
 * LAYOUT for a tensor of another shape, or with numbers that do not fit the
 * node; UNSUPPORTED for a weight that the node cannot hold, for example one
 * that QUIRE_FALLBACK_F16 has rounded, and for a model of more than 2 GiB;
 * EXISTS; CHECKSUM; and as quire_convert_onnx does. A failure leaves no new
 * file. If an old model and its external data are replaced, and the process is
 * killed in between, the new data may stay without a model.
 */
QUIRE_API quire_status quire_export_onnx(const char *gguf_path,
					 const char *onnx_path,
					 const char *back_path,
					 const quire_export_options *options,
					 quire_export_summary *summary,
					 quire_error *error);

/* -------------------------------------------------------------------- thin */

/* What became of a weight or a constant. */
typedef enum quire_thin_outcome {
	/* Its node is quire.Linear, or a part of quire.LinearMany. */
	QUIRE_THIN_LINEAR = 0,
	QUIRE_THIN_EMBEDDING = 1, /* its node is quire.Embedding */
	QUIRE_THIN_EXTERNAL =
	    2,		     /* its data is external data in the container */
	QUIRE_THIN_KEPT = 3, /* it stays as it is; `reason` says why */
} quire_thin_outcome;

typedef struct quire_thin_row {
	const char *node;    /* that has the weight; NULL: a constant */
	const char *op_type; /* of that node in the source, or NULL */
	const char *source;  /* the constant's name; of a weight its codes' */
	const char *tensor;  /* the name in the container, or NULL */
	const char *reason;  /* of QUIRE_THIN_KEPT, else NULL */
	quire_thin_outcome outcome;
	uint64_t size; /* bytes in the source, with scales and zero points */
} quire_thin_row;

/* Owned by the caller; freed with quire_thin_report_free. */
typedef struct quire_thin_report {
	size_t count;
	const quire_thin_row *rows; /* weights by their nodes, then constants */
	size_t linears;
	size_t groups; /* nodes of quire.LinearMany, of two linears or more */
	size_t embeddings;
	size_t constants; /* that are external data in the container */
	size_t kept;
	uint64_t source_size; /* bytes of the source, with external data */
	uint64_t file_size;   /* bytes of the new model */
} quire_thin_report;

typedef struct quire_thin_options {
	uint32_t threads; /* 0: see quire_runtime_options */
	bool overwrite;	  /* replace a file that exists; default: fail */
	quire_progress_fn progress; /* in bytes of the container's tensors */
	void *context;		    /* passed to progress */
	uint64_t max_memory;	    /* see quire_convert_options */
} quire_thin_options;

/*
 * Writes to `thin_path` the ONNX model at `onnx_path` without the weights that
 * the container at `gguf_path` holds. ONNX Runtime runs the two files by
 * Quire's library of custom operators, domain "quire":
 *
 *   - a node whose weight has a linear in the container becomes quire.Linear;
 *     several with one x, one k and one accuracy level become one
 *     quire.LinearMany;
 *   - GatherBlockQuantized, and a DequantizeLinear behind Gathers of rows,
 * become quire.Embedding;
 *   - a constant of 1024 bytes or more that the container holds with the same
 *     bytes becomes external data in the container;
 *   - everything else stays as it is; nodes and initializers that only the
 *     changed nodes have used are left out.
 *
 * A weight stays in the model, and the report says why, where the container
 * lacks it, where quire has no operator for its node, where x is BFLOAT16,
 * where something else uses the dequantized weight, and in functions. External
 * data of the source that the new model needs moves into the model if it is
 * small; else the new model refers to the file where it is.
 *
 * ONNX Runtime looks for external data in the model's folder. So the container,
 * all its parts, must lie in the folder of `thin_path` or below it; and so must
 * external data of the source that stays. The operators have the checksum of
 * the container's header, and refuse another container.
 *
 * Nothing is written before the container has proved to be the model's: all its
 * tensors are made again from the model and compared byte by byte. On success,
 * if `report` is not NULL, the caller owns *report.
 *
 * Fails with NOT_FOUND for a tensor or a linear of the container that the model
 * does not have, and for a container without checksums; LAYOUT for one that
 * differs from what converting the model gives; ARGUMENT for a file in another
 * folder; UNSUPPORTED for a model that is thin already; EXISTS; CANCELLED; and
 * as quire_convert_onnx and quire_model_open do. A failure leaves no new file.
 */
QUIRE_API quire_status quire_thin_onnx(const char *onnx_path,
				       const char *gguf_path,
				       const char *thin_path,
				       const quire_thin_options *options,
				       quire_thin_report **report,
				       quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_thin_report_free(quire_thin_report *report);

/* "linear", "embedding", "external", "kept". Static storage. */
QUIRE_API const char *quire_thin_outcome_name(quire_thin_outcome outcome);

#ifdef __cplusplus
}
#endif

#endif
