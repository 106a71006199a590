/*
 * touch.h - uses an opened model as widely as a program could. Fuzzers and
 * fault tests do this with each file that opens.
 */
#ifndef QUIRE_TESTS_TOUCH_H
#define QUIRE_TESTS_TOUCH_H

#include "quire.h"

/*
 * Calls every accessor; reads every value and array element; looks everything
 * up by name; hashes every tensor and decodes some rows; verifies with
 * `threads` threads; and multiplies by the first few matrices and linears. Any
 * status is fine: the test is that nothing else goes wrong. Returns the
 * verifier's status.
 */
quire_status touch_model(const quire_model *model, uint32_t threads);

/*
 * Writes the right checksum into the header of a container of `size` bytes, so
 * that tests reach the rules behind that check. Returns false and changes
 * nothing if the file cannot be opened even as an edited file, is foreign, or
 * has the right checksum already.
 */
bool touch_reseal(unsigned char *bytes, size_t size);

#endif
