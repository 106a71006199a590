/*
 * report.h - from a plan to the public report.
 */
#ifndef QUIRE_CONVERT_REPORT_H
#define QUIRE_CONVERT_REPORT_H

#include "convert/plan.h"

/* A report of all items of a plan, which it outlives; its file_size is 0. It
 * is freed with quire_convert_report_free. Fails with MEMORY only. */
quire_status quire_report_create(const struct plan *plan,
				 quire_convert_report **report,
				 quire_error *error);

#endif
