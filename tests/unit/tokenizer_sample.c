/*
 * tokenizer_sample.c - see tokenizer_sample.h.
 */
#include "tests/unit/tokenizer_sample.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

static const struct {
	const char *key, *file;
} places[PART_COUNT] = {
	[ADDED] = { .key = "added_tokens" },
	[NORMALIZER] = { .key = "normalizer" },
	[PRE] = { .key = "pre_tokenizer" },
	[POST] = { .key = "post_processor" },
	[DECODER] = { .key = "decoder" },
	[MODEL] = { .key = "model" },
	[CONFIG] = { .file = "tokenizer_config.json" },
	[GENAI] = { .file = "genai_config.json" },
	[HF] = { .file = "config.json" },
	[TEMPLATE] = { .file = "chat_template.jinja" },
};

void sample_write(const char *folder, const char *const parts[PART_COUNT])
{
	char text[20000];
	size_t at = 0;

	text[at++] = '{';
	for (size_t i = 0; i < PART_COUNT; i++) {
		if (!parts[i])
			continue;
		if (places[i].file)
			scratch_write_in(folder, places[i].file, parts[i]);
		else
			at += (size_t)snprintf(
			    text + at, sizeof(text) - at, "%s\"%s\": %s",
			    at > 1 ? ", " : "", places[i].key, parts[i]);
		assert_true(at < sizeof(text) - 2);
	}
	strcpy(text + at, "}");
	scratch_write_in(folder, "tokenizer.json", text);
}

const char *const sample_bytes[PART_COUNT] = {
	[ADDED] = "[" TOKEN(6, "<s>", true) ", " TOKEN(
	    7, "<|end|>", false) "," TOKEN(8, "a\xe2\x96\x81tool", false) "]",
	[NORMALIZER] = "null",
	[PRE] = SEQUENCE("pretokenizers", DIGITS "," BYTE_LEVEL),
	[POST] = "null",
	[DECODER] = "{\"type\": \"ByteLevel\"}",
	[MODEL] = BPE(VOCAB, MERGES),
};

const char *const sample_words[PART_COUNT] = {
	[ADDED] =
	    "[" TOKEN(0, "[PAD]", true) "," TOKEN(1, "[UNK]", true) "," TOKEN(
		2, "[CLS]", true) "," TOKEN(3, "[SEP]", true) "]",
	[NORMALIZER] = "{\"type\": \"BertNormalizer\", \"clean_text\": true, "
		       "\"handle_chinese_chars\": true, \"strip_accents\": "
		       "null, \"lowercase\": true}",
	[PRE] = "{\"type\": \"BertPreTokenizer\"}",
	[POST] = "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 3], "
		 "\"cls\": [\"[CLS]\", 2]}",
	[MODEL] =
	    "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", "
	    "\"continuing_subword_prefix\": \"##\", \"vocab\": {" WORD_VOCAB
	    "}}",
	[CONFIG] = "{\"cls_token\": \"[CLS]\", \"sep_token\": \"[SEP]\", "
		   "\"unk_token\": {\"content\": \"[UNK]\"}, \"pad_token\": "
		   "\"[PAD]\"}",
};

/* Unigram, as XLM-RoBERTa. The table is one unit and a text of one byte. */
const char *const sample_unigram[PART_COUNT] = {
	[ADDED] = "[" TOKEN(0, "<s>", true) "," TOKEN(4, "<mask>", true) "]",
	[NORMALIZER] = "{\"type\": \"Precompiled\", \"precompiled_charsmap\": "
		       "\"BAAAAAECAwRB\"}",
	[PRE] = SEQUENCE("pretokenizers",
			 "{\"type\": \"WhitespaceSplit\"}, {\"type\": "
			 "\"Metaspace\", \"replacement\": \"" MARK
			 "\", \"prepend_scheme\": \"always\", \"split\": "
			 "true}"),
	[MODEL] = "{\"type\": \"Unigram\", \"unk_id\": 1, \"vocab\": "
		  "[[\"<s>\", 0.0], [\"<unk>\", 0], [\"" MARK
		  "\", -1.5], [\"a\", -2.25]]}",
};

const char *sample_pieces_model(const char *vocab, const char *merges)
{
	static char text[12000];
	size_t at = (size_t)sprintf(text, "{\"type\": \"BPE\", "
					  "\"byte_fallback\": true, "
					  "\"unk_token\": \"<unk>\", "
					  "\"vocab\": {\"<unk>\": 0, "
					  "\"<s>\": 1");

	for (unsigned int byte = 0; byte < 256; byte++)
		at += (size_t)sprintf(text + at, ", \"<0x%02X>\": %u", byte,
				      byte + 2);
	sprintf(text + at, "%s}, \"merges\": [%s]}", vocab, merges);
	return text;
}

const char *const sample_pieces[PART_COUNT] = {
	[ADDED] = "[" TOKEN(0, "<unk>", true) "," TOKEN(1, "<s>", true) "]",
	[NORMALIZER] = SEQUENCE(
	    "normalizers", "{\"type\": \"Prepend\", \"prepend\": \"" MARK
			   "\"}, {\"type\": \"Replace\", \"pattern\": "
			   "{\"String\": \" \"}, \"content\": \"" MARK "\"}"),
	[PRE] = "null",
	[POST] = BEGIN("<s>"),
	[CONFIG] = "{\"bos_token\": \"<s>\", \"unk_token\": \"<unk>\", "
		   "\"add_bos_token\": true, \"model_max_length\": "
		   "1000000000000000019884624838656}",
};
