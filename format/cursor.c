/*
 * cursor.c - bounded reading of header fields. Checks no field's content.
 */
#include "format/cursor.h"

#include "base/bytes.h"
#include "base/error.h"

quire_status quire_cursor_take(struct quire_cursor *in, uint64_t field,
			       uint64_t size, const unsigned char **bytes)
{
	if (size > in->size - in->offset)
		return quire_fail(in->error, QUIRE_ERROR_TRUNCATED, field,
				  "header runs past the end of the file [F-3]");
	if (in->offset + size > QUIRE_HEADER_MAX_SIZE)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, in->item,
				  "header exceeds 64 MiB [F-5]");
	/* quire_header_measure stops only at what is refused before. */
	if (in->offset + size > in->ready)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, field,
				  "the header does not end where it seems to");
	*bytes = in->bytes + in->offset;
	in->offset += size;
	return QUIRE_OK;
}

quire_status quire_cursor_u32(struct quire_cursor *in, uint32_t *value)
{
	const unsigned char *bytes = NULL;
	const quire_status status =
	    quire_cursor_take(in, in->offset, 4, &bytes);

	if (status == QUIRE_OK)
		*value = load_u32(bytes);
	return status;
}

quire_status quire_cursor_u64(struct quire_cursor *in, uint64_t *value)
{
	const unsigned char *bytes = NULL;
	const quire_status status =
	    quire_cursor_take(in, in->offset, 8, &bytes);

	if (status == QUIRE_OK)
		*value = load_u64(bytes);
	return status;
}

quire_status quire_cursor_string(struct quire_cursor *in, quire_string *string)
{
	const uint64_t field = in->offset;
	const unsigned char *bytes = NULL;
	quire_status status;
	uint64_t size = 0;

	status = quire_cursor_u64(in, &size);
	if (status == QUIRE_OK)
		status = quire_cursor_take(in, field, size, &bytes);
	if (status == QUIRE_OK) {
		string->data = (const char *)bytes;
		string->size = (size_t)size;
	}
	return status;
}
