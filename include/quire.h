/*
 * quire.h - the public face of libquire: containers, the loader, the runtime.
 *
 * A container is a GGUF v3 file whose tensors start on page boundaries and
 * carry XXH3 checksums; spec/format.md defines it. This library maps such a
 * file, finds tensors and linear layers in it, and multiplies by them where
 * they lie. It also opens any other GGUF v2 or v3 file.
 *
 * Conventions
 *   - What can fail returns quire_status; results come through out-parameters,
 *     which a failure leaves untouched. `error` belongs to the caller, may be
 *     NULL, and is written on failure only.
 *   - The library never prints, aborts, exits or reads the environment.
 *   - An options struct set to zero, or NULL, means the defaults.
 *   - Sizes are bytes, counts are items, offsets are bytes from the start of
 *     the file, shapes are in GGUF order: the fastest dimension (K) first.
 */
#ifndef QUIRE_H
#define QUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_VERSION_MAJOR 0
#define QUIRE_VERSION_MINOR 1
#define QUIRE_VERSION_PATCH 0

/* The greatest quire.version that this library reads, and the one it writes. */
#define QUIRE_FORMAT_VERSION 1

#if defined(_WIN32) && defined(QUIRE_SHARED)
#ifdef QUIRE_BUILDING
#define QUIRE_API __declspec(dllexport)
#else
#define QUIRE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define QUIRE_API __attribute__((visibility("default")))
#else
#define QUIRE_API
#endif

/* "0.1.0". Static storage. */
QUIRE_API const char *quire_version(void);

/* ------------------------------------------------------------------ errors */

typedef enum quire_status { /* values are permanent; gaps are for growth */
	QUIRE_OK = 0,
	QUIRE_ERROR_MEMORY = 1,
	QUIRE_ERROR_ARGUMENT = 2,
	QUIRE_ERROR_IO = 3,
	QUIRE_ERROR_CANCELLED = 4,  /* a progress callback returned false */
	QUIRE_ERROR_EXISTS = 5,	    /* the output exists; see `overwrite` */
	QUIRE_ERROR_MAGIC = 10,	    /* not a GGUF file */
	QUIRE_ERROR_VERSION = 11,   /* newer, or of the other byte order */
	QUIRE_ERROR_TRUNCATED = 12, /* the file ends too early */
	QUIRE_ERROR_LAYOUT = 13,    /* breaks a rule of spec/format.md */
	QUIRE_ERROR_CHECKSUM = 14,  /* bytes differ from their checksum */
	QUIRE_ERROR_UNSUPPORTED = 20,
	QUIRE_ERROR_NOT_FOUND = 21,
} quire_status;

#define QUIRE_NO_OFFSET UINT64_MAX

#define QUIRE_ERROR_PATH_SIZE 256

/*
 * What failed. `path`, `offset` and `message` belong together: "FILE: MESSAGE
 * (at byte OFFSET)". The texts end with NUL, and control characters in them are
 * replaced by '?'.
 */
typedef struct quire_error {
	quire_status status;
	/* Byte in the file at `path`, or QUIRE_NO_OFFSET. */
	uint64_t offset;
	/* The file, as the caller named it, or as it was found from there (a
	 * part of a split set, external data of a model). Of a path that is too
	 * long: "..." and its end. Empty: the failure is about no file, or
	 * about one that has no path. */
	char path[QUIRE_ERROR_PATH_SIZE];
	/* What is wrong, without the path: "tensor 'wq': dims overflow [F-18]".
	 * A message that is too long is cut at its end. */
	char message[240];
} quire_error;

/* "layout" for QUIRE_ERROR_LAYOUT and so on; never NULL. Static storage. */
QUIRE_API const char *quire_status_name(quire_status status);

/* ------------------------------------------------------------ plain values */

/* Bytes of a string in the file: UTF-8, no terminating NUL. */
typedef struct quire_string {
	const char *data;
	size_t size;
} quire_string;

/* The tensor types of GGUF, by GGUF's own numbers. The library opens and
 * hashes all that GGUF knows; these are the ones it computes with. */
typedef enum quire_dtype {
	QUIRE_F32 = 0,
	QUIRE_F16 = 1,
	QUIRE_Q4_0 = 2,
	QUIRE_Q4_1 = 3,
	QUIRE_Q8_0 = 8,
	QUIRE_BF16 = 30,
} quire_dtype;

