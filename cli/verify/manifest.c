/*
 * manifest.c - parses lists of checksums. match_files.c finds the files that
 * they are about, check_manifest.c compares.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "cli/ui/trouble.h"
#include "cli/verify/manifest.h"

/* Enough for 100,000 tensors with names of 63 bytes and long paths. */
#define SIZE_MAX_READ ((size_t)256 << 20)

/* A path of Linux and a tensor's name, with each byte as \xNN, and a digest. */
#define LINE_SIZE_MAX (4 * 4096 + 4 * 64 + 128)

/* What users have where they think that they have a list. */
static const struct {
	const char *mark;
	size_t size;
	const char *what; /* and the way out */
} others[] = {
#define BEGINS(mark, what)                                                     \
	{                                                                      \
		mark, sizeof(mark) - 1, what                                   \
	}
	BEGINS("\xff\xfe",
	       "is UTF-16 text, as PowerShell writes it; save it as "
	       "UTF-8"),
	BEGINS("\xfe\xff", "is UTF-16 text; save it as UTF-8"),
	BEGINS("version https://git-lfs.github.com/",
	       "is a Git LFS pointer and not the list that it stands for; "
	       "'git lfs pull' downloads that"),
	BEGINS("-----BEGIN PGP SIGNED MESSAGE",
	       "is a text signed by PGP; 'gpg --decrypt' checks the signature "
	       "and prints the list"),
	BEGINS("-----BEGIN ", "is a signature, key or certificate and not a "
			      "list of checksums"),
	BEGINS("GGUF", "is a GGUF file and not a list of checksums; 'quire "
		       "hash' prints a list of it"),
	BEGINS("<", "is an HTML page or XML text and not a list of checksums; "
		    "download the list again"),
	BEGINS("{", "is a JSON text and not a list of checksums"),
	BEGINS("[", "is a JSON text and not a list of checksums; leave out "
		    "--json"),
	BEGINS("\x1f\x8b", "is a gzip archive; unpack it first"),
	BEGINS("PK\3\4", "is a zip archive; unpack it first"),
#undef BEGINS
};

/* Prints what the file is, if it is known not to be a list. */
static bool is_other(const struct manifest *manifest, const char *text,
		     size_t size)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (size >= others[i].size &&
		    memcmp(text, others[i].mark, others[i].size) == 0) {
			trouble("%s: %s", manifest->path, others[i].what);
			return true;
		}
	/* A letter of UTF-16 without its mark has one zero byte. */
	if (size >= 4 && size % 2 == 0 &&
	    ((text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0) ||
	     (text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0))) {
		trouble("%s: is UTF-16 text; save it as UTF-8", manifest->path);
		return true;
	}
	return false;
}

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

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* The character of an escape; `text` follows the backslash. Sets how many
 * characters the escape has there. NUL: there is no such escape. */
static char unescape_one(const char *text, bool hexadecimal, size_t *size)
{
	*size = 1;
	switch (text[0]) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case '\\':
		return '\\';
	default:
		break;
	}
	if (!hexadecimal || text[0] != 'x' || digit_of(text[1]) < 0 ||
	    digit_of(text[2]) < 0)
		return '\0';
	*size = 3;
	return (char)(digit_of(text[1]) * 16 + digit_of(text[2]));
}

/* Undoes the escapes in a name: those of coreutils, and \xNN too if it is of a
 * line of quire hash. False: it has another one. */
static bool unescape(char *name, bool hexadecimal)
{
	char *to = name;

	while (*name) {
		size_t size;

		if (*name != '\\') {
			*to++ = *name++;
			continue;
		}
		*to = unescape_one(++name, hexadecimal, &size);
		if (*to++ == '\0')
			return false;
		name += size;
	}
	*to = '\0';
	return true;
}

/* "xxh3", "xxh3-header" or "xxh3-padding" */
static bool find_algorithm(const char *word, size_t size,
			   struct manifest_entry *entry)
{
	static const char header[] = "-header", padding[] = "-padding";
	size_t name = 0;

