/*
 * verify.h - the part of verification that opening uses.
 */
#ifndef QUIRE_LOADER_VERIFY_H
#define QUIRE_LOADER_VERIFY_H

#include "loader/model.h"

/* quire_model_verify without the check of the header, which may be edited. */
quire_status quire_verify_tensors(const quire_model *model,
				  const quire_verify_options *options,
				  quire_error *error);

#endif
