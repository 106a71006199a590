/*
 * quire.h - the public face of libquire: containers, the loader, the runtime.
 *
 * A container is a GGUF v3 file whose tensors start on page boundaries and have
 * XXH3 checksums; spec/format.md defines it. This library maps such a file,
 * finds tensors and linear layers in it, and multiplies by them in the mapped
 * pages. It also opens any other GGUF v2 or v3 file.
 *
 * Conventions
 *   - A function that can fail returns quire_status; results come through
 *     out-parameters, which a failure leaves untouched. `error` belongs to the
 *     caller, may be NULL, and is written on failure only.
 *   - The library never prints, aborts, exits or reads the environment.
 *   - An options struct set to zero, or NULL, means the defaults.
 *   - Pointers in a struct that a function returns belong to the object that
 *     returned it, unless the comment says otherwise.
 *   - Sizes are bytes, counts are items, offsets are bytes from the start of
 *     the file. Shapes are in GGUF order: the fastest dimension (K) first.
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

/* The greatest quire.version that this library reads, and the one that it
 * writes. */
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
 * (at byte OFFSET)". The texts end with NUL, and control characters and
 * characters that nobody sees are replaced by '?'.
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

/* The tensor types that the library computes with, by GGUF's numbers. It opens
 * and hashes tensors of all types that GGUF defines. */
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

/* How many elements (1 for plain types) and bytes a block has. Returns false
 * for a number that GGUF does not define. */
QUIRE_API bool quire_dtype_block(quire_dtype dtype, uint32_t *count,
				 uint32_t *size);

/* The value types of GGUF metadata, by GGUF's numbers. */
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

/* The bytes of an array in the header: `count` elements, little-endian, not
 * aligned; a string is a u64 size and its bytes. quire_array_next reads them.
 */
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
 * Takes the first element off an array: writes it to *element, makes *array the
 * rest, and returns true. Returns false when the array is empty. Reading a
 * whole array takes linear time and allocates nothing. It never reads outside
 * of the array's `size` bytes: in memory of the caller's that was changed, the
 * array may end early.
 *
 *	quire_array rest = value->as.a;
 *	quire_value element;
 *	while (quire_array_next(&rest, &element)) ...
 */
QUIRE_API bool quire_array_next(quire_array *array, quire_value *element);

/* ------------------------------------------------------------------ models */

/* A container or another GGUF file, mapped or read. It never changes: any
 * number of threads may use one at once. */
typedef struct quire_model quire_model;

/* One tensor. Its name and source lie in the header, `data` in the file's
 * bytes; they live as long as the model. */
typedef struct quire_tensor {
	quire_string name;
	quire_string source; /* its name in the source model; empty: unknown */
	/* How its rows came from the source's (F-49 of spec/format.md), such as
	 * "rows 0 576; permute 9"; empty: the tensor is the source as it is. */
	quire_string operation;
	quire_dtype dtype;
	uint32_t rank;	   /* 1 to 4 */
	uint64_t shape[4]; /* K first; 1 beyond the rank */
	uint64_t offset;   /* of its first byte in its file */
	uint64_t size;	   /* bytes, without padding */
	const void *data;  /* `size` bytes */
	bool has_xxh3;
	uint64_t xxh3; /* XXH3-64, seed 0, of the `size` bytes, if has_xxh3 */
	uint32_t part; /* the file that it is in, of a split set, from 0 */
	/* For QUIRE_VERIFY_LAZY. Copy it with the rest, and leave it NULL in a
	 * tensor that you make. */
	struct quire_lazy_check *check;
} quire_tensor;

/* One linear layer, y = x W^T + bias: a node of the source. */
typedef struct quire_linear {
	quire_string name;
	const quire_tensor *weight; /* shape [k rounded up to a block, n] */
	const quire_tensor *bias;   /* shape [n], or NULL for none */
	uint64_t k;		    /* columns of x */
	uint64_t n;		    /* columns of y */
	uint32_t accuracy_level;    /* 0 to 4, MatMulNBits' attribute */
} quire_linear;

/* When tensors are compared with their checksums. The structure of the file and
 * the checksum of its header are always checked when it is opened. */
typedef enum quire_verify_mode {
	QUIRE_VERIFY_HEADER = 0, /* never, except by quire_model_verify */
	/* When the file is opened, as quire_model_verify does, with its
	 * default number of threads. */
	QUIRE_VERIFY_TENSORS = 1,
	/* Each tensor once, when it is first multiplied by or decoded. That
	 * fails with CHECKSUM for a damaged tensor, every time. Padding is not
	 * checked. */
	QUIRE_VERIFY_LAZY = 2,
} quire_verify_mode;

