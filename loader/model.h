/*
 * model.h - the members of a quire_model.
 */
#ifndef QUIRE_LOADER_MODEL_H
#define QUIRE_LOADER_MODEL_H

#include "base/crew.h"
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

/* Bytes of a file: those in memory, or, of a mapped one, read into `buffer`.
 * Reading once takes half the time of touching mapped pages, and in a file that
 * was cut it is an error instead of SIGBUS. NULL, and errno, for
 * quire_map_fail_read. */
const unsigned char *quire_model_fetch(const struct model_part *part,
				       uint64_t offset, size_t size,
				       unsigned char *buffer);

/* A file that is smaller is read in less time than threads take to start. */
#define QUIRE_WORTH_THREADS ((uint64_t)4 << 20)

/* Begins a crew that reads `total` bytes in `pieces` pieces, by as many threads
 * as the options ask for: no more than there are pieces, and one if memory is
 * out. */
void quire_model_gather(struct crew *crew, uint32_t threads, uint64_t total,
			uint64_t pieces);

/* For errors about a model as a whole: its path, or NULL if it has none or
 * several. */
static inline const char *quire_model_path(const quire_model *model)
{
	return model->part_count == 1 ? model->parts[0].path : NULL;
}

#endif
