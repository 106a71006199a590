/*
 * nearest.h - which known name was probably meant by an unknown one.
 *
 *	struct nearest near = quire_nearest_to("verfy");
 *	for (each known name)
 *		quire_nearest_offer(&near, name);
 *	if (near.found) ... near.name ...
 */
#ifndef QUIRE_BASE_NEAREST_H
#define QUIRE_BASE_NEAREST_H

#include "quire.h"

/* Points into what was given; owns nothing. */
struct nearest {
	quire_string text;
	quire_string name; /* the best so far, if found */
	size_t cost;
	bool found;
};

struct nearest quire_nearest_to(const char *text);

/* A name is near when few edits lead to it, or else when it contains the
 * text. Of names that are equally near, the first one offered stays. */
void quire_nearest_offer(struct nearest *nearest, quire_string name);

#endif