typedef enum quire_load_mode {
	/* Mapped: memory shared with other processes that map the file; a page
	 * is read when it is first touched. On a file system that maps no files
	 * (some of FUSE, 9p) this is QUIRE_LOAD_READ. */
	QUIRE_LOAD_MAP = 0,
	/* Read into private memory, in huge pages where the system has them:
	 * for network file systems, and for files that other programs may cut
	 * or overwrite. */
	QUIRE_LOAD_READ = 1,
} quire_load_mode;

/* When the pages of a mapped file are read. */
typedef enum quire_prefetch {
	QUIRE_PREFETCH_NONE = 0, /* each when it is first touched */
	/* All, from the first byte to the last, by a thread of the model's that
	 * starts when the file is open: for a program that soon multiplies by
	 * all of it. Products may begin at once, and wait only for pages that
	 * have not arrived. The thread ends when it has asked for all of them,
	 * or when the model is closed. It ignores errors; where it cannot be
	 * started, this is NONE. Not for files that are larger than the memory,
	 * where pages would be dropped before their use. */
	QUIRE_PREFETCH_WILL_NEED = 1,
	/* All, before open returns. Fails with IO, or TRUNCATED where the file
	 * has become shorter. */
	QUIRE_PREFETCH_POPULATE = 2,
} quire_prefetch;

typedef struct quire_open_options {
	/* Open a file whose header does not match its checksum, for example
	 * because another tool edited its metadata. quire_model_verify still
	 * reports it. */
	bool allow_edited_header;
	/* A file without checksums can be opened with QUIRE_VERIFY_HEADER only;
	 * with the others, opening it fails with NOT_FOUND. */
	quire_verify_mode verify;
	quire_load_mode load;
	quire_prefetch prefetch;
	/* Keep the whole file in memory (mlock). Fails with IO where the
	 * system's limit is lower; the message says the limit. */
	bool lock;
} quire_open_options;

/*
 * Maps the file read-only and shared, checks its structure and its header's
 * checksum, and builds the index of names. With the default options it reads
 * the pages of the header only; time and memory grow with the header's size.
 * Damage to tensor data is found by quire_model_verify.
 *
 * The path of one part of a split set opens the whole set. The other parts must
 * be in the same folder under their names (spec/format.md, F-42). A missing
 * part fails with NOT_FOUND, and one of another set with LAYOUT.
 *
 * The header, at most 64 MiB, is read into memory of the model's, once: names,
 * values, shapes and linears stay as they were, whatever others write to the
 * file. Tensors are the mapped bytes themselves. If another program overwrites
 * them in place, decoding and products compute with what is there at that
 * moment; they stay within the tensors' bytes. So replace files by renaming,
 * call quire_model_check_files, or use QUIRE_LOAD_READ.
 *
 * The file must not shrink while it is mapped: touching a page that is no
 * longer there raises SIGBUS. The model keeps a descriptor of each mapped file.
 *
 * On success the caller owns *model and closes it with quire_model_close. Fails
 * with IO, MEMORY, MAGIC, VERSION, TRUNCATED, LAYOUT, CHECKSUM, NOT_FOUND, and
 * ARGUMENT for an option with a value that is not defined.
 */
QUIRE_API quire_status quire_model_open(const char *path,
					const quire_open_options *options,
					quire_model **model,
					quire_error *error);

/* The same for a regular file that is open for reading. The descriptor stays
 * the caller's, who may close it afterwards; its position is not used. Fails
 * with UNSUPPORTED for a part of a split set, because the names of the other
 * parts are not known. */
QUIRE_API quire_status quire_model_open_fd(int fd,
					   const quire_open_options *options,
					   quire_model **model,
					   quire_error *error);

/* The same for `size` bytes in memory, which stay the caller's, must outlive
 * the model, and must not change: nothing is copied. `load`, `prefetch` and
 * `lock` have no effect. Opening and hashing take `data` of any alignment;
 * products need no more than the alignment that the file declares. Fails with
 * UNSUPPORTED as above. */
QUIRE_API quire_status quire_model_open_memory(
    const void *data, size_t size, const quire_open_options *options,
    quire_model **model, quire_error *error);

/*
 * Checks whether the mapped files have changed since they were opened: by their
 * size, the time of the last write, and the time of the last change of anything
 * (ctime), which shows a write whose time was put back. A few system calls for
 * each file, at any time, on any thread. Fails with TRUNCATED where a file has
 * become shorter: error->offset is its size now, and touching bytes beyond
 * raises SIGBUS. Fails with IO where a file was written to, or its mode or
 * owner was changed. A file that was replaced by renaming has not changed: the
 * model keeps the old one. Neither has a file that was read (QUIRE_LOAD_READ),
 * nor memory of the caller.
 *
 * Renaming, removing and linking change ctime as well. Where the path leads to
 * another file since, or the file has more or fewer names, only size and time
 * of writing count. This finds mistakes, not an enemy who may write to the
 * file.
 */
