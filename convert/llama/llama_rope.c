/*
 * llama_rope.c - the frequencies of the rotary embedding, out of the tables of
 * its cosines and sines. Pair i turns by position * f[i], and
 *
 *	f[i] = base^(-i / n) / factor[i]
 *
 * for n pairs. ONNX has only cos and sin of position * f[i]; llama.cpp wants
 * the base, and takes factors where they are not all 1. The base is a number
 * that somebody chose, so it is the roundest one that gives the table. With
 * factors any base is right, because they are what makes up for it.
 *
 * The angle of a row is known up to whole turns. From row p to row 2 p the
 * angle doubles, so the turns are known from row 1 on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "convert/llama/llama_model.h"

/* More pairs than a head can have; 2 * pi. */
#define PAIRS_MAX 4096
#define TURN	  6.283185307179586

/* By how much the tables' numbers are off: the steps of f32, f16 and bf16 next
 * to 1, and the rounding of the angles, which are f32 in any exporter. */
static double step_of(int32_t type)
{
	return type == ONNX_FLOAT ? 3e-7 : type == ONNX_FLOAT16 ? 2e-3 : 1.6e-2;
}

#define ANGLE_STEP 2.5e-7

/* A frequency, and by how much of itself it may be off. */
struct frequency {
	double value;
	double off;
};

struct rotation {
	const struct onnx_value *cos;
	const struct onnx_value *sin;
	size_t pairs;
	struct frequency *frequencies;
	double amplitude; /* cos and sin are times this */
};

/* -------------------------------------------------------------- the tables */

/* One row of both tables. */
static quire_status read_row(const struct llama *llama,
			     const struct rotation *table, uint64_t row,
			     float *cos_row, float *sin_row,
			     unsigned char *bytes)
{
	const struct onnx_value *values[] = { table->cos, table->sin };
	float *rows[] = { cos_row, sin_row };

	for (size_t i = 0; i < 2; i++) {
		const size_t size =
		    table->pairs * quire_onnx_type_bits(values[i]->type) / 8;
		const quire_status status = quire_onnx_read(
		    values[i], row * size, bytes, size, llama->error);

		if (status != QUIRE_OK)
			return status;
		quire_onnx_floats(values[i]->type, bytes, 0, table->pairs,
				  rows[i]);
	}
	return QUIRE_OK;
}

/* The amplitude is the same at every position and in every pair. */
static quire_status check_amplitude(const struct llama *llama,
				    const struct rotation *table,
				    const float *cos_row, const float *sin_row)
{
	const double most = 4 * step_of(table->cos->type);

	for (size_t i = 0; i < table->pairs; i++) {
		const double found = hypot(cos_row[i], sin_row[i]);

		if (!(fabs(found - table->amplitude) <=
		      most * table->amplitude))
			return quire_llama_refuse(
			    llama,
			    "'%.60s' and '%.60s' are no cosines and sines: "
			    "pair %zu has the amplitude %g, and pair 0 %g",
			    table->cos->name, table->sin->name, i, found,
			    table->amplitude);
	}
	return QUIRE_OK;
}

/* Follows the angles from row 1 to the last row that is a power of two. */
static quire_status follow(const struct llama *llama, struct rotation *table,
			   float *cos_row, float *sin_row, unsigned char *bytes)
{
	const uint64_t rows = (uint64_t)table->cos->dims[0];
	const double step = step_of(table->cos->type);
	quire_status status =
	    read_row(llama, table, 0, cos_row, sin_row, bytes);

	if (status != QUIRE_OK)
		return status;
	table->amplitude = cos_row[0];
	for (uint64_t row = 1; row < rows; row *= 2) {
		status = read_row(llama, table, row, cos_row, sin_row, bytes);
		if (status == QUIRE_OK)
			status =
			    check_amplitude(llama, table, cos_row, sin_row);
		if (status != QUIRE_OK)
			return status;
		for (size_t i = 0; i < table->pairs; i++) {
			struct frequency *found = &table->frequencies[i];
			const double seen = atan2(sin_row[i], cos_row[i]);
			const double guess = found->value * (double)row;

			found->value = (guess + remainder(seen - guess, TURN)) /
				       (double)row;
			found->off =
			    ANGLE_STEP + step / ((double)row * found->value);
		}
	}
	return QUIRE_OK;
}

static bool is_pair(const struct onnx_value *cos, const struct onnx_value *sin)
{
	return cos->type == sin->type && cos->dims[0] == sin->dims[0] &&
	       cos->dims[1] == sin->dims[1] && cos->dims[0] > 1 &&
	       cos->dims[1] > 1 && cos->dims[1] <= PAIRS_MAX;
}

static quire_status read_open_table(struct llama *llama, struct rotation *table)
{
	float *rows = calloc(2 * table->pairs, sizeof(*rows));
	unsigned char *bytes = malloc(table->pairs * sizeof(float));
	quire_status status;

	table->frequencies = quire_arena_own(&llama->arena, table->pairs,
					     sizeof(*table->frequencies));
	if (rows && bytes && table->frequencies)
		status = follow(llama, table, rows, rows + table->pairs, bytes);
	else
		status = quire_fail_memory(llama->error, table->pairs);
	free(rows);
	free(bytes);
	for (size_t i = 0; i < table->pairs && status == QUIRE_OK; i++)
		if (!(table->frequencies[i].value > 0))
			status = quire_llama_refuse(
			    llama, "'%.80s': pair %zu does not turn",
			    table->cos->name, i);
	return status;
}

