/*
 * segments.c - lists the pieces of a file. The header of a message gets its
 * place when the message is opened, and its bytes when it is closed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "convert/onnx/wire.h"

/* Whether so many bytes more may be allocated. */
static bool spend(struct segments *segments, uint64_t size)
{
	segments->used += size;
	if (segments->limit > 0 && segments->used > segments->limit) {
		segments->over_limit = true;
		segments->out_of_memory = true;
	}
	return !segments->out_of_memory;
}

static void add(struct segments *segments, const struct segment *segment)
{
	struct segment *items;

	if (segments->out_of_memory || !spend(segments, sizeof(*segment)))
		return;
	items = quire_grow(segments->items, &segments->capacity,
			   segments->count, sizeof(*items));
	if (!items) {
		segments->out_of_memory = true;
		return;
	}
	segments->items = items;
	items[segments->count++] = *segment;
}

void quire_segments_file(struct segments *segments, uint64_t offset,
			 uint64_t size)
{
	const struct segment segment = { .kind = SEGMENT_FILE,
					 .offset = offset,
					 .size = size };
	struct segment *last =
	    segments->count ? &segments->items[segments->count - 1] : NULL;

	if (segments->limit > 0)
		segments->limit += SEGMENT_FACTOR * size;
	/* Most fields stay beside each other: one segment for all of them. */
	if (last && last->kind == SEGMENT_FILE &&
	    last->offset + last->size == offset)
		last->size += size;
	else
		add(segments, &segment);
}

void quire_segments_copy(struct segments *segments,
			 const struct wire_field *field)
{
	quire_segments_file(segments, field->start, field->whole);
}

/* A copy that lasts as long as the segments; empty where memory is out. */
static struct segment keep(struct segments *segments, const void *bytes,
			   size_t size)
{
	unsigned char *own = NULL;

	/* With what malloc and the list of the arena add. */
	if (spend(segments, size + 32))
		own = quire_arena_own(&segments->own, size, 1);
	if (own)
		memcpy(own, bytes, size);
	else
		segments->out_of_memory = true;
	return (struct segment){ .kind = SEGMENT_OWN,
				 .bytes = own,
				 .size = own ? size : 0 };
}

static void add_own(struct segments *segments, const void *bytes, size_t size)
{
	const struct segment own = keep(segments, bytes, size);

	add(segments, &own);
}

static void add_header(struct segments *segments, uint32_t field,
		       enum wire_type type, uint64_t value)
{
	unsigned char header[WIRE_HEADER_MAX];

	add_own(segments, header,
		quire_wire_header(header, field, type, value));
}

void quire_segments_number(struct segments *segments, uint32_t field,
			   uint64_t value)
{
	add_header(segments, field, WIRE_VARINT, value);
}

void quire_segments_text(struct segments *segments, uint32_t field,
			 const char *text)
{
	add_header(segments, field, WIRE_BYTES, strlen(text));
	add_own(segments, text, strlen(text));
}

void quire_segments_data(struct segments *segments, uint32_t field,
			 size_t value, uint64_t size)
{
	const struct segment segment = { .kind = SEGMENT_VALUE,
					 .value = value,
					 .size = size };

	add_header(segments, field, WIRE_BYTES, size);
	add(segments, &segment);
}

size_t quire_segments_open(struct segments *segments)
{
	static const struct segment no_header = { .kind = SEGMENT_OWN };
	const size_t opened = segments->count;

	add(segments, &no_header);
	return opened;
}

static bool unchanged(const struct segments *segments, size_t opened,
		      const struct wire_field *original)
{
	const size_t count = segments->count - opened - 1;
	const struct segment *first = &segments->items[opened + 1];

	return original &&
	       (count == 0 ? original->size == 0
			   : count == 1 && first->kind == SEGMENT_FILE &&
				 first->offset == original->at &&
				 first->size == original->size);
}

void quire_segments_close(struct segments *segments, size_t opened,
			  uint32_t field, const struct wire_field *original)
{
	unsigned char header[WIRE_HEADER_MAX];
	size_t size;

	if (segments->out_of_memory)
		return;
	if (unchanged(segments, opened, original)) {
		segments->count = opened;
		quire_segments_copy(segments, original);
		return;
	}
	size = quire_wire_header(header, field, WIRE_BYTES,
				 quire_segments_size(segments, opened + 1));
	segments->items[opened] = keep(segments, header, size);
}

/* No overflow: these are sizes in memory and of constants that were checked to
 * lie in files. */
uint64_t quire_segments_size(const struct segments *segments, size_t first)
{
	uint64_t size = 0;

	for (size_t i = first; i < segments->count; i++)
		size += segments->items[i].size;
	return size;
}

void quire_segments_free(struct segments *segments)
{
	quire_arena_free(&segments->own);
	free(segments->items);
}
