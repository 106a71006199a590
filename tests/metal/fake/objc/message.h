/*
 * message.h - objc_msgSend. Apple's is a function that is cast before each
 * call; gcc warns of calling a function it knows by another type, so here the
 * name is a pointer to it.
 */
#ifndef QUIRE_TESTS_OBJC_MESSAGE_H
#define QUIRE_TESTS_OBJC_MESSAGE_H

#include <objc/runtime.h>

extern void (*const fake_send)(void);
#define objc_msgSend fake_send

#endif
