/*
 * recognize.c - the kinds of files that users have where they think that they
 * have a model: a page instead of a download, an archive, another framework's
 * file. Looks at the first bytes only, and trusts none of them.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/files/recognize.h"
#include "cli/ui/trouble.h"

/* The longest start that is looked at: a tar archive has its mark at byte
 * 257. */
#define START_SIZE 512

struct start {
	unsigned char bytes[START_SIZE];
	size_t size;	/* of them that the file has */
	uint64_t whole; /* of the file */
};

struct kind {
	const char *name; /* with its article */
	const char *way_out;
	/* Whether the file begins like this one. */
	bool (*begins)(const struct start *start);
	/* NULL: `mark` at byte `offset` says it. */
	const char *mark;
	size_t mark_size;
	size_t offset;
};

static bool has(const struct start *start, size_t offset, const char *mark,
		size_t size)
{
	return start->size >= offset + size &&
	       memcmp(start->bytes + offset, mark, size) == 0;
}

static bool is_space(unsigned char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The first byte of a text: behind a byte order mark and white space. */
static size_t text_begin(const struct start *start)
{
	size_t at = has(start, 0, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (at < start->size && is_space(start->bytes[at]))
		at++;
	return at;
}

/* Whether the text begins with `mark`, in lower or upper case. */
static bool text_begins(const struct start *start, const char *mark)
{
	size_t at = text_begin(start);

	for (; *mark; mark++, at++) {
		unsigned char byte;

		if (at >= start->size)
			return false;
		byte = start->bytes[at];
		if (byte >= 'A' && byte <= 'Z')
			byte = (unsigned char)(byte - 'A' + 'a');
		if (byte != (unsigned char)*mark)
			return false;
	}
	return true;
}

static bool begins_empty(const struct start *start)
{
	return start->whole == 0;
}

static bool begins_html(const struct start *start)
{
	return text_begins(start, "<!doctype html") ||
	       text_begins(start, "<html") || text_begins(start, "<head");
}

static bool begins_xml(const struct start *start)
{
	return text_begins(start, "<?xml") || text_begins(start, "<error");
}

/* A FlatBuffer: the place of its root, which is near, and the file's mark. */
static bool begins_flatbuffer(const struct start *start, const char *mark)
{
	return has(start, 4, mark, 4) && load_u32(start->bytes) <= UINT16_MAX;
}

static bool begins_ort(const struct start *start)
{
	return begins_flatbuffer(start, "ORTM");
}

static bool begins_tflite(const struct start *start)
{
	return begins_flatbuffer(start, "TFL3");
}

/* A u64, the size of a JSON object that follows. */
static bool begins_safetensors(const struct start *start)
{
	uint64_t size;

	if (start->size < 10 || start->bytes[8] != '{')
		return false;
	size = load_u64(start->bytes);
	return size >= 2 && size <= start->whole - 8 &&
	       (start->bytes[9] == '"' || start->bytes[9] == '}' ||
		is_space(start->bytes[9]));
}

/* The end of the first entry's name in a zip archive. */
static bool zip_begins(const struct start *start, const char *name_end)
{
	const size_t size = strlen(name_end);
	size_t name_size;

	if (!has(start, 0, "PK\3\4", 4) || start->size < 30)
		return false;
	name_size = load_u16(start->bytes + 26);
	return name_size >= size && name_size <= start->size - 30 &&
	       memcmp(start->bytes + 30 + name_size - size, name_end, size) ==
		   0;
}

/* Of torch.save: a zip archive with data.pkl, or before version 1.6 a pickle of
 * protocol 2, whose first number is PyTorch's mark of 10 bytes. */
static bool begins_pytorch(const struct start *start)
{
	return zip_begins(start, "/data.pkl") ||
	       has(start, 0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", 10);
}

static bool begins_npz(const struct start *start)
{
	return zip_begins(start, ".npy");
}

/* A JSON text or a prompt of one; a safetensors file has its size first. */
static bool begins_json(const struct start *start)
{
	const size_t at = text_begin(start);

	return at + 1 < start->size && start->bytes[at] == '{' &&
	       (start->bytes[at + 1] == '"' || is_space(start->bytes[at + 1]));
}

/* ModelProto: ir_version, a number below 128, and the tag of another of its
 * fields: producer_name, producer_version, domain, model_version, doc_string,
 * graph, opset_import, metadata_props. */
static bool begins_onnx(const struct start *start)
{
	return start->size >= 3 && start->bytes[0] == 0x08 &&
	       start->bytes[1] > 0 && start->bytes[1] < 0x80 &&
	       memchr("\x12\x1a\x22\x28\x32\x3a\x42\x72", start->bytes[2], 8);
}

#define MARK(text, place)                                                      \
	.mark = (text), .mark_size = sizeof(text) - 1, .offset = (place)

#define UNPACK	 "unpack it first"
#define TO_ONNX	 "export the model to ONNX first"
#define DOWNLOAD "the download gave this instead of the file; download it again"

static const struct kind gguf = {
	"a GGUF file",
	"'quire info' prints what it holds, and 'quire stamp' "
	"makes a container of it",
	MARK("GGUF", 0)
};

static const struct kind onnx = { "an ONNX model",
				  "'quire convert' makes a container of it",
				  .begins = begins_onnx };

/* The first that fits counts. */
static const struct kind others[] = {
	{ "empty", "copy or download it again", .begins = begins_empty },
	{ "a Git LFS pointer",
	  "'git lfs pull' downloads the file that it stands for",
	  MARK("version https://git-lfs.github.com/", 0) },
	{ "an HTML page", DOWNLOAD, .begins = begins_html },
	{ "an XML text", DOWNLOAD, .begins = begins_xml },
	{ "a model in ONNX Runtime's format (.ort)",
	  "take the .onnx file that it was made from", .begins = begins_ort },
	{ "a TensorFlow Lite model", TO_ONNX, .begins = begins_tflite },
	{ "a safetensors file", TO_ONNX, .begins = begins_safetensors },
	{ "a PyTorch file", TO_ONNX, .begins = begins_pytorch },
	{ "an HDF5 file", TO_ONNX, MARK("\x89HDF\r\n\x1a\n", 0) },
	{ "a model in GGML's format before GGUF",
	  "llama.cpp's convert_llama_ggml_to_gguf.py makes GGUF of it",
	  MARK("tjgg", 0) },
	{ "a NumPy archive (.npz)", "name a model", .begins = begins_npz },
	{ "a NumPy array (.npy)", "name a model", MARK("\x93NUMPY", 0) },
	{ "a gzip archive", UNPACK, MARK("\x1f\x8b", 0) },
	{ "a zip archive", UNPACK, MARK("PK\3\4", 0) },
	{ "a bzip2 archive", UNPACK, MARK("BZh", 0) },
	{ "an xz archive", UNPACK,
	  MARK("\xfd"
	       "7zXZ",
	       0) },
	{ "a Zstandard archive", UNPACK, MARK("\x28\xb5\x2f\xfd", 0) },
	{ "a 7z archive", UNPACK, MARK("7z\xbc\xaf\x27\x1c", 0) },
	{ "a tar archive", UNPACK, MARK("ustar", 257) },
	{ "a JSON text", "name the model itself", .begins = begins_json },
};

static bool read_start(const char *path, struct start *start)
{
	const int file = quire_file_open(path);
	struct file_facts facts;
	bool read;

	if (file < 0)
		return false;
	read = quire_file_facts(file, &facts) && facts.kind == FILE_REGULAR &&
	       quire_file_read(file, 0, start->bytes, START_SIZE, &start->size);
	quire_file_close(file);
	/* The file may have grown or shrunk in between. */
	start->whole =
	    read && facts.size > start->size ? facts.size : start->size;
	return read;
}

static bool is_of(const struct kind *kind, const struct start *start)
{
	return kind->begins
		   ? kind->begins(start)
		   : has(start, kind->offset, kind->mark, kind->mark_size);
}

/* NULL: none that is known. */
static const struct kind *find_kind(const struct start *start)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_of(&others[i], start))
			return &others[i];
	return NULL;
}

/* `rule` is "[F-1]" or empty. */
static bool report(const char *path, const struct kind *kind,
		   const char *wanted, const char *rule)
{
	if (!kind)
		return false;
	trouble("%s: is %s and not %s%s%s; %s", path, kind->name, wanted,
		*rule ? " " : "", rule, kind->way_out);
	return true;
}

/* The rule of the format that the error's message ends with. */
static const char *rule_of(const quire_error *error)
{
	const char *rule = strrchr(error->message, '[');

	return rule ? rule : "";
}

bool recognize_no_gguf(const char *path, const quire_error *error)
{
	const bool about_contents = error->status == QUIRE_ERROR_MAGIC ||
				    error->status == QUIRE_ERROR_TRUNCATED;
	const struct kind *kind;
	struct start start;

	if (!about_contents || !read_start(path, &start))
		return false;
	kind = find_kind(&start);
	if (!kind && is_of(&onnx, &start))
		kind = &onnx;
	return report(path, kind, gguf.name, rule_of(error));
}

bool recognize_no_onnx(const char *path, const quire_error *error)
{
	const bool about_contents = error->status == QUIRE_ERROR_LAYOUT ||
				    error->status == QUIRE_ERROR_TRUNCATED ||
				    error->status == QUIRE_ERROR_UNSUPPORTED;
	const struct kind *kind;
	struct start start;

	if (!about_contents || !quire_error_is_about(error, path) ||
	    !read_start(path, &start))
		return false;
	kind = is_of(&gguf, &start) ? &gguf : find_kind(&start);
	return report(path, kind, onnx.name, "");
}
