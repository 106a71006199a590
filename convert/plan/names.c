/*
 * names.c - what tensors and linears are called: without what exporters append,
 * and all different. The same names in the same order give the same result.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/error.h"
#include "base/grow.h"
#include "convert/plan/planner.h"

/* A shortened name: 31 bytes, ~, 8 hex digits, ~, 22 bytes. */
#define HEAD_SIZE 31
#define MARK_SIZE 10
#define TAIL_SIZE (QUIRE_TENSOR_NAME_MAX - HEAD_SIZE - MARK_SIZE)

static const char *const weight_suffixes[] = {
	"_DQ",	    "_quantized", "_quant",	  ".qweight",
	"_qweight", ".weight",	  ".MatMulNBits", ".MatMul",
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The size of a name without its suffix, if that is such as _Q4 or _Q4G32. */
static size_t cut_bits(const char *name, size_t size)
{
	size_t at = size;
	size_t digits_end = size;

	while (at > 0 && is_digit(name[at - 1]))
		at--;
	if (at > 0 && at < digits_end && name[at - 1] == 'G') {
		digits_end = --at;
		while (at > 0 && is_digit(name[at - 1]))
			at--;
	}
	if (at == digits_end || at < 2 || name[at - 1] != 'Q' ||
	    name[at - 2] != '_')
		return size;
	return at - 2;
}

static size_t cut_suffix(const char *name, size_t size)
{
	const size_t count =
	    sizeof(weight_suffixes) / sizeof(weight_suffixes[0]);

	for (size_t i = 0; i < count; i++) {
		const size_t suffix = strlen(weight_suffixes[i]);

		if (suffix <= size && memcmp(name + size - suffix,
					     weight_suffixes[i], suffix) == 0)
			return size - suffix;
	}
	return cut_bits(name, size);
}

static void replace_controls(char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			*name = '_';
}

char *quire_name_of_weight(const char *source, const char *node)
{
	static const char ending[] = ".weight";
	const bool made_up = strncmp(source, "onnx::", 6) == 0;
	const char *from = made_up && node[0] ? node : source;
	char *name;
	size_t size;
	size_t whole;

	from += strspn(from, "/");
	size = strlen(from);
	name = malloc(size + sizeof(ending));
	if (!name)
		return NULL;
	memcpy(name, from, size + 1);
	replace_controls(name);
	for (size_t i = 0; i < size; i++)
		if (name[i] == '/' || name[i] == ' ')
			name[i] = name[i] == '/' ? '.' : '_';
	do {
		whole = size;
		size = cut_suffix(name, size);
	} while (size < whole);
	/* A name that was nothing but suffix becomes "weight". */
	memcpy(name + size, ending + (size == 0), sizeof(ending) - (size == 0));
	return name;
}

char *quire_name_of_tensor(const char *source)
{
	static const char nameless[] = "tensor";
	char *name = strdup(source[0] ? source : nameless);

	if (name)
		replace_controls(name);
	return name;
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* Cuts a name to at most QUIRE_TENSOR_NAME_MAX bytes, in place. */
static void shorten(char *name)
{
	const size_t size = strlen(name);
	const uint64_t hash = XXH3_64bits(name, size);
	char mark[MARK_SIZE + 1];
	size_t head = HEAD_SIZE;
	size_t tail = size - TAIL_SIZE;

	while (continues(name[head]))
		head--;
	while (continues(name[tail]))
		tail++;
	snprintf(mark, sizeof(mark), "~%08" PRIx32 "~", (uint32_t)hash);
	memcpy(name + head, mark, MARK_SIZE);
	memmove(name + head + MARK_SIZE, name + tail, size - tail + 1);
}

/* `wanted`, with `number` unless that is 0, cut to the limit; to be freed. */
static char *candidate(const char *wanted, size_t number, size_t limit)
{
	const size_t room = strlen(wanted) + 24; /* _ and 20 digits at most */
	const char *ending = strrchr(wanted, '.');
	char *name = malloc(room);
	int stem;

	if (!name)
		return NULL;
	if (!ending ||
	    (strcmp(ending, ".weight") != 0 && strcmp(ending, ".bias") != 0))
		ending = wanted + strlen(wanted);
	stem = (int)(ending - wanted);
	if (number == 0)
		memcpy(name, wanted, strlen(wanted) + 1);
	else
		snprintf(name, room, "%.*s_%zu%s", stem, wanted, number,
			 ending);
	if (strlen(name) > limit)
		shorten(name);
	return name;
}

/* Takes over the memory of `name`, which is not taken yet. */
static quire_status take(struct name_set *set, char *name, quire_error *error)
{
	char **names =
	    quire_grow(set->names, &set->capacity, set->count, sizeof(*names));

	if (!names) {
		free(name);
		return quire_fail_memory(error, sizeof(*names));
	}
	set->names = names;
	names[set->count++] = name;
	return quire_table_add(&set->taken, 0, name, strlen(name), 2, error);
}

quire_status quire_name_claim(struct name_set *set, const char *wanted,
			      size_t limit, const char **name,
			      quire_error *error)
{
	char *unique = candidate(wanted, 0, limit);
	size_t *next = NULL;
	quire_status status;

	if (unique)
		next = quire_table_find(&set->taken, 0, unique, strlen(unique));
	if (next) {
		do {
			free(unique);
			unique = candidate(wanted, (*next)++, limit);
		} while (unique && quire_table_find(&set->taken, 0, unique,
						    strlen(unique)));
	}
	if (!unique)
		return quire_fail_memory(error, strlen(wanted));
	status = take(set, unique, error);
	if (status == QUIRE_OK)
		*name = unique;
	return status;
}

void quire_name_set_free(struct name_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->names[i]);
	free(set->names);
	quire_table_free(&set->taken);
}