/* "Q4_0", or NULL for a number that GGUF does not define. Static storage. */
QUIRE_API const char *quire_dtype_name(quire_dtype dtype);

/* The elements and the bytes of one block (1 element for plain types).
 * Returns false for a number that GGUF does not define. */
QUIRE_API bool quire_dtype_block(quire_dtype dtype, uint32_t *count,
				 uint32_t *size);

/* The value types of GGUF metadata, by GGUF's own numbers. */
typedef enum quire_value_type {
	QUIRE_VALUE_U8 = 0,
	QUIRE_VALUE_I8 = 1,
	QUIRE_VALUE_U16 = 2,
	QUIRE_VALUE_I16 = 3,
	QUIRE_VALUE_U32 = 4,
	QUIRE_VALUE_I32 = 5,
	QUIRE_VALUE_F32 = 6,
	QUIRE_VALUE_BOOL = 7,
	QUIRE_VALUE_STRING = 8,
	QUIRE_VALUE_ARRAY = 9,
	QUIRE_VALUE_U64 = 10,
	QUIRE_VALUE_I64 = 11,
	QUIRE_VALUE_F64 = 12,
} quire_value_type;

/* An array as it lies in the file: `count` elements, little-endian, not
 * aligned; strings are a u64 length and their bytes. Walk it with
 * quire_array_next. */
typedef struct quire_array {
	quire_value_type type; /* of the elements; never QUIRE_VALUE_ARRAY */
	uint64_t count;
	const void *data;
	size_t size;
} quire_array;

typedef struct quire_value {
	quire_value_type type;
	union {
		uint64_t u;	/* U8, U16, U32, U64 */
		int64_t i;	/* I8, I16, I32, I64 */
		double f;	/* F32, F64 */
		bool b;		/* BOOL */
		quire_string s; /* STRING */
		quire_array a;	/* ARRAY */
	} as;
} quire_value;

/*
 * Takes the first element off an array: writes it to *element, makes *array
 * the rest, and returns true; returns false when the array is empty. The
 * whole walk is linear and allocates nothing:
 *
 *	quire_array rest = value->as.a;
 *	quire_value element;
 *	while (quire_array_next(&rest, &element)) ...
 */
QUIRE_API bool quire_array_next(quire_array *array, quire_value *element);

/* ------------------------------------------------------------------ models */

/* A mapped file. Immutable: any number of threads may use one at once. */
typedef struct quire_model quire_model;

/* One tensor; every pointer is into the map and lives as long as the model. */
typedef struct quire_tensor {
	quire_string name;
	quire_string source; /* its name in the source model; empty: unknown */
	quire_dtype dtype;
	uint32_t rank;	   /* 1 to 4 */
	uint64_t shape[4]; /* K first; 1 beyond the rank */
	uint64_t offset;   /* of its first byte in its file */
	uint64_t size;	   /* in bytes, without padding */
	const void *data;
	bool has_xxh3;
	uint64_t xxh3; /* XXH3-64, seed 0, of the `size` bytes; if has_xxh3 */
	uint32_t part; /* the file of a split set that it is in, from 0 */
	/* The library's own, for QUIRE_VERIFY_LAZY: copy it with the rest, and
	 * leave it NULL in a tensor of your own. */
	struct quire_lazy_check *check;
} quire_tensor;

/* One linear layer, y = x W^T + bias: a node of the source. */
typedef struct quire_linear {
	quire_string name;
	const quire_tensor *weight; /* shape [k rounded up to a block, n] */
	const quire_tensor *bias;   /* shape [n], or NULL for none */
	uint64_t k;		    /* columns of x */
	uint64_t n;		    /* columns of y */
	uint32_t accuracy_level;    /* 0 to 4, as MatMulNBits has it */
} quire_linear;

/* When tensors are held against their checksums. The structure of the file and
 * the checksum of its header always are, at open. */
typedef enum quire_verify_mode {
	QUIRE_VERIFY_HEADER = 0, /* never, but by quire_model_verify */
	/* At open: by quire_model_verify, on all CPUs. */
	QUIRE_VERIFY_TENSORS = 1,
	/* Each one once, the first time that quire_matmul or quire_linear_run
	 * is given it; they fail with CHECKSUM then and ever after. Padding
	 * is left alone. */
	QUIRE_VERIFY_LAZY = 2,
} quire_verify_mode;

