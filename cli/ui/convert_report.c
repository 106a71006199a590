/*
 * convert_report.c - the summary on stdout and the --report file. Both use the
 * same sums over the rows.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/files/other_files.h"
#include "cli/ui/convert_report.h"
#include "cli/ui/convert_warnings.h"
#include "cli/ui/json_out.h"
#include "cli/ui/text.h"
#include "cli/ui/text_table.h"
#include "cli/ui/trouble.h"

/* More lines would push the summary off the screen. */
#define REASONS_SHOWN 10

#define OUTCOME_COUNT 4

static const quire_outcome outcomes[OUTCOME_COUNT] = {
	QUIRE_OUTCOME_EXACT,
	QUIRE_OUTCOME_ROUNDED,
	QUIRE_OUTCOME_FALLBACK,
	QUIRE_OUTCOME_SKIPPED,
};

struct sum {
	uint64_t count;
	uint64_t source_size;
	uint64_t tensor_size;
};

static void add_row(struct sum *sum, const quire_convert_row *row)
{
	sum->count++;
	sum->source_size += row->source_size;
	sum->tensor_size += row->tensor_size;
}

static struct sum sum_of(const quire_convert_report *report, quire_role role,
			 quire_outcome outcome)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].role == role &&
		    report->rows[i].outcome == outcome)
			add_row(&sum, &report->rows[i]);
	return sum;
}

static uint64_t count_role(const quire_convert_report *report, quire_role role)
{
	uint64_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->rows[i].role == role;
	return count;
}

/* Shapes and indices are no weights that were skipped. */
static uint64_t count_outcome(const quire_convert_report *report,
			      quire_outcome outcome)
{
	uint64_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->rows[i].outcome == outcome &&
			 report->rows[i].role != QUIRE_ROLE_CONSTANT;
	return count;
}

/* All rows that the table shows. */
static struct sum total_of(const quire_convert_report *report)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].role != QUIRE_ROLE_CONSTANT)
			add_row(&sum, &report->rows[i]);
	return sum;
}

/* Whether a scale was rounded at all: dense tensors have none. */
static bool has_scales(const quire_convert_report *report)
{
	return sum_of(report, QUIRE_ROLE_WEIGHT, QUIRE_OUTCOME_EXACT).count > 0;
}

static double largest_rounding(const quire_convert_report *report)
{
	double largest = 0;

	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].outcome != QUIRE_OUTCOME_ROUNDED &&
		    report->rows[i].scale_error_max > largest)
			largest = report->rows[i].scale_error_max;
	return largest;
}

static void describe_ratio(char *text, size_t capacity, struct sum sum)
{
	const double before = (double)sum.source_size;
	const double after = (double)sum.tensor_size;

	text[0] = '\0';
	if (sum.source_size == 0 || sum.tensor_size == 0)
		return;
	/* A ratio that is printed as 1.00 says nothing. */
	if (before / after < 1.005 && after / before < 1.005)
		return;
	if (before >= after)
		snprintf(text, capacity, "%.2fx smaller", before / after);
	else
		snprintf(text, capacity, "%.2fx larger", after / before);
}

static void table_sum(struct text_table *table, const char *name,
		      struct sum sum)
{
	char text[48];
	char size[TEXT_SIZE_CAPACITY];

	text_table_text(table, name);
	text_table_number(table, sum.count);
	text_table_text(table, text_human_size(size, sum.source_size));
	text_table_text(table, "->");
	text_table_text(table, text_human_size(size, sum.tensor_size));
	describe_ratio(text, sizeof(text), sum);
	text_table_text(table, text);
}

