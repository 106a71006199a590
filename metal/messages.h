/*
 * messages.h - every message that the host sends to Objective-C objects, with
 * the types of its arguments and result in Apple's headers. To send one is to
 * cast objc_msgSend to such a type, which this table alone does:
 *
 *	id queue = SEND(new_queue, device);
 *	id buffer = SEND_WITH(new_buffer, device, size, options);
 *
 * tests/metal checks the table by the functions that receive the messages there
 * (fake_objects.h): a wrong entry does not compile.
 */
#ifndef QUIRE_METAL_MESSAGES_H
#define QUIRE_METAL_MESSAGES_H

#include <objc/message.h>
#include <objc/runtime.h>

/* As Foundation and Metal have them, on 64 bits. */
typedef unsigned long NSUInteger;
typedef long NSInteger;
typedef struct {
	NSUInteger width, height, depth;
} MTLSize;

/* PLAIN(result, name, selector)
 * WITH(result, name, selector, argument types...) */
#define METAL_MESSAGES(PLAIN, WITH)                                            \
	/* NSObject, NSAutoreleasePool */                                      \
	PLAIN(id, new_object, "new")                                           \
	PLAIN(id, retain, "retain")                                            \
	PLAIN(void, release, "release")                                        \
	PLAIN(void, drain, "drain")                                            \
	/* NSString, NSError */                                                \
	WITH(id, string, "stringWithUTF8String:", const char *)                \
	PLAIN(const char *, utf8, "UTF8String")                                \
	PLAIN(id, description, "localizedDescription")                         \
	PLAIN(NSInteger, code, "code")                                         \
	/* MTLDevice */                                                        \
	PLAIN(id, name, "name")                                                \
	PLAIN(BOOL, has_unified_memory, "hasUnifiedMemory")                    \
	PLAIN(NSUInteger, max_buffer_length, "maxBufferLength")                \
	PLAIN(NSUInteger, max_memory, "maxThreadgroupMemoryLength")            \
	WITH(BOOL, supports_family, "supportsFamily:", NSInteger)              \
	PLAIN(id, new_queue, "newCommandQueue")                                \
	WITH(id, new_library, "newLibraryWithSource:options:error:", id, id,   \
	     id *)                                                             \
	WITH(id, new_pipeline,                                                 \
	     "newComputePipelineStateWithFunction:error:", id, id *)           \
	WITH(id, new_buffer, "newBufferWithLength:options:", NSUInteger,       \
	     NSUInteger)                                                       \
	WITH(id, new_buffer_over,                                              \
	     "newBufferWithBytesNoCopy:length:options:deallocator:", void *,   \
	     NSUInteger, NSUInteger, id)                                       \
	/* MTLCompileOptions, MTLLibrary, MTLComputePipelineState */           \
	WITH(void, set_fast_math, "setFastMathEnabled:", BOOL)                 \
	WITH(id, new_function, "newFunctionWithName:", id)                     \
	PLAIN(NSUInteger, execution_width, "threadExecutionWidth")             \
	PLAIN(NSUInteger, max_threads, "maxTotalThreadsPerThreadgroup")        \
	/* MTLBuffer */                                                        \
	PLAIN(void *, contents, "contents")                                    \
	PLAIN(NSUInteger, length, "length")                                    \
	/* MTLCommandQueue, MTLCommandBuffer */                                \
	PLAIN(id, command_buffer, "commandBuffer")                             \
	PLAIN(id, compute_encoder, "computeCommandEncoder")                    \
	PLAIN(id, blit_encoder, "blitCommandEncoder")                          \
	PLAIN(void, commit, "commit")                                          \
	PLAIN(void, wait, "waitUntilCompleted")                                \
	PLAIN(NSUInteger, status, "status")                                    \
	PLAIN(id, error, "error")                                              \
	/* MTLComputeCommandEncoder, MTLBlitCommandEncoder */                  \
	WITH(void, set_pipeline, "setComputePipelineState:", id)               \
	WITH(void, set_buffer, "setBuffer:offset:atIndex:", id, NSUInteger,    \
	     NSUInteger)                                                       \
	WITH(void, set_bytes, "setBytes:length:atIndex:", const void *,        \
	     NSUInteger, NSUInteger)                                           \
	WITH(void, set_memory,                                                 \
	     "setThreadgroupMemoryLength:atIndex:", NSUInteger, NSUInteger)    \
	WITH(void, dispatch,                                                   \
	     "dispatchThreadgroups:threadsPerThreadgroup:", MTLSize, MTLSize)  \
	WITH(void, copy_buffer,                                                \
	     "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:",   \
	     id, NSUInteger, id, NSUInteger, NSUInteger)                       \
	PLAIN(void, end_encoding, "endEncoding")

/* message_NAME is the function type, SELECTOR_NAME its selector's number. */
#define METAL_PLAIN(result, name, selector)                                    \
	typedef result (*message_##name)(id, SEL);
#define METAL_WITH(result, name, selector, ...)                                \
	typedef result (*message_##name)(id, SEL, __VA_ARGS__);
METAL_MESSAGES(METAL_PLAIN, METAL_WITH)
#undef METAL_PLAIN
#undef METAL_WITH

enum metal_selector {
#define METAL_PLAIN(result, name, selector)	SELECTOR_##name,
#define METAL_WITH(result, name, selector, ...) SELECTOR_##name,
	METAL_MESSAGES(METAL_PLAIN, METAL_WITH) SELECTOR_COUNT
#undef METAL_PLAIN
#undef METAL_WITH
};

SEL quire_metal_selector(enum metal_selector selector);

/* A message to nil does nothing and returns 0. */
#define SEND(message, receiver)                                                \
	(((message_##message)objc_msgSend)(                                    \
	    (receiver), quire_metal_selector(SELECTOR_##message)))
#define SEND_WITH(message, receiver, ...)                                      \
	(((message_##message)objc_msgSend)(                                    \
	    (receiver), quire_metal_selector(SELECTOR_##message),              \
	    __VA_ARGS__))

/* The pool owns objects of methods other than new, retain and new...: every
 * function that sends messages to Metal has a pool of its own. */
static inline id metal_pool_push(void)
{
	return SEND(new_object, (id)objc_getClass("NSAutoreleasePool"));
}

static inline void metal_pool_pop(id pool)
{
	SEND(drain, pool);
}

#endif