	while (name < size && word[name] != '-')
		name++;
	word += name;
	size -= name;
	if (size == 0)
		entry->what = DIGEST_TENSORS;
	else if (size == strlen(header) && memcmp(word, header, size) == 0)
		entry->what = DIGEST_HEADER;
	else if (size == strlen(padding) && memcmp(word, padding, size) == 0)
		entry->what = DIGEST_PADDING;
	else
		return false;
	return digest_find(word - name, name, &entry->kind);
}

/* "xxh3      HASH  NAME" */
static bool parse_tool_line(char *line, struct manifest_entry *entry)
{
	const bool escaped = line[0] == '\\';
	char *digits;
	size_t size;

	line += escaped ? 1 : 0;
	size = word_size(line);
	if (!find_algorithm(line, size, entry))
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
	entry->exact = escaped;
	return !escaped || unescape(digits + 2, true);
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
	entry->what = DIGEST_FILE;
	entry->name = line + size + 2;
	entry->exact = escaped;
	return !escaped || unescape(line + size + 2, false);
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
	const bool escaped = line[0] == '\\';

	line += escaped ? 1 : 0;
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
		entry->what = DIGEST_FILE;
		entry->name = line + size;
		entry->digits = end + 4;
		entry->exact = escaped;
		return !escaped || unescape(line + size, false);
	}
	return false;
}

/* A checksum and no more, as in NAME.sha256 of a download page. */
static bool is_bare(char *line)
{
	static const char mark[] = "XXH3_";
	size_t size;

	line += strncmp(line, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
	size = take_digits(line);

	return size >= 8 && line[size + strspn(line + size, " \t")] == '\0';
}

static bool fail_line(const struct manifest *manifest, char *line,
		      unsigned long number)
{
	const size_t digits = take_digits(line);

	if (is_bare(line))
		trouble("%s: line %lu is a checksum without the name of its "
			"file; write 'HASH  FILE', with two spaces",
			manifest->path, number);
	else if (digits >= 8 && line[digits] == ' ' && digits != 16 &&
		 digits != 64)
		trouble("%s: line %lu has a checksum of %zu digits; those of "
			"SHA-256 (64), XXH64 and XXH3 (16) are read",
			manifest->path, number, digits);
	else
		trouble("%s: line %lu is not a line of a manifest: neither "
			"'ALGORITHM HASH FILE:TENSOR' with xxh3, xxh64 or "
			"sha256, nor 'HASH FILE' of sha256sum or xxhsum",
			manifest->path, number);
	return false;
}

static bool parse_line(struct manifest *manifest, char *line,
		       unsigned long number)
{
	struct manifest_entry entry = { .line = number };
	struct manifest_entry *entries;

	if (line[0] == '\0' || line[0] == '#')
		return true;
	if (!parse_tool_line(line, &entry) && !parse_tag_line(line, &entry) &&
	    !parse_sum_line(line, &entry))
		return fail_line(manifest, line, number);
	entries = quire_grow(manifest->entries, &manifest->capacity,
			     manifest->count, sizeof(*entries));
	if (!entries) {
		trouble_memory();
		return false;
	}
	manifest->entries = entries;
	entries[manifest->count++] = entry;
	return true;
}

static bool parse_lines(struct manifest *manifest, char *line)
{
	for (unsigned long number = 1; line; number++) {
		char *end = strchr(line, '\n');
		size_t size = end ? (size_t)(end - line) : strlen(line);

		if (size > LINE_SIZE_MAX) {
			trouble("%s: line %lu is not a line of a manifest: "
				"it has more than %d bytes",
				manifest->path, number, LINE_SIZE_MAX);
			return false;
		}
		if (size > 0 && line[size - 1] == '\r')
			size--;
		line[size] = '\0';
		if (!parse_line(manifest, line, number))
			return false;
		line = end ? end + 1 : NULL;
	}
	return true;
}

static bool parse(struct manifest *manifest, size_t size)
{
	static const char mark[] = "\xef\xbb\xbf";
	char *text = manifest->text;

	if (strncmp(text, mark, strlen(mark)) == 0) {
		text += strlen(mark);
		size -= strlen(mark);
	}
	if (is_other(manifest, text, size))
		return false;
	if (strlen(text) != size) {
		trouble("%s: not a manifest: it has a NUL byte",
			manifest->path);
		return false;
	}
	if (!parse_lines(manifest, text))
		return false;
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
	manifest->count = manifest->capacity = 0;
}
