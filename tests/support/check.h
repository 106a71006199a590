/*
 * check.h - cmocka, after the headers that it needs.
 */
#ifndef QUIRE_TESTS_CHECK_H
#define QUIRE_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
