/*
 * cycles.h - whether the nodes of a model can be put into an order in which
 * each one comes after those whose outputs it takes.
 */
#ifndef QUIRE_CONVERT_ONNX_CYCLES_H
#define QUIRE_CONVERT_ONNX_CYCLES_H

#include "convert/onnx/onnx_model.h"

/* Fails with LAYOUT, naming a node of the cycle, if they cannot; MEMORY. What
 * the bodies of a node take from around it does not count. */
quire_status quire_onnx_check_cycles(const struct onnx_model *model,
				     quire_error *error);

#endif