static quire_status read_table(struct llama *llama, size_t number,
			       struct rotation *table)
{
	quire_status status;

	*table = (struct rotation){ .cos = llama->graph.cos[number],
				    .sin = llama->graph.sin[number] };
	if (!is_pair(table->cos, table->sin))
		return quire_llama_refuse(
		    llama,
		    "'%.80s' and '%.80s' are no tables of one type and shape",
		    table->cos->name, table->sin->name);
	table->pairs = (size_t)table->cos->dims[1];
	status = quire_onnx_file_acquire(table->cos->file, llama->error);
	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_file_acquire(table->sin->file, llama->error);
	if (status == QUIRE_OK) {
		status = read_open_table(llama, table);
		quire_onnx_file_release(table->sin->file);
	}
	quire_onnx_file_release(table->cos->file);
	return status;
}

/* ----------------------------------------------------------------- the base */

/* base^(-i / n) */
static double power(double base, size_t i, size_t pairs)
{
	return pow(base, -(double)i / (double)pairs);
}

/* The number with the fewest digits within `off` of itself. */
static double roundest(double value, double off)
{
	char text[32];
	double found = value;

	for (int digits = 1; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits - 1, value);
		found = strtod(text, NULL);
		if (fabs(found - value) <= off * value)
			return found;
	}
	return value;
}

/* By the pair that says it best, of those up to `last`. */
static double base_of(const struct rotation *table, size_t last)
{
	double base = 0;
	double least = INFINITY;

	for (size_t i = 1; i <= last; i++) {
		const struct frequency *frequency = &table->frequencies[i];
		const double times = (double)table->pairs / (double)i;

		if (frequency->off * times >= least)
			continue;
		least = frequency->off * times;
		base = pow(frequency->value, -times);
	}
	return roundest(base, 2 * least);
}

/* Whether all frequencies are powers of the base, divided by a number. */
static bool is_plain(const struct rotation *table, double base, double divisor)
{
	for (size_t i = 0; i < table->pairs; i++) {
		const struct frequency *frequency = &table->frequencies[i];
		const double expected = power(base, i, table->pairs) / divisor;

		if (!(fabs(frequency->value - expected) <=
		      (2 * frequency->off + 1e-6) * expected))
			return false;
	}
	return true;
}

/* -------------------------------------------------------------- what to say */

static quire_status learn_factors(struct llama *llama,
				  const struct rotation *table, double base,
				  size_t number)
{
	double *factors =
	    quire_arena_own(&llama->arena, table->pairs, sizeof(*factors));

	if (!factors)
		return quire_fail_memory(llama->error, table->pairs);
	for (size_t i = 0; i < table->pairs; i++) {
		const struct frequency *frequency = &table->frequencies[i];
		const double off = 2 * frequency->off + 1e-6;

		factors[i] = power(base, i, table->pairs) / frequency->value;
		/* The factors that somebody chose, if they are round. */
		factors[i] = roundest(factors[i], off < 1e-5 ? off : 1e-5);
	}
	llama->factors[number] = factors;
	return QUIRE_OK;
}

static quire_status check_base(const struct llama *llama,
			       const struct rotation *table)
{
	const struct llama_fact *base = &llama->facts[FACT_ROPE_BASE];

	return quire_fail(
	    llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
	    "the base of the rotary frequencies is %.9g by %.80s, and %.9g by "
	    "the table '%.60s'",
	    base->value, base->from, base_of(table, 1), table->cos->name);
}

/* Llama 3 leaves fast frequencies as they are. */
static quire_status learn_scaled(struct llama *llama,
				 const struct rotation *table)
{
	const bool known = llama_knows(llama, FACT_ROPE_BASE);
	const double base =
	    known ? llama->facts[FACT_ROPE_BASE].value : base_of(table, 1);
	const double second = power(base, 1, table->pairs);
	const struct frequency *fast = table->frequencies;
	quire_status status;

	if (fabs(fast[0].value - 1) > 1e-5 + 2 * fast[0].off ||
	    llama->architecture->wants[TARGET_ROPE_FREQS] == 0)
		return quire_llama_refuse(
		    llama,
		    "'%.80s': its frequencies are scaled in a way that "
		    "llama.cpp's %s cannot have",
		    table->cos->name, llama->architecture->name);
	if (known &&
	    fabs(fast[1].value - second) > (2 * fast[1].off + 1e-6) * second)
		return check_base(llama, table);
	status = quire_llama_learn(llama, FACT_ROPE_BASE, base,
				   "the table '%.60s'", table->cos->name);
	return status == QUIRE_OK ? learn_factors(llama, table, base, 0)
				  : status;
}

