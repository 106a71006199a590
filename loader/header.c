/*
 * header.c - reads a header once, so that whoever writes to the mapped file
 * afterwards changes no name, size or offset of the open model. It reads by the
 * descriptor: in a file that shrinks meanwhile that is an error, not SIGBUS.
 */
#include "loader/header.h"

#include <stdlib.h>

#include "base/error.h"

/* Most headers fit into the first read. Later ones double what is there, but do
 * not read much more than the header. */
#define FIRST_SIZE ((uint64_t)64 << 10)
#define STEP_MAX   ((uint64_t)1 << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static quire_status read_more(struct quire_header_source *source, uint64_t size,
			      quire_error *error)
{
	struct model_part *part = source->context;
	const uint64_t ready = source->ready;
	uint64_t wanted =
	    ready > 0 ? ready + least(ready, STEP_MAX) : FIRST_SIZE;
	unsigned char *bytes;

	if (wanted < size)
		wanted = size;
	wanted = least(least(wanted, source->file_size), QUIRE_HEADER_COPY_MAX);
	bytes = realloc(part->header, (size_t)wanted);
	if (!bytes)
		return quire_fail_memory(error, wanted);
	part->header = bytes;
	source->bytes = bytes;
	if (!quire_map_read(&part->map, ready, bytes + ready,
			    (size_t)(wanted - ready)))
		return quire_map_fail_read(&part->map, part->path, ready,
					   error);
	source->ready = wanted;
	return QUIRE_OK;
}

quire_status quire_header_take(struct model_part *part,
			       struct quire_input *input, quire_error *error)
{
	struct quire_header_source source = { .file_size = part->size,
					      .more = read_more,
					      .context = part };
	unsigned char *fitting;
	quire_status status;
	uint64_t size;

	*input = (struct quire_input){ .header = part->bytes,
				       .header_size = part->size,
				       .size = part->size,
				       .file = part->bytes };
	if (!part->map.watched)
		return QUIRE_OK;
	status = quire_header_measure(&source, &size, error);
	if (status != QUIRE_OK)
		return status;
	/* It stays as long as the model does. */
	fitting = realloc(part->header, (size_t)(size > 0 ? size : 1));
	if (fitting)
		part->header = fitting;
	input->header = part->header;
	input->header_size = size;
	return QUIRE_OK;
}
