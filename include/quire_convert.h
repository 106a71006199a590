/*
 * quire_convert.h - the public face of libquire_convert: ONNX to container,
 * and back.
 *
 * A separate library, so that a program which only loads models never links a
 * protobuf. The conventions are those of quire.h.
 */
#ifndef QUIRE_CONVERT_H
#define QUIRE_CONVERT_H

#include "quire.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum quire_outcome {
	QUIRE_OUTCOME_EXACT = 0,    /* codes or values as in the source */
	QUIRE_OUTCOME_FALLBACK = 1, /* dequantized to a dense type */
	QUIRE_OUTCOME_SKIPPED = 2,  /* not in the container */
	QUIRE_OUTCOME_ROUNDED = 3,  /* dense, to a type that the recipe names */
} quire_outcome;

/* What became of one weight of the source. */
typedef struct quire_convert_row {
	const char *node;   /* whose weight it is; NULL: a plain initializer */
	const char *source; /* the initializer's name */
	const char *tensor; /* the container's name; NULL if skipped */
	const char *reason; /* of a fallback or a skip; else a note or NULL */
	quire_outcome outcome;
	quire_dtype dtype;
	uint64_t source_size; /* bytes, with scales and zero points */
	uint64_t tensor_size;
	/* |f16(s) - s| / |s| over the scales, and of Q4_1 the offsets too; of
	 * what was rounded over its elements; 0 for all else. */
	double scale_error_max;
	double scale_error_mean;
} quire_convert_row;

/* Owned by the caller; freed with quire_convert_report_free. */
typedef struct quire_convert_report {
	size_t count;
	const quire_convert_row *rows; /* in the container's tensor order */
	uint64_t source_size;	       /* sums over the rows */
	uint64_t tensor_size;
	uint64_t file_size; /* of the container, all its parts together */
	/* Its files: several if it was split, else the one that was asked for.
	 * Their tensors are numbered as in the container. */
	size_t part_count;
	const quire_part *parts;
} quire_convert_report;

/* What becomes of a weight that no block type holds. */
typedef enum quire_fallback {
	QUIRE_FALLBACK_DEFAULT = 0, /* as the recipe says, or else F32 */
	QUIRE_FALLBACK_F32 = 1, /* the dequantized weight, to the last bit */
	/* The same rounded to F16; F32 where it has numbers beyond F16. */
	QUIRE_FALLBACK_F16 = 2,
	QUIRE_FALLBACK_ERROR = 3, /* the conversion fails: UNSUPPORTED */
} quire_fallback;

/*
 * What is set here goes before what the recipe says; what is 0 or NULL is left
 * to the recipe, and to the defaults where that says nothing.
 *
 * A recipe (docs/recipe.md) is YAML: which tensors to take, their names and
 * types, metadata. It comes as the path of a file, or as `recipe_size` bytes of
 * text, which need no NUL; NULL: there is none. A mistake in one is ARGUMENT:
 * error->path is the path, or of a text `recipe_name` or "recipe", and the
 * message begins with "line L, column C: ".
 */
typedef struct quire_convert_options {
	uint32_t threads;    /* 0: one for each CPU */
	uint32_t alignment;  /* as in quire_writer_options */
	bool overwrite;	     /* likewise */
	uint64_t split_size; /* likewise */
	quire_fallback fallback;
	const char *architecture; /* NULL: "onnx" */
	const char *name;	  /* NULL: the graph's, else the file's name */
	const char *recipe_path;
	const char *recipe;
	size_t recipe_size;
	const char *recipe_name;
	quire_progress_fn progress; /* in bytes of the container's tensors */
	void *context;		    /* handed to progress */
} quire_convert_options;

/*
 * Converts the ONNX model at `onnx_path`, its external data included, to a
 * container at `gguf_path`. Its quantized weights (docs/onnx.md: those of
 * MatMulNBits, GatherBlockQuantized, DequantizeLinear, QMoE and MatMulBnb4) are
 * never quantized again: their codes are re-laid, or, where no block type holds
 * them, they are dequantized as `fallback` says. On success
 * *report, if `report` is not NULL, is the caller's. Files appear whole or not
 * at all, as quire_writer_create has it; those of a split set in place of the
 * one at `gguf_path`, which must not itself be the name of a part.
 *
 * Fails with IO, also where a file of the source was written to meanwhile;
 * MEMORY, ARGUMENT, CANCELLED; LAYOUT for a malformed model; UNSUPPORTED for
 * one that says what Quire cannot turn into a container.
 */
QUIRE_API quire_status quire_convert_onnx(const char *onnx_path,
					  const char *gguf_path,
					  const quire_convert_options *options,
					  quire_convert_report **report,
					  quire_error *error);

/*
 * The recipe that a conversion with these options would follow, with comments,
 * as a text that is a recipe itself: given as such, without other options, it
 * makes the same container. `threads`, `overwrite` and `progress` do not
 * matter. On success *text, which NUL ends, is the caller's, to be freed with
 * quire_recipe_text_free. Fails with IO, ARGUMENT and MEMORY.
 */
