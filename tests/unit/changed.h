/*
 * changed.h - a model and its container, and a tensor that a test has changed:
 * what the tests of export and of thin models share.
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

/* Changes that either test makes. */
void change_nothing(struct change *change);
void change_to_f32(struct change *change);	/* with zeros */
void change_to_bf16(struct change *change);	/* of F32, truncated */
void change_to_integers(struct change *change); /* GGUF's I32 */
void change_rows(struct change *change);	/* one less */
void change_source(struct change *change);
void change_leave_out(struct change *change);

/* A folder. */
struct place {
	char *folder;
	char *container; /* model.gguf */
	char *source;	 /* model.onnx */
	char *made;	 /* made.onnx, which the test makes of the two */
};

/* For cmocka. *state is a place without files. */
int place_set_up(void **state);
int place_tear_down(void **state);

/* Puts a model of tests/onnx/good and its container into the folder. */
void place_convert(const struct place *place, const char *name);

#endif
