/*
 * report.h - makes the public report of a conversion from its plan.
 */
#ifndef QUIRE_CONVERT_REPORT_H
#define QUIRE_CONVERT_REPORT_H

#include "convert/plan/plan.h"

/* A report of all items of a plan of a model, and of the files of a writer
 * whose layout is fixed; NULL: of no files. It points into none of them. Free
 * it with quire_convert_report_free. Fails with MEMORY only. */
quire_status quire_report_create(const struct onnx_model *model,
				 const struct plan *plan,
				 const quire_writer *writer,
				 quire_convert_report **report,
				 quire_error *error);

#endif
