/*
 * converted.h - a model of tests/onnx, converted and opened again.
 */
#ifndef QUIRE_TEST_CONVERTED_H
#define QUIRE_TEST_CONVERTED_H

#include "quire_convert.h"

struct converted {
	char *folder; /* that has out.gguf */
	quire_convert_report *report;
	quire_model *model;
};

/* Converts tests/onnx/NAME.onnx (good/plain) and verifies it; fails the test if
 * either fails. To be discarded. */
struct converted converted_with(const char *name,
				const quire_convert_options *options);
struct converted converted_make(const char *name);
void converted_discard(struct converted *done);

/* The row of the report for this tensor. */
const quire_convert_row *converted_row(const struct converted *done,
				       const quire_tensor *tensor);

/* Fails the test unless the tensor has the bytes of tests/onnx/NAME.weight. */
void converted_check(const char *name, const quire_tensor *tensor);

#endif
