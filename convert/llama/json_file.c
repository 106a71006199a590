/*
 * json_file.c - Jansson reads the text after a look at its brackets, because it
 * has no limit on what it allocates other than the text's size: "[[],[],...]"
 * would take forty times as much memory.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "convert/llama/json_file.h"

struct json_file {
	char *path;
	json_t *root;
};

/* -------------------------------------------------------------------- files */

static char *join(const char *folder, const char *name)
{
	const size_t size = strlen(folder);
	const bool separated = size > 0 && folder[size - 1] == '/';
	char *path = malloc(size + strlen(name) + 2);

	if (path)
		sprintf(path, "%s%s%s", folder, separated ? "" : "/", name);
	return path;
}

static quire_status read_open(int descriptor, const char *path, char **text,
			      size_t *size, quire_error *error)
{
	struct file_facts facts;
	char *all;

	if (!quire_file_facts(descriptor, &facts))
		return quire_fail_errno(error, path, "cannot stat");
	if (facts.kind != FILE_REGULAR)
		return quire_fail_file(error, QUIRE_ERROR_ARGUMENT, path,
				       QUIRE_NO_OFFSET, "not a regular file");
	if (facts.size > QUIRE_JSON_MAX_SIZE)
		return quire_fail_file(error, QUIRE_ERROR_LAYOUT, path,
				       QUIRE_NO_OFFSET, "larger than %zu MiB",
				       QUIRE_JSON_MAX_SIZE >> 20);
	all = malloc((size_t)facts.size + 1);
	if (!all)
		return quire_fail_memory(error, facts.size + 1);
	if (!quire_file_read(descriptor, 0, all, (size_t)facts.size, size)) {
		free(all);
		return quire_fail_errno(error, path, "cannot read");
	}
	all[*size] = '\0';
	*text = all;
	return QUIRE_OK;
}

static quire_status read_path(const char *path, char **text, size_t *size,
			      quire_error *error)
{
	const int descriptor = quire_file_open(path);
	quire_status status;

	if (descriptor < 0 && errno == ENOENT)
		return quire_fail_file(error, QUIRE_ERROR_NOT_FOUND, path,
				       QUIRE_NO_OFFSET, "is not there");
	if (descriptor < 0)
		return quire_fail_errno(error, path, "cannot open");
	status = read_open(descriptor, path, text, size, error);
	quire_file_close(descriptor);
	return status;
}

quire_status quire_json_read_text(const char *folder, const char *name,
				  char **text, size_t *size, quire_error *error)
{
	char *path = join(folder, name);
	quire_status status;

	if (!path)
		return quire_fail_memory(error, strlen(folder) + strlen(name));
	status = read_path(path, text, size, error);
	free(path);
	return status;
}

quire_status quire_json_read(const char *folder, const char *name,
			     struct json_file **file, quire_error *error)
{
	char *path = join(folder, name), *text = NULL;
	size_t size = 0;
	quire_status status;

	if (!path)
		return quire_fail_memory(error, strlen(folder) + strlen(name));
	status = read_path(path, &text, &size, error);
	if (status == QUIRE_OK)
		status = quire_json_parse(path, text, size, file, error);
	free(text);
	free(path);
	return status;
}

/* ------------------------------------------------------------------ parsing */

static quire_status fail_at(const char *path, const char *text, size_t offset,
			    quire_error *error, const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		/* The later bytes of a character begin no column. */
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return quire_fail_file(error, QUIRE_ERROR_LAYOUT, path, offset,
			       "line %zu, column %zu: %.150s", line, column,
			       what);
}

