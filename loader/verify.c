/*
 * verify.c - reports what changed in a model's tensors and in the padding
 * between them. sweep.c reads and hashes.
 */
#include "loader/verify.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "format/parse.h"
#include "loader/sweep.h"

/* F-33 */
static quire_status compare_hashes(const quire_model *model,
				   const quire_verify_options *options,
				   const uint64_t *hashes, quire_error *error)
{
	const struct quire_index *index = &model->index;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < index->tensor_count; i++) {
		const quire_tensor *tensor = &index->tensors[i];

		if (hashes[i] == tensor->xxh3)
			continue;
		if (status == QUIRE_OK)
			status = quire_fail_file(
			    error, QUIRE_ERROR_CHECKSUM,
			    model->parts[tensor->part].path, tensor->offset,
			    "tensor '%.*s' is damaged: XXH3 %016" PRIx64
			    " instead of %016" PRIx64 " [F-33]",
			    QUIRE_PRINT(tensor->name), hashes[i], tensor->xxh3);
		if (options->damage)
			options->damage(options->context, tensor, hashes[i]);
	}
	return status;
}

/* F-23 */
static quire_status judge_padding(const quire_model *model,
				  const struct quire_sweep_result *result,
				  quire_error *error)
{
	const quire_tensor *tensor;

	if (result->dirty == model->index.tensor_count)
		return QUIRE_OK;
	tensor = &model->index.tensors[result->dirty];
	return quire_fail_file(
	    error, QUIRE_ERROR_LAYOUT, model->parts[tensor->part].path,
	    result->dirty_offset,
	    "the padding after tensor '%.*s' is not zero [F-23]",
	    QUIRE_PRINT(tensor->name));
}

static quire_status verify_foreign(const quire_model *model, quire_error *error)
{
	struct quire_sweep_result result;
	quire_status status = quire_sweep_padding(model, &result, error);

	if (status == QUIRE_OK)
		status = judge_padding(model, &result, error);
	if (status != QUIRE_OK)
		return status;
	return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "a GGUF file without Quire's checksums: nothing to "
			  "verify it by");
}

quire_status quire_verify_tensors(const quire_model *model,
				  const quire_verify_options *options,
				  quire_error *error)
{
	static const quire_verify_options defaults;
	const size_t count = model->index.tensor_count;
	struct quire_sweep_result result = { .dirty = count };
	quire_status status;

	if (!options)
		options = &defaults;
	if (model->index.info.quire_version == 0)
		return verify_foreign(model, error);
	if (count == 0)
		return QUIRE_OK;
	result.hashes = calloc(count, sizeof(*result.hashes));
	if (!result.hashes)
		return quire_fail_memory(error, count * sizeof(uint64_t));
	status = quire_sweep(model, options, &result, error);
	if (status == QUIRE_OK)
		status = compare_hashes(model, options, result.hashes, error);
	if (status == QUIRE_OK)
		status = judge_padding(model, &result, error);
	free(result.hashes);
	return status;
}

quire_status quire_model_hash(const quire_model *model,
			      const quire_verify_options *options,
			      uint64_t *hashes, quire_error *error)
{
	static const quire_verify_options defaults;
	struct quire_sweep_result result = { .hashes = hashes };
	const quire_status status =
	    quire_sweep(model, options ? options : &defaults, &result, error);

	if (status != QUIRE_OK)
		quire_error_name_file(error, quire_model_path(model));
	return status;
}

/* F-31. The first file whose header was edited. */
static quire_status fail_edited(const quire_model *model, quire_error *error)
{
	size_t part = 0;

	while (!model->parts[part].header_edited)
		part++;
	return quire_fail_file(error, QUIRE_ERROR_CHECKSUM,
			       model->parts[part].path, QUIRE_NO_OFFSET,
			       "the metadata was edited after writing; "
			       "the tensors are intact [F-31]");
}

quire_status quire_model_verify(const quire_model *model,
				const quire_verify_options *options,
				quire_error *error)
{
	quire_status status = quire_verify_tensors(model, options, error);

	if (status == QUIRE_OK && model->index.info.header_edited)
		status = fail_edited(model, error);
	if (status != QUIRE_OK)
		quire_error_name_file(error, quire_model_path(model));
	return status;
}
