/*
 * manifest.h - a list of checksums, read from the lines of llama-gguf-hash and
 * quire hash, and of sha256sum and xxhsum:
 *
 *	xxh3      0123456789abcdef  FILE:TENSOR    one tensor's bytes
 *	xxh3      0123456789abcdef  FILE           all tensors' bytes
 *	xxh3-header   0123456789abcdef  FILE       the bytes before the data
 *	xxh3-padding  0123456789abcdef  FILE       those of no tensor after it
 *	0123...cdef  FILE                          the file's bytes: 64 digits
 *	                                           are SHA-256, 16 are XXH64,
 *	XXH3_0123456789abcdef  FILE                or XXH3 if so marked
 *	SHA256 (FILE) = 0123...cdef                the same, --tag
 *
 * Empty lines and lines that begin with # are skipped. Any other line is an
 * error, so no line is ignored by mistake. A UTF-8 byte order mark and carriage
 * returns at the ends of lines are taken off. Where a line begins with a
 * backslash, \n, \r and \\ in its name are unescaped, as coreutils writes them,
 * and in the first four forms \xNN too, as quire hash writes them. In other
 * lines a backslash is itself, or begins an escape of older versions of quire
 * hash, which put no backslash before the line.
 */
#ifndef QUIRE_CLI_VERIFY_MANIFEST_H
#define QUIRE_CLI_VERIFY_MANIFEST_H

#include "cli/verify/digest_many.h"

struct manifest_entry {
	const char *name; /* FILE, or FILE:TENSOR */
	bool exact;	  /* the name has no escapes: they were undone */
	const char *digits;
	enum digest_kind kind;
	/* TENSORS also for FILE:TENSOR, until match_entries knows where FILE
	 * ends. */
	enum digest_what what;
	unsigned long line;
	/* What match_entries finds. */
	bool claimed;	    /* by a file that was given */
	size_t word;	    /* the number of the model or file that was given */
	size_t part;	    /* of a split set: the file */
	const char *tensor; /* TENSOR in `name` */
	bool used;	    /* the caller's: compared with something */
};

struct manifest {
	const char *path;
	char *text; /* what the entries point into */
	struct manifest_entry *entries;
	size_t count, capacity;
};

/* Reads a file, or stdin for "-". Prints the error and returns false on
 * failure. */
bool manifest_read(struct manifest *manifest, const char *path);
void manifest_free(struct manifest *manifest);

#endif
