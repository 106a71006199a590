/*
 * convert_warnings.c - warnings of a conversion, on stderr, in the summary and
 * in the JSON report. All three go through the same rows.
 */
#include "cli/ui/convert_warnings.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

/* More lines would push the summary off the screen. */
#define WARNINGS_SHOWN 10

enum warning {
	WARNING_NONE,
	WARNING_DENSE, /* a quantized weight is dense in the container */
	WARNING_LEFT,  /* a node with a quantized weight is left out */
};

static enum warning warning_of(const quire_convert_report *report, size_t row)
{
	if (report->rows[row].outcome == QUIRE_OUTCOME_FALLBACK)
		return WARNING_DENSE;
	/* Nodes that are left out are last. */
	return row >= report->count - report->left ? WARNING_LEFT
						   : WARNING_NONE;
}

static size_t count_of(const quire_convert_report *report, enum warning warning)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += warning_of(report, i) == warning;
	return count;
}

void convert_warnings_tell(const quire_convert_report *report)
{
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < report->count; i++) {
		const quire_convert_row *row = &report->rows[i];
		const enum warning warning = warning_of(report, i);

		if (warning == WARNING_NONE)
			continue;
		if (shown == WARNINGS_SHOWN) {
			more++;
			continue;
		}
		shown++;
		if (warning == WARNING_DENSE)
			trouble("warning: the quantized weight '%s' became %s: "
				"%s",
				row->source, quire_dtype_name(row->dtype),
				row->reason);
		else
			trouble("warning: node '%s' is left out: %s", row->node,
				row->reason);
	}
	if (more)
		trouble("warning: and %zu more; --report FILE.json lists them "
			"all",
			more);
}

void convert_warnings_print(const quire_convert_report *report)
{
	const size_t dense = count_of(report, WARNING_DENSE);
	const size_t left = count_of(report, WARNING_LEFT);
	uint64_t before = 0;
	uint64_t after = 0;

	for (size_t i = 0; i < report->count; i++)
		if (warning_of(report, i) == WARNING_DENSE) {
			before += report->rows[i].source_size;
			after += report->rows[i].tensor_size;
		}
	if (dense > 0)
		printf("  warning: %zu quantized %s dense, %.1f times larger\n",
		       dense, dense == 1 ? "weight became" : "weights became",
		       (double)after / (double)(before ? before : 1));
	if (left > 0)
		printf("  warning: %zu %s missing, because %s be converted\n",
		       left,
		       left == 1 ? "node's quantized weight is"
				 : "nodes' quantized weights are",
		       left == 1 ? "it cannot" : "they cannot");
}

void convert_warnings_json(struct json_out *out,
			   const quire_convert_report *report)
{
	json_out_begin(out, "warnings", '[');
	for (size_t i = 0; i < report->count; i++) {
		const quire_convert_row *row = &report->rows[i];
		const enum warning warning = warning_of(report, i);

		if (warning == WARNING_NONE)
			continue;
		json_out_begin(out, NULL, '{');
		json_out_text(out, "kind",
			      warning == WARNING_DENSE ? "dense" : "left out");
		json_out_text(out, "node", row->node);
		json_out_text(out, "source", row->source);
		json_out_text(out, "reason", row->reason);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
}
