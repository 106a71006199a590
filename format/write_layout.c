/*
 * write_layout.c - the layout: which tensors share a file, their offsets, the
 * files themselves. A part is filled until the next tensor would make it larger
 * than the split size. The sizes of headers are measured by building them.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/parse.h"
#include "format/write.h"

/* split.count is a u16. */
#define PART_COUNT_MAX 65535

/* The size of a file while tensors are added. */
struct filling {
	uint64_t bare_size; /* of its header */
	uint64_t data_size;
};

const struct quire_out_tensor *quire_out_tensors_of(
    const quire_writer *writer, const struct quire_out_part *part)
{
	return writer->tensors ? writer->tensors + part->first_tensor : NULL;
}

struct quire_out_part *quire_out_part_of(const quire_writer *writer,
					 const struct quire_out_tensor *tensor)
{
	return &writer->parts[tensor->part];
}

void quire_out_free_parts(struct quire_out_part *parts, size_t count)
{
	/* The first one last, as output_set.c requires. */
	while (count-- > 0) {
		free(parts[count].header);
		quire_output_discard(&parts[count].output);
	}
	free(parts);
}

/* The padded size of all tensors together must not overflow. */
static quire_status check_sizes(const quire_writer *writer, quire_error *error)
{
	uint64_t end = 0;

	for (size_t i = 0; i < writer->tensor_count; i++)
		if (!checked_add(end, writer->tensors[i].view.size, &end) ||
		    !checked_pad(end, writer->alignment, &end) ||
		    end > INT64_MAX / 2)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s': the sum of sizes "
					  "overflows",
					  writer->tensors[i].name);
	return QUIRE_OK;
}

static uint64_t padded(const quire_writer *writer, uint64_t size)
{
	const uint64_t mask = writer->alignment - 1;

	return (size + mask) & ~mask;
}

/* The size with one more tensor. */
static struct filling fill(const quire_writer *writer, struct filling filling,
			   const struct quire_out_tensor *tensor)
{
	filling.data_size += padded(writer, tensor->view.size);
	filling.bare_size += quire_out_info_size(tensor);
	if (!writer->plain) /* its checksum and its source */
		filling.bare_size += 8 + 8 + tensor->view.source.size;
	if (!writer->plain && writer->has_operations)
		filling.bare_size += 8 + tensor->view.operation.size;
	return filling;
}

static bool fits(const quire_writer *writer, struct filling filling)
{
	return padded(writer, filling.bare_size) + filling.data_size <=
	       writer->split_size;
}

/* The header of part `no` without tensors. */
static quire_status measure(const quire_writer *writer, size_t no,
			    size_t part_count, struct filling *empty,
			    quire_error *error)
{
	struct quire_out_part part = { .no = no };
	const quire_status status =
	    quire_out_build(writer, part_count, &part, error);

	if (status != QUIRE_OK)
		return status;
	free(part.header);
	*empty = (struct filling){ .bare_size = part.bare_size };
	return QUIRE_OK;
}

/* Whether the split size requires more than one file. */
static quire_status must_split(const quire_writer *writer, bool *must,
			       quire_error *error)
{
	struct filling filling;
	quire_status status;

	*must = false;
	if (writer->split_size == 0 || writer->tensor_count < 2)
		return QUIRE_OK;
	status = measure(writer, 0, 1, &filling, error);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < writer->tensor_count; i++)
		filling = fill(writer, filling, &writer->tensors[i]);
	*must = !fits(writer, filling);
	return QUIRE_OK;
}

/* Gives each tensor its part. An empty first part is as large as `first`, any
 * other as `other`. Returns the number of parts. */
static size_t distribute(quire_writer *writer, struct filling first,
			 struct filling other)
{
	struct filling filling = first;
	uint32_t part = 0;
	bool empty = true;

	for (size_t i = 0; i < writer->tensor_count; i++) {
		struct quire_out_tensor *tensor = &writer->tensors[i];
		struct filling more = fill(writer, filling, tensor);

		if (!empty && !fits(writer, more)) {
			part++;
			more = fill(writer, other, tensor);
		}
		empty = false;
		filling = more;
		tensor->part = part;
	}
	return (size_t)part + 1;
}

/* The first header has a checksum for each part: more parts make it larger, and
 * a larger header may make more parts, but never fewer. */
static quire_status choose_parts(quire_writer *writer, size_t *part_count,
				 quire_error *error)
{
	struct filling first;
	struct filling other;
	size_t wanted = 2;
	quire_status status;

	do {
		*part_count = wanted;
		status = measure(writer, 0, *part_count, &first, error);
		if (status == QUIRE_OK)
			status = measure(writer, 1, *part_count, &other, error);
		if (status != QUIRE_OK)
			return status;
		if (!fits(writer, first))
			return quire_fail(
			    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			    "a split size of %" PRIu64 " bytes is less than "
			    "the first part's header, %" PRIu64 " bytes",
			    writer->split_size,
			    padded(writer, first.bare_size));
		wanted = distribute(writer, first, other);
	} while (wanted > *part_count);
	if (*part_count <= PART_COUNT_MAX)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "a split size of %" PRIu64 " bytes makes %zu parts, "
			  "and a set has %d at most",
			  writer->split_size, *part_count, PART_COUNT_MAX);
}

