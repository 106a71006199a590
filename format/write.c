/*
 * write.c - quire_writer: takes declarations, then tensors' bytes, then puts
 * the file in place. The header's bytes are write_header.c's.
 */
#include "format/write.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/grow.h"
#include "base/hash.h"
#include "format/parse.h"
#include "format/value.h"

#define CONTAINER_ALIGNMENT	16384 /* the largest page size in use */
#define CONTAINER_ALIGNMENT_MIN 32    /* F-26 */

char *quire_out_copy(const void *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy) {
		if (size > 0)
			memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}

quire_status quire_out_fail_late(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "the layout is fixed: declare before writing");
}

static quire_status find_alignment(const quire_writer_options *options,
				   uint32_t *alignment, quire_error *error)
{
	const uint32_t wanted = options->alignment;
	const uint32_t least =
	    options->plain ? QUIRE_ALIGNMENT_MIN : CONTAINER_ALIGNMENT_MIN;

	if (wanted == 0) {
		*alignment = options->plain ? QUIRE_ALIGNMENT_DEFAULT
					    : CONTAINER_ALIGNMENT;
		return QUIRE_OK;
	}
	if (wanted < least || wanted > QUIRE_ALIGNMENT_MAX ||
	    (wanted & (wanted - 1)) != 0)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "alignment %u is not a power of two from %u "
				  "to %d",
				  wanted, least, QUIRE_ALIGNMENT_MAX);
	*alignment = wanted;
	return QUIRE_OK;
}

static quire_status open_output(quire_writer *writer, const char *path,
				quire_error *error)
{
	if (writer->dry_run) {
		writer->output.file = -1;
		writer->output.path = quire_out_copy(path, strlen(path));
		return writer->output.path
			   ? QUIRE_OK
			   : quire_fail_memory(error, strlen(path));
	}
	/* Of a set, the file at `path` is not written: it may exist. */
	return quire_output_open(&writer->output, path,
				 writer->overwrite || writer->split_size > 0 ||
				     writer->parts_wanted > 1,
				 error);
}

quire_status quire_out_fail_dry(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "a writer of a dry run writes nothing");
}

quire_status quire_writer_create(const char *path,
				 const quire_writer_options *options,
				 quire_writer **writer, quire_error *error)
{
	static const quire_writer_options defaults;
	quire_writer *created;
	quire_status status;
	uint32_t alignment = 0;

	if (!options)
		options = &defaults;
	status = find_alignment(options, &alignment, error);
	if (status != QUIRE_OK)
		return status;
	if (options->split_size > 0 && options->part_count > 0)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "both split_size and part_count are given");
	created = calloc(1, sizeof(*created));
	if (!created)
		return quire_fail_memory(error, sizeof(*created));
	created->alignment = alignment;
	created->split_size = options->split_size;
	created->parts_wanted = options->part_count;
	created->keep_parts = options->keep_parts && options->overwrite;
	created->plain = options->plain;
	created->overwrite = options->overwrite;
	created->dry_run = options->dry_run;
	status = open_output(created, path, error);
	if (status != QUIRE_OK) {
		free(created);
		return status;
	}
	created->output.overwrite = options->overwrite;
	*writer = created;
	return QUIRE_OK;
}

/* The size of a tensor's bytes. The parser checks all other rules later. */
static bool find_size(const quire_tensor *tensor, uint64_t *size)
{
	uint32_t block_count, block_size;

	if (tensor->rank < 1 || tensor->rank > 4 ||
	    !quire_dtype_block(tensor->dtype, &block_count, &block_size) ||
	    tensor->shape[0] % block_count != 0)
		return false;
	*size = block_size;
	if (!checked_mul(*size, tensor->shape[0] / block_count, size))
		return false;
	for (uint32_t i = 1; i < tensor->rank; i++)
		if (!checked_mul(*size, tensor->shape[i], size))
			return false;
	return *size > 0;
}

