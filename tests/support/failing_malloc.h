/*
 * failing_malloc.h - makes one allocation fail and counts the bytes that are
 * held. For programs linked by quire_inject_faults
 * (tests/support/CMakeLists.txt), which puts these functions before the C
 * library's. Calls of all threads count.
 */
#ifndef QUIRE_TESTS_FAILING_MALLOC_H
#define QUIRE_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on only allocation number `at`, counted from 0, fails. */
void failing_malloc_arm(long at);

/* No allocation fails any more. Returns whether the armed one was reached. */
bool failing_malloc_disarm(void);

/* Bytes that are allocated and not freed; and the most of them since the last
 * call of failing_malloc_watch, which starts the count again. */
size_t failing_malloc_held(void);
size_t failing_malloc_peak(void);
void failing_malloc_watch(void);

#endif
