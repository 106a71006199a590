/*
 * test_plan_key.c - which weights share a tensor: those that are equal in
 * storage and value, whatever nodes use them. A field that is added to either
 * is tested too, since every byte of them is.
 */
#include <string.h>

#include "convert/plan/planner.h"
#include "tests/support/check.h"
#include "tests/support/random.h"

static bool share(const struct weight *left, const struct weight *right)
{
	const struct weight_key a = quire_plan_key(left);
	const struct weight_key b = quire_plan_key(right);

	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Some weight: no field of it has a meaning. */
static struct weight make(void)
{
	struct rng rng = { 7 };
	struct weight weight = { .node = NULL };

	random_bytes(&rng, (unsigned char *)&weight.storage,
		     sizeof(weight.storage));
	random_bytes(&rng, (unsigned char *)&weight.value,
		     sizeof(weight.value));
	return weight;
}

/* The same fields in memory that held something else before. */
static struct weight dirty_copy(const struct weight *from, int garbage)
{
	struct weight weight;

	memset(&weight, garbage, sizeof(weight));
	weight.node = from->node;
	weight.storage = from->storage;
	weight.value = from->value;
	weight.intent = from->intent;
	return weight;
}

static void test_equal(void **state)
{
	const struct weight weight = make();
	const struct weight same = dirty_copy(&weight, 0x55);
	const struct weight also = dirty_copy(&weight, 0xFF);

	(void)state;
	assert_true(share(&weight, &same));
	assert_true(share(&same, &also));
}

static void check_bytes(struct weight *weight, void *bytes, size_t size)
{
	const struct weight before = *weight;

	for (size_t i = 0; i < size; i++) {
		((unsigned char *)bytes)[i] ^= 1;
		assert_false(share(&before, weight));
		((unsigned char *)bytes)[i] ^= 1;
	}
	assert_true(share(&before, weight));
}

static void test_any_field(void **state)
{
	struct weight weight = make();

	(void)state;
	check_bytes(&weight, &weight.storage, sizeof(weight.storage));
	check_bytes(&weight, &weight.value, sizeof(weight.value));
}

/* Experts of [2, 3, k] and of [3, 2, k] in the same bytes. */
static void test_shape(void **state)
{
	struct weight left = { .value = { .k = 64, .n = 6, .rank = 3 } };
	struct weight right = left;

	(void)state;
	memcpy(left.value.outer, (const uint64_t[]){ 3, 2, 1 },
	       sizeof(left.value.outer));
	memcpy(right.value.outer, (const uint64_t[]){ 2, 3, 1 },
	       sizeof(right.value.outer));
	assert_false(share(&left, &right));
}

/* A linear is the node's own; a tensor that may not be padded is another. */
static void test_intent(void **state)
{
	const struct weight weight = make();
	const struct onnx_node node = { .name = "other" };
	const struct onnx_value bias = { .name = "bias" };
	struct weight other = weight;

	(void)state;
	other.node = &node;
	other.uses[WEIGHT_CODES] = (struct onnx_use){ &node, 1 };
	other.intent = (struct weight_intent){ .no_linear = true,
					       .note = "note",
					       .accuracy_level = 4,
					       .bias = &bias };
	assert_true(share(&weight, &other));
	other.intent.no_padding = true;
	assert_false(share(&weight, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_any_field),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_intent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
