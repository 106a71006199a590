/*
 * fake_objects.c - the functions of fake_objects.h, and objc_msgSend.
 */
#include "tests/metal/fake_objects.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX 1024
#define FREED	 (-1)

struct string {
	struct objc_object object;
	char *text;
	long code; /* of an error */
};

struct pool {
	struct objc_object object;
	id items[POOL_MAX];
	size_t count;
	struct pool *outer;
};

static _Thread_local struct pool *innermost;
static atomic_long live;

void fake_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fake Metal: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

id fake_new(Class class)
{
	id object = calloc(1, class->size);

	if (!object)
		abort();
	object->class = class;
	atomic_init(&object->count, 1);
	atomic_fetch_add(&live, 1);
	return object;
}

id fake_retain(id object)
{
	if (object && atomic_fetch_add(&object->count, 1) <= 0)
		fake_die("retained after its end");
	return object;
}

void fake_release(id object)
{
	long count;

	if (!object)
		return;
	count = atomic_fetch_sub(&object->count, 1);
	if (count <= 0)
		fake_die("%s released too often", object->class->name);
	if (count > 1)
		return;
	if (object->class->dealloc)
		object->class->dealloc(object);
	atomic_fetch_sub(&live, 1);
	atomic_store(&object->count, FREED);
	free(object);
}

id fake_autorelease(id object)
{
	if (!innermost)
		fake_die("%s autoreleased without a pool", object->class->name);
	if (innermost->count == POOL_MAX)
		fake_die("too many autoreleased objects in one pool");
	innermost->items[innermost->count++] = object;
	return object;
}

long fake_live(void)
{
	return atomic_load(&live);
}

static id retain(id self, SEL selector)
{
	(void)selector;
	return fake_retain(self);
}

static void release(id self, SEL selector)
{
	(void)selector;
	fake_release(self);
}

/* NSString, NSError */

static void string_dealloc(id self)
{
	free(((struct string *)(void *)self)->text);
}

static const char *utf8(id self, SEL selector)
{
	(void)selector;
	return fake_text(self);
}

static id description(id self, SEL selector)
{
	(void)selector;
	return fake_string(fake_text(self));
}

static NSInteger code(id self, SEL selector)
{
	(void)selector;
	return ((struct string *)(void *)self)->code;
}

static id string(id self, SEL selector, const char *text)
{
	(void)self;
	(void)selector;
	return fake_string(text);
}

static const struct fake_method string_methods[] = {
	FAKE_METHOD(utf8, "UTF8String", utf8),
	FAKE_METHODS_END,
};
static const struct fake_method error_methods[] = {
	FAKE_METHOD(description, "localizedDescription", description),
	FAKE_METHOD(code, "code", code),
	FAKE_METHODS_END,
};
static const struct fake_method string_class_methods[] = {
	FAKE_METHOD(string, "stringWithUTF8String:", string),
	FAKE_METHODS_END,
};

static struct objc_class string_class = {
	.name = "NSString",
	.methods = string_methods,
	.dealloc = string_dealloc,
	.size = sizeof(struct string),
};
static struct objc_class error_class = {
	.name = "NSError",
	.methods = error_methods,
	.dealloc = string_dealloc,
	.size = sizeof(struct string),
};

static id make_string(Class class, long number, const char *text)
{
	struct string *made = (struct string *)(void *)fake_new(class);

	made->text = strdup(text);
	made->code = number;
	return fake_autorelease(&made->object);
}

id fake_string(const char *text)
{
	return make_string(&string_class, 0, text);
}

id fake_error(long number, const char *text)
{
	return make_string(&error_class, number, text);
}

const char *fake_text(id object)
{
	return ((struct string *)(void *)object)->text;
}

/* NSAutoreleasePool */

static struct objc_class pool_class;

static id new_pool(id self, SEL selector)
{
	struct pool *pool = (struct pool *)(void *)fake_new(&pool_class);

	(void)self;
	(void)selector;
	pool->outer = innermost;
	innermost = pool;
	return &pool->object;
}

static void drain(id self, SEL selector)
{
	struct pool *pool = (struct pool *)(void *)self;

	(void)selector;
	if (pool != innermost)
		fake_die("a pool is drained that is not the innermost one");
	while (pool->count > 0)
		fake_release(pool->items[--pool->count]);
	innermost = pool->outer;
	fake_release(self);
}

