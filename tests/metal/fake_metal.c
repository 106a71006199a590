/*
 * fake_metal.c - device, library, pipelines and buffers of the fake Metal.
 * fake_commands.c runs commands. What Metal's validation layer would refuse
 * ends the test.
 */
#include "tests/metal/fake_metal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/metal/fake_device.h"
#include "tests/metal/lanes.h"

#define FAMILY_APPLE7 1007

struct fake_metal fake_metal;

static struct {
	atomic_long views, buffers, dispatches, commits, tiles;
} counts;

long __real_sysconf(int name);
long __wrap_sysconf(int name);

long __wrap_sysconf(int name)
{
	if (name == _SC_PAGESIZE && fake_metal.page_size > 0)
		return (long)fake_metal.page_size;
	return __real_sysconf(name);
}

void fake_metal_reset(void)
{
	fake_metal = (struct fake_metal){
		.page_size = (size_t)__real_sysconf(_SC_PAGESIZE),
		.max_buffer = (size_t)1 << 30,
		.max_memory = 32768,
		.max_threads = 1024,
		.simd_width = 32,
		.family = FAMILY_APPLE7,
		.failing_buffer = -1,
	};
	atomic_store(&counts.views, 0);
	atomic_store(&counts.buffers, 0);
	atomic_store(&counts.dispatches, 0);
	atomic_store(&counts.commits, 0);
	atomic_store(&counts.tiles, 0);
}

int fake_metal_set_up(void **state)
{
	(void)state;
	fake_metal_reset();
	lanes_set_order(LANES_SIMD_BACKWARD);
	return 0;
}

int fake_metal_tear_down(void **state)
{
	(void)state;
	return fake_metal_counts().live != 0;
}

struct fake_counts fake_metal_counts(void)
{
	return (struct fake_counts){ .live = fake_live(),
				     .views = counts.views,
				     .buffers = counts.buffers,
				     .dispatches = counts.dispatches,
				     .commits = counts.commits,
				     .tiles = counts.tiles };
}

bool fake_is_tile(const struct lanes_kernel *kernel)
{
	return strncmp(kernel->name, "mul_packed", 10) == 0;
}

void fake_count_dispatch(const struct lanes_kernel *kernel)
{
	atomic_fetch_add(&counts.dispatches, 1);
	if (fake_is_tile(kernel))
		atomic_fetch_add(&counts.tiles, 1);
}

void fake_count_commit(void)
{
	atomic_fetch_add(&counts.commits, 1);
}

static struct objc_class device_class, library_class, function_class,
    pipeline_class, buffer_class;

id MTLCreateSystemDefaultDevice(void);

id MTLCreateSystemDefaultDevice(void)
{
	return fake_metal.no_device ? NULL : fake_new(&device_class);
}

static id name(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_string("Emulated device");
}

static BOOL has_unified_memory(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return !fake_metal.not_unified;
}

static NSUInteger max_buffer_length(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_metal.max_buffer;
}

static NSUInteger max_memory(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_metal.max_memory;
}

static BOOL supports_family(id self, SEL selector, NSInteger family)
{
	(void)self;
	(void)selector;
	return family <= fake_metal.family;
}

static id new_queue(id self, SEL selector)
{
	(void)selector;
	return fake_metal.no_queue ? NULL : fake_make_queue(self);
}

static void set_fast_math(id self, SEL selector, BOOL fast)
{
	(void)self;
	(void)selector;
	if (fast)
		fake_die("fast mathematics: infinities would be undefined");
}

static id new_library(id self, SEL selector, id source, id options, id *error)
{
	(void)self;
	(void)selector;
	if (!options)
		fake_die("no compile options: the default is fast mathematics");
	if (fake_metal.bad_shader) {
		*error = fake_error(3, "program_source:1:1: error: planted");
		return NULL;
	}
	if (strcmp(fake_text(source), lanes_source) != 0)
		fake_die("the shaders are not the text that lanes.c runs");
	return fake_new(&library_class);
}

static id new_function(id self, SEL selector, id function)
{
	struct fake_function *made;

	(void)self;
	(void)selector;
	if (fake_metal.no_function || !lanes_find(fake_text(function)))
		return NULL;
	made = (struct fake_function *)(void *)fake_new(&function_class);
	made->kernel = lanes_find(fake_text(function));
	return &made->object;
}

static id new_pipeline(id self, SEL selector, id function, id *error)
{
	struct fake_function *made;
	const struct lanes_kernel *kernel =
	    ((struct fake_function *)(void *)function)->kernel;

	(void)self;
	(void)selector;
	if (fake_metal.no_pipeline ||
	    (fake_metal.no_matrices && fake_is_tile(kernel))) {
		*error = fake_error(3, "planted");
		return NULL;
	}
	made = (struct fake_function *)(void *)fake_new(&pipeline_class);
	made->kernel = kernel;
	return &made->object;
}

static NSUInteger execution_width(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_metal.simd_width;
}

static NSUInteger max_threads(id self, SEL selector)
{
	(void)self;
	(void)selector;
	return fake_metal.max_threads;
}

/* Buffers. Only commands can reach the bytes of a private one. */

