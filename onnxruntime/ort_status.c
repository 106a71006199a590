/*
 * ort_status.c - statuses and texts for ONNX Runtime, and small questions to
 * it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/plugin.h"

static char *format_text(const char *prefix, const char *format, va_list args)
{
	const size_t start = strlen(prefix);
	va_list again;
	char *text = NULL;
	int size;

	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, args);
	if (size >= 0)
		text = malloc(start + (size_t)size + 1);
	if (text) {
		memcpy(text, prefix, start);
		vsnprintf(text + start, (size_t)size + 1, format, again);
	}
	va_end(again);
	return text;
}

char *quire_ort_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text("", format, args);
	va_end(args);
	return text;
}

OrtStatus *quire_ort_status(const OrtApi *api, OrtErrorCode code,
			    const char *format, ...)
{
	OrtStatus *status;
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text("quire: ", format, args);
	va_end(args);
	status = api->CreateStatus(code, text ? text : "quire: out of memory");
	free(text);
	return status;
}

char *quire_ort_error_text(const quire_error *error, const char *path)
{
	char at[48] = "";

	if (error->path[0])
		path = error->path;
	if (error->offset != QUIRE_NO_OFFSET)
		snprintf(at, sizeof(at), " (at byte %" PRIu64 ")",
			 error->offset);
	return quire_ort_text("%s%s%s%s", path ? path : "", path ? ": " : "",
			      error->message, at);
}

static OrtErrorCode code_of(quire_status status)
{
	switch (status) {
	case QUIRE_ERROR_NOT_FOUND:
		return ORT_NO_SUCHFILE;
	case QUIRE_ERROR_ARGUMENT:
		return ORT_INVALID_ARGUMENT;
	case QUIRE_ERROR_UNSUPPORTED:
		return ORT_NOT_IMPLEMENTED;
	default:
		return ORT_FAIL;
	}
}

OrtStatus *quire_ort_failure(const OrtApi *api, const char *node,
			     const quire_error *error)
{
	char *text = quire_ort_error_text(error, NULL);
	OrtStatus *status =
	    quire_ort_status(api, code_of(error->status), "node '%s': %s", node,
			     text ? text : error->message);

	free(text);
	return status;
}

OrtStatus *quire_ort_too_old(const OrtApiBase *base, const char *what,
			     int version)
{
	return quire_ort_status(base->GetApi(1), ORT_NOT_IMPLEMENTED,
				"%s need ONNX Runtime 1.%d or later; this is "
				"%s",
				what, version, base->GetVersionString());
}

bool quire_ort_ignore(const OrtApi *api, OrtStatus *status)
{
	if (!status)
		return true;
	api->ReleaseStatus(status);
	return false;
}

char *quire_ort_node_name(const OrtApi *api, const OrtKernelInfo *info)
{
	size_t size = 0;
	char *name;

	quire_ort_ignore(api, api->KernelInfo_GetNodeName(info, NULL, &size));
	name = calloc(size + 1, 1);
	if (name)
		quire_ort_ignore(
		    api, api->KernelInfo_GetNodeName(info, name, &size));
	return name;
}

char *quire_ort_string(const OrtApi *api, const OrtKernelInfo *info,
		       const char *name)
{
	size_t size = 0;
	char *text;

	quire_ort_ignore(
	    api, api->KernelInfoGetAttribute_string(info, name, NULL, &size));
	if (size == 0)
		return NULL;
	text = calloc(size + 1, 1);
	if (text && !quire_ort_ignore(api, api->KernelInfoGetAttribute_string(
					       info, name, text, &size))) {
		free(text);
		return NULL;
	}
	return text;
}

OrtStatus *quire_ort_shape_of(const OrtApi *api,
			      const OrtTensorTypeAndShapeInfo *info,
			      struct ort_shape *shape)
{
	OrtStatus *status = api->GetTensorElementType(info, &shape->type);

	shape->dims = shape->room;
	if (!status)
		status = api->GetDimensionsCount(info, &shape->rank);
	if (status)
		return status;
	if (shape->rank >= sizeof(shape->room) / sizeof(shape->room[0]))
		shape->dims = calloc(shape->rank + 1, sizeof(*shape->dims));
	if (!shape->dims)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	status = api->GetDimensions(info, shape->dims, shape->rank);
	if (status)
		quire_ort_shape_free(shape);
	return status;
}

OrtStatus *quire_ort_shape_read(const OrtApi *api, const OrtValue *value,
				struct ort_shape *shape)
{
	OrtTensorTypeAndShapeInfo *info = NULL;
	OrtStatus *status = api->GetTensorTypeAndShape(value, &info);

	if (status)
		return status;
	status = quire_ort_shape_of(api, info, shape);
	api->ReleaseTensorTypeAndShapeInfo(info);
	return status;
}

void quire_ort_shape_free(struct ort_shape *shape)
{
	if (shape->dims != shape->room)
		free(shape->dims);
}

/* ONNX Runtime has no function that does not make the elements writable. */
OrtStatus *quire_ort_data(const OrtApi *api, const OrtValue *value,
			  const void **data)
{
	void *writable = NULL;
	OrtStatus *status =
	    api->GetTensorMutableData((OrtValue *)(uintptr_t)value, &writable);

	if (!status)
		*data = writable;
	return status;
}
