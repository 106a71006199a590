/*
 * segments.c - a list that grows. The header of a message has its place from
 * the start, and is filled in at the end.
 */
#include "convert/segments.h"

#include <stdlib.h>
#include <string.h>

#include "convert/grow.h"

static void add(struct segments *segments, const struct segment *segment)
{
	struct segment *items;

	if (segments->out_of_memory)
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

void quire_segments_copy(struct segments *segments, const void *bytes,
			 size_t size)
{
	const struct segment segment = { .bytes = bytes,
					 .value = SEGMENT_NO_VALUE,
					 .size = size };
	struct segment *last =
	    segments->count ? &segments->items[segments->count - 1] : NULL;

	/* Most fields stand where they stood: one piece for all of them. */
	if (last && last->bytes && bytes && last->bytes + last->size == bytes)
		last->size += size;
	else
		add(segments, &segment);
}

/* A copy that lasts as long as the segments; NULL: out of memory. */
static const unsigned char *keep(struct segments *segments, const void *bytes,
				 size_t size)
{
	unsigned char *own = quire_arena_own(&segments->own, size, 1);

	if (!own) {
		segments->out_of_memory = true;
		return NULL;
	}
	return memcpy(own, bytes, size);
}

static void add_own(struct segments *segments, const void *bytes, size_t size)
{
	const unsigned char *own = keep(segments, bytes, size);

	if (own)
		quire_segments_copy(segments, own, size);
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
	const struct segment segment = { .value = value, .size = size };

	add_header(segments, field, WIRE_BYTES, size);
	add(segments, &segment);
}

size_t quire_segments_open(struct segments *segments)
{
	const size_t opened = segments->count;

	quire_segments_copy(segments, NULL, 0);
	return opened;
}

static bool unchanged(const struct segments *segments, size_t opened,
		      const struct wire_field *original)
{
	const size_t count = segments->count - opened - 1;
	const struct segment *first = &segments->items[opened + 1];

	return original &&
	       (count == 0 ? original->size == 0
			   : count == 1 && first->bytes == original->bytes &&
				 first->size == original->size);
}

void quire_segments_close(struct segments *segments, size_t opened,
			  uint32_t field, const struct wire_field *original)
{
	unsigned char header[WIRE_HEADER_MAX];
	const unsigned char *own;
	size_t size;

	if (segments->out_of_memory)
		return;
	if (unchanged(segments, opened, original)) {
		segments->count = opened;
		quire_segments_copy(segments, original->start, original->whole);
		return;
	}
	size = quire_wire_header(header, field, WIRE_BYTES,
				 quire_segments_size(segments, opened + 1));
	own = keep(segments, header, size);
	if (own)
		segments->items[opened] = (struct segment){
			.bytes = own, .value = SEGMENT_NO_VALUE, .size = size
		};
}

/* Sums of sizes in memory and of constants that were checked to lie in files:
 * far below 2^64. */
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