/* Gives each tensor the part that it was declared with. */
static quire_status take_parts(quire_writer *writer, size_t *part_count,
			       quire_error *error)
{
	uint32_t part = 0;

	*part_count = writer->parts_wanted;
	if (*part_count > PART_COUNT_MAX)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "%zu parts, and a set has %d at most",
				  *part_count, PART_COUNT_MAX);
	for (size_t i = 0; i<writer->tensor_count && * part_count> 1; i++) {
		struct quire_out_tensor *tensor = &writer->tensors[i];

		if (tensor->view.part < part ||
		    tensor->view.part >= *part_count)
			return quire_fail(
			    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			    "tensor '%s' is in part %" PRIu32
			    " of %zu, after one of part %" PRIu32,
			    tensor->name, tensor->view.part, *part_count, part);
		part = tensor->view.part;
		tensor->part = part;
	}
	return QUIRE_OK;
}

/* Sets the tensors of each part, and the offsets of the tensors. */
static void place_tensors(const quire_writer *writer,
			  struct quire_out_part *parts, size_t count)
{
	size_t first = 0;

	for (size_t i = 0; i < writer->tensor_count; i++) {
		struct quire_out_tensor *tensor = &writer->tensors[i];
		struct quire_out_part *part = &parts[tensor->part];

		part->tensor_count++;
		tensor->view.offset = part->file_size;
		part->file_size += padded(writer, tensor->view.size);
	}
	for (size_t i = 0; i < count; i++) {
		parts[i].first_tensor = first;
		first += parts[i].tensor_count;
	}
}

static quire_status build_parts(const quire_writer *writer,
				struct quire_out_part *parts, size_t count,
				quire_error *error)
{
	quire_status status = QUIRE_OK;

	place_tensors(writer, parts, count);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		status = quire_out_build(writer, count, &parts[i], error);
		if (status == QUIRE_OK)
			parts[i].file_size += parts[i].header_size;
	}
	return status;
}

static bool same_bytes(int file, const unsigned char *bytes, size_t size)
{
	unsigned char chunk[4096];

	for (size_t at = 0; at < size; at += sizeof(chunk)) {
		const size_t rest = size - at;
		const size_t step = rest < sizeof(chunk) ? rest : sizeof(chunk);
		size_t got;

		if (!quire_file_read(file, at, chunk, step, &got) ||
		    got < step || memcmp(chunk, bytes + at, step) != 0)
			return false;
	}
	return true;
}

/* Whether the file is there with the same size and header. */
static bool is_there(const struct quire_out_part *part, const char *path)
{
	const int file = quire_file_open(path);
	struct file_facts facts;
	bool same;

	if (file < 0)
		return false;
	same = quire_file_facts(file, &facts) && facts.kind == FILE_REGULAR &&
	       facts.size == part->file_size &&
	       same_bytes(file, part->header, part->header_size);
	quire_file_close(file);
	return same;
}

static quire_status check_free(const quire_writer *writer, const char *path,
			       quire_error *error)
{
	struct file_facts old;

	if (writer->overwrite || !quire_link_facts(path, &old))
		return QUIRE_OK;
	return quire_fail_file(error, QUIRE_ERROR_EXISTS, path, QUIRE_NO_OFFSET,
			       "the file exists");
}

/* The writer has opened the only file, before it knew that there is one. */
static quire_status open_alone(const quire_writer *writer, uint64_t size,
			       quire_error *error)
{
	const quire_status status =
	    check_free(writer, writer->output.path, error);

	return status == QUIRE_OK && !writer->dry_run
		   ? quire_output_resize(&writer->output, size, error)
		   : status;
}

/* Sets the path of each part (F-42), and which files are kept. The first one is
 * kept only if all others are. */
static quire_status name_parts(const quire_writer *writer,
			       struct quire_out_part *parts, size_t count,
			       quire_error *error)
{
	bool all_kept = true;

	for (size_t i = count; i-- > 0;) {
		struct quire_out_part *part = &parts[i];

		part->output.path =
		    quire_output_set_path(writer->output.path, i, count);
		if (!part->output.path)
			return quire_fail_memory(error,
						 strlen(writer->output.path));
		part->kept = writer->keep_parts && (i > 0 || all_kept) &&
			     is_there(part, part->output.path);
		all_kept = all_kept && part->kept;
	}
	return QUIRE_OK;
}

static quire_status open_part(const quire_writer *writer,
			      struct quire_out_part *part, quire_error *error)
{
	char *path = part->output.path;
	quire_status status;

	if (writer->dry_run)
		return check_free(writer, path, error);
	part->output.path = NULL;
	status =
	    quire_output_open(&part->output, path, writer->overwrite, error);
	free(path);
	if (status != QUIRE_OK)
		return status;
	return quire_output_resize(&part->output, part->file_size, error);
}

