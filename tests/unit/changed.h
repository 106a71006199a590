/*
 * changed.h - a container with a tensor that a test has changed.
 */
#ifndef QUIRE_TEST_CHANGED_H
#define QUIRE_TEST_CHANGED_H

#include "quire.h"

/* A tensor that is changed before it is written again. */
struct change {
	quire_tensor tensor;
	unsigned char *bytes; /* with room for a change of type */
	bool left_out;
};

typedef void (*change_fn)(struct change *change);

/* Writes the container's tensors again, with the first one changed and without
 * the table of linears. The checksums are those of the new bytes. */
void changed_rewrite(const char *container, change_fn change);

#endif