static const struct fake_method pool_methods[] = {
	FAKE_METHOD(drain, "drain", drain),
	FAKE_METHODS_END,
};
static const struct fake_method pool_class_methods[] = {
	FAKE_METHOD(new_object, "new", new_pool),
	FAKE_METHODS_END,
};
static struct objc_class pool_class = {
	.name = "NSAutoreleasePool",
	.methods = pool_methods,
	.size = sizeof(struct pool),
};

static id new_options(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_new(&fake_compile_options_class);
}

static const struct fake_method options_class_methods[] = {
	FAKE_METHOD(new_object, "new", new_options),
	FAKE_METHODS_END,
};

/* Metaclasses, and classes as objects that are never freed. */
static struct objc_class metas[] = {
	{ .name = "NSString", .methods = string_class_methods },
	{ .name = "NSAutoreleasePool", .methods = pool_class_methods },
	{ .name = "MTLCompileOptions", .methods = options_class_methods },
};
static struct objc_class classes[] = {
	{ .object = { &metas[0], 1 }, .name = "NSString" },
	{ .object = { &metas[1], 1 }, .name = "NSAutoreleasePool" },
	{ .object = { &metas[2], 1 }, .name = "MTLCompileOptions" },
};

Class objc_getClass(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i].name, name) == 0)
			return &classes[i];
	fake_die("no class %s", name);
}

/* A selector is its name. */
SEL sel_registerName(const char *name)
{
	return (SEL)(uintptr_t)name;
}

static const struct fake_method any_methods[] = {
	FAKE_METHOD(retain, "retain", retain),
	FAKE_METHOD(release, "release", release),
	FAKE_METHODS_END,
};

static const struct fake_method *find(const struct fake_method *methods,
				      const char *name)
{
	for (; methods->selector; methods++)
		if (strcmp(methods->selector, name) == 0)
			return methods;
	return NULL;
}

static bool any_has(const Class *listed, const char *name)
{
	for (; *listed; listed++)
		if (find((*listed)->methods, name))
			return true;
	return false;
}

bool fake_knows(SEL selector)
{
	static const Class here[] = { &metas[0],     &metas[1],	   &metas[2],
				      &string_class, &error_class, &pool_class,
				      NULL };
	const char *name = (const char *)(uintptr_t)selector;

	return any_has(here, name) || any_has(fake_device_classes, name) ||
	       any_has(fake_command_classes, name) || find(any_methods, name);
}

void (*fake_lookup(id receiver, SEL selector))(void);

void (*fake_lookup(id receiver, SEL selector))(void)
{
	const char *name = (const char *)(uintptr_t)selector;
	const struct fake_method *method;

	if (atomic_load(&receiver->count) <= 0)
		fake_die("message %s to an object that was freed", name);
	method = find(receiver->class->methods, name);
	if (!method)
		method = find(any_methods, name);
	if (!method)
		fake_die("-[%s %s]: no such method", receiver->class->name,
			 name);
	return method->function;
}

/* Finds the method and jumps to it with all arguments unchanged. A message to
 * nil returns 0. */
void fake_send_message(void);
void (*const fake_send)(void) = fake_send_message;

#if defined(__x86_64__)
__asm__(".text\n"
	".globl fake_send_message\n"
	".type fake_send_message,@function\n"
	"fake_send_message:\n"
	"test %rdi,%rdi\n"
	"jz 1f\n"
	"push %rdi\npush %rsi\npush %rdx\npush %rcx\npush %r8\npush %r9\n"
	"sub $8,%rsp\n"
	"call fake_lookup@PLT\n"
	"add $8,%rsp\n"
	"pop %r9\npop %r8\npop %rcx\npop %rdx\npop %rsi\npop %rdi\n"
	"jmp *%rax\n"
	"1: xor %eax,%eax\n"
	"ret\n"
	".size fake_send_message,.-fake_send_message\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl fake_send_message\n"
	".type fake_send_message,%function\n"
	"fake_send_message:\n"
	"cbz x0,1f\n"
	"stp x29,x30,[sp,#-80]!\n"
	"stp x0,x1,[sp,#16]\nstp x2,x3,[sp,#32]\n"
	"stp x4,x5,[sp,#48]\nstp x6,x7,[sp,#64]\n"
	"bl fake_lookup\n"
	"mov x16,x0\n"
	"ldp x0,x1,[sp,#16]\nldp x2,x3,[sp,#32]\n"
	"ldp x4,x5,[sp,#48]\nldp x6,x7,[sp,#64]\n"
	"ldp x29,x30,[sp],#80\n"
	"br x16\n"
	"1: ret\n"
	".size fake_send_message,.-fake_send_message\n");
#else
#error objc_msgSend for this machine
#endif