static bool print_sums(const quire_convert_report *report)
{
	static const char *const names[] = {
		[QUIRE_ROLE_WEIGHT] = "weights",
		[QUIRE_ROLE_BIAS] = "biases",
		[QUIRE_ROLE_EMBEDDING] = "embeddings",
		[QUIRE_ROLE_TENSOR] = "other tensors",
	};
	static const char *const endings[] = {
		[QUIRE_OUTCOME_EXACT] = "",
		[QUIRE_OUTCOME_FALLBACK] = ", made dense",
		[QUIRE_OUTCOME_SKIPPED] = ", left out",
		[QUIRE_OUTCOME_ROUNDED] = ", rounded",
	};
	struct text_table table = text_table_start("lrrlrl");
	size_t lines = 0;

	for (quire_role role = 0; role < QUIRE_ROLE_CONSTANT; role++)
		for (size_t i = 0; i < OUTCOME_COUNT; i++) {
			const struct sum sum =
			    sum_of(report, role, outcomes[i]);
			char name[48];

			if (sum.count == 0)
				continue;
			lines++;
			snprintf(name, sizeof(name), "%s%s", names[role],
				 endings[outcomes[i]]);
			table_sum(&table, name, sum);
		}
	if (lines > 1)
		table_sum(&table, "all", total_of(report));
	return text_table_print(&table);
}

static void print_reasons(const quire_convert_report *report)
{
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < report->count; i++) {
		const quire_convert_row *row = &report->rows[i];

		if (row->outcome == QUIRE_OUTCOME_EXACT ||
		    row->outcome == QUIRE_OUTCOME_ROUNDED ||
		    row->role == QUIRE_ROLE_CONSTANT)
			continue;
		if (shown == REASONS_SHOWN) {
			more++;
			continue;
		}
		shown++;
		printf("  %s '", quire_outcome_name(row->outcome));
		text_print(stdout, row->source);
		fputs("': ", stdout);
		text_print(stdout, row->reason);
		putchar('\n');
	}
	if (more)
		printf("  and %zu more; --report FILE.json lists them all\n",
		       more);
}

/* A tensor is never split between parts. */
static void print_large(const struct conversion *conversion)
{
	const quire_convert_report *report = conversion->report;
	size_t count = 0;

	for (size_t i = 0; i < report->part_count; i++)
		count += report->parts[i].file_size > conversion->split_size;
	if (count > 0)
		printf("  %zu %s larger than the split size, with a single "
		       "tensor\n",
		       count, count == 1 ? "part is" : "parts are");
}

static void print_files(const struct conversion *conversion)
{
	char name[OTHER_FILES_NAME_SIZE];
	size_t others;

	if (conversion->split_size > 0)
		print_large(conversion);
	if (conversion->dry_run)
		return;
	others = other_files(conversion->report, conversion->output, name);
	if (others == 0)
		return;
	fputs("  not from this conversion, and left unchanged: ", stdout);
	text_print(stdout, name);
	if (others > 1)
		printf(" and %zu more", others - 1);
	putchar('\n');
}

static void print_first(const struct conversion *conversion)
{
	const quire_convert_report *report = conversion->report;
	const uint64_t weights = count_role(report, QUIRE_ROLE_WEIGHT);
	const uint64_t left =
	    sum_of(report, QUIRE_ROLE_WEIGHT, QUIRE_OUTCOME_SKIPPED).count;
	char size[TEXT_SIZE_CAPACITY];

	/* The first part names the set; a single file is the first part. */
	text_print(stdout, conversion->dry_run ? conversion->source
					       : report->parts[0].path);
	fputs(weights > 0 ? ": " : ": no quantized weights, ", stdout);
	if (left > 0)
		printf("%" PRIu64 " of ", weights - left);
	if (weights > 0)
		printf("%" PRIu64 " quantized %s, ", weights,
		       weights == 1 ? "weight" : "weights");
	fputs(text_human_size(size, report->file_size), stdout);
	if (report->part_count > 1)
		printf(" in %zu parts", report->part_count);
	puts(conversion->dry_run ? "; nothing was written" : "");
}

/* The files that a dry run does not write. */
static bool print_parts(const quire_convert_report *report)
{
	struct text_table table = text_table_start("lrrl");
	char size[TEXT_SIZE_CAPACITY];

	for (size_t i = 0; i < report->part_count; i++) {
		const quire_part *part = &report->parts[i];

		text_table_text(&table, part->path);
		text_table_text(&table, text_human_size(size, part->file_size));
		text_table_number(&table, part->tensor_count);
		text_table_text(&table,
				part->tensor_count == 1 ? "tensor" : "tensors");
	}
	return text_table_print(&table);
}

