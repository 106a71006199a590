/*
 * fuzz_open.c - any bytes as a GGUF file: opened as an edited file, and opened
 * strictly after the header's checksum is made right. A file that opens is used
 * in every way. The test is that sanitizers find nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/touch.h"

static void open_and_touch(const void *data, size_t size,
			   const quire_open_options *options)
{
	quire_model *model;
	quire_error error;

	if (quire_model_open_memory(data, size, options, &model, &error) !=
	    QUIRE_OK) {
		FUZZ_CHECK(error.status != QUIRE_OK &&
			   memchr(error.message, 0, sizeof(error.message)));
		return;
	}
	touch_model(model, 1);
	quire_model_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const quire_open_options edited = { .allow_edited_header = true };
	const quire_open_options lazy = { .verify = QUIRE_VERIFY_LAZY };
	unsigned char *sealed = malloc(size + 1);

	FUZZ_CHECK(sealed);
	open_and_touch(data, size, &edited);
	if (size > 0)
		memcpy(sealed, data, size);
	if (touch_reseal(sealed, size))
		open_and_touch(sealed, size, &lazy);
	free(sealed);
	return 0;
}
