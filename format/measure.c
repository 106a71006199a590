/*
 * measure.c - how long a header is. Walks over sizes and types only, and keeps
 * nothing: the parser checks the rules, in the bytes that were read for this.
 */
#include "base/bytes.h"
#include "format/parse.h"
#include "format/value.h"

/* Where the walk stops, the parser may take a few fields more before it comes
 * to the one that it refuses: of the frame 24 bytes, of an info 44. */
#define REFUSED_SIZE 64

/* Where the walk is. It stops at the first field that the parser refuses. */
struct walk {
	struct quire_header_source *source;
	uint64_t offset;
	uint64_t limit; /* of the header: the file's size, or F-5 */
	uint64_t alignment;
	quire_status status;
	quire_error *error;
};

/* Whether `size` more bytes are there. */
static bool has(struct walk *in, uint64_t size)
{
	struct quire_header_source *source = in->source;

	if (size > in->limit - in->offset)
		return false;
	if (in->offset + size > source->ready)
		in->status = source->more(source, in->offset + size, in->error);
	return in->status == QUIRE_OK;
}

static bool skip(struct walk *in, uint64_t size)
{
	if (size > in->limit - in->offset)
		return false;
	in->offset += size;
	return true;
}

static bool take_u32(struct walk *in, uint32_t *value)
{
	if (!has(in, 4))
		return false;
	*value = load_u32(in->source->bytes + in->offset);
	in->offset += 4;
	return true;
}

static bool take_u64(struct walk *in, uint64_t *value)
{
	if (!has(in, 8))
		return false;
	*value = load_u64(in->source->bytes + in->offset);
	in->offset += 8;
	return true;
}

static bool skip_string(struct walk *in)
{
	uint64_t size;

	return take_u64(in, &size) && skip(in, size);
}

/* Skips those of the next strings that are ready; a tokenizer has 100,000, so
 * the loop keeps its numbers in registers. Returns how many. */
static uint64_t skip_ready(struct walk *in, uint64_t count)
{
	const struct quire_header_source *source = in->source;
	const unsigned char *bytes = source->bytes;
	const uint64_t end =
	    source->ready < in->limit ? source->ready : in->limit;
	uint64_t at = in->offset, done = 0;

	while (done < count && at < end && end - at >= 8) {
		const uint64_t size = load_u64(bytes + at);

		if (size > end - at - 8)
			break;
		at += 8 + size;
		done++;
	}
	in->offset = at;
	return done;
}

static bool skip_strings(struct walk *in, uint64_t count)
{
	while (count > 0) {
		count -= skip_ready(in, count);
		if (count == 0)
			break;
		if (!skip_string(in))
			return false;
		count--;
	}
	return true;
}

static bool skip_array(struct walk *in)
{
	uint32_t type;
	uint64_t count, size;

	if (!take_u32(in, &type) || !take_u64(in, &count))
		return false;
	if (type == QUIRE_VALUE_STRING)
		return skip_strings(in, count);
	size = quire_value_size((quire_value_type)type);
	return size > 0 && checked_mul(count, size, &size) && skip(in, size);
}

/* F-11. What is no alignment is refused by the parser. */
static bool take_alignment(struct walk *in)
{
	uint32_t value;

	if (!take_u32(in, &value))
		return false;
	if (value >= QUIRE_ALIGNMENT_MIN && value <= QUIRE_ALIGNMENT_MAX &&
	    (value & (value - 1)) == 0)
		in->alignment = value;
	return true;
}

static bool skip_value(struct walk *in)
{
	static const char alignment[] = "general.alignment";
	uint64_t size;
	uint32_t type;
	bool is_alignment = false;

	if (!take_u64(in, &size))
		return false;
	if (size == sizeof(alignment) - 1 && has(in, size))
		is_alignment = memcmp(in->source->bytes + in->offset, alignment,
				      sizeof(alignment) - 1) == 0;
	if (!skip(in, size) || !take_u32(in, &type))
		return false;
	if (is_alignment && type == QUIRE_VALUE_U32)
		return take_alignment(in);
	if (type == QUIRE_VALUE_STRING)
		return skip_string(in);
	if (type == QUIRE_VALUE_ARRAY)
		return skip_array(in);
	size = quire_value_size((quire_value_type)type);
	return size > 0 && skip(in, size);
}

static bool skip_info(struct walk *in)
{
	uint32_t rank;

	return skip_string(in) && take_u32(in, &rank) && rank <= 4 &&
	       skip(in, 8 * (uint64_t)rank + 4 + 8); /* dims, type, offset */
}

/* Whether all of the header could be walked over. */
static bool walk(struct walk *in)
{
	uint64_t tensors, values;
	uint32_t magic, version;

	if (!has(in, 24) || !take_u32(in, &magic) ||
	    magic != load_u32("GGUF") || !take_u32(in, &version) ||
	    version > 3 || !take_u64(in, &tensors) || !take_u64(in, &values))
		return false;
	for (uint64_t i = 0; i < values; i++)
		if (!skip_value(in))
			return false;
	for (uint64_t i = 0; i < tensors; i++)
		if (!skip_info(in))
			return false;
	return true;
}

quire_status quire_header_measure(struct quire_header_source *source,
				  uint64_t *size, quire_error *error)
{
	struct walk in = {
		.source = source,
		.limit = source->file_size < QUIRE_HEADER_MAX_SIZE
			     ? source->file_size
			     : QUIRE_HEADER_MAX_SIZE,
		.alignment = QUIRE_ALIGNMENT_DEFAULT,
		.error = error,
	};
	uint64_t end;

	/* Below 64 MiB and 64 KiB: this cannot overflow. */
	end = walk(&in) ? (in.offset + in.alignment - 1) & ~(in.alignment - 1)
			: in.offset + REFUSED_SIZE;
	if (in.status != QUIRE_OK)
		return in.status;
	if (end > source->file_size)
		end = source->file_size;
	*size = end;
	return end > source->ready ? source->more(source, end, error)
				   : QUIRE_OK;
}
