/*
 * manifest.c - parses lists of checksums. check_manifest.c compares them with
 * files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "cli/ui/trouble.h"
#include "cli/verify/manifest.h"

/* Enough for 100,000 tensors with names of 63 bytes and long paths. */
#define SIZE_MAX_READ ((size_t)256 << 20)

static bool read_stream(FILE *stream, struct manifest *manifest, size_t *size)
{
	size_t capacity = 65536;
	size_t used = 0;
	char *text = NULL;

	for (;;) {
		char *grown = realloc(text, capacity + 1);

		if (!grown) {
			free(text);
			trouble_memory();
			return false;
		}
		text = grown;
		used += fread(text + used, 1, capacity - used, stream);
		if (used < capacity)
			break;
		if (capacity >= SIZE_MAX_READ) {
			free(text);
			trouble("%s: not a manifest: larger than 256 MiB",
				manifest->path);
			return false;
		}
		capacity *= 2;
	}
	if (ferror(stream)) {
		free(text);
		trouble("%s: cannot read: %s", manifest->path, strerror(errno));
		return false;
	}
	text[used] = '\0';
	manifest->text = text;
	*size = used;
	return true;
}

/* Makes the digits lower-case; returns how many there are. */
static size_t take_digits(char *text)
{
	size_t size = 0;

	for (;; size++) {
		char *c = &text[size];

		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
		if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'f')))
			return size;
	}
}

static size_t word_size(const char *text)
{
	return strcspn(text, " \t");
}

