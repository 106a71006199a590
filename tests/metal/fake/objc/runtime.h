/*
 * runtime.h - the few declarations of Apple's header of this name that the
 * host uses.
 */
#ifndef QUIRE_TESTS_OBJC_RUNTIME_H
#define QUIRE_TESTS_OBJC_RUNTIME_H

typedef struct objc_class *Class;
typedef struct objc_object *id;
typedef struct objc_selector *SEL;
typedef signed char BOOL;

SEL sel_registerName(const char *name);
Class objc_getClass(const char *name);

#endif
