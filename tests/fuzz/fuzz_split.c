/*
 * fuzz_split.c - any bytes as one part of a split set whose other parts are
 * good. The set is opened by path, as an edited file, and used.
 */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/touch.h"

#define PARTS 4

static struct part {
	char path[FUZZ_PATH_SIZE];
	unsigned char *bytes;
	size_t size;
} parts[PARTS];

static void read_part(struct part *part, const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;

	FUZZ_CHECK(file);
	FUZZ_CHECK(fseek(file, 0, SEEK_END) == 0);
	size = ftell(file);
	FUZZ_CHECK(size > 0 && fseek(file, 0, SEEK_SET) == 0);
	part->size = (size_t)size;
	part->bytes = malloc(part->size);
	FUZZ_CHECK(part->bytes);
	FUZZ_CHECK(fread(part->bytes, 1, part->size, file) == part->size);
	fclose(file);
}

static void read_parts(void)
{
	char name[64], path[512];

	for (int i = 0; i < PARTS; i++) {
		snprintf(name, sizeof(name), "set_container-%05d-of-%05d.gguf",
			 i + 1, PARTS);
		snprintf(path, sizeof(path), "%s/good/%s", QUIRE_GOLDEN, name);
		read_part(&parts[i], path);
		fuzz_path(parts[i].path, name);
		fuzz_write_file(parts[i].path, parts[i].bytes, parts[i].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const quire_open_options options = { .allow_edited_header = true };
	quire_model *model;
	quire_error error;

	if (!parts[0].bytes)
		read_parts();
	for (int i = 0; i < PARTS; i++) {
		fuzz_write_file(parts[i].path, data, size);
		if (quire_model_open(parts[i].path, &options, &model, &error) ==
		    QUIRE_OK) {
			touch_model(model, 1);
			quire_model_close(model);
		} else {
			FUZZ_CHECK(error.status != QUIRE_OK);
		}
		/* From another part, which may still be a part of this set. */
		if (quire_model_open(parts[(i + 1) % PARTS].path, &options,
				     &model, NULL) == QUIRE_OK) {
			touch_model(model, 1);
			quire_model_close(model);
		}
		fuzz_write_file(parts[i].path, parts[i].bytes, parts[i].size);
	}
	return 0;
}
