/*
 * model.h - the members of a quire_model.
 */
#ifndef QUIRE_LOADER_MODEL_H
#define QUIRE_LOADER_MODEL_H

#include "format/index.h"
#include "loader/map.h"

/* One file; a model that is not a split set has one. */
struct model_part {
	char *path;		    /* NULL: it has none */
	const unsigned char *bytes; /* the whole file */
	struct quire_map map;	    /* nothing, if the memory is the caller's */
	/* A copy of the header of a mapped file, or NULL: names and values
	 * point into it, because others may write to the file. */
	unsigned char *header;
	uint32_t alignment;
	uint64_t data_offset;
	uint64_t size;
	size_t first_tensor;
	size_t tensor_count;
	bool header_edited;
};

struct quire_model {
	struct quire_index index; /* of all parts */
	struct model_part *parts;
	size_t part_count;
	struct lazy *lazy;   /* NULL, but with QUIRE_VERIFY_LAZY */
	struct ahead *ahead; /* NULL, but with QUIRE_PREFETCH_WILL_NEED */
};

/* For errors about a model as a whole: its path, or NULL if it has none or
 * several. */
static inline const char *quire_model_path(const quire_model *model)
{
	return model->part_count == 1 ? model->parts[0].path : NULL;
}

#endif
