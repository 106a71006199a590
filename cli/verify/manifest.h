/*
 * manifest.h - a list of checksums, read from the lines of llama-gguf-hash and
 * quire hash, and of sha256sum and xxhsum:
 *
 *	xxh3      0123456789abcdef  FILE:TENSOR    one tensor's bytes
 *	xxh3      0123456789abcdef  FILE           all tensors' bytes
 *	0123...cdef  FILE                          the file's bytes: 64 digits
 *	                                           are SHA-256, 16 are XXH64,
 *	XXH3_0123456789abcdef  FILE                or XXH3 if so marked
 *	SHA256 (FILE) = 0123...cdef                the same, --tag
 *
 * Empty lines and lines that begin with # are skipped. Any other line is an
 * error, so no line is ignored by mistake.
 */
#ifndef QUIRE_CLI_VERIFY_MANIFEST_H
#define QUIRE_CLI_VERIFY_MANIFEST_H

#include "cli/verify/digest.h"

struct manifest_entry {
	const char *name;   /* FILE, or FILE:TENSOR */
	const char *tensor; /* TENSOR in `name`, once its file is known */
	const char *digits;
	enum digest_kind kind;
	bool of_file; /* the file's bytes, not its tensors' */
	bool claimed; /* by a file that was given */
	size_t part;  /* of a split set: the file that claimed it */
	bool used;    /* compared with something */
	unsigned long line;
};

struct manifest {
	const char *path;
	char *text; /* what the entries point into */
	struct manifest_entry *entries;
	size_t count;
};

/* Reads a file, or stdin for "-". Prints the error and returns false on
 * failure. */
bool manifest_read(struct manifest *manifest, const char *path);
void manifest_free(struct manifest *manifest);

/* Whether the entry is about the file: its FILE is `path`, or has the same last
 * name. Sets entry->tensor; NULL for a whole file or all tensors. */
bool manifest_claim(struct manifest_entry *entry, const char *path);

#endif
