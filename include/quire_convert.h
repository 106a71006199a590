/*
 * quire_convert.h - the public face of libquire_convert: ONNX to container.
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
} quire_outcome;

/* What became of one weight of the source. */
typedef struct quire_convert_row {
	const char *node; /* the MatMulNBits node; NULL: a plain initializer */
	const char *source; /* the initializer's name */
	const char *tensor; /* the container's name; NULL if skipped */
	const char *reason; /* of a fallback or a skip; NULL if exact */
	quire_outcome outcome;
	quire_dtype dtype;
	uint64_t source_size; /* bytes, with scales and zero points */
	uint64_t tensor_size;
	double scale_error_max; /* |f16(s) - s| / |s| over the scales */
	double scale_error_mean;
} quire_convert_row;

/* Owned by the caller; freed with quire_convert_report_free. */
typedef struct quire_convert_report {
	size_t count;
	const quire_convert_row *rows; /* in the container's tensor order */
	uint64_t source_size;	       /* sums over the rows */
	uint64_t tensor_size;
	uint64_t file_size; /* of the container */
} quire_convert_report;

typedef struct quire_convert_options {
	uint32_t threads;	  /* 0: one for each CPU */
	uint32_t alignment;	  /* as in quire_writer_options */
	bool overwrite;		  /* likewise */
	const char *architecture; /* NULL: "onnx" */
	const char *name;	  /* NULL: the graph's, else the file's name */
	quire_progress_fn progress; /* in bytes of the container's tensors */
	void *context;		    /* handed to progress */
} quire_convert_options;

/*
 * Converts the ONNX model at `onnx_path`, its external data included, to a
 * container at `gguf_path`. Weights of MatMulNBits nodes are never quantized
 * again: their codes are re-laid, or they are dequantized exactly. On success
 * *report, if `report` is not NULL, is the caller's.
 *
 * Fails with IO, MEMORY, ARGUMENT, CANCELLED; LAYOUT for a malformed model;
 * UNSUPPORTED for one that says what Quire cannot turn into a container.
 */
QUIRE_API quire_status quire_convert_onnx(const char *onnx_path,
					  const char *gguf_path,
					  const quire_convert_options *options,
					  quire_convert_report **report,
					  quire_error *error);

/* NULL is fine. */
QUIRE_API void quire_convert_report_free(quire_convert_report *report);

/* "exact", "fallback", "skipped". Static storage. */
QUIRE_API const char *quire_outcome_name(quire_outcome outcome);

#ifdef __cplusplus
}
#endif

#endif