typedef enum quire_load_mode {
	QUIRE_LOAD_MAP = 0, /* shared with all who map it; read when touched */
	/* Into memory of our own, in huge pages where the system has them: for
	 * network file systems, and files that others may cut or overwrite. */
	QUIRE_LOAD_READ = 1,
} quire_load_mode;

/* What is read ahead of its use, of a mapped file. */
typedef enum quire_prefetch {
	QUIRE_PREFETCH_NONE = 0,      /* a page when it is touched */
	QUIRE_PREFETCH_WILL_NEED = 1, /* all, in the background */
	QUIRE_PREFETCH_POPULATE = 2,  /* all, before open returns */
} quire_prefetch;

typedef struct quire_open_options {
	/* Open a file whose header does not match its checksum, as one that
	 * another tool has edited. quire_model_verify still tells. */
	bool allow_edited_header;
	/* All but QUIRE_VERIFY_HEADER fail with NOT_FOUND for a file that
	 * carries no checksums. */
	quire_verify_mode verify;
	quire_load_mode load;
	quire_prefetch prefetch;
	/* Keep all of it in memory (mlock). Fails with IO where the system's
	 * limit, which the message tells, does not allow that. */
	bool lock;
} quire_open_options;

/*
 * Maps the file read-only and shared, checks its structure and its header's
 * checksum, and builds the index of names. Unless the options say otherwise it
 * reads the header's pages only, in time and memory that grow with their size
 * alone; damage to tensor data is left to quire_model_verify.
 *
 * A path that names one part of a split set opens the whole set: every part
 * lies beside it under its name (spec/format.md, F-42). A missing part is
 * NOT_FOUND, and one that does not belong LAYOUT.
 *
 * The file must not shrink while it is mapped: a touched page that is no longer
 * there is SIGBUS. Replace files by renaming, ask quire_model_check_files, or
 * use QUIRE_LOAD_READ. The model keeps a descriptor of each mapped file.
 *
 * On success *model is the caller's, to be closed with quire_model_close.
 * Fails with IO, MEMORY, MAGIC, VERSION, TRUNCATED, LAYOUT, CHECKSUM,
 * NOT_FOUND, and ARGUMENT for an option that is none.
 */
QUIRE_API quire_status quire_model_open(const char *path,
					const quire_open_options *options,
					quire_model **model,
					quire_error *error);

/* The same for a regular file that is open for reading. Neither its position
 * nor the descriptor, which stays the caller's, matters afterwards. Fails with
 * UNSUPPORTED for a part of a split set, as it has no name to go by. */
QUIRE_API quire_status quire_model_open_fd(int fd,
					   const quire_open_options *options,
					   quire_model **model,
					   quire_error *error);

/* The same over `size` bytes in memory, which stay the caller's and must
 * outlive the model; `load`, `prefetch` and `lock` do not concern them. `data`
 * need not be aligned for the checks and the hash; quire_matmul wants no more
 * than the file's own alignment either. UNSUPPORTED as above. */
QUIRE_API quire_status quire_model_open_memory(
    const void *data, size_t size, const quire_open_options *options,
    quire_model **model, quire_error *error);

/*
 * Whether the mapped files are as they were when they were opened, by their
 * size and the time of their last change: a few system calls for each, at any
 * time, on any thread. Fails with TRUNCATED where one has become shorter
 * (error->offset is where it ends now, and touching what lies behind is
 * SIGBUS), IO where one was written to. A file that was replaced by renaming
 * has not changed: the model keeps the old one. Memory that is the caller's or
 * was read never changes.
 */
QUIRE_API quire_status quire_model_check_files(const quire_model *model,
					       quire_error *error);

/* Unmaps. NULL is fine. No thread may use the model or its views any more. */
QUIRE_API void quire_model_close(quire_model *model);

typedef struct quire_model_info {
	uint32_t gguf_version;	/* 2 or 3 */
	uint32_t quire_version; /* 0: a foreign GGUF file, no checksums */
	uint32_t alignment;
	uint64_t data_offset; /* where tensor data begins */
	uint64_t file_size;   /* of a split set: of all parts together, the
				 other fields being the first one's */
	bool header_edited;   /* of any part; see allow_edited_header */
} quire_model_info;

