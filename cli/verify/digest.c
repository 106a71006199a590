/*
 * digest.c - digest.h over xxHash and libcrypto.
 */
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/error.h"
#include "cli/verify/digest.h"

struct digest {
	enum digest_kind kind;
	XXH3_state_t *xxh3;
	XXH64_state_t *xxh64;
	EVP_MD_CTX *sha256;
	bool failed;
};

static const struct {
	const char *name;
	size_t digits;
} kinds[DIGEST_KIND_COUNT] = {
	[DIGEST_XXH3] = { "xxh3", 16 },
	[DIGEST_XXH64] = { "xxh64", 16 },
	[DIGEST_SHA256] = { "sha256", 64 },
};

const char *digest_name(enum digest_kind kind)
{
	return kinds[kind].name;
}

bool digest_find(const char *name, size_t size, enum digest_kind *kind)
{
	for (int i = 0; i < DIGEST_KIND_COUNT; i++)
		if (strlen(kinds[i].name) == size &&
		    memcmp(kinds[i].name, name, size) == 0) {
			*kind = (enum digest_kind)i;
			return true;
		}
	return false;
}

size_t digest_digits(enum digest_kind kind)
{
	return kinds[kind].digits;
}

/* libcrypto fails where its configuration has no provider of SHA-256. */
static quire_status fail_crypto(quire_error *error)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "libcrypto cannot compute SHA-256: %s; the file that "
			  "OPENSSL_CONF names, or the system's openssl.cnf, "
			  "must activate a provider that has it",
			  reason ? reason : "no reason given");
}

static bool has_state(const struct digest *digest)
{
	return digest->xxh3 || digest->xxh64 || digest->sha256;
}

static bool start(struct digest *digest)
{
	if (digest->xxh3)
		return XXH3_64bits_reset(digest->xxh3) == XXH_OK;
	if (digest->xxh64)
		return XXH64_reset(digest->xxh64, 0) == XXH_OK;
	return EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL) == 1;
}

quire_status digest_create(enum digest_kind kind, struct digest **digest,
			   quire_error *error)
{
	struct digest *made = calloc(1, sizeof(*made));

	if (!made)
		return quire_fail_memory(error, sizeof(*made));
	made->kind = kind;
	if (kind == DIGEST_XXH3)
		made->xxh3 = XXH3_createState();
	else if (kind == DIGEST_XXH64)
		made->xxh64 = XXH64_createState();
	else
		made->sha256 = EVP_MD_CTX_new();
	if (!has_state(made)) {
		free(made);
		return quire_fail_memory(error, sizeof(*made));
	}
	if (!start(made)) {
		digest_free(made);
		return fail_crypto(error);
	}
	*digest = made;
	return QUIRE_OK;
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
	bool done;

	if (size == 0 || digest->failed)
		return;
	if (digest->xxh3)
		done = XXH3_64bits_update(digest->xxh3, data, size) == XXH_OK;
	else if (digest->xxh64)
		done = XXH64_update(digest->xxh64, data, size) == XXH_OK;
	else
		done = EVP_DigestUpdate(digest->sha256, data, size) == 1;
	digest->failed = !done;
}

static void print_number(uint64_t number, char text[DIGEST_CAPACITY])
{
	snprintf(text, DIGEST_CAPACITY, "%016" PRIx64, number);
}

quire_status digest_finish(struct digest *digest, char text[DIGEST_CAPACITY],
			   quire_error *error)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (digest->failed)
		return fail_crypto(error);
	if (digest->xxh3) {
		print_number(XXH3_64bits_digest(digest->xxh3), text);
		return QUIRE_OK;
	}
	if (digest->xxh64) {
		print_number(XXH64_digest(digest->xxh64), text);
		return QUIRE_OK;
	}
	if (EVP_DigestFinal_ex(digest->sha256, bytes, &size) != 1 ||
	    2 * (size_t)size != digest_digits(digest->kind))
		return fail_crypto(error);
	for (unsigned i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return QUIRE_OK;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	XXH3_freeState(digest->xxh3);
	XXH64_freeState(digest->xxh64);
	EVP_MD_CTX_free(digest->sha256);
	free(digest);
}

void digest_xxh3(const quire_tensor *tensor, char text[DIGEST_CAPACITY])
{
	print_number(quire_tensor_hash(tensor), text);
}
