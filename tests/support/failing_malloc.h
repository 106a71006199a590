/*
 * failing_malloc.h - makes one allocation fail, and counts what is held. For
 * programs linked by quire_inject_faults (tests/support/CMakeLists.txt), which
 * puts these functions before the C library's. Calls by any thread count.
 */
#ifndef QUIRE_TESTS_FAILING_MALLOC_H
#define QUIRE_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on allocation number `at` fails, from 0, and only that one. */
void failing_malloc_arm(long at);

/* None fails any more. Returns whether the armed number was reached. */
bool failing_malloc_disarm(void);

/* Bytes that were asked for and are not freed yet; and the most since the
 * last call of failing_malloc_watch, which begins to count from now. */
size_t failing_malloc_held(void);
size_t failing_malloc_peak(void);
void failing_malloc_watch(void);

#endif