QUIRE_API void quire_model_describe(const quire_model *model,
				    quire_model_info *info);

/* One file of a split set; a model that is not split is one part. */
typedef struct quire_part {
	const char *path; /* NULL: opened by descriptor or in memory */
	uint32_t alignment;
	uint64_t data_offset; /* where its tensor data begins */
	uint64_t file_size;
	size_t first_tensor; /* its tensors, by their place in the model */
	size_t tensor_count;
} quire_part;

QUIRE_API size_t quire_model_part_count(const quire_model *model);
/* False if there is no such part. The path lives as long as the model. */
QUIRE_API bool quire_model_part(const quire_model *model, size_t index,
				quire_part *part);

/* Tensors are in file order. NULL if the index or the name is unknown. */
QUIRE_API size_t quire_model_tensor_count(const quire_model *model);
QUIRE_API const quire_tensor *quire_model_tensor(const quire_model *model,
						 size_t index);
QUIRE_API const quire_tensor *quire_model_find_tensor(const quire_model *model,
						      const char *name);

/* Linear layers are in source order; a foreign file has none. */
QUIRE_API size_t quire_model_linear_count(const quire_model *model);
QUIRE_API const quire_linear *quire_model_linear(const quire_model *model,
						 size_t index);
QUIRE_API const quire_linear *quire_model_find_linear(const quire_model *model,
						      const char *name);

/* Metadata is in file order; *key is written if not NULL. */
QUIRE_API size_t quire_model_value_count(const quire_model *model);
QUIRE_API const quire_value *quire_model_value(const quire_model *model,
					       size_t index, quire_string *key);
QUIRE_API const quire_value *quire_model_find_value(const quire_model *model,
						    const char *key);

/*
 * Progress of long work: `done` of `total` bytes. Return false to cancel.
 * Calls come one at a time, `done` never falls, but the thread may change.
 */
typedef bool (*quire_progress_fn)(void *context, uint64_t done, uint64_t total);

/* Told once for each damaged tensor, in file order, after all were hashed. */
typedef void (*quire_damage_fn)(void *context, const quire_tensor *tensor,
				uint64_t actual_xxh3);

typedef struct quire_verify_options {
	uint32_t threads; /* 0: one for each CPU */
	quire_progress_fn progress;
	quire_damage_fn damage;
	void *context; /* handed to both */
} quire_verify_options;

/*
 * Reads every byte of the file once: hashes the tensors in parallel and
 * checks the padding. Returns OK when all of it is as it was written,
 * CHECKSUM when the header was edited or a tensor is damaged (`error` tells
 * of the first, `damage` of each tensor), LAYOUT when padding is not zero,
 * NOT_FOUND when the file carries no checksums, CANCELLED, MEMORY.
 */
QUIRE_API quire_status quire_model_verify(const quire_model *model,
					  const quire_verify_options *options,
					  quire_error *error);

/* XXH3-64, seed 0, of a tensor's bytes as they are now. */
QUIRE_API uint64_t quire_tensor_hash(const quire_tensor *tensor);

/*
 * Decodes `rows` rows of a 2-D tensor (a 1-D tensor is one row), from row
 * `first`, to f32: y is [rows][cols], cols at most shape[0]. F32, F16, BF16,
 * Q4_0, Q4_1 and Q8_0 are decoded; fails with UNSUPPORTED for others and
 * ARGUMENT for rows or columns that are not there. Tensors of higher rank
 * count as the stack of their rows.
 */
QUIRE_API quire_status quire_tensor_decode(const quire_tensor *tensor,
					   uint64_t first, uint64_t rows,
					   uint64_t cols, float *y,
					   quire_error *error);

/* ------------------------------------------------------------------ writer */

/* Writes one file. One thread at a time, but for quire_writer_write. */
typedef struct quire_writer quire_writer;

typedef struct quire_writer_options {
	/* 0: 16384, or 32 for a plain file; else a power of two from 32, or
	 * from 8 for a plain file, to 65536. */
	uint32_t alignment;
	bool overwrite; /* replace a file that exists; default: refuse */
	/* Write GGUF as other programs do, and not a container: no key but
	 * those that are set (and general.alignment, where it is not 32), no
	 * checksums, sources or linears; zeros for padding. */
	bool plain;
	/* 0: one file. Else a split set where one file would be larger than
	 * this: for NAME.gguf, NAME-00001-of-00003.gguf and so on, each filled
	 * with whole tensors up to this size; one tensor alone may exceed it.
	 * Values and linears are in the first. */
	uint64_t split_size;
} quire_writer_options;

