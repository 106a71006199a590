/*
 * open.h - the stages of opening, one file at a time.
 */
#ifndef QUIRE_LOADER_OPEN_H
#define QUIRE_LOADER_OPEN_H

#include "format/parse.h"
#include "loader/model.h"

/* A model that is being opened. */
struct opening {
	const quire_open_options *options;
	struct quire_parse_options parse;
	struct model_part *parts;
	struct quire_parsed_part *parsed; /* by part, with the same bytes */
	size_t part_count;
	quire_error *error;
};

/* Maps and parses the file of a part whose path is set. A failure names the
 * file. */
quire_status quire_open_part(struct opening *opening, size_t part);

/* Given one part of a set: opens the others, by F-42 and F-43, and puts each in
 * its place. */
quire_status quire_open_siblings(struct opening *opening);

#endif
