/*
 * changed.c - writes a container again, tensor by tensor.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/unit/changed.h"

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
