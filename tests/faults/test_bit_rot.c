/*
 * test_bit_rot.c - containers with one bit flipped, anywhere. Opening or
 * verifying must find each flip and name what is damaged: the header, a tensor
 * (by name) or padding (by offset).
 *
 * Tries 1,000 random flips; with the argument "all", every bit of every
 * container.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define FLIPS 1000
#define SEED  UINT64_C(0x51495245)

static const char *const files[] = {
	"container_mixed_32", "container_mixed_4096", "container_every_dtype",
	"container_ragged_k", "container_names",      "written_by_api",
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

/* What each byte of one good container belongs to. */
struct place {
	unsigned char *bytes;
	size_t size;
	quire_model *model; /* of `bytes` before any flip, in `good` */
	unsigned char *good;
	uint64_t data_offset;
};

static struct {
	bool all;
	size_t header, header_opened, tensor, padding;
} found;

struct damage {
	const quire_tensor *tensor; /* the last one that was reported */
	size_t count;
};

static void note_damage(void *context, const quire_tensor *tensor,
			uint64_t actual)
{
	struct damage *damage = context;

	(void)actual;
	damage->tensor = tensor;
	damage->count++;
}

static struct place place_make(const char *name)
{
	struct place place;
	quire_model_info info;
	char file[64], *path;

	snprintf(file, sizeof(file), "good/%s.gguf", name);
	path = scratch_path(QUIRE_GOLDEN, file);
	place.bytes = scratch_read(path, &place.size);
	free(path);
	place.good = malloc(place.size);
	assert_non_null(place.good);
	memcpy(place.good, place.bytes, place.size);
	assert_int_equal(quire_model_open_memory(place.good, place.size, NULL,
						 &place.model, NULL),
			 QUIRE_OK);
	quire_model_describe(place.model, &info);
	place.data_offset = info.data_offset;
	return place;
}

static void place_free(struct place *place)
{
	quire_model_close(place->model);
	free(place->good);
	free(place->bytes);
}

/* The tensor that the byte belongs to, or NULL. */
static const quire_tensor *tensor_at(const struct place *place, uint64_t at)
{
	const quire_tensor *tensor;

	for (size_t i = 0; (tensor = quire_model_tensor(place->model, i)); i++)
		if (at >= tensor->offset && at < tensor->offset + tensor->size)
			return tensor;
	return NULL;
}

/* The header: open refuses it. If it is allowed, the file opens as edited, if
 * it can be read at all, and verify refuses it. */
static void check_header(const struct place *place)
{
	const quire_open_options edited = { .allow_edited_header = true };
	const quire_verify_options options = { .threads = 1 };
	quire_model *model;
	quire_model_info info;

	assert_int_not_equal(quire_model_open_memory(place->bytes, place->size,
						     NULL, &model, NULL),
			     QUIRE_OK);
	found.header++;
	if (quire_model_open_memory(place->bytes, place->size, &edited, &model,
				    NULL) != QUIRE_OK)
		return;
	quire_model_describe(model, &info);
	assert_true(info.header_edited);
	assert_int_not_equal(quire_model_verify(model, &options, NULL),
			     QUIRE_OK);
	found.header_opened++;
	quire_model_close(model);
}

/* The data: the header is good, and verify names the damage. */
static void check_data(const struct place *place, uint64_t at)
{
	const quire_tensor *tensor = tensor_at(place, at);
	struct damage damage = { NULL, 0 };
	const quire_verify_options options = { .threads = 1,
					       .damage = note_damage,
					       .context = &damage };
	quire_error error;
	quire_model *model;
	quire_status status;

	assert_int_equal(quire_model_open_memory(place->bytes, place->size,
						 NULL, &model, NULL),
			 QUIRE_OK);
	status = quire_model_verify(model, &options, &error);
	assert_int_equal(damage.count, tensor ? 1 : 0);
	if (tensor) {
		assert_int_equal(status, QUIRE_ERROR_CHECKSUM);
		assert_int_equal(error.offset, tensor->offset);
		assert_int_equal(damage.tensor->offset, tensor->offset);
		assert_non_null(strstr(error.message, "[F-33]"));
		found.tensor++;
	} else {
		assert_int_equal(status, QUIRE_ERROR_LAYOUT);
		assert_int_equal(error.offset, at);
		assert_non_null(strstr(error.message, "[F-23]"));
		found.padding++;
	}
	quire_model_close(model);
}

static void flip(struct place *place, uint64_t bit)
{
	unsigned char *byte = place->bytes + bit / 8;

	*byte = (unsigned char)(*byte ^ 1u << bit % 8);
	if (bit / 8 < place->data_offset)
		check_header(place);
	else
		check_data(place, bit / 8);
	*byte = place->good[bit / 8];
}

static void test_bit_rot(void **state)
{
	struct rng rng = { SEED };
	size_t flips = 0;

	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct place place = place_make(files[i]);
		const uint64_t bits = 8 * (uint64_t)place.size;
		const uint64_t count =
		    found.all ? bits : (FLIPS + FILE_COUNT - 1) / FILE_COUNT;

		for (uint64_t k = 0; k < count; k++)
			flip(&place, found.all ? k : random_below(&rng, bits));
		flips += count;
		place_free(&place);
	}
	assert_int_equal(found.header + found.tensor + found.padding, flips);
	assert_true(flips >= FLIPS && found.tensor > 0 && found.padding > 0);
	printf("survived %zu flipped bits: %zu in headers (%zu of them opened "
	       "as edited), %zu in tensors, %zu in padding; all found\n",
	       flips, found.header, found.header_opened, found.tensor,
	       found.padding);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bit_rot) };

	found.all = argc > 1 && strcmp(argv[1], "all") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