QUIRE_API quire_status quire_recipe_write(const quire_convert_options *options,
					  char **text, quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_recipe_text_free(char *text);

/* NULL is fine. */
QUIRE_API void quire_convert_report_free(quire_convert_report *report);

/* Reads a size such as "4G", "500M", "64KiB" or "1000": a whole number and,
 * directly after it, nothing, K, M, G, T (powers of 1000) or Ki, Mi, Gi, Ti (of
 * 1024), with or without a B; k is K. False for anything else, and beyond 2^63
 * - 1. */
QUIRE_API bool quire_size_parse(const char *text, uint64_t *size);

/* "exact", "fallback", "skipped", "rounded". Static storage. */
QUIRE_API const char *quire_outcome_name(quire_outcome outcome);

/* ----------------------------------------------------------------- compare */

typedef enum quire_verdict {
	QUIRE_VERDICT_SAME = 0,
	QUIRE_VERDICT_DIFFERS = 1,
	QUIRE_VERDICT_ONLY_SOURCE = 2, /* the container lacks it */
	QUIRE_VERDICT_ONLY_FILE = 3,   /* the source lacks it */
} quire_verdict;

/* One weight of the source held against its tensor. */
typedef struct quire_compare_row {
	const char *node;   /* whose weight it is; NULL: a plain tensor */
	const char *source; /* the initializer's name, or NULL */
	const char *tensor; /* the container's name, or NULL */
	const char *reason; /* of a verdict that no number tells, or NULL */
	quire_verdict verdict;
	quire_dtype dtype; /* the tensor's */
	uint64_t count;	   /* codes or elements that were compared */
	uint64_t different;
	/* Scales, and of Q4_1 offsets, that are more than the rounding to f16
	 * away: 2^-11 of themselves. */
	uint64_t scales_different;
	/* |f16(s) - s| / |s|; of a dense tensor that has another type than its
	 * source, the same over its elements. */
	double scale_error_max;
} quire_compare_row;

typedef struct quire_compare_report {
	size_t count;
	const quire_compare_row *rows; /* linears, then plain tensors */
	size_t different;	       /* rows that are not the same */
} quire_compare_report;

/*
 * Reads an ONNX model and a container, and holds each quantized weight of the
 * one against a linear or a tensor of the other, and each floating-point
 * constant against a tensor: codes and dense elements must be the same, scales,
 * and elements of a dense tensor that has another type, within their rounding.
 * The operators are decoded for this by themselves, with nothing that
 * quire_convert_onnx uses. On
 * success, which is also where they differ, *report is the caller's.
 */
QUIRE_API quire_status quire_compare_onnx(const char *onnx_path,
					  const char *gguf_path,
					  quire_compare_report **report,
					  quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_compare_report_free(quire_compare_report *report);

/* "same", "differs", "only in the source", "only in the file". Static
 * storage. */
QUIRE_API const char *quire_verdict_name(quire_verdict verdict);

/* ------------------------------------------------------------------ export */

typedef struct quire_export_options {
	bool overwrite; /* replace files that exist; default: refuse */
	/* Put each constant of 1024 bytes or more into "BACK.data", beside the
	 * model, on pages of 4096 bytes. Without it everything goes into the
	 * model, which may have 2 GiB. */
	bool external_data;
	quire_progress_fn progress; /* in bytes written */
	void *context;		    /* handed to it */
} quire_export_options;

typedef struct quire_export_summary {
	size_t weights; /* whose codes and scales are the container's */
	size_t kept;	/* left as they are: the container has the very same */
	size_t plain;	/* float constants that are the container's */
	uint64_t file_size; /* of the model */
	uint64_t data_size; /* of the file beside it; 0: there is none */
} quire_export_summary;

/*
 * The way back: writes to `back_path` the ONNX model that the container was
 * made of, with the container's weights in it, so that what runs there is what
 * the container holds. Every byte of the model that does not hold or locate
 * such a weight is kept as it is; external data is taken into the new model or
 * the file beside it, never referred to.
 *
 * Of a node whose weight is in Q4_0, Q4_1 or Q8_0 (MatMulNBits and all others
 * that quire_convert_onnx takes), the codes become the container's, and the
 * scales its f16 scales, in their own float type; zero points stay. A scale of
 * Q4_1 whose f16 does not give the block's offset becomes the f32 nearest to it
 * that does: converted again, the model gives the same tensors. A dense tensor
 * that is bit for bit the dequantized weight leaves its node as it is. Float
 * constants get the container's elements; one that the container lacks keeps
 * its own.
 *
 * Tensors and constants are paired by quire.tensor.source; the container's
 * checksums are verified. *summary is written on success, if it is not NULL.
 * Fails with NOT_FOUND for a weight or a tensor that has no counterpart (the
 * container was made of another model) or a container without checksums;
 * LAYOUT for one of another shape, or whose numbers do not fit the node;
 * UNSUPPORTED for a weight that the node cannot hold, as one rounded by
 * QUIRE_FALLBACK_F16, and a model of more than 2 GiB; CHECKSUM; and as
 * quire_convert_onnx does. A failure leaves no new file. Where old files are
 * replaced by a model with data beside it, a process that is killed between
 * the two leaves the data only.
 */
QUIRE_API quire_status quire_export_onnx(const char *gguf_path,
					 const char *onnx_path,
					 const char *back_path,
					 const quire_export_options *options,
					 quire_export_summary *summary,
					 quire_error *error);

#ifdef __cplusplus
}
#endif

#endif
