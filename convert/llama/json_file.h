/*
 * json_file.h - the JSON files of a model's folder, read as hostile input:
 * genai_config.json, config.json, tokenizer.json, tokenizer_config.json. Knows
 * nothing of what they say.
 *
 * A file of more than QUIRE_JSON_MAX_SIZE bytes, nested deeper than
 * QUIRE_JSON_MAX_DEPTH or of too many values is refused before anything of it
 * is allocated; so are text that is not UTF-8, a NUL in a string, a key that is
 * given twice, and anything behind the value. The values that are left are read
 * through the functions below, whose errors name the file and the place in it:
 * "'model.decoder.head_size' is a string, not a whole number". Statuses: IO or
 * MEMORY; LAYOUT: not JSON, or of another type; NOT_FOUND: the file or a key is
 * missing.
 *
 *	struct json_file *file;
 *	struct json_value root, model;
 *
 *	status = quire_json_read(folder, "genai_config.json", &file, error);
 *	root = quire_json_root(file);
 *	status = quire_json_get(&root, "model", &model, error);
 *	status = quire_json_get_u32(&model, "vocab_size", &size, error);
 *	quire_json_free(file);
 *
 * Any threads may read one file at a time.
 */
#ifndef QUIRE_CONVERT_LLAMA_JSON_FILE_H
#define QUIRE_CONVERT_LLAMA_JSON_FILE_H

#include <jansson.h>

#include "base/error.h"

/* The largest tokenizer.json in use has 34 MB. */
#define QUIRE_JSON_MAX_SIZE ((size_t)64 << 20)
/* Deep enough for chat templates in lists of objects, and any configuration. */
#define QUIRE_JSON_MAX_DEPTH 64
/* What a list or an object costs (130 and 250 bytes) and what any value costs
 * (60 bytes) bounds the memory: half a GiB. Gemma 3's tokenizer.json has half a
 * million lists and 1.8 million values. */
#define QUIRE_JSON_MAX_LISTS  ((size_t)1 << 20)
#define QUIRE_JSON_MAX_VALUES ((size_t)4 << 20)

struct json_file;

/* A place in a file: plain data, to be copied as long as the file and the
 * values that it came from (`inside`) are there. */
struct json_value {
	const struct json_file *file;
	json_t *json; /* not to be changed; iterating wants it so */
	const struct json_value *inside; /* NULL: the root */
	const char *key;		 /* in an object; NULL: in a list */
	size_t index;
};

/* Reads folder/name. NOT_FOUND: it is not there. To be freed. */
quire_status quire_json_read(const char *folder, const char *name,
			     struct json_file **file, quire_error *error);

/* The same of text in memory; `path` names it in errors. */
quire_status quire_json_parse(const char *path, const void *text, size_t size,
			      struct json_file **file, quire_error *error);

/* NULL is fine. */
void quire_json_free(struct json_file *file);

const char *quire_json_path(const struct json_file *file);
struct json_value quire_json_root(const struct json_file *file);

/* A failure about this value: file and place come before the message. */
quire_status quire_json_fail(const struct json_value *value,
			     quire_status status, quire_error *error,
			     const char *format, ...) QUIRE_PRINTF(4, 5);

/* Whether the object has the key, with anything but null. False if `object` is
 * no object. *value may be NULL. */
bool quire_json_find(const struct json_value *object, const char *key,
		     struct json_value *value);

/* The value of a key that must be there. */
quire_status quire_json_get(const struct json_value *object, const char *key,
			    struct json_value *value, quire_error *error);

/* Of a list: how many items, and one of them, whose index is less. */
quire_status quire_json_count(const struct json_value *list, size_t *count,
			      quire_error *error);
struct json_value quire_json_item(const struct json_value *list, size_t index);

/* What a value is, or LAYOUT. A string lives as long as the file, ends with a
 * NUL and has no other. */
quire_status quire_json_string(const struct json_value *value,
			       quire_string *string, quire_error *error);
quire_status quire_json_u32(const struct json_value *value, uint32_t *number,
			    quire_error *error);
/* Whole numbers and others; always finite. */
quire_status quire_json_f64(const struct json_value *value, double *number,
			    quire_error *error);
quire_status quire_json_bool(const struct json_value *value, bool *truth,
			     quire_error *error);

/* Both steps for a key that must be there. */
quire_status quire_json_get_string(const struct json_value *object,
				   const char *key, quire_string *string,
				   quire_error *error);
quire_status quire_json_get_u32(const struct json_value *object,
				const char *key, uint32_t *number,
				quire_error *error);
quire_status quire_json_get_f64(const struct json_value *object,
				const char *key, double *number,
				quire_error *error);
quire_status quire_json_get_bool(const struct json_value *object,
				 const char *key, bool *truth,
				 quire_error *error);

/* Whole files that are no JSON: chat_template.jinja. At most
 * QUIRE_JSON_MAX_SIZE bytes, with a NUL behind them; to be freed. */
quire_status quire_json_read_text(const char *folder, const char *name,
				  char **text, size_t *size,
				  quire_error *error);

#endif