static void print_constants(const quire_convert_report *report)
{
	const uint64_t count = count_role(report, QUIRE_ROLE_CONSTANT);

	if (count > 0)
		printf("  not counted: %" PRIu64
		       " %s that %s no floats, such as shapes and indices\n",
		       count, count == 1 ? "constant" : "constants",
		       count == 1 ? "has" : "have");
}

void convert_report_print(const struct conversion *conversion)
{
	const quire_convert_report *report = conversion->report;

	print_first(conversion);
	if (count_role(report, QUIRE_ROLE_WEIGHT) == 0)
		printf("  Quire keeps quantized weights and makes none: "
		       "quantize the model first,\n"
		       "  for example with ONNX Runtime's "
		       "MatMulNBitsQuantizer\n");
	convert_warnings_print(report);
	if (conversion->dry_run && report->part_count > 1 &&
	    !print_parts(report))
		trouble_memory();
	if (!print_sums(report))
		trouble_memory();
	print_reasons(report);
	print_constants(report);
	print_files(conversion);
	if (has_scales(report))
		printf("  largest rounding of a scale: %.2g relative\n",
		       largest_rounding(report));
	printf("  %.2f seconds\n", conversion->seconds);
}

static void json_row(struct json_out *out, const quire_convert_row *row)
{
	json_out_begin(out, NULL, '{');
	json_out_text(out, "node", row->node);
	json_out_text(out, "source", row->source);
	json_out_text(out, "tensor", row->tensor);
	json_out_text(out, "role", quire_role_name(row->role));
	json_out_text(out, "outcome", quire_outcome_name(row->outcome));
	json_out_text(out, "reason", row->reason);
	json_out_text(out, "dtype",
		      row->tensor ? quire_dtype_name(row->dtype) : NULL);
	json_out_u64(out, "source_size", row->source_size);
	json_out_u64(out, "tensor_size", row->tensor_size);
	json_out_f64(out, "scale_error_max", row->scale_error_max);
	json_out_f64(out, "scale_error_mean", row->scale_error_mean);
	json_out_end(out, '}');
}

static void json_totals(struct json_out *out,
			const quire_convert_report *report)
{
	json_out_begin(out, "totals", '{');
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		json_out_u64(out, quire_outcome_name(outcomes[i]),
			     count_outcome(report, outcomes[i]));
	json_out_u64(out, "weights", count_role(report, QUIRE_ROLE_WEIGHT));
	json_out_u64(out, "biases", count_role(report, QUIRE_ROLE_BIAS));
	json_out_u64(out, "embeddings",
		     count_role(report, QUIRE_ROLE_EMBEDDING));
	json_out_u64(out, "tensors", count_role(report, QUIRE_ROLE_TENSOR));
	json_out_u64(out, "constants", count_role(report, QUIRE_ROLE_CONSTANT));
	json_out_u64(out, "source_size", report->source_size);
	json_out_u64(out, "tensor_size", report->tensor_size);
	json_out_u64(out, "file_size", report->file_size);
	json_out_f64(out, "scale_error_max", largest_rounding(report));
	json_out_end(out, '}');
}

static void json_files(struct json_out *out, const quire_convert_report *report)
{
	json_out_begin(out, "files", '[');
	for (size_t i = 0; i < report->part_count; i++) {
		json_out_begin(out, NULL, '{');
		json_out_text(out, "path", report->parts[i].path);
		json_out_u64(out, "size", report->parts[i].file_size);
		json_out_u64(out, "tensors", report->parts[i].tensor_count);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
}

bool convert_report_write(const struct conversion *conversion, FILE *stream)
{
	const quire_convert_report *report = conversion->report;
	struct json_out out = json_out_start(stream);

	json_out_begin(&out, NULL, '{');
	json_out_text(&out, "source", conversion->source);
	json_out_text(&out, "output", conversion->output);
	json_out_f64(&out, "seconds", conversion->seconds);
	json_totals(&out, report);
	convert_warnings_json(&out, report);
	json_files(&out, report);
	json_out_begin(&out, "tensors", '[');
	for (size_t i = 0; i < report->count; i++)
		json_row(&out, &report->rows[i]);
	json_out_end(&out, ']');
	json_out_end(&out, '}');
	return json_out_finish(&out);
}
