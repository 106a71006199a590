/*
 * cmd_edit.c - quire edit: sets and removes metadata keys. Decides what may be
 * changed, and to what; copy_model.c writes the new file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "base/output.h"
#include "cli/command.h"
#include "cli/rewrite/copy_output.h"
#include "cli/rewrite/edit_keys.h"
#include "cli/rewrite/edit_text.h"
#include "cli/rewrite/edit_value.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

struct values {
	struct args_list set;
	struct args_list unset;
	const char *output;
	bool force;
};

static const struct args_option options[] = {
	{ .name = "set",
	  .value = "KEY=VALUE",
	  .type = ARGS_LIST,
	  .offset = offsetof(struct values, set),
	  .help = "set a key; KEY:TYPE=VALUE gives it a type, KEY=@FILE the "
		  "bytes of a file; may be repeated" },
	{ .name = "unset",
	  .value = "KEY",
	  .type = ARGS_LIST,
	  .offset = offsetof(struct values, unset),
	  .help = "remove a key; may be repeated" },
	OPTION_OUTPUT(struct values, false, "OUT.gguf",
		      "write a new file, and leave FILE as it is"),
	OPTION_FORCE(struct values, "accept a header that another tool edited"),
	{ .name = NULL },
};

/* One --set or --unset. */
struct change {
	char *key;
	const quire_value *old; /* NULL: the key is new */
	bool unset;
	quire_value value;
	struct edit_text text;
	void *storage;
};

struct edit {
	struct copy copy;
	struct change *changes;
	size_t count;
	quire_copy_value *added;
	size_t added_count;
};

/* ---------------------------------------------------------- what is allowed */

static bool refuse(const char *key, const char *why)
{
	trouble("edit: '%s' %s", key, why);
	return false;
}

static bool may_change(const struct edit *edit, const struct change *change)
{
	const char *key = change->key;
	const bool container = edit->copy.info.quire_version > 0;

	if (strcmp(key, "general.alignment") == 0)
		return refuse(
		    key,
		    "says where tensors are; 'quire stamp --align' moves them");
	if (strncmp(key, "split.", 6) == 0 && edit->copy.file_count > 1)
		return refuse(key, "says which file of the set this is; 'quire "
				   "split' and 'quire merge' change it");
	if (strncmp(key, "quire.", 6) == 0 && !container)
		return refuse(key, "is a key of containers only; 'quire stamp' "
				   "makes one of this file");
	if (strncmp(key, "quire.", 6) == 0 &&
	    strncmp(key, "quire.source.", 13) != 0 &&
	    strcmp(key, "quire.converter") != 0)
		return refuse(key, "cannot be edited: Quire derives it from "
				   "the rest of the file, or reserves it");
	if (change->unset && container &&
	    (strcmp(key, "general.architecture") == 0 ||
	     strcmp(key, "general.quantization_version") == 0))
		return refuse(key,
			      "is a key that a container must have [F-27]");
	return true;
}

static bool check_twice(const struct edit *edit, size_t last)
{
	for (size_t i = 0; i < last; i++)
		if (strcmp(edit->changes[i].key, edit->changes[last].key) == 0)
			return refuse(edit->changes[last].key,
				      "is given twice");
	return true;
}

/* ------------------------------------------------------------ what is given */

/* Reads a type after a colon at the end of the key, and cuts it off. */
static bool cut_type(struct change *change, struct edit_type *type, bool *typed)
{
	char *colon = strrchr(change->key, ':');

	*typed = colon && edit_type_named(colon + 1, strlen(colon + 1), type);
	if (*typed)
		*colon = '\0';
	else if (colon)
		return refuse(
		    change->key,
		    "does not end with a type; the types are u8, i8, "
		    "u16, i16, u32, i32, u64, i64, f32, "
		    "f64, bool, string, and [u8] and so on for arrays");
	return true;
}

/* Refuses KEY[0]: it would make a new key of that name. */
static bool names_element(const struct change *change)
{
	const size_t size = strlen(change->key);
	size_t at = size > 0 ? size - 1 : 0;

	if (change->old || size < 4 || change->key[at] != ']')
		return false;
	while (at > 0 && strchr("0123456789", change->key[at - 1]))
		at--;
	if (at == size - 1 || at < 2 || change->key[at - 1] != '[')
		return false;
	trouble("edit: '%s' names an element; an array is set as a whole: "
		"--set '%.*s=[...]'",
		change->key, (int)(at - 1), change->key);
	return true;
}

/* The type that the user gives, that the key has, that GGUF says, or that the
 * text looks like. */
