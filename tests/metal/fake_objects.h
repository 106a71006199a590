/*
 * fake_objects.h - a small Objective-C: classes with methods, retain counts,
 * autorelease pools, strings and errors.
 */
#ifndef QUIRE_TESTS_FAKE_OBJECTS_H
#define QUIRE_TESTS_FAKE_OBJECTS_H

#include <objc/runtime.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "metal/messages.h"

struct fake_method {
	const char *selector;
	void (*function)(void);
};

struct objc_object {
	Class class;
	atomic_long count;
};

/* A class is an object too; the messages to it are those of its metaclass. */
struct objc_class {
	struct objc_object object;
	const char *name;
	const struct fake_method *methods; /* the last one has no selector */
	void (*dealloc)(id self);	   /* or NULL */
	size_t size;
};

/* An entry of a table of methods. It does not compile unless `function` has the
 * parameters and the result that metal/messages.h gives the message. */
#define FAKE_METHOD(message, text, function)                                   \
	{                                                                      \
		text, (void (*)(void)) _Generic((function), message_##message  \
						: (function))                  \
	}
#define FAKE_METHODS_END                                                       \
	{                                                                      \
		NULL, NULL                                                     \
	}

/* Ends the test, because the host did what Metal forbids. */
void fake_die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* A zeroed object with a count of 1. */
id fake_new(Class class);
id fake_retain(id object);
void fake_release(id object);
id fake_autorelease(id object);
long fake_live(void);

/* They are autoreleased. */
id fake_string(const char *text);
id fake_error(long code, const char *text);
const char *fake_text(id string);

/* Whether a class of the fake has this method. The classes of the device are in
 * these lists, which end with NULL. */
bool fake_knows(SEL selector);
extern const Class fake_device_classes[];
extern const Class fake_command_classes[];
extern struct objc_class fake_compile_options_class;

#endif
