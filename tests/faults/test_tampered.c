/*
 * test_tampered.c - files and lists changed by somebody who makes the checksums
 * in the file right again. `quire verify --manifest` must find each change by a
 * list of SHA-256.
 *
 * Tries every 31st byte; with the argument "all", every byte.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/ui/trouble.h"
#include "tests/faults/tampered.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define SEED  UINT64_C(0x7a4b3e51)
#define STEP  31
#define GOOD  QUIRE_GOLDEN "/good/"
#define ROWS  3
#define K     64
#define BLOCK 18 /* bytes of 32 weights in Q4_0 */

static struct {
	size_t step;
	size_t header, tensor, padding, named, list;
	size_t opened; /* headers that opening took for good ones */
} found = { .step = STEP };

static const char *const scenes[][SCENE_FILES_MAX + 1] = {
	{ GOOD "container_mixed_4096.gguf" },
	{ GOOD "container_every_value.gguf" },
	{ GOOD "container_names.gguf" },
	{ GOOD "container_no_tensors.gguf" },
	{ GOOD "foreign_version_3.gguf" },
	{ GOOD "foreign_last_half_padded.gguf" },
	{ GOOD "set_container-00001-of-00004.gguf",
	  GOOD "set_container-00002-of-00004.gguf",
	  GOOD "set_container-00003-of-00004.gguf",
	  GOOD "set_container-00004-of-00004.gguf" },
	{ GOOD "set_foreign-00001-of-00002.gguf",
	  GOOD "set_foreign-00002-of-00002.gguf" },
};

/* -------------------------------------------------------------- each byte */

static const quire_tensor *tensor_at(const struct scene *scene, size_t part,
				     size_t at)
{
	const size_t count = quire_model_tensor_count(scene->model);

	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor =
		    quire_model_tensor(scene->model, i);

		if (tensor->part == part && at >= tensor->offset &&
		    at < tensor->offset + tensor->size)
			return tensor;
	}
	return NULL;
}

static void count_byte(const struct scene *scene, size_t part, size_t at,
		       int code)
{
	if (at < scene->files[part].part.data_offset) {
		found.header++;
		found.opened += code == EXIT_DIFFERS ? 1 : 0;
	} else if (tensor_at(scene, part, at)) {
		found.tensor++;
	} else {
		found.padding++;
	}
}

/* A byte that is one of the checksums is left wrong. */
static void tamper_byte(struct scene *scene, size_t part, size_t at,
			unsigned char bits)
{
	struct scene_file *file = &scene->files[part];
	int code;

	file->bytes[at] ^= bits;
	scene_put_right(scene);
	if (memcmp(file->bytes, file->good, file->size) == 0)
		file->bytes[at] ^= bits;
	code = scene_try(scene, NULL, false);
	if (code == EXIT_FINE)
		fail_msg("%s: byte %zu is changed and not found", file->path,
			 at);
	count_byte(scene, part, at, code);
}

static void test_bytes(void **state)
{
	struct rng rng = { SEED };

	(void)state;
	for (size_t s = 0; s < sizeof(scenes) / sizeof(scenes[0]); s++) {
		struct scene scene = scene_make(scenes[s]);
		size_t next = 0;

		assert_int_equal(scene_verify(&scene, NULL, false), EXIT_FINE);
		for (size_t part = 0; part < scene.count; part++) {
			for (; next < scene.files[part].size;
			     next += found.step)
				tamper_byte(&scene, part, next,
					    (unsigned char)(1u << random_below(
								&rng, 8)));
			next -= scene.files[part].size;
		}
		assert_int_equal(scene_verify(&scene, NULL, false), EXIT_FINE);
		scene_remove(&scene);
	}
}

/* ------------------------------------------------- changes that have names */

static void set_text(quire_writer *writer, const char *key, const char *text)
{
	assert_int_equal(quire_writer_set_string(writer, key, text, NULL),
			 QUIRE_OK);
}

/* Two linears of one shape, and a template. */
static void write_twins(const char *path)
{
	static const char *const names[] = { "one.weight", "two.weight" };
	const quire_writer_options options = { .alignment = 64 };
	quire_writer *writer = writing_begin(path, &options);
	unsigned char bytes[ROWS * K / 32 * BLOCK];
	quire_tensor tensor = { .dtype = QUIRE_Q4_0,
				.rank = 2,
				.shape = { K, ROWS, 1, 1 } };

	set_text(writer, "general.architecture", "onnx");
	set_text(writer, "tokenizer.chat_template", "{{ messages }}");
	for (size_t i = 0; i < 2; i++) {
		const quire_linear_entry linear = { i ? "two" : "one", i,
						    QUIRE_NO_TENSOR, K, 4 };

		tensor.name = (quire_string){ names[i], strlen(names[i]) };
		tensor.source = tensor.name;
		writing_declare(writer, &tensor);
		assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
				 QUIRE_OK);
	}
	for (size_t i = 0; i < 2; i++) {
		memset(bytes, i ? 0x3a : 0x35, sizeof(bytes));
		writing_put(writer, i, bytes, sizeof(bytes));
	}
	writing_finish(writer);
}