quire_status quire_writer_add_tensor(quire_writer *writer,
				     const quire_tensor *tensor,
				     quire_error *error)
{
	struct quire_out_tensor added = { .view = *tensor };
	struct quire_out_tensor *grown;

	if (writer->part_count > 0)
		return quire_out_fail_late(error);
	if (!find_size(tensor, &added.view.size))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "tensor '%.*s': its type and shape do not "
				  "make whole blocks, or it is empty",
				  QUIRE_PRINT(tensor->name));
	if (tensor->name.size > QUIRE_NAME_MAX_SIZE ||
	    memchr(tensor->name.data, 0, tensor->name.size))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "tensor '%.*s': a name of more than %d "
				  "bytes, or with a NUL [F-12]",
				  QUIRE_PRINT(tensor->name),
				  QUIRE_NAME_MAX_SIZE);
	if (!tensor->has_xxh3)
		added.view.xxh3 = 0;
	added.declared_offset = tensor->offset;
	grown = quire_grow(writer->tensors, &writer->tensor_capacity,
			   writer->tensor_count, sizeof(*grown));
	if (!grown)
		return quire_fail_memory(error, sizeof(*grown));
	writer->tensors = grown;
	added.name = quire_out_copy(tensor->name.data, tensor->name.size);
	added.source = quire_out_copy(tensor->source.data, tensor->source.size);
	added.operation =
	    quire_out_copy(tensor->operation.data, tensor->operation.size);
	if (!added.name || !added.source || !added.operation) {
		free(added.name);
		free(added.source);
		free(added.operation);
		return quire_fail_memory(error, tensor->name.size);
	}
	added.view.name.data = added.name;
	added.view.source.data = added.source;
	added.view.operation.data = added.operation;
	if (tensor->operation.size > 0)
		writer->has_operations = true;
	grown[writer->tensor_count++] = added;
	return QUIRE_OK;
}

quire_status quire_writer_add_linear(quire_writer *writer,
				     const quire_linear_entry *linear,
				     quire_error *error)
{
	struct quire_out_linear added = { .entry = *linear };
	struct quire_out_linear *grown;

	if (writer->part_count > 0)
		return quire_out_fail_late(error);
	if (writer->plain)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "linear '%s': a plain file has no table of "
				  "linears",
				  linear->name);
	if (linear->weight >= writer->tensor_count ||
	    (linear->bias != QUIRE_NO_TENSOR &&
	     linear->bias >= writer->tensor_count) ||
	    linear->accuracy_level > 4)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "linear '%s': a tensor that was not "
				  "declared, or an accuracy level over 4",
				  linear->name);
	grown = quire_grow(writer->linears, &writer->linear_capacity,
			   writer->linear_count, sizeof(*grown));
	if (!grown)
		return quire_fail_memory(error, sizeof(*grown));
	writer->linears = grown;
	added.name = quire_out_copy(linear->name, strlen(linear->name));
	if (!added.name)
		return quire_fail_memory(error, strlen(linear->name));
	grown[writer->linear_count++] = added;
	return QUIRE_OK;
}

static quire_status start_hash(const quire_writer *writer,
			       struct quire_out_tensor *tensor,
			       quire_error *error)
{
	tensor->hash = quire_hash_create(writer->features);
	if (!tensor->hash)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory for a hash's state");
	return QUIRE_OK;
}

static void end_hash(struct quire_out_tensor *tensor)
{
	tensor->view.xxh3 = quire_hash_digest(tensor->hash);
	quire_hash_free(tensor->hash);
	tensor->hash = NULL;
}

/* Writing to the disk starts for each piece of this size, and for the rest when
 * the tensor is complete. */
#define FLUSH_SIZE ((uint64_t)8 << 20)

static void begin_flush(const struct quire_out_part *part,
			const struct quire_out_tensor *tensor, uint64_t before)
{
	const uint64_t start = before / FLUSH_SIZE * FLUSH_SIZE;
	const bool ended = tensor->written == tensor->view.size;

	if (tensor->written - start >= (ended ? FLUSH_SIZE / 8 : FLUSH_SIZE))
		quire_output_begin_flush(&part->output,
					 part->header_size +
					     tensor->view.offset + start,
					 tensor->written - start);
}

