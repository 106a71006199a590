/*
 * report.h - from a plan to the public report.
 */
#ifndef QUIRE_CONVERT_REPORT_H
#define QUIRE_CONVERT_REPORT_H

#include "convert/plan/plan.h"

/* A report of all items of a plan, and of the files of a writer whose layout is
 * fixed; it outlives both. It is freed with quire_convert_report_free. Fails
 * with MEMORY only. */
quire_status quire_report_create(const struct plan *plan,
				 const quire_writer *writer,
				 quire_convert_report **report,
				 quire_error *error);

#endif
