/*
 * header.h - copies the header of a mapped file into memory of our own.
 */
#ifndef QUIRE_LOADER_HEADER_H
#define QUIRE_LOADER_HEADER_H

#include "format/parse.h"
#include "loader/model.h"

/* *input = the bytes of a part, ready to be parsed. The header of a mapped file
 * is read into memory, which becomes the part's; other files are parsed where
 * they are. Fails with TRUNCATED, IO and MEMORY. */
quire_status quire_header_take(struct model_part *part,
			       struct quire_input *input, quire_error *error);

#endif
