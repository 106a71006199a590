/*
 * verify.h - what opening and lazy verification share with the verifier.
 */
#ifndef QUIRE_LOADER_VERIFY_H
#define QUIRE_LOADER_VERIFY_H

#include "loader/model.h"

/* quire_model_verify, but for the header: one that was edited may pass. */
quire_status quire_verify_tensors(const quire_model *model,
				  const quire_verify_options *options,
				  quire_error *error);

#endif