/* Behind the quote that ends the string which begins at text[at]. */
static size_t skip_string(const char *text, size_t size, size_t at)
{
	for (at++; at < size && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at;
}

/* What the text would cost. Counts brackets and separators only; whether they
 * match is Jansson's to say. */
static quire_status check_cost(const char *path, const char *text, size_t size,
			       quire_error *error)
{
	size_t depth = 0, lists = 0, values = 1;

	for (size_t at = 0; at < size; at++) {
		switch (text[at]) {
		case '"':
			at = skip_string(text, size, at);
			break;
		case '[':
		case '{':
			if (++depth > QUIRE_JSON_MAX_DEPTH)
				return fail_at(path, text, at, error,
					       "nested too deeply");
			lists++;
			values++;
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		}
		if (lists > QUIRE_JSON_MAX_LISTS ||
		    values > QUIRE_JSON_MAX_VALUES)
			return fail_at(path, text, at, error,
				       "too many values up to here");
	}
	return QUIRE_OK;
}

static json_t *decode(const char *path, const char *text, size_t size,
		      quire_error *error)
{
	json_error_t problem;
	/* As numbers with a fraction, because transformers writes 10^30 for a
	 * length without a limit. */
	json_t *root = json_loadb(text, size,
				  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
				      JSON_DECODE_INT_AS_REAL,
				  &problem);
	size_t offset;

	if (root)
		return root;
	/* Not everywhere does it say so. */
	if (json_error_code(&problem) == json_error_out_of_memory ||
	    problem.text[0] == '\0') {
		quire_fail_memory(error, size);
		return NULL;
	}
	offset = problem.position < 0 ? 0 : (size_t)problem.position;
	fail_at(path, text, offset < size ? offset : size, error, problem.text);
	return NULL;
}

quire_status quire_json_parse(const char *path, const void *text, size_t size,
			      struct json_file **file, quire_error *error)
{
	quire_status status = QUIRE_OK;
	struct json_file *made;
	const char *nul;
	quire_error reported = { .status = QUIRE_ERROR_MEMORY };

	if (size > QUIRE_JSON_MAX_SIZE)
		return quire_fail_file(error, QUIRE_ERROR_LAYOUT, path,
				       QUIRE_NO_OFFSET, "larger than %zu MiB",
				       QUIRE_JSON_MAX_SIZE >> 20);
	/* Jansson passes over some. */
	nul = memchr(text, 0, size);
	if (nul)
		return fail_at(path, text, (size_t)(nul - (const char *)text),
			       error, "a NUL");
	status = check_cost(path, text, size, error);
	if (status != QUIRE_OK)
		return status;
	made = calloc(1, sizeof(*made));
	if (made)
		made->path = strdup(path);
	if (!made || !made->path) {
		quire_json_free(made);
		return quire_fail_memory(error, sizeof(*made) + strlen(path));
	}
	made->root = decode(path, text, size, &reported);
	if (!made->root) {
		quire_json_free(made);
		if (error)
			*error = reported;
		return reported.status;
	}
	*file = made;
	return QUIRE_OK;
}

void quire_json_free(struct json_file *file)
{
	if (!file)
		return;
	json_decref(file->root);
	free(file->path);
	free(file);
}

const char *quire_json_path(const struct json_file *file)
{
	return file->path;
}

struct json_value quire_json_root(const struct json_file *file)
{
	return (struct json_value){ .file = file, .json = file->root };
}

/* ------------------------------------------------------------------- places */

/* Adds the place of a value, such as model.decoder.inputs or added_tokens[3],
 * to text[at...]. Returns where it ends. */
static size_t write_place(const struct json_value *value, char *text,
			  size_t capacity)
{
	size_t at = 0;
	int size;

	if (!value->inside)
		return 0;
	at = write_place(value->inside, text, capacity);
	if (value->key)
		size = snprintf(text + at, capacity - at, "%s%.40s",
				at > 0 ? "." : "", value->key);
	else
		size =
		    snprintf(text + at, capacity - at, "[%zu]", value->index);
	assert(size >= 0);
	at += (size_t)size;
	return at < capacity ? at : capacity - 1;
}

static quire_status fail_place(const struct json_value *value, const char *key,
			       quire_status status, quire_error *error,
			       const char *text)
{
	const struct json_value whole = { .file = value->file,
					  .inside = value,
					  .key = key };
	char place[100] = "";

	write_place(key ? &whole : value, place, sizeof(place));
	return quire_fail_file(
	    error, status, value->file->path, QUIRE_NO_OFFSET, "%s%s%s%.150s",
	    place[0] ? "'" : "the whole", place, place[0] ? "' " : " ", text);
}

quire_status quire_json_fail(const struct json_value *value,
			     quire_status status, quire_error *error,
			     const char *format, ...)
{
	char text[240];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return fail_place(value, NULL, status, error, text);
}

static bool is_whole(double number)
{
	return floor(number) == number;
}

static const char *name_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_REAL:
		return is_whole(json_real_value(json))
			   ? "a whole number"
			   : "a number that is not whole";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	default:
		return "null";
	}
}

