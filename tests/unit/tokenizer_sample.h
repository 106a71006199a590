/*
 * tokenizer_sample.h - small tokenizers, one of each kind, as the parts of a
 * model's folder; a test changes a part.
 */
#ifndef QUIRE_TESTS_TOKENIZER_SAMPLE_H
#define QUIRE_TESTS_TOKENIZER_SAMPLE_H

/* What a folder has: the values of keys of tokenizer.json, and whole files.
 * NULL: no such key or file. */
enum part {
	ADDED,
	NORMALIZER,
	PRE,
	POST,
	DECODER,
	MODEL,
	CONFIG,
	GENAI,
	HF,
	TEMPLATE,
	PART_COUNT,
};

/* Writes tokenizer.json and the other files that the parts have. */
void sample_write(const char *folder, const char *const parts[PART_COUNT]);

/* Bytes, as SmolLM's; WordPiece, as BERT's; Unigram, as XLM-RoBERTa's. */
extern const char *const sample_bytes[PART_COUNT];
extern const char *const sample_words[PART_COUNT];
extern const char *const sample_unigram[PART_COUNT];
/* SentencePiece's BPE, as Llama 2's, but for the model; and the model, which
 * has a token for each byte, with more tokens from id 258 on, and merges. The
 * text lives until the next call. */
extern const char *const sample_pieces[PART_COUNT];
const char *sample_pieces_model(const char *vocab, const char *merges);

#define TOKEN(id, text, special)                                               \
	"{\"id\": " #id ", \"content\": \"" text                               \
	"\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "   \
	"\"normalized\": false, \"special\": " #special "}"
#define BYTE_LEVEL                                                             \
	"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, "              \
	"\"trim_offsets\": true, \"use_regex\": true}"
#define DIGITS "{\"type\": \"Digits\", \"individual_digits\": true}"
#define SEQUENCE(key, items)                                                   \
	"{\"type\": \"Sequence\", \"" key "\": [" items "]}"
#define BEGIN(text)                                                            \
	"{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "  \
	"{\"id\": \"" text "\", \"type_id\": 0}}, {\"Sequence\": {\"id\": "    \
	"\"A\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {}}"
#define BPE(vocab, merges)                                                     \
	"{\"type\": \"BPE\", \"vocab\": {" vocab "}, \"merges\": [" merges "]" \
	"}"
#define VOCAB  "\"a\": 0, \"b\": 1, \"c\": 2, \"d\": 3, \"ab\": 4, \"abc\": 5"
#define MERGES "\"a b\", [\"ab\", \"c\"]"

#define MARK "\xe2\x96\x81"
#define WORD_VOCAB                                                             \
	"\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"a\": 4, "   \
	"\"##b\": 5, \"b\": 6"
#define PIECES                                                                 \
	", \"" MARK "a\": 258, \"ab\": 259, \"" MARK "ab\": 260, \"" MARK      \
	"\": 261, \"a\": 262, \"b\": 263"
#define PIECE_MERGES "\"" MARK " a\", \"a b\", \"" MARK " ab\", \"" MARK "a b\""

#endif
