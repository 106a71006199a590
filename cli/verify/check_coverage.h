/*
 * check_coverage.h - what of a file no entry of a list is about.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_COVERAGE_H
#define QUIRE_CLI_VERIFY_CHECK_COVERAGE_H

#include "cli/verify/check_entries.h"

/* Reports what check_entries asks of the entries and they lack, but for single
 * tensors. `model` may be NULL. False: out of memory. */
bool check_coverage(struct verdict *verdict, const quire_model *model,
		    struct entries entries, bool tensors_only);

#endif
