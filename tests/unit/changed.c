/*
 * changed.c - writes a container again, tensor by tensor.
 */
#include "tests/unit/changed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static void add_tensor(quire_writer *writer, const struct change *change)
{
	quire_error error;

	if (!change->left_out &&
	    quire_writer_add_tensor(writer, &change->tensor, &error) !=
		QUIRE_OK)
		fail_msg("%s", error.message);
}

void changed_rewrite(const char *container, change_fn change)
{
	const quire_writer_options options = { .overwrite = true };
	struct change changes[8];
	quire_writer *writer;
	quire_model *model;
	size_t count;

	assert_int_equal(quire_model_open(container, NULL, &model, NULL),
			 QUIRE_OK);
	count = quire_model_tensor_count(model);
	assert_in_range(count, 1, 8);
	assert_int_equal(
	    quire_writer_create(container, &options, &writer, NULL), QUIRE_OK);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		changes[i] =
		    (struct change){ *tensor, calloc(tensor->size, 16), false };
		memcpy(changes[i].bytes, tensor->data, tensor->size);
		if (i == 0)
			change(&changes[i]);
		add_tensor(writer, &changes[i]);
	}
	for (size_t i = 0, index = 0; i < count; i++) {
		if (!changes[i].left_out)
			assert_int_equal(quire_writer_write(
					     writer, index++, changes[i].bytes,
					     changes[i].tensor.size, NULL),
					 QUIRE_OK);
		free(changes[i].bytes);
	}
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_OK);
	quire_writer_free(writer);
	quire_model_close(model);
}

/* ----------------------------------------------------------------- changes */

void change_nothing(struct change *change)
{
	(void)change;
}

void change_to_f32(struct change *change)
{
	change->tensor.dtype = QUIRE_F32;
	change->tensor.size =
	    4 * change->tensor.shape[0] * change->tensor.shape[1];
	memset(change->bytes, 0, change->tensor.size);
}

void change_to_bf16(struct change *change)
{
	const size_t count = change->tensor.size / 4;

	change->tensor.dtype = QUIRE_BF16;
	change->tensor.size = 2 * count;
	for (size_t i = 0; i < count; i++)
		memmove(change->bytes + 2 * i, change->bytes + 4 * i + 2, 2);
}

void change_to_integers(struct change *change)
{
	change->tensor.dtype = (quire_dtype)26; /* GGUF's I32 */
}

void change_rows(struct change *change)
{
	const uint64_t row = change->tensor.size / change->tensor.shape[1];

	change->tensor.shape[1]--;
	change->tensor.size -= row;
}

void change_source(struct change *change)
{
	change->tensor.source = (quire_string){ "elsewhere", 9 };
}

void change_leave_out(struct change *change)
{
	change->left_out = true;
}

/* ------------------------------------------------------------------ places */

int place_set_up(void **state)
{
	struct place *place = malloc(sizeof(*place));

	place->folder = scratch_make();
	place->container = scratch_path(place->folder, "model.gguf");
	place->source = scratch_path(place->folder, "model.onnx");
	place->made = scratch_path(place->folder, "made.onnx");
	*state = place;
	return 0;
}

int place_tear_down(void **state)
{
	struct place *place = *state;

	free(place->container);
	free(place->source);
	free(place->made);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

void place_convert(const struct place *place, const char *name)
{
	const quire_convert_options options = { .overwrite = true,
						.alignment = 32 };
	quire_error error;
	char path[512];

	snprintf(path, sizeof(path), "%s/good/%s.onnx", QUIRE_TEST_ONNX, name);
	scratch_copy(path, place->source);
	if (quire_convert_onnx(place->source, place->container, &options, NULL,
			       &error) != QUIRE_OK)
		fail_msg("%s: %s", name, error.message);
}
