/*
 * ahead.h - reads the mapped files of a model from the first byte to the last,
 * on a thread of its own, while others use them.
 */
#ifndef QUIRE_LOADER_AHEAD_H
#define QUIRE_LOADER_AHEAD_H

#include "loader/model.h"

/* Starts a thread that reads all parts, which are mapped, and ends. Without
 * memory, or if no thread can be started, it does nothing: model->ahead stays
 * NULL. */
void quire_ahead_start(quire_model *model);

/* Stops it, if it runs: before the files are unmapped. */
void quire_ahead_stop(quire_model *model);

#endif
