/*
 * model.c - the queries of a model: its parts, and tensors, linears and values
 * by number or name, their rows, and reading their files once. Opening and
 * closing are open.c's.
 */
#include "loader/model.h"

#include "base/cpu.h"
#include "format/decode.h"
#include "format/value.h"
#include "loader/lazy.h"

void quire_model_describe(const quire_model *model, quire_model_info *info)
{
	*info = model->index.info;
}

size_t quire_model_part_count(const quire_model *model)
{
	return model->part_count;
}

bool quire_model_part(const quire_model *model, size_t index, quire_part *part)
{
	const struct model_part *file;

	if (index >= model->part_count)
		return false;
	file = &model->parts[index];
	*part = (quire_part){
		.path = file->path,
		.alignment = file->alignment,
		.data_offset = file->data_offset,
		.file_size = file->size,
		.first_tensor = file->first_tensor,
		.tensor_count = file->tensor_count,
		.header_edited = file->header_edited,
		.data = file->bytes,
	};
	return true;
}

quire_status quire_model_check_files(const quire_model *model,
				     quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < model->part_count && status == QUIRE_OK; i++)
		status = quire_map_check(&model->parts[i].map,
					 model->parts[i].path, error);
	return status;
}

size_t quire_model_tensor_count(const quire_model *model)
{
	return model->index.tensor_count;
}

const quire_tensor *quire_model_tensor(const quire_model *model, size_t index)
{
	return index < model->index.tensor_count ? &model->index.tensors[index]
						 : NULL;
}

const quire_tensor *quire_model_find_tensor(const quire_model *model,
					    const char *name)
{
	return quire_model_tensor(model,
				  quire_names_find(&model->index.tensor_names,
						   quire_string_of(name)));
}

size_t quire_model_linear_count(const quire_model *model)
{
	return model->index.linear_count;
}

const quire_linear *quire_model_linear(const quire_model *model, size_t index)
{
	return index < model->index.linear_count ? &model->index.linears[index]
						 : NULL;
}

const quire_linear *quire_model_find_linear(const quire_model *model,
					    const char *name)
{
	return quire_model_linear(model,
				  quire_names_find(&model->index.linear_names,
						   quire_string_of(name)));
}

size_t quire_model_value_count(const quire_model *model)
{
	return model->index.value_count;
}

const quire_value *quire_model_value(const quire_model *model, size_t index,
				     quire_string *key)
{
	if (index >= model->index.value_count)
		return NULL;
	if (key)
		*key = model->index.values[index].key;
	return &model->index.values[index].value;
}

const quire_value *quire_model_find_value(const quire_model *model,
					  const char *key)
{
	return quire_index_value(&model->index, key);
}

quire_status quire_tensor_decode(const quire_tensor *tensor, uint64_t first,
				 uint64_t rows, uint64_t cols, float *y,
				 quire_error *error)
{
	const quire_status status = quire_tensor_check(tensor, error);

	if (status != QUIRE_OK)
		return status;
	return quire_decode_rows(tensor, first, rows, cols, y, error);
}

const unsigned char *quire_model_fetch(const struct model_part *part,
				       uint64_t offset, size_t size,
				       unsigned char *buffer)
{
	if (!part->map.watched)
		return part->bytes + offset;
	return quire_map_read(&part->map, offset, buffer, size) ? buffer : NULL;
}

void quire_model_gather(struct crew *crew, uint32_t threads, uint64_t total,
			uint64_t pieces)
{
	if (threads == 0 && total >= QUIRE_WORTH_THREADS)
		threads = quire_cpu_count();
	if (threads > QUIRE_CREW_MAX_THREADS)
		threads = QUIRE_CREW_MAX_THREADS;
	if (threads > pieces)
		threads = (uint32_t)pieces;
	if (total < QUIRE_WORTH_THREADS)
		threads = 1;
	if (quire_crew_init(crew, threads, NULL, NULL) != QUIRE_OK)
		(void)quire_crew_init(crew, 1, NULL, NULL);
}
