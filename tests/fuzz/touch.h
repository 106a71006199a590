/*
 * touch.h - uses an opened model as widely as a program could: what fuzzers
 * and fault tests do with each file that the reader takes.
 */
#ifndef QUIRE_TESTS_TOUCH_H
#define QUIRE_TESTS_TOUCH_H

#include "quire.h"

/*
 * Every accessor, every value and array element, every lookup by name, every
 * tensor hashed, some decoded rows, the verifier with `threads` threads, and
 * products with the first few matrices and linear layers. Any status is fine:
 * what is tested is that nothing else happens. Returns the verifier's.
 */
quire_status touch_model(const quire_model *model, uint32_t threads);

/*
 * Writes the right checksum into the header of a container of `size` bytes,
 * so that the rules behind that check are reached. Returns false, and changes
 * nothing, if the file cannot be opened even as an edited one, is foreign, or
 * matches its checksum already.
 */
bool touch_reseal(unsigned char *bytes, size_t size);

#endif