quire_status quire_writer_write(quire_writer *writer, size_t index,
				const void *data, size_t size,
				quire_error *error)
{
	struct quire_out_tensor *tensor;
	const struct quire_out_part *part;
	quire_status status = QUIRE_OK;

	if (writer->part_count == 0)
		status = quire_writer_lay_out(writer, error);
	if (status != QUIRE_OK || size == 0)
		return status;
	if (writer->dry_run)
		return quire_out_fail_dry(error);
	if (index >= writer->tensor_count ||
	    size > writer->tensors[index].view.size -
		       writer->tensors[index].written)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "%zu bytes too many for tensor %zu", size,
				  index);
	tensor = &writer->tensors[index];
	part = quire_out_part_of(writer, tensor);
	if (part->kept)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "tensor '%s' is in a file that is kept",
				  tensor->name);
	if (tensor->written == 0 && !tensor->hash && !writer->plain)
		status = start_hash(writer, tensor, error);
	if (status == QUIRE_OK)
		status = quire_output_write(
		    &part->output,
		    part->header_size + tensor->view.offset + tensor->written,
		    data, size, error);
	if (status != QUIRE_OK)
		return status;
	tensor->written += size;
	begin_flush(part, tensor, tensor->written - size);
	if (!tensor->hash)
		return QUIRE_OK;
	quire_hash_update(tensor->hash, data, size);
	if (tensor->written == tensor->view.size)
		end_hash(tensor);
	return QUIRE_OK;
}

size_t quire_writer_part_count(const quire_writer *writer)
{
	return writer->part_count;
}

bool quire_writer_part(const quire_writer *writer, size_t index,
		       quire_part *part)
{
	const struct quire_out_part *found;

	if (index >= writer->part_count)
		return false;
	found = &writer->parts[index];
	*part = (quire_part){ .path = found->output.path,
			      .alignment = writer->alignment,
			      .data_offset = found->header_size,
			      .file_size = found->file_size,
			      .first_tensor = found->first_tensor,
			      .tensor_count = found->tensor_count };
	return true;
}

static quire_status write_headers(const quire_writer *writer,
				  quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < writer->part_count && status == QUIRE_OK; i++)
		if (!writer->parts[i].kept)
			status = quire_output_write(
			    &writer->parts[i].output, 0,
			    writer->parts[i].header,
			    writer->parts[i].header_size, error);
	return status;
}

/* Of a set, the first part is written if any is (keep_parts): output_set.c
 * knows by its place whether the set is in place. */
static quire_status commit(const quire_writer *writer, quire_error *error)
{
	struct quire_output **outputs;
	quire_status status = QUIRE_OK;
	size_t count = 0;

	if (writer->part_count == 1)
		return quire_output_commit(&writer->parts[0].output, error);
	outputs = calloc(writer->part_count, sizeof(*outputs));
	if (!outputs)
		return quire_fail_memory(error,
					 writer->part_count * sizeof(*outputs));
	for (size_t i = 0; i < writer->part_count; i++)
		if (!writer->parts[i].kept)
			outputs[count++] = &writer->parts[i].output;
	if (count == 1)
		status = quire_output_commit(outputs[0], error);
	else if (count > 1)
		status = quire_output_commit_set(outputs, count, error);
	free(outputs);
	return status;
}

quire_status quire_writer_finish(quire_writer *writer, quire_error *error)
{
	quire_status status = quire_writer_write(writer, 0, NULL, 0, error);

	if (status != QUIRE_OK)
		return status;
	if (writer->dry_run)
		return quire_out_fail_dry(error);
	for (size_t i = 0; i < writer->tensor_count; i++)
		if (writer->tensors[i].written < writer->tensors[i].view.size)
			return quire_fail(
			    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			    "tensor '%s' does not have all its bytes yet",
			    writer->tensors[i].name);
	quire_writer_seal(writer);
	status = write_headers(writer, error);
	return status == QUIRE_OK ? commit(writer, error) : status;
}

void quire_writer_free(quire_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->value_count; i++) {
		free((void *)writer->values[i].key.data);
		free(writer->values[i].storage);
	}
	for (size_t i = 0; i < writer->tensor_count; i++) {
		free(writer->tensors[i].name);
		free(writer->tensors[i].source);
		free(writer->tensors[i].operation);
		quire_hash_free(writer->tensors[i].hash);
	}
	for (size_t i = 0; i < writer->linear_count; i++)
		free(writer->linears[i].name);
	free(writer->values);
	quire_item_index_free(&writer->keys);
	free(writer->tensors);
	free(writer->linears);
	quire_out_free_parts(writer->parts, writer->part_count);
	/* After the parts: while it exists, files of the set may exist. */
	quire_output_discard(&writer->output);
	free(writer);
}
