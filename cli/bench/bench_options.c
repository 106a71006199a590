/*
 * bench_options.c - reads lists. The ranges are such that no product of the
 * largest values overflows 64 bits.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/bench/bench_options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

/* 2^20 columns or rows: five times the largest vocabulary of a model. */
#define DIMENSION_MAX (1U << 20)

/* The weight types of quire_matmul. */
static const quire_dtype dtypes[] = { QUIRE_F32,  QUIRE_F16,  QUIRE_Q4_0,
				      QUIRE_Q4_1, QUIRE_Q8_0, QUIRE_BF16 };

#define DTYPE_COUNT (sizeof(dtypes) / sizeof(*dtypes))

static size_t item_size(const char *text)
{
	return strcspn(text, ",");
}

static bool add(const char *option, struct bench_numbers *list, uint32_t number)
{
	if (list->count < BENCH_LIST_MAX) {
		list->number[list->count++] = number;
		return true;
	}
	trouble("bench: more than %d in --%s", BENCH_LIST_MAX, option);
	return false;
}

/* A number, or a range of them: "4" or "1-16". False: it is neither, or not
 * within min and max. */
static bool read_range(const char *item, size_t size, uint32_t min,
		       uint32_t max, uint32_t *first, uint32_t *last)
{
	const char *dash = memchr(item, '-', size);
	const size_t first_size = dash ? (size_t)(dash - item) : size;

	if (!args_number(item, first_size, first))
		return false;
	*last = *first;
	if (dash && !args_number(dash + 1, size - first_size - 1, last))
		return false;
	return *first >= min && *first <= *last && *last <= max;
}

bool bench_read_numbers(const char *option, const char *text, uint32_t min,
			uint32_t max, struct bench_numbers *numbers)
{
	const char *item = text;
	uint32_t first, last;

	numbers->count = 0;
	for (;;) {
		const size_t size = item_size(item);

		if (!read_range(item, size, min, max, &first, &last)) {
			trouble("bench: --%s takes numbers from %" PRIu32
				" to %" PRIu32 ", separated by commas, not "
				"'%s'",
				option, min, max, text);
			return false;
		}
		for (uint32_t number = first; number <= last; number++)
			if (!add(option, numbers, number))
				return false;
		if (item[size] == '\0')
			return true;
		item += size + 1;
	}
}

static bool find_dtype(const char *text, size_t size, uint32_t *dtype)
{
	for (size_t i = 0; i < DTYPE_COUNT; i++) {
		const char *name = quire_dtype_name(dtypes[i]);

		if (text_equal_any_case((quire_string){ text, size }, name)) {
			*dtype = (uint32_t)dtypes[i];
			return true;
		}
	}
	return false;
}

bool bench_read_weights(const char *text, struct bench_numbers *weights)
{
	const char *item = text;
	uint32_t dtype;

	weights->count = 0;
	for (;;) {
		const size_t size = item_size(item);

		if (!find_dtype(item, size, &dtype)) {
			trouble("bench: --weights takes Q4_0, Q4_1, Q8_0, F32, "
				"F16 and BF16, separated by commas, not '%s'",
				text);
			return false;
		}
		if (!add("weights", weights, dtype))
			return false;
		if (item[size] == '\0')
			return true;
		item += size + 1;
	}
}

bool bench_read_kernels(const char *text, struct bench_kernels *kernels)
{
	size_t size;

	kernels->count = 0;
	for (const char *item = text;; item += size + 1) {
		char *name = kernels->name[kernels->count];

		size = item_size(item);
		if (size == 0 || size >= BENCH_KERNELS_NAME) {
			trouble("bench: --kernels takes names of kernel sets, "
				"separated by commas, not '%s'",
				text);
			return false;
		}
		memcpy(name, item, size);
		name[size] = '\0';
		kernels->count++;
		if (item[size] == '\0')
			return true;
		if (kernels->count == BENCH_KERNELS_MAX) {
			trouble("bench: more than %d in --kernels",
				BENCH_KERNELS_MAX);
			return false;
		}
	}
}

bool bench_read_shapes(const struct args_list *list, struct bench_plan *plan)
{
	struct bench_numbers pair;

	for (size_t i = 0; i < list->count; i++) {
		if (!bench_read_numbers("shape", list->item[i], 1,
					DIMENSION_MAX, &pair))
			return false;
		if (pair.count != 2 || strchr(list->item[i], '-')) {
			trouble("bench: --shape takes K,N, not '%s'",
				list->item[i]);
			return false;
		}
		if (plan->shape_count == BENCH_LIST_MAX) {
			trouble("bench: more than %d of --shape",
				BENCH_LIST_MAX);
			return false;
		}
		plan->shape[plan->shape_count++] = (struct bench_shape){
			.k = pair.number[0],
			.n = pair.number[1],
		};
	}
	return true;
}