/*
 * Begins a file at `path`. Bytes go to a temporary file in the same
 * folder, which quire_writer_finish renames and quire_writer_free removes,
 * so a failure leaves what was at `path` and nothing else. Parts of a split set
 * appear together; until all are there, the first is missing.
 *
 * Order of calls: values, tensors and linears are declared; the first
 * quire_writer_write fixes the layout (and fails with ARGUMENT for one that
 * breaks a rule, or if split_size is less than the first part's header, or
 * makes more than 65535 parts, and with EXISTS for a part that exists and may
 * not be overwritten); then the tensors' bytes; then finish.
 * The same calls give the same bytes.
 */
QUIRE_API quire_status quire_writer_create(const char *path,
					   const quire_writer_options *options,
					   quire_writer **writer,
					   quire_error *error);

/* Sets a metadata key; the value is copied. Keys are written in the order in
 * which they were first set, but for a container's general.architecture, which
 * comes first; setting one again replaces its value. Refused with ARGUMENT are
 * the keys that the writer derives from the rest (those of section 3 of
 * spec/format.md), and for a plain file all of quire.*. Other keys of quire.*
 * than quire.source.* and quire.converter are reserved, and only to be carried
 * over from another container. general.alignment comes by itself; to choose
 * its place, set it to what the writer's alignment is. */
QUIRE_API quire_status quire_writer_set_value(quire_writer *writer,
					      const char *key,
					      const quire_value *value,
					      quire_error *error);
QUIRE_API quire_status quire_writer_set_string(quire_writer *writer,
					       const char *key,
					       const char *value,
					       quire_error *error);
QUIRE_API quire_status quire_writer_set_u32(quire_writer *writer,
					    const char *key, uint32_t value,
					    quire_error *error);
QUIRE_API quire_status quire_writer_set_u64(quire_writer *writer,
					    const char *key, uint64_t value,
					    quire_error *error);

/* Declares the next tensor, 0, 1, 2 and so on. Of `tensor` the name, source,
 * dtype, rank and shape are read and copied; and, for quire_writer_adopt
 * only, its offset and checksum. */
QUIRE_API quire_status quire_writer_add_tensor(quire_writer *writer,
					       const quire_tensor *tensor,
					       quire_error *error);

#define QUIRE_NO_TENSOR SIZE_MAX

typedef struct quire_linear_entry {
	const char *name; /* not empty, unique */
	size_t weight;	  /* index of a declared 2-D tensor */
	size_t bias;	  /* index of a declared tensor, or QUIRE_NO_TENSOR */
	uint64_t k;	  /* shape[0] of weight is k rounded up to a block */
	uint32_t accuracy_level; /* 0 to 4 */
} quire_linear_entry;

QUIRE_API quire_status quire_writer_add_linear(quire_writer *writer,
					       const quire_linear_entry *linear,
					       quire_error *error);

/* Appends bytes to tensor `index`. The bytes of one tensor come in order;
 * different tensors may be written by different threads at once, after a
 * first call (of any size, zero too) has returned. */
QUIRE_API quire_status quire_writer_write(quire_writer *writer, size_t index,
					  const void *data, size_t size,
					  quire_error *error);

/*
 * Takes the bytes of all tensors from another file, in place of every
 * quire_writer_write: for new metadata on old tensors, which are declared as
 * quire_model_tensor of that file shows them. The file system copies the
 * bytes, or shares them between the files where it can. They are not hashed:
 * each tensor keeps the checksum that it was declared with, so that damage to
 * it is still found. `file` is a descriptor, open for reading; it stays the
 * caller's. `progress` may be NULL.
 *
 * Fails with ARGUMENT if a tensor of a container has no checksum, or bytes
 * already; TRUNCATED if the file ends too early, IO, MEMORY, CANCELLED.
 */
QUIRE_API quire_status quire_writer_adopt(quire_writer *writer, int file,
					  quire_progress_fn progress,
					  void *context, quire_error *error);

/* The files, once the layout is fixed; before, none. The path of a part lives
 * as long as the writer. */
