/*
 * model.h - what is behind a quire_model.
 */
#ifndef QUIRE_LOADER_MODEL_H
#define QUIRE_LOADER_MODEL_H

#include "format/index.h"
#include "loader/map.h"

struct quire_model {
	const unsigned char *bytes; /* the whole file */
	struct quire_index index;
	struct quire_map map; /* nothing, if the memory is the caller's */
};

#endif