/* Opens the files of several parts; one part has the writer's. */
static quire_status open_parts(const quire_writer *writer,
			       struct quire_out_part *parts, size_t count,
			       quire_error *error)
{
	quire_status status;

	if (count == 1)
		return open_alone(writer, parts[0].file_size, error);
	status = name_parts(writer, parts, count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		if (!parts[i].kept)
			status = open_part(writer, &parts[i], error);
	return status;
}

/* Parses the headers. Reads their own bytes only. */
static quire_status parse(const struct quire_out_part *parts, size_t count,
			  const struct quire_parse_options *options,
			  struct quire_parsed_part *parsed, quire_error *error)
{
	struct quire_index index;
	quire_status status = QUIRE_OK;
	size_t culprit;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct quire_input input = {
			.header = parts[i].header,
			.header_size = parts[i].header_size,
			.size = parts[i].file_size,
			.file = parts[i].header,
		};

		parsed[i].bytes = parts[i].header;
		status = quire_parse(&input, options, &parsed[i].index, error);
	}
	if (status != QUIRE_OK || count == 1)
		return status;
	status =
	    quire_parse_join(parsed, count, options, &index, &culprit, error);
	if (status != QUIRE_OK)
		return status;
	quire_index_free(&index);
	/* It had all that the parts had. */
	memset(parsed, 0, count * sizeof(*parsed));
	return QUIRE_OK;
}

static quire_status check(const quire_writer *writer,
			  const struct quire_out_part *parts, size_t count,
			  quire_error *error)
{
	const struct quire_parse_options strict = {
		.seed = quire_entropy_seed(writer),
		.take_part = count > 1,
	};
	struct quire_parsed_part *parsed = calloc(count, sizeof(*parsed));
	quire_status status;

	if (!parsed)
		return quire_fail_memory(error, count * sizeof(*parsed));
	status = parse(parts, count, &strict, parsed, error);
	for (size_t i = 0; i < count; i++)
		quire_index_free(&parsed[i].index);
	free(parsed);
	if (status == QUIRE_OK || status == QUIRE_ERROR_MEMORY)
		return status;
	if (error) {
		error->status = QUIRE_ERROR_ARGUMENT;
		error->offset = QUIRE_NO_OFFSET;
	}
	return QUIRE_ERROR_ARGUMENT;
}

static void seal(const quire_writer *writer, struct quire_out_part *part)
{
	const struct quire_out_tensor *tensors =
	    quire_out_tensors_of(writer, part);
	unsigned char *field = part->header + part->header_hash_at;

	for (size_t i = 0; i < part->tensor_count; i++)
		store_u64(part->header + part->tensor_hash_at + 8 * i,
			  tensors[i].view.xxh3);
	store_u64(field, 0);
	store_u64(field, quire_hash_bytes(part->header, part->header_size));
}

static void seal_parts(const quire_writer *writer, struct quire_out_part *parts,
		       size_t count)
{
	if (writer->plain)
		return;
	for (size_t i = 1; i < count; i++) {
		const unsigned char *field;

		seal(writer, &parts[i]);
		field = parts[i].header + parts[i].header_hash_at;
		memcpy(parts[0].header + parts[0].seals_at + 8 * i, field, 8);
	}
	seal(writer, &parts[0]);
}

void quire_writer_seal(quire_writer *writer)
{
	seal_parts(writer, writer->parts, writer->part_count);
}

/* Chooses how many parts there are, and which tensors they have. */
static quire_status choose(quire_writer *writer, size_t *count,
			   quire_error *error)
{
	bool must;
	quire_status status = check_sizes(writer, error);

	for (size_t i = 0; i < writer->tensor_count; i++)
		writer->tensors[i].part = 0;
	if (status == QUIRE_OK && writer->parts_wanted > 0)
		return take_parts(writer, count, error);
	if (status == QUIRE_OK)
		status = must_split(writer, &must, error);
	if (status != QUIRE_OK)
		return status;
	*count = 1;
	return must ? choose_parts(writer, count, error) : QUIRE_OK;
}

quire_status quire_writer_lay_out(quire_writer *writer, quire_error *error)
{
	struct quire_out_part *parts;
	uint64_t size = 0;
	size_t count;
	quire_status status = choose(writer, &count, error);

	if (status != QUIRE_OK)
		return status;
	parts = calloc(count, sizeof(*parts));
	if (!parts)
		return quire_fail_memory(error, count * sizeof(*parts));
	for (size_t i = 0; i < count; i++) {
		parts[i].no = i;
		parts[i].output.file = -1;
	}
	status = build_parts(writer, parts, count, error);
	if (status == QUIRE_OK) {
		seal_parts(writer, parts, count);
		status = check(writer, parts, count, error);
	}
	if (status == QUIRE_OK)
		status = open_parts(writer, parts, count, error);
	if (status != QUIRE_OK) {
		quire_out_free_parts(parts, count);
		return status;
	}
	if (count == 1) {
		parts[0].output = writer->output;
		writer->output = (struct quire_output){ .file = -1 };
	}
	writer->parts = parts;
	writer->part_count = count;
	for (size_t i = 0; i < count; i++)
		size += parts[i].file_size;
	writer->features = quire_hash_features(size);
	return QUIRE_OK;
}
