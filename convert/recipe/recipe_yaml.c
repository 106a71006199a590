/*
 * recipe_yaml.c - the only file that knows libyaml: turns its events into
 * nodes, one by one. It checks the depth at each event, so that of a million
 * brackets the parser reads only the first few.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/table.h"
#include "convert/recipe/recipe_private.h"

/* The keys, their maps, and lists in those; one more, so that the readers of
 * keys name the place of a list that is too deep. */
#define DEPTH_MAX 4

#define TAGS_MAX 64

struct reading {
	const char *name;
	const unsigned char *text;
	size_t size;
	struct arena *arena;
	quire_error *error;
	struct recipe_node *root;
	struct recipe_node *open[DEPTH_MAX]; /* the lists and maps around */
	struct recipe_node **end[DEPTH_MAX]; /* where the next child goes */
	size_t depth;
	size_t documents;
	size_t nodes;
};

static quire_status fail_at(const char *name, size_t line, size_t column,
			    quire_error *error, const char *text)
{
	return quire_fail_file(error, QUIRE_ERROR_ARGUMENT, name,
			       QUIRE_NO_OFFSET, "line %zu, column %zu: %s",
			       line, column, text);
}

quire_status quire_recipe_fail(const char *name, const struct recipe_node *node,
			       quire_error *error, const char *format, ...)
{
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return fail_at(name, node->line, node->column, error, text);
}

quire_status quire_recipe_fail_memory(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory for a recipe");
}

static quire_status fail_event(const struct reading *in,
			       const yaml_event_t *event, const char *text)
{
	return fail_at(in->name, event->start_mark.line + 1,
		       event->start_mark.column + 1, in->error, text);
}

/* Line and column of a byte: libyaml's reader of characters gives its offset
 * only. */