/* Where the text is, the `nth` time from 0. */
static unsigned char *find(struct scene_file *file, const char *text,
			   size_t nth)
{
	const size_t size = strlen(text);

	for (size_t at = 0; at + size <= file->size; at++)
		if (memcmp(file->bytes + at, text, size) == 0 && nth-- == 0)
			return file->bytes + at;
	fail_msg("no '%s'", text);
	return NULL;
}

/* Behind a key, the elements of an array. */
static unsigned char *elements(struct scene_file *file, const char *key)
{
	return find(file, key, 0) + strlen(key) + 4 + 4 + 8;
}

static void exchange(unsigned char *a, unsigned char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

static void swap_weights(struct scene_file *file)
{
	unsigned char *weights = elements(file, "quire.linear.weight");

	exchange(weights, weights + 4, 4);
}

static void swap_linears(struct scene_file *file)
{
	unsigned char *names = elements(file, "quire.linear.name");

	exchange(names + 8, names + 8 + 3 + 8, 3);
}

static void swap_tensor_names(struct scene_file *file)
{
	/* The sources are the first and second. */
	exchange(find(file, "one.weight", 1), find(file, "two.weight", 1), 3);
}

static void swap_sources(struct scene_file *file)
{
	exchange(find(file, "one.weight", 0), find(file, "two.weight", 0), 3);
}

/* IQ4_NL has the block of Q4_0. The type follows name, rank and shape. */
static void relabel(struct scene_file *file)
{
	store_u32(find(file, "one.weight", 1) + 10 + 4 + 2 * 8, 20);
}

static void change_template(struct scene_file *file)
{
	memcpy(find(file, "{{ messages }}", 0), "{{ attacker }}", 14);
}

static void change_architecture(struct scene_file *file)
{
	memcpy(find(file, "onnx", 0), "lama", 4);
}

static void change_k(struct scene_file *file)
{
	store_u64(elements(file, "quire.linear.k"), K - 1);
}

static void change_level(struct scene_file *file)
{
	*elements(file, "quire.linear.accuracy_level") = 1;
}

static void swap_tensor_bytes(struct scene_file *file)
{
	const size_t size = (size_t)ROWS * K / 32 * BLOCK;
	unsigned char *first = file->bytes + file->part.data_offset;

	exchange(first, first + (size + 63) / 64 * 64, size);
}

static void change_scale(struct scene_file *file)
{
	file->bytes[file->part.data_offset + 1] ^= 0x40;
}

static const struct {
	const char *name;
	void (*change)(struct scene_file *file);
	bool of_tensors; /* a list of tensors alone finds it too */
} changes[] = {
	{ "weights of two linears exchanged", swap_weights, false },
	{ "names of two linears exchanged", swap_linears, false },
	{ "names of two tensors exchanged", swap_tensor_names, true },
	{ "sources of two tensors exchanged", swap_sources, false },
	{ "a tensor relabelled IQ4_NL", relabel, false },
	{ "another chat template", change_template, false },
	{ "another architecture", change_architecture, false },
	{ "another k", change_k, false },
	{ "another accuracy level", change_level, false },
	{ "bytes of two tensors exchanged", swap_tensor_bytes, true },
	{ "another scale", change_scale, true },
};

/* With all checksums right, so the file verifies by itself. */
static void try_change(struct scene *scene, size_t index)
{
	struct scene_file *file = &scene->files[0];
	quire_model *model = NULL;
	quire_error error;
	unsigned char *changed = malloc(file->size);

	assert_non_null(changed);
	changes[index].change(file);
	scene_put_right(scene);
	memcpy(changed, file->bytes, file->size);
	if (quire_model_open_memory(changed, file->size, NULL, &model,
				    &error) != QUIRE_OK ||
	    quire_model_verify(model, NULL, &error) != QUIRE_OK)
		fail_msg("%s: %s", changes[index].name, error.message);
	quire_model_close(model);
	if (scene_try(scene, NULL, false) != EXIT_DIFFERS)
		fail_msg("%s is not found", changes[index].name);
	memcpy(file->bytes, changed, file->size);
	assert_int_equal(scene_try(scene, NULL, true),
			 changes[index].of_tensors ? EXIT_DIFFERS : EXIT_FINE);
	free(changed);
	found.named++;
}

static struct scene make_twins(char *folder)
{
	char *path = scratch_path(folder, "twins.gguf");
	const char *const paths[] = { path, NULL };
	struct scene scene;

	write_twins(path);
	scene = scene_make(paths);
	free(path);
	return scene;
}

static void test_changes(void **state)
{
	char *folder = scratch_make();
	struct scene scene = make_twins(folder);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		try_change(&scene, i);
	scene_remove(&scene);
	scratch_remove(folder);
}

/* Longer, shorter, or another file, on the disk. */
static void test_sizes(void **state)
{
	struct scene scene = scene_make(scenes[0]);
	const struct scene_file *file = &scene.files[0];
	unsigned char *longer = calloc(file->size + 8192, 1);
	unsigned char *other;
	size_t size;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, file->good, file->size);
	for (size_t more = 1; more <= 8192; more *= 2) {
		scratch_write(file->path, longer, file->size + more);
		assert_int_not_equal(scene_verify(&scene, NULL, false),
				     EXIT_FINE);
		scratch_write(file->path, longer, file->size - more);
		assert_int_not_equal(scene_verify(&scene, NULL, false),
				     EXIT_FINE);
		found.named += 2;
	}
	other = scratch_read(scenes[1][0], &size);
	scratch_write(file->path, other, size);
	assert_int_equal(scene_verify(&scene, NULL, false), EXIT_DIFFERS);
	found.named++;
	free(other);
	free(longer);
	scene_remove(&scene);
}