QUIRE_API size_t quire_writer_part_count(const quire_writer *writer);
/* False if there is no such part. */
QUIRE_API bool quire_writer_part(const quire_writer *writer, size_t index,
				 quire_part *part);

/* Writes header and checksums, fsyncs, and renames into place. Fails with
 * ARGUMENT if a tensor has not all its bytes. */
QUIRE_API quire_status quire_writer_finish(quire_writer *writer,
					   quire_error *error);

/* Frees; before a successful finish it also discards. NULL is fine. */
QUIRE_API void quire_writer_free(quire_writer *writer);

/* ----------------------------------------------------------------- runtime */

/* Threads, scratch memory and the kernels of one device. Any number of
 * threads and models may share one. */
typedef struct quire_runtime quire_runtime;

typedef enum quire_device {
	/* Metal where there is one, for the models that are attached, and the
	 * CPU for all else; the CPU alone if a kernel set is named. */
	QUIRE_DEVICE_BEST = 0,
	QUIRE_DEVICE_CPU = 1,
	/* Metal, and an error for what it cannot multiply. */
	QUIRE_DEVICE_METAL = 2,
} quire_device;

/* Products that a device runs together; see quire_runtime_begin. */
typedef struct quire_batch quire_batch;

typedef void (*quire_task_fn)(void *context, size_t index);

/* Runs task(context, i) for each i < count, on any threads, and returns when
 * all have ended: for (i = 0; i < count; i++) task(context, i); */
typedef void (*quire_parallel_for_fn)(void *pool, quire_task_fn task,
				      void *context, size_t count);

typedef struct quire_runtime_options {
	quire_device device;
	uint32_t threads; /* 0: one for each CPU; with parallel_for: a hint */
	const char *kernels; /* a kernel set by name; NULL: the best one */
	quire_parallel_for_fn parallel_for; /* NULL: a pool of our own */
	void *pool;			    /* handed to parallel_for */
} quire_runtime_options;

/* On success *runtime is the caller's, for quire_runtime_free. Fails with
 * UNSUPPORTED for a device or kernel set that this machine cannot run,
 * NOT_FOUND for a kernel set of no such name, ARGUMENT for more than 1024
 * threads, MEMORY. */
QUIRE_API quire_status
quire_runtime_create(const quire_runtime_options *options,
		     quire_runtime **runtime, quire_error *error);

/* NULL is fine. No call may be under way. */
QUIRE_API void quire_runtime_free(quire_runtime *runtime);

typedef struct quire_runtime_info {
	quire_device device;
	const char *kernels; /* the kernel set in use; static storage */
	uint32_t threads;
	uint64_t prepacked_size; /* bytes that quire_runtime_prepack holds */
	/* What follows is of the Metal device, and zero without one. */
	const char *device_name; /* lives as long as the runtime */
	bool unified_memory;	 /* false: attached models are copied */
	uint64_t mapped_size;	 /* of attached models, used where they are */
	uint64_t copied_size;	 /* of attached models, copied by attach */
} quire_runtime_info;

QUIRE_API void quire_runtime_describe(const quire_runtime *runtime,
				      quire_runtime_info *info);

/*
 * Lets the runtime's device multiply by the tensors of a model. The device
 * uses the model's own pages, and only where it does not share memory with
 * the CPU are they copied to it here, once. Without a device, or with a model
 * that is attached already, does nothing. Any thread may call, also while
 * others multiply. Detach the model, or free the runtime, before the model is
 * closed.
 *
 * Fails with UNSUPPORTED where the device cannot use the model's memory (it
 * takes memory aligned to 4 bytes, and no tensor larger than its largest
 * buffer), MEMORY, IO; the model is then not attached.
 */
QUIRE_API quire_status quire_runtime_attach(quire_runtime *runtime,
					    const quire_model *model,
					    quire_error *error);

/*
 * Lays the weights of a model's linears (of a file that names none, of all
 * matrices) out once more in memory, in the order in which the kernels take
 * them: a copy of about their size, read once, by all threads. Products at
 * accuracy level 4 of 2 to 32 rows or so then read the copy and are faster by
 * what bench/NOTES.md says; all others go on using the mapped pages. Results
 * stay the same to the last bit. Weights for which the kernel set has no such
 * layout are left out (today all have it in the sets for AVX-512, none in
 * others); what is there already is kept. Any thread may call, but while no
 * product by the model's tensors is under way. Detach the model, or free the
 * runtime, before the model is closed.
 *
 * Fails with MEMORY, and with CHECKSUM for a tensor of a model opened with
 * QUIRE_VERIFY_LAZY; nothing of the model is laid out then.
 */