static bool choose_type(struct edit *edit, struct change *change,
			struct edit_type *type)
{
	bool typed = false;

	change->old = quire_model_find_value(edit->copy.model, change->key);
	if (!change->old && !cut_type(change, type, &typed))
		return false;
	if (typed)
		change->old =
		    quire_model_find_value(edit->copy.model, change->key);
	if (!may_change(edit, change) || names_element(change))
		return false;
	if (typed)
		return true;
	if (change->old) {
		*type = edit_type_of(change->old);
		return true;
	}
	if (edit_key_type(change->key, change->text.data, type))
		return true;
	*type = (struct edit_type){ QUIRE_VALUE_STRING, false };
	return change->text.from_file ||
	       edit_type_guess(change->key, change->text.data, type);
}

static bool read_set(struct edit *edit, struct change *change, const char *text)
{
	const char *equals = strchr(text, '=');
	struct edit_type type;

	if (!equals || equals == text) {
		trouble("edit: --set takes KEY=VALUE, not '%s'", text);
		return false;
	}
	change->key = strndup(text, (size_t)(equals - text));
	if (!change->key) {
		trouble_memory();
		return false;
	}
	return edit_text_read(change->key, equals + 1, &change->text) &&
	       choose_type(edit, change, &type) &&
	       edit_value_parse(change->key, type, change->text.data,
				change->text.size, &change->value,
				&change->storage);
}

static bool report_unknown(const struct edit *edit, const char *key)
{
	const size_t count = quire_model_value_count(edit->copy.model);
	struct nearest near = quire_nearest_to(key);
	char shown[256];

	for (size_t i = 0; i < count; i++) {
		quire_string name;

		quire_model_value(edit->copy.model, i, &name);
		quire_nearest_offer(&near, name);
	}
	if (near.found)
		trouble("%s: no key '%s', did you mean '%s'?", edit->copy.path,
			key, text_shorten(shown, sizeof(shown), near.name));
	else
		trouble("%s: no key '%s'; 'quire info' lists them",
			edit->copy.path, key);
	return false;
}

static bool read_unset(struct edit *edit, struct change *change,
		       const char *key)
{
	change->unset = true;
	change->key = strdup(key);
	if (!change->key) {
		trouble_memory();
		return false;
	}
	change->old = quire_model_find_value(edit->copy.model, key);
	if (!may_change(edit, change))
		return false;
	return change->old || report_unknown(edit, key);
}

static bool read_changes(struct edit *edit, const struct values *values)
{
	const size_t sets = values->set.count;
	const size_t count = sets + values->unset.count;

	edit->changes = calloc(count + 1, sizeof(*edit->changes));
	edit->added = calloc(count + 1, sizeof(*edit->added));
	if (!edit->changes || !edit->added) {
		trouble_memory();
		return false;
	}
	edit->count = count;
	for (size_t i = 0; i < count; i++) {
		struct change *change = &edit->changes[i];
		const bool read =
		    i < sets ? read_set(edit, change, values->set.item[i])
			     : read_unset(edit, change,
					  values->unset.item[i - sets]);

		if (!read || !check_twice(edit, i))
			return false;
		if (!change->old)
			edit->added[edit->added_count++] =
			    (quire_copy_value){ change->key, change->value };
	}
	return true;
}

/* ----------------------------------------------------------------- the edit */

static const quire_value *choose(void *context, const char *key,
				 const quire_value *value)
{
	const struct edit *edit = context;

	for (size_t i = 0; i < edit->count; i++)
		if (strcmp(edit->changes[i].key, key) == 0)
			return edit->changes[i].unset ? NULL
						      : &edit->changes[i].value;
	return value;
}

static void print_change(const struct change *change)
{
	text_print(stdout, change->key);
	fputs(": ", stdout);
	if (change->old)
		edit_value_print(change->old);
	else
		fputs("none", stdout);
	fputs(" -> ", stdout);
	if (change->unset)
		fputs("none", stdout);
	else
		edit_value_print(&change->value);
	putchar('\n');
}

static void print_changes(const struct edit *edit, const char *output)
{
	const uint64_t from = edit->copy.info.data_offset;
	const uint64_t to = edit->copy.result.data_offset;

	for (size_t i = 0; i < edit->count; i++)
		print_change(&edit->changes[i]);
	text_print(stdout, output);
	if (from == to)
		printf(": edited, tensor data stays at byte %" PRIu64 "\n", to);
	else
		printf(": edited, tensor data moved from byte %" PRIu64
		       " to %" PRIu64 "\n",
		       from, to);
}