static quire_status fail_type(const struct json_value *value,
			      const char *wanted, quire_error *error)
{
	return quire_json_fail(value, QUIRE_ERROR_LAYOUT, error,
			       "is %s, not %s", name_of(value->json), wanted);
}

bool quire_json_find(const struct json_value *object, const char *key,
		     struct json_value *value)
{
	json_t *found = json_object_get(object->json, key);

	if (!found || json_is_null(found))
		return false;
	if (value)
		*value = (struct json_value){ .file = object->file,
					      .json = found,
					      .inside = object,
					      .key = key };
	return true;
}

quire_status quire_json_get(const struct json_value *object, const char *key,
			    struct json_value *value, quire_error *error)
{
	if (!json_is_object(object->json))
		return fail_type(object, "an object", error);
	if (quire_json_find(object, key, value))
		return QUIRE_OK;
	return fail_place(object, key, QUIRE_ERROR_NOT_FOUND, error,
			  "is missing");
}

quire_status quire_json_count(const struct json_value *list, size_t *count,
			      quire_error *error)
{
	if (!json_is_array(list->json))
		return fail_type(list, "a list", error);
	*count = json_array_size(list->json);
	return QUIRE_OK;
}

struct json_value quire_json_item(const struct json_value *list, size_t index)
{
	assert(index < json_array_size(list->json));
	return (struct json_value){ .file = list->file,
				    .json = json_array_get(list->json, index),
				    .inside = list,
				    .index = index };
}

/* ------------------------------------------------------------------- values */

quire_status quire_json_string(const struct json_value *value,
			       quire_string *string, quire_error *error)
{
	if (!json_is_string(value->json))
		return fail_type(value, "a string", error);
	string->data = json_string_value(value->json);
	string->size = json_string_length(value->json);
	return QUIRE_OK;
}

quire_status quire_json_u32(const struct json_value *value, uint32_t *number,
			    quire_error *error)
{
	double whole;

	if (!json_is_real(value->json) ||
	    !is_whole(json_real_value(value->json)))
		return fail_type(value, "a whole number", error);
	whole = json_real_value(value->json);
	if (whole < 0 || whole > UINT32_MAX)
		return quire_json_fail(value, QUIRE_ERROR_LAYOUT, error,
				       "is %.17g, not from 0 to 4294967295",
				       whole);
	*number = (uint32_t)whole;
	return QUIRE_OK;
}

quire_status quire_json_f64(const struct json_value *value, double *number,
			    quire_error *error)
{
	if (!json_is_real(value->json))
		return fail_type(value, "a number", error);
	*number = json_real_value(value->json);
	assert(isfinite(*number)); /* Jansson refuses 1e999 */
	return QUIRE_OK;
}

quire_status quire_json_bool(const struct json_value *value, bool *truth,
			     quire_error *error)
{
	if (!json_is_boolean(value->json))
		return fail_type(value, "true or false", error);
	*truth = json_is_true(value->json);
	return QUIRE_OK;
}

quire_status quire_json_get_string(const struct json_value *object,
				   const char *key, quire_string *string,
				   quire_error *error)
{
	struct json_value value = { .file = NULL };
	quire_status status = quire_json_get(object, key, &value, error);

	return status == QUIRE_OK ? quire_json_string(&value, string, error)
				  : status;
}

quire_status quire_json_get_u32(const struct json_value *object,
				const char *key, uint32_t *number,
				quire_error *error)
{
	struct json_value value = { .file = NULL };
	quire_status status = quire_json_get(object, key, &value, error);

	return status == QUIRE_OK ? quire_json_u32(&value, number, error)
				  : status;
}

quire_status quire_json_get_f64(const struct json_value *object,
				const char *key, double *number,
				quire_error *error)
{
	struct json_value value = { .file = NULL };
	quire_status status = quire_json_get(object, key, &value, error);

	return status == QUIRE_OK ? quire_json_f64(&value, number, error)
				  : status;
}

quire_status quire_json_get_bool(const struct json_value *object,
				 const char *key, bool *truth,
				 quire_error *error)
{
	struct json_value value = { .file = NULL };
	quire_status status = quire_json_get(object, key, &value, error);

	return status == QUIRE_OK ? quire_json_bool(&value, truth, error)
				  : status;
}