QUIRE_API quire_status quire_runtime_prepack(quire_runtime *runtime,
					     const quire_model *model,
					     quire_error *error);

/* Also frees what was prepacked of the model. Of one that is not attached and
 * not prepacked, does nothing. No product by its tensors may be under way. */
QUIRE_API void quire_runtime_detach(quire_runtime *runtime,
				    const quire_model *model);

/*
 * Begins a batch: products whose options name it go to the device together,
 * so that a whole layer is one trip there and back. x is read when a product
 * is asked for; y is written when the batch ends, or earlier. A later product
 * may take an earlier y of its batch as its x: the same pointer, type and
 * stride, and no more rows and columns, then it stays on the device; any
 * other x that overlaps such a y ends what was begun, and is right too. A
 * batch is used by one thread at a time; any number may be under way.
 *
 * Without a device every product is done at once. Fails with MEMORY.
 */
QUIRE_API quire_status quire_runtime_begin(quire_runtime *runtime,
					   quire_batch **batch,
					   quire_error *error);

/* Writes every y that was not written yet and frees the batch, whatever it
 * returns. Fails with IO or MEMORY when the device did; then the y of all the
 * products that were under way are as they were. NULL is fine. */
QUIRE_API quire_status quire_runtime_end(quire_batch *batch,
					 quire_error *error);

/* The name of each kernel set that was built in, fastest first, NULL past
 * the last one; *runs (if not NULL) tells whether this CPU can run it. */
QUIRE_API const char *quire_kernels_name(size_t index, bool *runs);

typedef struct quire_matmul_options {
	quire_dtype x_dtype; /* QUIRE_F32 (the default) or QUIRE_F16 */
	quire_dtype y_dtype; /* likewise */
	size_t x_stride;     /* elements from row to row; 0: k */
	size_t y_stride;     /* likewise; 0: n */
	/* 0: quire_matmul computes in f32; quire_linear_run takes the linear's
	 * own level. 1 to 3: compute in f32. 4: activations quantized to int8
	 * in blocks of 32. spec/kernels.md has the definitions and bounds. */
	uint32_t accuracy_level;
	/* Of this runtime. NULL: y is written when the call returns. */
	quire_batch *batch;
	/* quire_matmul only; quire_linear_run takes them from the linear. */
	uint64_t k;		  /* columns of x; 0: shape[0] of the tensor */
	const quire_tensor *bias; /* F32, F16 or BF16, shape [n]; or NULL */
} quire_matmul_options;

/*
 * y[m][n] = x[m][k] W^T (+ bias), with W a 2-D tensor of shape [K, n]. x and
 * y are row-major in host byte order and may not overlap. x is never read
 * past column k. Weight types: Q4_0, Q4_1, Q8_0, F32, F16, BF16; fails
 * with UNSUPPORTED for others and ARGUMENT for shapes that do not fit. The
 * result does not depend on the number of threads, to the last bit.
 */
QUIRE_API quire_status quire_matmul(quire_runtime *runtime,
				    const quire_tensor *tensor, const void *x,
				    size_t m, void *y,
				    const quire_matmul_options *options,
				    quire_error *error);

QUIRE_API quire_status quire_linear_run(quire_runtime *runtime,
					const quire_linear *linear,
					const void *x, size_t m, void *y,
					const quire_matmul_options *options,
					quire_error *error);

/*
 * Several linears over one input (q, k and v; gate and up):
 *
 *	for (i = 0; i < count; i++)
 *		quire_linear_run(runtime, linears[i], x, m, y[i], options);
 *
 * to the last bit, but x is converted or quantized once for all neighbours
 * that take it alike: weights of one type, with one k and one level. The
 * y[i] may not overlap; a y_stride that is not 0 holds for each of them.
 * Arguments are checked before any y is written.
 */
QUIRE_API quire_status quire_linear_run_many(
    quire_runtime *runtime, const quire_linear *const *linears, size_t count,
    const void *x, size_t m, void *const *y,
    const quire_matmul_options *options, quire_error *error);

#ifdef __cplusplus
}
#endif

#endif
