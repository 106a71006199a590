/*
 * fuzz_verify.c - any bytes through the verifier with all its options. Its
 * three ways of reporting must agree.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/touch.h"

struct watch {
	unsigned calls_left; /* of progress, until it cancels */
	uint64_t done;
	size_t damaged;
};

static bool progress(void *context, uint64_t done, uint64_t total)
{
	struct watch *watch = context;

	FUZZ_CHECK(done >= watch->done && done <= total);
	watch->done = done;
	return watch->calls_left-- > 0;
}

static void damage(void *context, const quire_tensor *tensor, uint64_t actual)
{
	struct watch *watch = context;

	FUZZ_CHECK(tensor->has_xxh3 && tensor->xxh3 != actual);
	watch->damaged++;
}

struct choice {
	uint32_t threads;
	bool cancel;
};

static void verify(const quire_model *model, const struct choice *choice)
{
	struct watch watch = { .calls_left = choice->cancel ? 1 : 1u << 20 };
	const quire_verify_options options = {
		.threads = choice->threads,
		.progress = progress,
		.damage = damage,
		.context = &watch,
	};
	quire_error error;
	const quire_status status = quire_model_verify(model, &options, &error);

	FUZZ_CHECK(status == QUIRE_OK || status == error.status);
	FUZZ_CHECK(status != QUIRE_OK || watch.damaged == 0);
	FUZZ_CHECK(watch.damaged == 0 || status == QUIRE_ERROR_CHECKSUM);
}

static void open_and_verify(const void *bytes, size_t size)
{
	/* With one thread, with several, and cancelled. */
	static const struct choice choices[] = { { 1, false },
						 { 3, false },
						 { 2, true } };
	const quire_open_options options = { .allow_edited_header = true };
	quire_model *model;

	if (quire_model_open_memory(bytes, size, &options, &model, NULL) !=
	    QUIRE_OK)
		return;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		verify(model, &choices[i]);
	quire_model_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *sealed = malloc(size + 1);

	FUZZ_CHECK(sealed);
	open_and_verify(data, size);
	if (size > 0)
		memcpy(sealed, data, size);
	if (touch_reseal(sealed, size))
		open_and_verify(sealed, size);
	free(sealed);
	return 0;
}
