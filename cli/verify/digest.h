/*
 * digest.h - the checksums of manifests, as lower-case hexadecimal text. Prints
 * nothing.
 */
#ifndef QUIRE_CLI_VERIFY_DIGEST_H
#define QUIRE_CLI_VERIFY_DIGEST_H

#include "quire.h"

enum digest_kind {
	DIGEST_XXH3, /* XXH3-64, seed 0 */
	DIGEST_XXH64,
	DIGEST_SHA256,
	DIGEST_KIND_COUNT,
};

/* The longest one's digits and a NUL. */
#define DIGEST_CAPACITY 65

/* "xxh3" and so on. Static storage. */
const char *digest_name(enum digest_kind kind);

/* False if no kind has that name; `name` need not end with NUL. */
bool digest_find(const char *name, size_t size, enum digest_kind *kind);

/* Hexadecimal digits of a digest: 16 or 64. */
size_t digest_digits(enum digest_kind kind);

struct digest;

/* On success the caller owns *digest and frees it with digest_free. Fails with
 * MEMORY, and with UNSUPPORTED where libcrypto has no provider of SHA-256. */
quire_status digest_create(enum digest_kind kind, struct digest **digest,
			   quire_error *error);

/* A failure is kept, and digest_finish reports it. */
void digest_update(struct digest *digest, const void *data, size_t size);

/* Ends the digest: only digest_free may follow. Fails with UNSUPPORTED if
 * libcrypto failed here or before; `text` is then unchanged. */
quire_status digest_finish(struct digest *digest, char text[DIGEST_CAPACITY],
			   quire_error *error);

/* NULL is fine. */
void digest_free(struct digest *digest);

/* XXH3 of a tensor; the library has faster code for it. */
void digest_xxh3(const quire_tensor *tensor, char text[DIGEST_CAPACITY]);

#endif