static int write_edit(struct edit *edit, const struct values *values,
		      const char *output)
{
	struct copy *copy = &edit->copy;
	const quire_copy_options how = {
		.alignment = copy_alignment(copy),
		.plain = copy->info.quire_version == 0,
		.in_place = !values->output,
		.choose = choose,
		.choose_context = edit,
		.added = edit->added,
		.added_count = edit->added_count,
	};
	const int code = copy_write(copy, output, &how);

	/* A link that was edited has its own name. */
	if (code == EXIT_FINE)
		print_changes(edit, copy->file_count == 1 && !values->output
					? copy->path
					: copy_made_path(copy));
	return code;
}

static void free_changes(struct edit *edit)
{
	for (size_t i = 0; i < edit->count; i++) {
		free(edit->changes[i].key);
		free(edit->changes[i].text.storage);
		free(edit->changes[i].storage);
	}
	free(edit->changes);
	free(edit->added);
}

/* --force means something else in this command: no file is replaced. */
static bool output_allowed(const struct copy *copy, const char *output)
{
	const size_t count = copy->file_count;

	if (!copy_output_allowed(copy, output, QUIRE_COPY_SAME_FILES, true))
		return false;
	for (size_t i = 0; i < count; i++) {
		char *part =
		    count > 1 ? quire_output_set_path(output, i, count) : NULL;
		const char *path = part ? part : output;
		struct file_facts facts;
		const bool taken = quire_link_facts(path, &facts);

		if (taken)
			trouble("%s: exists already; remove it or choose "
				"another output",
				path);
		free(part);
		if (taken)
			return false;
	}
	return true;
}

static int edit_model(struct edit *edit, const struct values *values)
{
	const size_t count = edit->copy.file_count;
	char *output;
	int code = EXIT_TROUBLE;

	if (values->output)
		output = count > 1
			     ? quire_output_set_name(values->output, count)
			     : strdup(values->output);
	else
		output = copy_output_in_place(&edit->copy);
	if (!output)
		return values->output ? trouble_memory() : EXIT_TROUBLE;
	if (!values->output || output_allowed(&edit->copy, output))
		code = read_changes(edit, values)
			   ? write_edit(edit, values, output)
			   : EXIT_TROUBLE;
	free(output);
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .force = false };
	struct edit edit = { .count = 0 };
	struct args_words words;
	int code;

	if (!args_parse(&command_edit, argc, argv, &values, &words, &code))
		return code;
	if (values.set.count + values.unset.count == 0 && !values.force)
		return trouble(
		    "edit: nothing to change; give --set or --unset");
	if (!copy_open(&edit.copy, words.word[0], values.force))
		return EXIT_TROUBLE;
	code = edit_model(&edit, &values);
	free_changes(&edit);
	copy_close(&edit.copy);
	return code;
}

static const char about[] =
    "Changes metadata keys of a container or any other GGUF file. The new\n"
    "file replaces the old one in one step; programs that have the old file\n"
    "mapped keep it. The file system copies the tensors, or shares them\n"
    "between the files. They are not read: their checksums stay, so damage to\n"
    "them is still found, and only the header gets a new checksum. If the new\n"
    "header fits, the tensors keep their place in the file. A part of a split\n"
    "set stands for the set: its metadata is in the first file, and files "
    "that\n"
    "would not change are not written.\n"
    "\n"
    "Without TYPE, a key keeps its type. A new key gets the type that GGUF's\n"
    "specification gives it (general.version is a string), and else the type\n"
    "that VALUE looks like: bool (true, false), u32, i32, i64 or u64, f32 or\n"
    "f64, an array for a JSON list, else string. @FILE is a string, byte for\n"
    "byte, or a value of the key's type; @@ is an @. TYPE is u8, i8, u16, "
    "i16,\n"
    "u32, i32, u64, i64, f32, f64, bool or string, or one of them in brackets\n"
    "for an array. general.alignment and the keys that Quire itself derives "
    "cannot\n"
    "be changed. --force alone gives a header that another tool edited a new\n"
    "checksum.";

static const char examples[] =
    "  quire edit model.gguf --set general.name=MiniLM\n"
    "  quire edit model-00001-of-00003.gguf --set general.name=MiniLM\n"
    "  quire edit model.gguf --set general.version=1.10 -o new.gguf\n"
    "  quire edit model.gguf --set tokenizer.chat_template=@chat.jinja\n"
    "  quire edit model.gguf --set 'general.tags=[\"bert\", \"en\"]' --unset "
    "general.url";

const struct command command_edit = {
	.name = "edit",
	.summary = "change metadata",
	.usage = "FILE.gguf [--set KEY=VALUE]... [--unset KEY]... [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