static quire_status learn_one_table(struct llama *llama,
				    const struct rotation *table)
{
	const double divisor = 1 / table->frequencies[0].value;
	struct rotation plain = *table;
	double base;
	quire_status status;

	if (fabs(table->amplitude - 1) > step_of(table->cos->type))
		return quire_llama_refuse(
		    llama,
		    "'%.80s': its cosines begin with %g, not 1, which "
		    "llama.cpp's %s cannot have",
		    table->cos->name, table->amplitude,
		    llama->architecture->name);
	if (fabs(divisor - 1) < 1e-4) {
		base = base_of(table, table->pairs - 1);
		if (!is_plain(table, base, 1))
			return learn_scaled(llama, table);
		return quire_llama_learn(llama, FACT_ROPE_BASE, base,
					 "the table '%.60s'", table->cos->name);
	}
	plain.frequencies = quire_arena_own(&llama->arena, table->pairs,
					    sizeof(*plain.frequencies));
	if (!plain.frequencies)
		return quire_fail_memory(llama->error, table->pairs);
	for (size_t i = 0; i < table->pairs; i++) {
		plain.frequencies[i] = table->frequencies[i];
		plain.frequencies[i].value *= divisor;
	}
	base = base_of(&plain, table->pairs - 1);
	if (!is_plain(&plain, base, 1))
		return learn_scaled(llama, table);
	status =
	    quire_llama_learn(llama, FACT_ROPE_LINEAR, roundest(divisor, 1e-5),
			      "the table '%.60s'", table->cos->name);
	return status == QUIRE_OK
		   ? quire_llama_learn(llama, FACT_ROPE_BASE, base,
				       "the table '%.60s'", table->cos->name)
		   : status;
}

/* Long rope: the second table is for texts that are no longer than it. */
static quire_status learn_two_tables(struct llama *llama,
				     const struct rotation tables[2])
{
	/* With factors any base is right. */
	const double base = llama_knows(llama, FACT_ROPE_BASE)
				? llama->facts[FACT_ROPE_BASE].value
				: 10000;
	quire_status status;

	if (!llama_has(llama, TRAIT_LONG_ROPE))
		return quire_llama_refuse(
		    llama,
		    "node '%.60s' chooses between two tables, and llama.cpp's "
		    "%s has one",
		    quire_onnx_label(llama->graph.rotary),
		    llama->architecture->name);
	if (tables[0].pairs != tables[1].pairs ||
	    fabs(tables[0].amplitude - tables[1].amplitude) > 1e-3)
		return quire_llama_refuse(
		    llama,
		    "'%.60s' and '%.60s' differ in more than their frequencies",
		    tables[0].cos->name, tables[1].cos->name);
	status = quire_llama_learn(llama, FACT_ROPE_BASE, base,
				   "the factors of the rotary embedding");
	for (size_t i = 0; i < 2 && status == QUIRE_OK; i++)
		status = learn_factors(llama, &tables[i], base, i);
	if (status == QUIRE_OK)
		status = quire_llama_learn(
		    llama, FACT_ROPE_ATTENTION, tables[1].amplitude,
		    "the table '%.60s'", tables[1].cos->name);
	if (status == QUIRE_OK)
		status = quire_llama_learn(
		    llama, FACT_ROPE_ORIGINAL, (double)tables[1].cos->dims[0],
		    "the rows of '%.60s'", tables[1].cos->name);
	return status;
}

/* Positions past the table cannot be computed. */
static quire_status check_context(const struct llama *llama,
				  const struct rotation *table)
{
	const struct llama_fact *context = &llama->facts[FACT_CONTEXT];

	if (!context->known || context->value <= (double)table->cos->dims[0])
		return QUIRE_OK;
	return quire_fail(llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "the context length is %.9g by %.80s, and the table "
			  "'%.60s' has %lld rows",
			  context->value, context->from, table->cos->name,
			  (long long)table->cos->dims[0]);
}

quire_status quire_llama_read_rope(struct llama *llama)
{
	const size_t count = llama->graph.table_count;
	struct rotation tables[2];
	quire_status status = QUIRE_OK;

	if (count == 0)
		return QUIRE_OK;
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = read_table(llama, i, &tables[i]);
	if (status == QUIRE_OK)
		status = check_context(llama, &tables[0]);
	if (status == QUIRE_OK)
		status = quire_llama_learn(
		    llama, FACT_ROPE_DIMENSIONS, 2 * (double)tables[0].pairs,
		    "the table '%.60s'", tables[0].cos->name);
	if (status != QUIRE_OK)
		return status;
	if (!llama_has(llama, TRAIT_PARTIAL_ROPE) &&
	    llama_knows(llama, FACT_HEAD_SIZE) &&
	    2 * tables[0].pairs != llama_count(llama, FACT_HEAD_SIZE))
		return quire_llama_refuse(
		    llama,
		    "'%.60s' rotates %zu elements of a head, and llama.cpp's "
		    "%s the whole head, %u",
		    tables[0].cos->name, 2 * tables[0].pairs,
		    llama->architecture->name,
		    (unsigned)llama_count(llama, FACT_HEAD_SIZE));
	return count == 2 ? learn_two_tables(llama, tables)
			  : learn_one_table(llama, &tables[0]);
}
