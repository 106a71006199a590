/*
 * digest.c - digest.h over xxHash and libcrypto.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/verify/digest.h"

struct digest {
	enum digest_kind kind;
	XXH3_state_t *xxh3;
	XXH64_state_t *xxh64;
	EVP_MD_CTX *sha256;
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

static void start(struct digest *digest)
{
	if (digest->xxh3)
		XXH3_64bits_reset(digest->xxh3);
	else if (digest->xxh64)
		XXH64_reset(digest->xxh64, 0);
	else
		EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL);
}

struct digest *digest_create(enum digest_kind kind)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	digest->kind = kind;
	if (kind == DIGEST_XXH3)
		digest->xxh3 = XXH3_createState();
	else if (kind == DIGEST_XXH64)
		digest->xxh64 = XXH64_createState();
	else
		digest->sha256 = EVP_MD_CTX_new();
	if (!digest->xxh3 && !digest->xxh64 && !digest->sha256) {
		free(digest);
		return NULL;
	}
	start(digest);
	return digest;
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
	if (digest->xxh3)
		XXH3_64bits_update(digest->xxh3, data, size);
	else if (digest->xxh64)
		XXH64_update(digest->xxh64, data, size);
	else
		EVP_DigestUpdate(digest->sha256, data, size);
}

static void print_number(uint64_t number, char text[DIGEST_CAPACITY])
{
	snprintf(text, DIGEST_CAPACITY, "%016" PRIx64, number);
}

void digest_print(struct digest *digest, char text[DIGEST_CAPACITY])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (digest->xxh3) {
		print_number(XXH3_64bits_digest(digest->xxh3), text);
		return;
	}
	if (digest->xxh64) {
		print_number(XXH64_digest(digest->xxh64), text);
		return;
	}
	EVP_DigestFinal_ex(digest->sha256, bytes, &size);
	text[0] = '\0';
	for (unsigned i = 0; i < size && 2 * i + 2 < DIGEST_CAPACITY; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
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
