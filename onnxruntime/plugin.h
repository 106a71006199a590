/*
 * plugin.h - what the custom ops and the execution provider share: statuses and
 * texts, containers that all sessions of a process use together, the runtime,
 * and products by linears on the threads of the session that asks.
 *
 * An OrtStatus is NULL when all went well; else it belongs to whoever gets it.
 */
#ifndef QUIRE_ONNXRUNTIME_PLUGIN_H
#define QUIRE_ONNXRUNTIME_PLUGIN_H

#include "base/error.h"
#include "onnxruntime/ort_abi.h"
#include "quire.h"

/* For the three functions that ONNX Runtime looks up in the library. */
#define QUIRE_ORT_EXPORT __attribute__((visibility("default")))

/* ------------------------------------------------------ statuses and texts */

/* A text of any length, to be freed. NULL: out of memory. */
char *quire_ort_text(const char *format, ...) QUIRE_PRINTF(1, 2);

/* A status with such a text; "quire: " is put before it. */
OrtStatus *quire_ort_status(const OrtApi *api, OrtErrorCode code,
			    const char *format, ...) QUIRE_PRINTF(3, 4);

/* "FILE: MESSAGE (at byte OFFSET)", to be freed. `path` is the file where the
 * error names none; it may be NULL. NULL: out of memory. */
char *quire_ort_error_text(const quire_error *error, const char *path);

/* The status of a failure at a node. */
OrtStatus *quire_ort_failure(const OrtApi *api, const char *node,
			     const quire_error *error);

/* The status where ONNX Runtime is older than API version `version`. */
OrtStatus *quire_ort_too_old(const OrtApiBase *base, const char *what,
			     int version);

/* Drops a status, NULL or not. Returns whether it was NULL. */
bool quire_ort_ignore(const OrtApi *api, OrtStatus *status);

/* ----------------------------------------------------------------- process */

/* The lock of what the sessions of a process share. False: out of memory. */
bool quire_ort_lock(void);
void quire_ort_unlock(void);

/* The process's one runtime, which is never freed, over `parallel_for`. */
quire_status quire_ort_runtime(quire_parallel_for_fn parallel_for,
			       quire_runtime **shared, quire_error *error);

/* ------------------------------------------------------------ kernel facts */

/* The name of a kernel's node, to be freed; NULL: out of memory. */
char *quire_ort_node_name(const OrtApi *api, const OrtKernelInfo *info);

/* A string attribute, to be freed; NULL: it is absent, or out of memory. */
char *quire_ort_string(const OrtApi *api, const OrtKernelInfo *info,
		       const char *name);

/* Type and shape of a tensor. */
struct ort_shape {
	ONNXTensorElementDataType type;
	size_t rank;
	int64_t *dims; /* with room for one more than rank */
	int64_t room[17];
};

/* Free it after success. */
OrtStatus *quire_ort_shape_of(const OrtApi *api,
			      const OrtTensorTypeAndShapeInfo *info,
			      struct ort_shape *shape);
/* The same; fails for a value that is no tensor. */
OrtStatus *quire_ort_shape_read(const OrtApi *api, const OrtValue *value,
				struct ort_shape *shape);
void quire_ort_shape_free(struct ort_shape *shape);

/* The elements of a tensor, to be read only. */
OrtStatus *quire_ort_data(const OrtApi *api, const OrtValue *value,
			  const void **data);

/* -------------------------------------------------------------- containers */

/* A container that is open once in the process. */
struct container;

/* Opens a file, or finds it open: the same file, unchanged, with equal options.
 * To be released. Any thread may call these. */
quire_status quire_ort_container_open(const char *path,
				      const quire_open_options *options,
				      struct container **container,
				      quire_error *error);
/* The same for a file in memory, which must outlive the container. */
quire_status quire_ort_container_open_memory(const void *data, size_t size,
					     struct container **container,
					     quire_error *error);
/* NULL is fine. */
void quire_ort_container_release(struct container *container);

const quire_model *quire_ort_container_model(const struct container *container);
/* For messages. */
const char *quire_ort_container_path(const struct container *container);

/* Compares the checksum of the container's header with one in text, 16
 * hexadecimal digits. Fails with CHECKSUM if they differ. */
quire_status quire_ort_container_check(const struct container *container,
				       const char *header_xxh3,
				       quire_error *error);

/* ---------------------------------------------------------------- products */

/* Linears of one K that a kernel multiplies x by; there is one output for each
 * linear. */
struct ort_product {
	const OrtApi *api;
	const char *node;
	const quire_linear *const *linears;
	size_t count;
	uint32_t accuracy_level; /* 0: that of the linears */
	size_t x_input;		 /* the number of the input that x is */
};

/* Runs on the threads of the session whose kernel calls. */
OrtStatus *quire_ort_multiply(const struct ort_product *product,
			      OrtKernelContext *context);

/* The accuracy_level for quire_matmul_options, from an attribute's or an
 * option's, which is -1 to 4. */
uint32_t quire_ort_level(int64_t accuracy_level);

#endif
