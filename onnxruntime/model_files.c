/*
 * model_files.c - the constants of a model that lie in files beside it, where
 * nodes are compared with the container. ONNX Runtime can show such a constant
 * too, but checks its path and opens and maps its file anew for each one, which
 * took most of the time in which a session was made. Here each file is mapped
 * once, until the comparing is over.
 *
 * What is unusual is left to ONNX Runtime, which has its own rules for what it
 * reads and refuses: files outside of the model's folder, also by links, and
 * constants whose size is not that of their type and shape.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/memory.h"
#include "onnxruntime/provider.h"

struct model_file {
	char *path;	     /* in the model; from its folder */
	unsigned char *data; /* NULL: it is left to ONNX Runtime */
	size_t size;
};

void quire_model_files_open(struct model_files *files, const OrtApi *api,
			    const char *model_path)
{
	const char *slash = model_path ? strrchr(model_path, '/') : NULL;
	char *folder;

	*files = (struct model_files){ .api = api };
	if (!model_path || !model_path[0])
		return;
	folder = slash ? quire_ort_text("%.*s", (int)(slash + 1 - model_path),
					model_path)
		       : quire_ort_text("./");
	if (folder)
		files->folder = quire_path_resolve(folder);
	free(folder);
}

void quire_model_files_close(struct model_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		if (files->items[i].data)
			quire_memory_give(files->items[i].data,
					  files->items[i].size);
		free(files->items[i].path);
	}
	free(files->items);
	free(files->folder);
}

static void map(struct model_file *file, const char *path)
{
	const int descriptor = quire_file_open(path);
	struct file_facts facts;

	if (descriptor < 0)
		return;
	if (quire_file_facts(descriptor, &facts) &&
	    facts.kind == FILE_REGULAR && facts.size > 0 &&
	    facts.size <= SIZE_MAX) {
		file->size = (size_t)facts.size;
		file->data = quire_memory_map(descriptor, file->size);
	}
	quire_file_close(descriptor);
}

/* Maps the file of a path if, without links, it lies in the folder. */
static void map_inside(struct model_file *file, const char *folder)
{
	const size_t size = strlen(folder);
	char *joined = quire_ort_text("%s/%s", folder, file->path);
	char *path = joined ? quire_path_resolve(joined) : NULL;

	if (path && file->path[0] != '/' && strncmp(path, folder, size) == 0 &&
	    path[size] == '/')
		map(file, path);
	free(joined);
	free(path);
}

/* NULL: out of memory. */
static const struct model_file *find_file(struct model_files *files,
					  const char *path)
{
	struct model_file *items;
	struct model_file file = { .path = NULL };

	/* Nearly always there is one file. */
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].path, path) == 0)
			return &files->items[i];
	items = quire_grow(files->items, &files->capacity, files->count,
			   sizeof(*items));
	if (!items)
		return NULL;
	files->items = items;
	file.path = quire_ort_text("%s", path);
	if (!file.path)
		return NULL;
	map_inside(&file, files->folder);
	items[files->count] = file;
	return &items[files->count++];
}

/* The bytes of a constant, if it lies in a file and has so many. */
static const unsigned char *find_data(struct model_files *files,
				      const OrtValueInfo *value, uint64_t size)
{
	const OrtApi *api = files->api;
	const unsigned char *data = NULL;
	OrtExternalInitializerInfo *info = NULL;
	const struct model_file *file;
	const char *path;
	int64_t offset;

	if (!files->folder ||
	    !quire_ort_ignore(
		api, api->ValueInfo_GetExternalInitializerInfo(value, &info)) ||
	    !info)
		return NULL;
	path = api->ExternalInitializerInfo_GetFilePath(info);
	offset = api->ExternalInitializerInfo_GetFileOffset(info);
	file = path && path[0] ? find_file(files, path) : NULL;
	if (file && file->data && offset >= 0 && size > 0 &&
	    size == api->ExternalInitializerInfo_GetByteSize(info) &&
	    size <= file->size && (uint64_t)offset <= file->size - size)
		data = file->data + offset;
	api->ReleaseExternalInitializerInfo(info);
	return data;
}

/* Takes over a type and a shape of up to three dimensions. */
static bool take_shape(const struct ort_shape *shape,
		       struct node_constant *constant)
{
	uint64_t count = 1;
	bool fits = shape->rank <= 3;

	for (size_t i = 0; i < 3 && fits; i++) {
		const int64_t dim = i < shape->rank ? shape->dims[i] : 1;

		constant->shape[i] = (uint64_t)dim;
		fits =
		    dim >= 0 && checked_mul(count, constant->shape[i], &count);
	}
	constant->type = shape->type;
	constant->count = count;
	constant->rank = shape->rank;
	return fits;
}

/* Bits of an element; 0: not a type of such constants. */
static uint32_t element_bits(ONNXTensorElementDataType type)
{
	switch (type) {
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4:
		return 4;
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
		return 8;
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
		return 16;
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
		return 32;
	default:
		return 0;
	}
}

/* Reads a constant that lies in a file. False: it does not, or is left to ONNX
 * Runtime. */
static bool read_mapped(struct model_files *files, const OrtValueInfo *value,
			struct node_constant *constant)
{
	const OrtTensorTypeAndShapeInfo *tensor =
	    quire_value_tensor(files->api, value);
	struct ort_shape shape;
	uint64_t bits;
	bool fits;

	if (!tensor ||
	    !quire_ort_ignore(files->api,
			      quire_ort_shape_of(files->api, tensor, &shape)))
		return false;
	fits =
	    take_shape(&shape, constant) &&
	    checked_mul(constant->count, element_bits(constant->type), &bits);
	quire_ort_shape_free(&shape);
	if (!fits)
		return false;
	constant->data = find_data(files, value, bits / 8 + (bits % 8 != 0));
	return constant->data != NULL;
}

bool quire_node_constant_read(struct model_files *files,
			      const OrtValueInfo *value,
			      struct node_constant *constant)
{
	const OrtApi *api = files->api;
	const OrtValue *tensor = NULL;
	struct ort_shape shape;
	const void *data = NULL;
	bool fits;

	*constant = (struct node_constant){ .count = 0 };
	if (!value || read_mapped(files, value, constant))
		return true;
	if (!quire_ort_ignore(
		api, api->ValueInfo_GetInitializerValue(value, &tensor)) ||
	    !tensor ||
	    !quire_ort_ignore(api, quire_ort_shape_read(api, tensor, &shape)))
		return false;
	fits = take_shape(&shape, constant) &&
	       quire_ort_ignore(api, quire_ort_data(api, tensor, &data)) &&
	       data;
	constant->data = data;
	quire_ort_shape_free(&shape);
	return fits;
}