static yaml_mark_t find_mark(const struct reading *in, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset && i < in->size; i++) {
		/* The later bytes of a character begin no column. */
		mark.column += (in->text[i] & 0xc0) != 0x80;
		if (in->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static quire_status fail_parser(const struct reading *in,
				const yaml_parser_t *parser)
{
	yaml_mark_t mark = parser->problem_mark;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	char text[200];

	if (parser->error == YAML_MEMORY_ERROR)
		return quire_recipe_fail_memory(in->error);
	if (parser->error == YAML_READER_ERROR)
		mark = find_mark(in, parser->problem_offset);
	snprintf(text, sizeof(text), "%s%s%s", problem,
		 parser->context ? ", " : "",
		 parser->context ? parser->context : "");
	return fail_at(in->name, mark.line + 1, mark.column + 1, in->error,
		       text);
}

static char *copy(const struct reading *in, const void *text, size_t size)
{
	char *made = quire_arena_own(in->arena, size + 1, 1);

	if (made)
		memcpy(made, text, size);
	return made;
}

/* Adds a node after the last one. */
static quire_status add(struct reading *in, const yaml_event_t *event,
			enum recipe_kind kind, struct recipe_node **added)
{
	struct recipe_node *node = NULL;

	if (in->nodes++ == QUIRE_RECIPE_MAX_NODES)
		return fail_event(in, event, "more than 250000 entries");
	node = quire_arena_own(in->arena, 1, sizeof(*node));
	if (!node)
		return quire_recipe_fail_memory(in->error);
	node->kind = kind;
	node->line = event->start_mark.line + 1;
	node->column = event->start_mark.column + 1;
	if (in->depth == 0) {
		in->root = node;
	} else {
		*in->end[in->depth - 1] = node;
		in->end[in->depth - 1] = &node->next;
	}
	*added = node;
	return QUIRE_OK;
}

/* A scalar with ! alone or !!str is text. */
static quire_status set_tag(const struct reading *in, const yaml_event_t *event,
			    const yaml_char_t *tag, struct recipe_node *node)
{
	const char *text = (const char *)tag;

	if (!text)
		return QUIRE_OK;
	if (node->kind == RECIPE_SCALAR &&
	    (strcmp(text, "!") == 0 || strcmp(text, YAML_STR_TAG) == 0)) {
		node->quoted = true;
		return QUIRE_OK;
	}
	if (text[0] != '!' || text[1] == '\0')
		return fail_event(in, event,
				  "the tag is not a type of metadata such as "
				  "!u32");
	node->tag = copy(in, text + 1, strlen(text + 1));
	return node->tag ? QUIRE_OK : quire_recipe_fail_memory(in->error);
}

static quire_status add_scalar(struct reading *in, const yaml_event_t *event)
{
	const yaml_char_t *value = event->data.scalar.value;
	const size_t size = event->data.scalar.length;
	struct recipe_node *node = NULL;
	quire_status status;

	if (event->data.scalar.anchor)
		return fail_event(in, event,
				  "anchors are not supported; write the "
				  "value where it is used");
	if (memchr(value, 0, size))
		return fail_event(in, event, "a text cannot hold a NUL");
	status = add(in, event, RECIPE_SCALAR, &node);
	if (status != QUIRE_OK)
		return status;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = copy(in, value, size);
	node->size = size;
	if (!node->text)
		return quire_recipe_fail_memory(in->error);
	return set_tag(in, event, event->data.scalar.tag, node);
}

static quire_status open_node(struct reading *in, const yaml_event_t *event,
			      enum recipe_kind kind)
{
	const bool list = kind == RECIPE_LIST;
	struct recipe_node *node = NULL;
	quire_status status;

	if (list ? event->data.sequence_start.anchor
		 : event->data.mapping_start.anchor)
		return fail_event(in, event,
				  "anchors are not supported; write the "
				  "value where it is used");
	if (in->depth == DEPTH_MAX)
		return fail_event(in, event,
				  "lists or maps are nested too deeply");
	status = add(in, event, kind, &node);
	if (status == QUIRE_OK)
		status = set_tag(in, event,
				 list ? event->data.sequence_start.tag
				      : event->data.mapping_start.tag,
				 node);
	if (status != QUIRE_OK)
		return status;
	in->open[in->depth] = node;
	in->end[in->depth++] = &node->first;
	return QUIRE_OK;
}

/* Keys are scalars, each given once. */
static quire_status check_keys(const struct reading *in,
			       const struct recipe_node *map)
{
	struct table keys = { .entries = NULL };
	quire_status status = QUIRE_OK;

	for (const struct recipe_node *key = map->first;
	     key && status == QUIRE_OK; key = key->next->next) {
		if (key->kind != RECIPE_SCALAR || key->tag)
			status = quire_recipe_fail(in->name, key, in->error,
						   "a key must be text");
		else if (quire_table_find(&keys, 0, key->text, key->size))
			status = quire_recipe_fail(in->name, key, in->error,
						   "key '%.60s' is given twice",
						   key->text);
		else
			status = quire_table_add(&keys, 0, key->text, key->size,
						 0, in->error);
	}
	quire_table_free(&keys);
	return status;
}

static quire_status take_event(struct reading *in, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (in->documents++ > 0)
			return fail_event(in, event,
					  "a second document; a recipe is one");
		return QUIRE_OK;
	case YAML_ALIAS_EVENT:
		return fail_event(in, event,
				  "aliases are not supported; write the value "
				  "out (a name that begins with * needs "
				  "quotes)");
	case YAML_SCALAR_EVENT:
		return add_scalar(in, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(in, event, RECIPE_LIST);
	case YAML_MAPPING_START_EVENT:
		return open_node(in, event, RECIPE_MAP);
	case YAML_SEQUENCE_END_EVENT:
		in->depth--;
		return QUIRE_OK;
	case YAML_MAPPING_END_EVENT:
		return check_keys(in, in->open[--in->depth]);
	default:
		return QUIRE_OK;
	}
}

static quire_status read_events(struct reading *in, yaml_parser_t *parser)
{
	yaml_event_type_t type;
	quire_status status;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return fail_parser(in, parser);
		type = event.type;
		status = take_event(in, &event);
		yaml_event_delete(&event);
	} while (status == QUIRE_OK && type != YAML_STREAM_END_EVENT);
	return status;
}

/* The line of the %TAG that is one too many, from 1; 0: none is. libyaml
 * compares each with all before it, so 4 MiB of them would take minutes.
 * Recipes need none. NULs are passed over: the text may be UTF-16. */
static size_t find_excess_tag(const unsigned char *text, size_t size)
{
	static const char word[] = "%TAG";
	size_t line = 1, matched = 0, count = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0')
			continue;
		line += text[i] == '\n';
		matched = text[i] == (unsigned char)word[matched] ? matched + 1
			  : text[i] == '%'			  ? 1
								  : 0;
		if (matched < sizeof(word) - 1)
			continue;
		matched = 0;
		if (++count > TAGS_MAX)
			return line;
	}
	return 0;
}

quire_status quire_recipe_read_yaml(const char *name, const void *text,
				    size_t size, struct arena *arena,
				    struct recipe_node **root,
				    quire_error *error)
{
	struct reading in = { .name = name,
			      .text = text,
			      .size = size,
			      .arena = arena,
			      .error = error };
	yaml_parser_t parser;
	quire_status status;
	size_t excess;

	if (size > QUIRE_RECIPE_MAX_SIZE)
		return fail_at(name, 1, 1, error, "larger than 4 MiB");
	excess = find_excess_tag(text, size);
	if (excess > 0)
		return fail_at(name, excess, 1, error, "more than 64 %TAG");
	if (!yaml_parser_initialize(&parser))
		return quire_recipe_fail_memory(error);
	yaml_parser_set_input_string(&parser, text, size);
	status = read_events(&in, &parser);
	yaml_parser_delete(&parser);
	if (status == QUIRE_OK)
		*root = in.root;
	return status;
}