/* Lines of sha256sum and xxhsum with an escaped name begin with a backslash. */
static void unescape(char *name)
{
	char *to = name;

	for (; *name; name++) {
		if (name[0] == '\\' && (name[1] == 'n' || name[1] == '\\')) {
			*to++ = name[1] == 'n' ? '\n' : '\\';
			name++;
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
}

/* "xxh3      HASH  NAME" */
static bool parse_tool_line(char *line, struct manifest_entry *entry)
{
	const size_t size = word_size(line);
	char *digits;

	if (!digest_find(line, size, &entry->kind))
		return false;
	digits = line + size + strspn(line + size, " ");
	if (take_digits(digits) != digest_digits(entry->kind))
		return false;
	entry->digits = digits;
	digits += digest_digits(entry->kind);
	if (digits[0] != ' ' || digits[1] != ' ' || digits[2] == '\0')
		return false;
	digits[0] = '\0';
	entry->name = digits + 2;
	return true;
}

/* "HASH  NAME", or "HASH *NAME" */
static bool parse_sum_line(char *line, struct manifest_entry *entry)
{
	static const char mark[] = "XXH3_";
	const bool escaped = line[0] == '\\';
	bool marked;
	size_t size;

	line += escaped ? 1 : 0;
	marked = strncmp(line, mark, sizeof(mark) - 1) == 0;
	line += marked ? sizeof(mark) - 1 : 0;
	size = take_digits(line);
	if (size == digest_digits(DIGEST_SHA256) && !marked)
		entry->kind = DIGEST_SHA256;
	else if (size == digest_digits(DIGEST_XXH64))
		entry->kind = marked ? DIGEST_XXH3 : DIGEST_XXH64;
	else
		return false;
	if (line[size] != ' ' ||
	    (line[size + 1] != ' ' && line[size + 1] != '*') ||
	    line[size + 2] == '\0')
		return false;
	line[size] = '\0';
	entry->digits = line;
	entry->of_file = true;
	if (escaped)
		unescape(line + size + 2);
	entry->name = line + size + 2;
	return true;
}

/* "SHA256 (NAME) = HASH" */
static bool parse_tag_line(char *line, struct manifest_entry *entry)
{
	static const struct {
		const char *start;
		enum digest_kind kind;
	} tags[] = {
		{ "SHA256 (", DIGEST_SHA256 },
		{ "XXH64 (", DIGEST_XXH64 },
		{ "XXH3 (", DIGEST_XXH3 },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		const size_t size = strlen(tags[i].start);
		const size_t digits = digest_digits(tags[i].kind);
		const size_t length = strlen(line);
		char *end;

		if (strncmp(line, tags[i].start, size) != 0 ||
		    length < size + 1 + 4 + digits)
			continue;
		end = line + length - digits - 4;
		if (strncmp(end, ") = ", 4) != 0 ||
		    take_digits(end + 4) != digits)
			return false;
		*end = '\0';
		entry->kind = tags[i].kind;
		entry->of_file = true;
		entry->name = line + size;
		entry->digits = end + 4;
		return true;
	}
	return false;
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	for (; *text; text++)
		count += *text == '\n' ? 1 : 0;
	return count;
}

static bool parse_line(struct manifest *manifest, char *line,
		       unsigned long number)
{
	struct manifest_entry entry = { .line = number };

	if (line[0] == '\0' || line[0] == '#')
		return true;
	if (!parse_tool_line(line, &entry) && !parse_tag_line(line, &entry) &&
	    !parse_sum_line(line, &entry)) {
		trouble("%s: line %lu is not a line of a manifest: neither "
			"'ALGORITHM HASH FILE:TENSOR' with xxh3, xxh64 or "
			"sha256, nor 'HASH FILE' of sha256sum or xxhsum",
			manifest->path, number);
		return false;
	}
	manifest->entries[manifest->count++] = entry;
	return true;
}

static bool parse(struct manifest *manifest, size_t size)
{
	char *line = manifest->text;
	unsigned long number = 1;

	if (strlen(line) != size) {
		trouble("%s: not a manifest: it has a NUL byte",
			manifest->path);
		return false;
	}
	manifest->entries =
	    calloc(count_lines(line), sizeof(*manifest->entries));
	if (!manifest->entries) {
		trouble_memory();
		return false;
	}
	for (; line; number++) {
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		if (end && end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (!parse_line(manifest, line, number))
			return false;
		line = end ? end + 1 : NULL;
	}
	if (manifest->count > 0)
		return true;
	trouble("%s: not a manifest: it has no checksum", manifest->path);
	return false;
}

bool manifest_read(struct manifest *manifest, const char *path)
{
	const bool from_stdin = strcmp(path, "-") == 0;
	FILE *stream = from_stdin ? stdin : fopen(path, "rb");
	size_t size;
	bool done;

	*manifest = (struct manifest){ .path = from_stdin ? "stdin" : path };
	if (!stream) {
		trouble("%s: cannot open: %s", path, strerror(errno));
		return false;
	}
	done = read_stream(stream, manifest, &size) && parse(manifest, size);
	if (!from_stdin)
		fclose(stream);
	if (!done)
		manifest_free(manifest);
	return done;
}

void manifest_free(struct manifest *manifest)
{
	free(manifest->entries);
	free(manifest->text);
	manifest->entries = NULL;
	manifest->text = NULL;
	manifest->count = 0;
}

/* Whether `name` is `file`, or `file` and a tensor, which it then notes. */
static bool is_about(struct manifest_entry *entry, const char *name,
		     const char *file)
{
	const size_t size = strlen(file);

	if (strncmp(name, file, size) != 0)
		return false;
	if (name[size] == '\0') {
		entry->tensor = NULL;
		return true;
	}
	if (name[size] != ':' || entry->of_file)
		return false;
	entry->tensor = name + size + 1;
	return true;
}

bool manifest_claim(struct manifest_entry *entry, const char *path)
{
	const char *name = entry->name;
	const char *file = quire_path_name(path);

	if (is_about(entry, name, path))
		return true;
	/* The last name may be at the start or after any slash, because names
	 * of tensors have slashes too. */
	for (;;) {
		if (is_about(entry, name, file))
			return true;
		name = strchr(name, '/');
		if (!name)
			return false;
		name++;
	}
}