QUIRE_API quire_status quire_model_check_files(const quire_model *model,
					       quire_error *error);

/* Unmaps and frees. NULL is fine. No thread may use the model, its tensors,
 * linears or values afterwards. */
QUIRE_API void quire_model_close(quire_model *model);

typedef struct quire_model_info {
	uint32_t gguf_version;	/* 2 or 3 */
	uint32_t quire_version; /* 0: no container, so no checksums */
	uint32_t alignment;	/* of tensors, in bytes */
	uint64_t data_offset;	/* where tensor data begins */
	uint64_t file_size;	/* of all parts together */
	/* The header of a part does not match its checksum; see
	 * allow_edited_header. */
	bool header_edited;
} quire_model_info;

/* Of a split set: the versions, alignment and data_offset of the first part. */
QUIRE_API void quire_model_describe(const quire_model *model,
				    quire_model_info *info);

/* One file of a split set. A model that is not split has one part. */
typedef struct quire_part {
	const char *path; /* NULL: opened by descriptor or in memory */
	uint32_t alignment;
	uint64_t data_offset; /* where its tensor data begins */
	uint64_t file_size;
	size_t first_tensor; /* index in the model of its first tensor */
	size_t tensor_count;
	bool header_edited; /* as in quire_model_info, of this file */
	/* All `file_size` bytes, as they are now; tensors lead into them. They
	 * live as long as the model. NULL: of a writer. */
	const void *data;
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

/* Linear layers are in the order of the source model. Only containers have
 * them. */
QUIRE_API size_t quire_model_linear_count(const quire_model *model);
QUIRE_API const quire_linear *quire_model_linear(const quire_model *model,
						 size_t index);
QUIRE_API const quire_linear *quire_model_find_linear(const quire_model *model,
						      const char *name);

/* Metadata is in file order. `key` may be NULL. */
QUIRE_API size_t quire_model_value_count(const quire_model *model);
QUIRE_API const quire_value *quire_model_value(const quire_model *model,
					       size_t index, quire_string *key);
QUIRE_API const quire_value *quire_model_find_value(const quire_model *model,
						    const char *key);

/*
 * Reports the progress of a long call: `done` of `total` bytes. Return false to
 * cancel the call, which then fails with CANCELLED. Only one thread calls it at
 * a time, but not always the same one; `done` never decreases.
 */
typedef bool (*quire_progress_fn)(void *context, uint64_t done, uint64_t total);

/* Called once for each damaged tensor, in file order, after all were hashed. */
typedef void (*quire_damage_fn)(void *context, const quire_tensor *tensor,
				uint64_t actual_xxh3);

typedef struct quire_verify_options {
	uint32_t threads; /* 0: see quire_runtime_options */
	quire_progress_fn progress;
	quire_damage_fn damage;
	void *context; /* passed to both */
} quire_verify_options;

/*
 * Reads every byte of all parts once: hashes the tensors on several threads and
 * checks that padding is zero. Fails with CHECKSUM if a tensor is damaged
 * (`error` names the first one, `damage` is called for each) or if the header
 * was edited; LAYOUT if padding is not zero; NOT_FOUND if the file has no
 * checksums; TRUNCATED or IO if the file cannot be read; CANCELLED; MEMORY.
 * error->path is the file that is damaged: of a split set, that part.
 */
QUIRE_API quire_status quire_model_verify(const quire_model *model,
					  const quire_verify_options *options,
					  quire_error *error);

/*
 * Reads every tensor once, as quire_model_verify does, and writes the XXH3-64,
 * seed 0, of each to hashes[i], by its index. Compares nothing: it takes files
 * without checksums, too. `damage` is not called. `hashes` has room for all
 * tensors; a failure may leave any of them. Fails with TRUNCATED, IO, CANCELLED
 * and MEMORY.
 */
QUIRE_API quire_status quire_model_hash(const quire_model *model,
					const quire_verify_options *options,
					uint64_t *hashes, quire_error *error);

/* XXH3-64, seed 0, of a tensor's bytes as they are now in memory. */
QUIRE_API uint64_t quire_tensor_hash(const quire_tensor *tensor);

/*
 * Decodes `rows` rows of a tensor, from row `first`, to f32: y is [rows][cols],
 * with cols at most shape[0]. A 1-D tensor has one row; a tensor of higher rank
 * has shape[1] * shape[2] * shape[3] rows. Types: F32, F16, BF16, Q4_0, Q4_1,
 * Q8_0; and Q5_0, Q5_1, Q2_K to Q6_K, IQ1_S to IQ4_XS, MXFP4, NVFP4, TQ1_0 and
 * TQ2_0, which are only decoded. Fails with UNSUPPORTED for other types,
 * ARGUMENT for rows or columns that are not there, and CHECKSUM for a damaged
 * tensor of a model opened with QUIRE_VERIFY_LAZY.
 */
QUIRE_API quire_status quire_tensor_decode(const quire_tensor *tensor,
					   uint64_t first, uint64_t rows,
					   uint64_t cols, float *y,
					   quire_error *error);

/* ------------------------------------------------------------- differences */

/* The first that applies. */
typedef enum quire_difference_kind {
	QUIRE_DIFFERENCE_ONLY_A = 0, /* b has no tensor of that name */
	QUIRE_DIFFERENCE_ONLY_B = 1,
	QUIRE_DIFFERENCE_DTYPE = 2,
	QUIRE_DIFFERENCE_SHAPE = 3,
	QUIRE_DIFFERENCE_BYTES = 4,
} quire_difference_kind;

/* "only in a", "only in b", "dtype", "shape", "bytes". Static storage. */
QUIRE_API const char *quire_difference_name(quire_difference_kind kind);

/* The page of disks, file systems and memory: damage often fills one. */
#define QUIRE_DIFFERENCE_PAGE 4096

typedef struct quire_difference {
	quire_difference_kind kind;
	const quire_tensor *a, *b; /* NULL: of ONLY_B, of ONLY_A */
	/* How the bytes differ, of two tensors with the same size, whatever
	 * their types and shapes. Else zero, and `first` is QUIRE_NO_OFFSET. */
	uint64_t first; /* the first byte that differs, from the tensor's */
	uint64_t bytes; /* that differ */
	/* Of QUIRE_DIFFERENCE_PAGE bytes each, from the tensor's first byte,
	 * that have a byte that differs. */
	uint64_t pages;
} quire_difference;

/* Compares two tensors, but not their names, by the bytes that they have now in
 * memory. Returns whether they differ, and then writes *difference. */
QUIRE_API bool quire_tensor_diff(const quire_tensor *a, const quire_tensor *b,
				 quire_difference *difference);

/* Called for each difference after all bytes were read, by the thread that
 * called: first the tensors of a, in file order, then those only in b. */
typedef void (*quire_difference_fn)(void *context,
				    const quire_difference *difference);

typedef struct quire_diff_options {
	uint32_t threads;	    /* 0: see quire_runtime_options */
	quire_progress_fn progress; /* in bytes of one of the two */
	quire_difference_fn difference;
	void *context; /* passed to both */
} quire_diff_options;

/*
 * Compares the tensors of two models by their names: types, shapes and bytes.
 * Not their order, their places in the files, metadata and linears. Checksums
 * play no part, so any two GGUF files will do, and damage is a difference like
 * another. Bytes are read once, on several threads; those of tensors with
 * different sizes are not read.
 *
 * A difference is no failure; *count is their number, also without
 * `difference`. Fails with TRUNCATED or IO if a file cannot be read, with
 * CANCELLED, and with MEMORY.
 */
QUIRE_API quire_status quire_model_diff(const quire_model *a,
					const quire_model *b,
					const quire_diff_options *options,
					size_t *count, quire_error *error);

/* ------------------------------------------------------------------ writer */

/* Writes a file or a split set. Only one thread at a time may use a writer,
 * except for quire_writer_write. */
typedef struct quire_writer quire_writer;

typedef struct quire_writer_options {
	/* Of tensors, in bytes: a power of two up to 65536, from 32, or from 8
	 * for a plain file. 0: 16384, or 32 for a plain file. */
	uint32_t alignment;
	/* Replace files that exist. Default: fail with EXISTS. */
	bool overwrite;
	/* Write a plain GGUF file and not a container: only the keys that are
	 * set (and general.alignment, if it is not 32), no checksums, sources
	 * or linears. Padding is zero. */
	bool plain;
	/* Bytes; 0: one file. Where one file would be larger, a split set is
	 * written: for NAME.gguf, NAME-00001-of-00003.gguf and so on. Each part
	 * is filled with whole tensors up to this size; a part with a single
	 * tensor may be larger. Values and linears are in the first part. */
	uint64_t split_size;
	/* Instead of split_size: the files to write. More than one are a split
	 * set, in which each tensor goes to the file that its `part` says; no
	 * tensor's part is less than that of the one before. */
	uint32_t part_count;
	/* With part_count, `overwrite` and quire_writer_adopt_set: do not write
	 * a file that is there with the same size and the same header. For new
	 * metadata in a set: often only the first file changes. */
	bool keep_parts;
	/* Only lay out: quire_writer_part says which files there would be, and
	 * fixing the layout fails as it would. No file is opened; bytes, and
	 * quire_writer_finish, are ARGUMENT. */
	bool dry_run;
} quire_writer_options;

/*
 * Begins a file at `path`. Bytes go to a temporary file in the same folder,
 * which quire_writer_finish renames and quire_writer_free removes: a failure
 * leaves what was at `path` and nothing else. The parts of a split set appear
 * together; the first one is missing until all others are there. The same calls
 * give the same bytes.
 *
 * Order of calls: first the values, tensors and linears are declared. The first
 * quire_writer_write, which may have no bytes, fixes the layout; a declaration
 * after it fails with ARGUMENT. Then come the tensors' bytes, and then
 * quire_writer_finish.
 *
 * On success the caller owns *writer and frees it with quire_writer_free. Fails
 * with EXISTS, IO, MEMORY, and ARGUMENT for an alignment that is not allowed.
 * With split_size or part_count, what may not be replaced is known, and fails,
 * when the layout is fixed.
 */
QUIRE_API quire_status quire_writer_create(const char *path,
					   const quire_writer_options *options,
					   quire_writer **writer,
					   quire_error *error);

/*
 * Sets a metadata key; key and value are copied. Keys are written in the order
 * in which they were first set, except that a container's general.architecture
 * comes first. Setting a key again replaces its value.
 *
 * The writer adds general.alignment; to choose its place among the keys, set it
 * to the writer's alignment. Of the keys quire.*, set quire.source.* and
 * quire.converter only, and others only to copy them from another container.
 *
 * With part_count, split.no, split.count and split.tensors.count may be set to
 * choose their place; the writer gives them their values.
 *
 * Fails with ARGUMENT for a key that the writer itself derives (section 3 of
 * spec/format.md), for any key quire.* of a plain file, for an alignment that
 * is not the writer's, and for a malformed value; MEMORY.
 */
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

/* Declares the next tensor; its index is 0, 1, 2 and so on. The name, source,
 * dtype, rank and shape are copied; with part_count, the part; and, for
 * quire_writer_adopt only, the offset, the checksum and the part. Fails with
 * ARGUMENT for a name, type or shape that GGUF cannot hold; MEMORY. */
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

/* Declares the next linear layer, of tensors that are declared already; the
 * name is copied. Fails with ARGUMENT for a tensor that is not declared, an
 * accuracy level above 4, or a plain file; MEMORY. */
QUIRE_API quire_status quire_writer_add_linear(quire_writer *writer,
					       const quire_linear_entry *linear,
					       quire_error *error);

/*
 * Appends `size` bytes to tensor `index`. The bytes of one tensor are written
 * in order. After a first call has returned, which may have no bytes, different
 * threads may write different tensors at the same time.
 *
 * The first call fixes the layout. It fails with ARGUMENT if a rule is broken,
 * if split_size is less than the first part's header or makes more than 65535
 * parts, and with EXISTS for a part that exists and may not be replaced. Every
 * call fails with ARGUMENT for more bytes than the tensor has; IO; MEMORY.
 */
QUIRE_API quire_status quire_writer_write(quire_writer *writer, size_t index,
					  const void *data, size_t size,
					  quire_error *error);

/*
 * Takes the bytes of all tensors from another file, instead of
 * quire_writer_write: for new metadata on old tensors, which are declared as
 * quire_model_tensor of that file returns them. The file system copies the
 * bytes, or shares them between the files where it can. They are not hashed:
 * each tensor keeps the checksum that it was declared with, so damage to it is
 * still found. `file` is a descriptor, open for reading; it stays the caller's.
 * `progress` may be NULL; `context` is passed to it.
 *
 * Fails with ARGUMENT if a tensor of a container has no checksum, or if bytes
 * were written already; TRUNCATED if the file ends too early; EXISTS, IO,
 * MEMORY, CANCELLED.
 */
QUIRE_API quire_status quire_writer_adopt(quire_writer *writer, int file,
					  quire_progress_fn progress,
					  void *context, quire_error *error);

/*
 * The same for tensors of a split set, which are in `count` files: a tensor's
 * `part` is the place of its file in `files`. `paths` are their names, for
 * errors; NULL: they have none. Fails with ARGUMENT also for a part that is not
 * there.
 */
QUIRE_API quire_status quire_writer_adopt_set(
    quire_writer *writer, const int *files, const char *const *paths,
    size_t count, quire_progress_fn progress, void *context,
    quire_error *error);

/* The files that are written; 0 until the layout is fixed. */
QUIRE_API size_t quire_writer_part_count(const quire_writer *writer);
/* False if there is no such part. The path lives as long as the writer. */
QUIRE_API bool quire_writer_part(const quire_writer *writer, size_t index,
				 quire_part *part);

/* Writes the header and checksums, waits until all bytes are on the disk, and
 * renames the file into place. Fails with ARGUMENT if a tensor has not all its
 * bytes; EXISTS if a file has appeared at the path and may not be replaced; IO;
 * MEMORY. */
QUIRE_API quire_status quire_writer_finish(quire_writer *writer,
					   quire_error *error);

/* Frees the writer. Without a successful finish, also removes what was written.
 * NULL is fine. */
QUIRE_API void quire_writer_free(quire_writer *writer);

/* ------------------------------------------------------------------ copies */

/*
 * Writes a model again, with other metadata, or in other files, and the same
 * tensors. With default options a GGUF file becomes a container ('quire
 *stamp'), and with `plain` a container becomes a plain file ('quire strip'):
 *
 *	quire_copy *copy;
 *	status = quire_copy_open("plain.gguf", false, &copy, &error);
 *	if (status == QUIRE_OK)
 *		status = quire_copy_write(copy, "out.gguf", NULL, &error);
 *	quire_copy_close(copy);
 *
 * Only one thread at a time may use a copy.
 */
typedef struct quire_copy quire_copy;

/*
 * Opens a file, or the split set that has it as a part, by descriptors and as a
 * model: what is written comes from these files, whatever happens to their
 * names. `allow_edited_header` as in quire_open_options. On success the caller
 * owns *copy and closes it with quire_copy_close. Fails as quire_model_open
 * does, and with IO for files that were replaced while they were opened.
 */
QUIRE_API quire_status quire_copy_open(const char *path,
				       bool allow_edited_header,
				       quire_copy **copy, quire_error *error);

/* The model, which belongs to the copy. */
QUIRE_API const quire_model *quire_copy_model(const quire_copy *copy);

/* Returns the new value of a key; NULL: the key is left out. It is not called
 * for keys that the writer derives. The value of general.alignment is replaced
 * later. */
typedef const quire_value *(*quire_choose_fn)(void *context, const char *key,
					      const quire_value *value);

typedef struct quire_copy_value {
	const char *key;
	quire_value value;
} quire_copy_value;

typedef enum quire_copy_files {
	QUIRE_COPY_SAME_FILES = 0, /* as many files as the model has */
	QUIRE_COPY_ONE_FILE = 1,
	QUIRE_COPY_SPLIT = 2, /* by split_size */
} quire_copy_files;

typedef struct quire_copy_options {
	uint32_t alignment; /* see quire_writer_options */
	uint32_t threads;   /* that hash; 0: see quire_runtime_options */
	quire_copy_files files;
	uint64_t split_size; /* see quire_writer_options */
	/* Write a plain GGUF file and not a container. Damage to tensors cannot
	 * be found in it: verify the model first. general.alignment goes, too,
	 * where it came with the container and would be 32. */
	bool plain;
	bool overwrite; /* see quire_writer_options */
	/* The output is the model itself, without links. Files of a set that
	 * would not change are not written. Fails with IO if the model's files
	 * were replaced meanwhile. */
	bool in_place;
	quire_choose_fn choose; /* NULL: all keys stay */
	void *choose_context;
	const quire_copy_value *added; /* keys that are added at the end */
	size_t added_count;
	quire_progress_fn progress; /* in bytes of tensors */
	void *context;		    /* passed to progress */
} quire_copy_options;

/*
 * Writes the new files, whole or not at all (quire_writer_create). Tensors of a
 * container keep their checksums, so damage to them is still found; of other
 * files they are read and hashed. `output` of a set that stays one is
 * NAME.gguf, NAME, or the name of one of its files. May be called again. Fails
 * as quire_writer_create and the writer's other calls do; TRUNCATED or IO for a
 * file that cannot be read or has changed; CANCELLED.
 */
QUIRE_API quire_status quire_copy_write(quire_copy *copy, const char *output,
					const quire_copy_options *options,
					quire_error *error);

/* The path of the first file that the last quire_copy_write has written; NULL
 * if there is none. Lives until the next one, or until the copy is closed. */
QUIRE_API const char *quire_copy_written(const quire_copy *copy);

/* NULL is fine. */
QUIRE_API void quire_copy_close(quire_copy *copy);

/* ----------------------------------------------------------------- runtime */

/* Threads, scratch memory and kernels for products. Any number of threads may
 * use one at once, with any number of models. */
typedef struct quire_runtime quire_runtime;

typedef enum quire_device {
	/* Metal, where there is a Metal device, for attached models; the CPU
	 * for everything else. The CPU alone if a kernel set is named. */
	QUIRE_DEVICE_BEST = 0,
	QUIRE_DEVICE_CPU = 1,
	/* Metal. A product that it cannot compute fails. */
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
	/* At most 1024. 0: one for each CPU that this process may use, now: the
	 * least of the CPUs that are online, of its affinity mask (taskset,
	 * cpusets) and of the quotas of CPU time of its control group and those
	 * above it, versions 1 and 2 (containers), rounded up. Only Linux has
	 * the last two. Without parallel_for a product has fewer threads where
	 * that is more than the CPUs that the process could use at the
	 * runtime's creation, and on Linux where other programs leave fewer
	 * CPUs; the result does not depend on that. On Linux a sleeping thread
	 * may not use the CPU of the caller that wakes it, until it runs: its
	 * affinity mask changes for that long. With parallel_for: how many
	 * threads it is expected to use. */
	uint32_t threads;
	/* The name of a kernel set (quire_kernels_name); NULL: the fastest one
	 * that this CPU can run. */
	const char *kernels;
	quire_parallel_for_fn parallel_for; /* NULL: threads of the runtime */
	void *pool;			    /* passed to parallel_for */
} quire_runtime_options;

/* On success the caller owns *runtime and frees it with quire_runtime_free.
 * Fails with UNSUPPORTED for a device or kernel set that this machine cannot
 * run, NOT_FOUND for a kernel set that does not exist, ARGUMENT for more than
 * 1024 threads, MEMORY. On Linux a runtime with threads keeps a descriptor
 * open. */
QUIRE_API quire_status
quire_runtime_create(const quire_runtime_options *options,
		     quire_runtime **runtime, quire_error *error);

/* NULL is fine. No call that uses the runtime may be running. */
QUIRE_API void quire_runtime_free(quire_runtime *runtime);

typedef struct quire_runtime_info {
	quire_device device;
	const char *kernels; /* the kernel set in use; static storage */
	uint32_t threads;
	uint64_t prepacked_size; /* bytes of copies by quire_runtime_prepack */
	/* The rest is about the Metal device, and zero without one. */
	const char *device_name; /* lives as long as the runtime */
	bool unified_memory;	 /* false: attached models are copied */
	uint64_t mapped_size;	 /* bytes of attached models used in place */
	uint64_t copied_size;	 /* bytes of attached models copied */
} quire_runtime_info;

QUIRE_API void quire_runtime_describe(const quire_runtime *runtime,
				      quire_runtime_info *info);

/*
 * Lets the runtime's Metal device multiply by the tensors of a model. The
 * device uses the model's pages; only if it does not share memory with the CPU,
 * this call copies them to it, once. Does nothing without a device, or for a
 * model that is attached already. Any thread may call it, also while others
 * multiply. Detach the model, or free the runtime, before the model is closed.
 *
 * Fails with UNSUPPORTED where the device cannot use the model's memory:
 * tensors must be aligned to 4 bytes and not larger than the device's largest
 * buffer; MEMORY; IO. The model is then not attached.
 */
QUIRE_API quire_status quire_runtime_attach(quire_runtime *runtime,
					    const quire_model *model,
					    quire_error *error);

/*
 * Makes a second copy of a model's weights in memory, in the order in which the
 * kernels read them: of its linears, or, if it has none, of all its matrices.
 * The copy has about the size of the weights. Products at accuracy level 4 of
 * about 2 to 32 rows of x read it and are faster (bench/RESULTS.md); all other
 * products use the mapped pages. Results are the same to the last bit.
 *
 * Weights for which the kernel set has no prepacked order are left out; only
 * the sets for AVX-512 have one, for 4-bit and 8-bit weights. Weights that are
 * prepacked already are kept. Any thread may call it, but no product by the
 * model's tensors may be running. Detach the model, or free the runtime, before
 * the model is closed.
 *
 * Fails with MEMORY, and with CHECKSUM for a damaged tensor of a model opened
 * with QUIRE_VERIFY_LAZY. Nothing of the model is then prepacked.
 */
QUIRE_API quire_status quire_runtime_prepack(quire_runtime *runtime,
					     const quire_model *model,
					     quire_error *error);

/* Undoes attaching and prepacking of the model; does nothing if it is neither.
 * No product by its tensors may be running. */
QUIRE_API void quire_runtime_detach(quire_runtime *runtime,
				    const quire_model *model);

/*
 * Begins a batch: products whose options name it go to the device together, so
 * that a whole layer needs one submission. x is read during the call of a
 * product; y is written when the batch ends, or earlier.
 *
 * A product may take the y of an earlier product of its batch as its x. With
 * the same pointer, type and stride, and no more rows and columns, it stays on
 * the device. Any other x that overlaps such a y gives the right result too,
 * but first waits for the products before it. Only one thread at a time may use
 * a batch; a runtime may have any number of batches.
 *
 * Without a device, every product is computed at once. On success *batch is to
 * be ended with quire_runtime_end. Fails with MEMORY.
 */
QUIRE_API quire_status quire_runtime_begin(quire_runtime *runtime,
					   quire_batch **batch,
					   quire_error *error);

/* Writes every y that was not written yet, and frees the batch, also if it
 * fails. Fails with IO or MEMORY when the device does; then each y that was not
 * written yet keeps its old values. NULL is fine. */
QUIRE_API quire_status quire_runtime_end(quire_batch *batch,
					 quire_error *error);

/* The name of each kernel set of this build, fastest first; NULL past the last
 * one. *runs says whether this CPU can run it; `runs` may be NULL. Static
 * storage. */
QUIRE_API const char *quire_kernels_name(size_t index, bool *runs);

typedef struct quire_matmul_options {
	quire_dtype x_dtype; /* QUIRE_F32 (the default) or QUIRE_F16 */
	quire_dtype y_dtype; /* likewise */
	size_t x_stride;     /* elements from row to row of x; 0: k */
	size_t y_stride;     /* elements from row to row of y; 0: n */
	/* 0: quire_matmul computes in f32; quire_linear_run uses the level of
	 * the linear. 1 to 3: compute in f32. 4: x is quantized to int8 in
	 * blocks of 32. spec/kernels.md has the definitions and error bounds.
	 */
	uint32_t accuracy_level;
	/* A batch of this runtime. NULL: y is written when the call returns. */
	quire_batch *batch;
	/* For quire_matmul; quire_linear_run takes them from the linear. */
	uint64_t k;		  /* columns of x; 0: shape[0] of the tensor */
	const quire_tensor *bias; /* F32, F16 or BF16, shape [n]; or NULL */
} quire_matmul_options;

/*
 * y[m][n] = x[m][k] W^T (+ bias), with W a 2-D tensor of shape [K, n]. x and y
 * are row-major in host byte order and may not overlap; m may be 0. x is never
 * read past column k. The result is the same to the last bit for any number of
 * threads. Any number of threads may call it at once.
 *
 * Weight types: Q4_0, Q4_1, Q8_0, F32, F16, BF16. Fails with UNSUPPORTED for
 * other types, ARGUMENT for shapes or options that do not fit, MEMORY, CHECKSUM
 * for a damaged tensor of a model opened with QUIRE_VERIFY_LAZY, and IO when
 * the device fails.
 */
QUIRE_API quire_status quire_matmul(quire_runtime *runtime,
				    const quire_tensor *tensor, const void *x,
				    size_t m, void *y,
				    const quire_matmul_options *options,
				    quire_error *error);

/*
 * How the CPU multiplies m rows of x by weights of a type: "GEMV", "small-batch
 * GEMM" or "packed GEMM" (spec/kernels.md). The number of threads does not
 * matter. NULL: weights of this type are not multiplied. Static storage.
 */
QUIRE_API const char *quire_matmul_form(const quire_runtime *runtime,
					quire_dtype weights, size_t m,
					uint32_t accuracy_level);

/* quire_matmul by the weight and bias of a linear: y[m][n] from x[m][k]. */
QUIRE_API quire_status quire_linear_run(quire_runtime *runtime,
					const quire_linear *linear,
					const void *x, size_t m, void *y,
					const quire_matmul_options *options,
					quire_error *error);

/*
 * Several linears with one input (q, k and v; gate and up). The results are, to
 * the last bit, those of
 *
 *	for (i = 0; i < count; i++)
 *		quire_linear_run(runtime, linears[i], x, m, y[i], options);
 *
 * but x is converted or quantized once for successive linears that need it in
 * the same form: of one weight type, with one k and one level. The y[i] may not
 * overlap; y_stride, if not 0, is that of each. All arguments are checked
 * before any y is written.
 */
QUIRE_API quire_status quire_linear_run_many(
    quire_runtime *runtime, const quire_linear *const *linears, size_t count,
    const void *x, size_t m, void *const *y,
    const quire_matmul_options *options, quire_error *error);

#ifdef __cplusplus
}
#endif

#endif