/* Two parts of a set in each other's place. */
static void test_parts(void **state)
{
	struct scene scene = scene_make(scenes[6]);

	(void)state;
	for (size_t a = 0; a < scene.count; a++)
		for (size_t b = 0; b < a; b++) {
			const struct scene_file *x = &scene.files[a];
			const struct scene_file *y = &scene.files[b];

			scratch_write(x->path, y->good, y->size);
			scratch_write(y->path, x->good, x->size);
			assert_int_not_equal(scene_verify(&scene, NULL, false),
					     EXIT_FINE);
			scratch_write(x->path, x->good, x->size);
			scratch_write(y->path, y->good, y->size);
			found.named++;
		}
	assert_int_equal(scene_verify(&scene, NULL, false), EXIT_FINE);
	scene_remove(&scene);
}

/* ------------------------------------------------------------------- lists */

static int try_list(const struct scene *scene, const void *text, size_t size)
{
	char *path = scratch_path(scene->copy, "other");
	int code;

	scratch_write(path, text, size);
	code = scene_verify(scene, path, false);
	free(path);
	return code;
}

/* Whether the byte may be so. Another case of a digit is the same digit. Any
 * part names its set where a line is about tensors. */
static bool means_the_same(const char *text, size_t at, char changed)
{
	const char good = text[at];
	size_t begin = at;

	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	/* Before the path, which is absolute. */
	if (!memchr(text + begin, '/', at - begin) &&
	    isxdigit((unsigned char)good) &&
	    tolower((unsigned char)changed) == good)
		return true;
	return strncmp(text + at + 1, "-of-", 4) == 0 && changed >= '1' &&
	       changed <= '4' && strncmp(text + begin, "sha256 ", 7) == 0;
}

/* Each bit of a byte. */
static void tamper_list(const struct scene *scene, char *text, size_t size)
{
	for (size_t at = 0; at < size; at += found.step)
		for (unsigned bit = 0; bit < 8; bit++) {
			const char good = text[at];
			const char changed = (char)(good ^ 1 << bit);

			if (means_the_same(text, at, changed))
				continue;
			text[at] = changed;
			if (try_list(scene, text, size) == EXIT_FINE)
				fail_msg("bit %u of byte %zu of the list is "
					 "changed and not found",
					 bit, at);
			text[at] = good;
			found.list++;
		}
}

/* Without each line, but one that another line covers: if each tensor has its
 * own, that of all together. A line twice changes nothing. */
static void drop_lines(const struct scene *scene, const char *text, size_t size)
{
	char *other = malloc(2 * size);
	size_t end;

	assert_non_null(other);
	for (size_t begin = 0; begin < size; begin = end) {
		const char *stop = memchr(text + begin, '\n', size - begin);
		int code;

		end = (size_t)(stop - text) + 1;
		memcpy(other, text, begin);
		memcpy(other + begin, text + end, size - end);
		code = try_list(scene, other, size - (end - begin));
		if (memcmp(text + begin, "sha256 ", 7) == 0 &&
		    !memchr(text + begin, ':', end - begin))
			assert_int_equal(code, EXIT_FINE);
		else
			assert_int_not_equal(code, EXIT_FINE);
		memcpy(other, text, size);
		memcpy(other + size, text + begin, end - begin);
		assert_int_equal(try_list(scene, other, size + end - begin),
				 EXIT_FINE);
		found.list++;
	}
	free(other);
}

static void test_lists(void **state)
{
	static const size_t which[] = { 0, 2, 4, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		struct scene scene = scene_make(scenes[which[i]]);
		size_t size;
		char *text = (char *)scratch_read(scene.list, &size);

		tamper_list(&scene, text, size);
		drop_lines(&scene, text, size);
		free(text);
		scene_remove(&scene);
	}
}

static int report(void **state)
{
	const size_t bytes = found.header + found.tensor + found.padding;

	(void)state;
	printf("survived %zu tampered manifests: %zu bytes in headers (%zu of "
	       "them opened), %zu in tensors, %zu in padding, %zu changes of "
	       "a kind, %zu of lists; all found\n",
	       bytes + found.named + found.list, found.header, found.opened,
	       found.tensor, found.padding, found.named, found.list);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes), cmocka_unit_test(test_changes),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_parts),
		cmocka_unit_test(test_lists),
	};

	if (argc > 1 && strcmp(argv[1], "all") == 0)
		found.step = 1;
	return cmocka_run_group_tests(tests, NULL, report);
}