static id new_buffer(id self, SEL selector, NSUInteger size, NSUInteger options)
{
	struct fake_buffer *buffer;

	(void)self;
	(void)selector;
	if (options != FAKE_SHARED && options != FAKE_PRIVATE)
		fake_die("resource options %lu", options);
	if (atomic_fetch_add(&counts.buffers, 1) == fake_metal.failing_buffer ||
	    size == 0 || size > fake_metal.max_buffer)
		return NULL;
	buffer = (struct fake_buffer *)(void *)fake_new(&buffer_class);
	/* As close to the guard as the alignment of loads allows. */
	buffer->owned = guarded_create((size + 15) / 16 * 16);
	buffer->bytes = buffer->owned.data;
	memset(buffer->bytes, 0x5A, size);
	buffer->size = size;
	buffer->hidden = options == FAKE_PRIVATE;
	return &buffer->object;
}

/* Whether all of these pages are mapped. */
static bool is_mapped(void *bytes, size_t size)
{
	const size_t page = (size_t)__real_sysconf(_SC_PAGESIZE);
	unsigned char there[1024]; /* pages at a time */
	const size_t most = sizeof(there) * page;

	for (size_t at = 0; at < size; at += most)
		if (mincore((char *)bytes + at,
			    size - at < most ? size - at : most, there) != 0)
			return false;
	return true;
}

static id new_buffer_over(id self, SEL selector, void *bytes, NSUInteger size,
			  NSUInteger options, id deallocator)
{
	struct fake_buffer *buffer;

	(void)self;
	(void)selector;
	if (options != FAKE_SHARED || deallocator)
		fake_die("a view is shared and frees nothing");
	if ((size_t)bytes % fake_metal.page_size != 0 ||
	    size % fake_metal.page_size != 0)
		fake_die("a view that is not of whole pages");
	if (fake_metal.no_view || size == 0 || size > fake_metal.max_buffer)
		return NULL;
	if (!is_mapped(bytes, size))
		return NULL;
	buffer = (struct fake_buffer *)(void *)fake_new(&buffer_class);
	buffer->bytes = bytes;
	buffer->size = fake_metal.empty_view ? 0 : size;
	atomic_fetch_add(&counts.views, 1);
	return &buffer->object;
}

static void *contents(id self, SEL selector)
{
	struct fake_buffer *buffer = (struct fake_buffer *)(void *)self;

	(void)selector;
	return buffer->hidden ? NULL : buffer->bytes;
}

static NSUInteger length(id self, SEL selector)
{
	(void)selector;
	return ((struct fake_buffer *)(void *)self)->size;
}

static void buffer_dealloc(id self)
{
	struct fake_buffer *buffer = (struct fake_buffer *)(void *)self;

	if (buffer->owned.map)
		guarded_free(&buffer->owned);
}

static const struct fake_method device_methods[] = {
	FAKE_METHOD(name, "name", name),
	FAKE_METHOD(has_unified_memory, "hasUnifiedMemory", has_unified_memory),
	FAKE_METHOD(max_buffer_length, "maxBufferLength", max_buffer_length),
	FAKE_METHOD(max_memory, "maxThreadgroupMemoryLength", max_memory),
	FAKE_METHOD(supports_family, "supportsFamily:", supports_family),
	FAKE_METHOD(new_queue, "newCommandQueue", new_queue),
	FAKE_METHOD(new_library,
		    "newLibraryWithSource:options:error:", new_library),
	FAKE_METHOD(new_pipeline,
		    "newComputePipelineStateWithFunction:error:", new_pipeline),
	FAKE_METHOD(new_buffer, "newBufferWithLength:options:", new_buffer),
	FAKE_METHOD(new_buffer_over,
		    "newBufferWithBytesNoCopy:length:options:deallocator:",
		    new_buffer_over),
	FAKE_METHODS_END,
};
static const struct fake_method options_methods[] = {
	FAKE_METHOD(set_fast_math, "setFastMathEnabled:", set_fast_math),
	FAKE_METHODS_END,
};
static const struct fake_method library_methods[] = {
	FAKE_METHOD(new_function, "newFunctionWithName:", new_function),
	FAKE_METHODS_END,
};
static const struct fake_method no_methods[] = { FAKE_METHODS_END };
static const struct fake_method pipeline_methods[] = {
	FAKE_METHOD(execution_width, "threadExecutionWidth", execution_width),
	FAKE_METHOD(max_threads, "maxTotalThreadsPerThreadgroup", max_threads),
	FAKE_METHODS_END,
};
static const struct fake_method buffer_methods[] = {
	FAKE_METHOD(contents, "contents", contents),
	FAKE_METHOD(length, "length", length),
	FAKE_METHODS_END,
};

static struct objc_class device_class = {
	.name = "MTLDevice",
	.methods = device_methods,
	.size = sizeof(struct objc_object),
};
struct objc_class fake_compile_options_class = {
	.name = "MTLCompileOptions",
	.methods = options_methods,
	.size = sizeof(struct objc_object),
};
static struct objc_class library_class = {
	.name = "MTLLibrary",
	.methods = library_methods,
	.size = sizeof(struct objc_object),
};
static struct objc_class function_class = {
	.name = "MTLFunction",
	.methods = no_methods,
	.size = sizeof(struct fake_function),
};
static struct objc_class pipeline_class = {
	.name = "MTLComputePipelineState",
	.methods = pipeline_methods,
	.size = sizeof(struct fake_function),
};
static struct objc_class buffer_class = {
	.name = "MTLBuffer",
	.methods = buffer_methods,
	.dealloc = buffer_dealloc,
	.size = sizeof(struct fake_buffer),
};

const Class fake_device_classes[] = {
	&device_class,	&fake_compile_options_class,
	&library_class, &pipeline_class,
	&buffer_class,	NULL
};
