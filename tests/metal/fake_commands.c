/*
 * fake_commands.c - command queues, command buffers and encoders of the fake
 * Metal. Commands run in waitUntilCompleted and not before, so that a host
 * which does not wait reads old bytes.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/metal/fake_device.h"
#include "tests/metal/fake_metal.h"
#include "tests/metal/lanes.h"

/* MTLCommandBufferStatus */
enum {
	OPEN = 0,
	COMMITTED = 2,
	COMPLETED = 4,
	FAILED = 5
};

#define BYTES_MAX 4096 /* of setBytes */

struct queue {
	struct objc_object object;
	id device;
};

struct binding {
	id buffer;
	size_t offset;
	struct guarded bytes; /* of setBytes */
};

/* A dispatch, or a copy from binding 0 to binding 1. */
struct command {
	struct command *next;
	id pipeline;
	struct binding bindings[LANES_BINDING];
	struct lanes_grid grid;
	size_t copy_size;
};

struct command_buffer {
	struct objc_object object;
	id queue;
	bool encoding;
	int status;
	long code;
	struct command *first, **last;
};

struct encoder {
	struct objc_object object;
	struct command_buffer *owner;
	struct command now; /* the state for the next dispatch */
	bool ended;
};

static pthread_mutex_t lanes_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct objc_class queue_class, command_buffer_class, compute_class,
    blit_class;

id fake_make_queue(id device)
{
	struct queue *queue = (struct queue *)(void *)fake_new(&queue_class);

	queue->device = fake_retain(device);
	return &queue->object;
}

static void queue_dealloc(id self)
{
	fake_release(((struct queue *)(void *)self)->device);
}

static id command_buffer(id self, SEL selector)
{
	struct command_buffer *made;

	(void)selector;
	if (fake_metal.no_command_buffer)
		return NULL;
	made = (struct command_buffer *)(void *)fake_new(&command_buffer_class);
	made->queue = fake_retain(self);
	made->last = &made->first;
	return fake_autorelease(&made->object);
}

static void copy_binding(struct binding *to, const struct binding *from)
{
	*to = *from;
	fake_retain(to->buffer);
	if (!from->bytes.map)
		return;
	to->bytes = guarded_create(from->bytes.size);
	memcpy(to->bytes.data, from->bytes.data, from->bytes.size);
}

static void clear_binding(struct binding *binding)
{
	fake_release(binding->buffer);
	if (binding->bytes.map)
		guarded_free(&binding->bytes);
	*binding = (struct binding){ .buffer = NULL };
}

static void clear_command(struct command *command)
{
	for (int i = 0; i < LANES_BINDING; i++)
		clear_binding(&command->bindings[i]);
	fake_release(command->pipeline);
}

static void command_buffer_dealloc(id self)
{
	struct command_buffer *buffer = (struct command_buffer *)(void *)self;

	if (buffer->encoding)
		fake_die("command buffer freed while it is encoded");
	if (buffer->status == COMMITTED)
		fake_die("command buffer freed that nobody waited for");
	while (buffer->first) {
		struct command *command = buffer->first;

		buffer->first = command->next;
		clear_command(command);
		free(command);
	}
	fake_release(buffer->queue);
}

static unsigned char *address(const struct binding *binding)
{
	struct fake_buffer *buffer =
	    (struct fake_buffer *)(void *)binding->buffer;

	if (binding->bytes.map)
		return binding->bytes.data;
	return buffer ? buffer->bytes + binding->offset : NULL;
}

static void execute(struct command *command)
{
	const struct lanes_kernel *kernel;
	void *buffers[LANES_BINDING];
	char message[160];
	bool fine;

	for (int i = 0; i < LANES_BINDING; i++)
		buffers[i] = address(&command->bindings[i]);
	if (!command->pipeline) {
		memcpy(buffers[1], buffers[0], command->copy_size);
		return;
	}
	kernel = ((struct fake_function *)(void *)command->pipeline)->kernel;
	fake_count_dispatch(kernel);
	if (fake_metal.wrong_matrices && fake_is_tile(kernel))
		return;
	pthread_mutex_lock(&lanes_mutex);
	fine = lanes_run(kernel, buffers, &command->grid, message,
			 sizeof(message));
	pthread_mutex_unlock(&lanes_mutex);
	if (!fine)
		fake_die("%s", message);
}

static void commit(id self, SEL selector)
{
	struct command_buffer *buffer = (struct command_buffer *)(void *)self;

	(void)selector;
	if (buffer->encoding || buffer->status != OPEN)
		fake_die("commit before endEncoding, or a second time");
	buffer->status = COMMITTED;
	fake_count_commit();
}

static void wait_until_completed(id self, SEL selector)
{
	struct command_buffer *buffer = (struct command_buffer *)(void *)self;

	(void)selector;
	if (buffer->status != COMMITTED)
		fake_die("wait without commit");
	buffer->status = FAILED;
	buffer->code = fake_metal.failing_command;
	if (buffer->code != 0)
		return;
	for (struct command *at = buffer->first; at; at = at->next)
		execute(at);
	buffer->status = COMPLETED;
}

static NSUInteger status(id self, SEL selector)
{
	(void)selector;
	return (NSUInteger)((struct command_buffer *)(void *)self)->status;
}

static id error(id self, SEL selector)
{
	struct command_buffer *buffer = (struct command_buffer *)(void *)self;

	(void)selector;
	return buffer->code ? fake_error(buffer->code, "planted") : NULL;
}

static id make_encoder(id self, Class class)
{
	struct command_buffer *buffer = (struct command_buffer *)(void *)self;
	struct encoder *encoder;

	if (buffer->encoding || buffer->status != OPEN)
		fake_die("an encoder while there is one, or after commit");
	if (fake_metal.no_encoder)
		return NULL;
	encoder = (struct encoder *)(void *)fake_new(class);
	encoder->owner = (struct command_buffer *)(void *)fake_retain(self);
	buffer->encoding = true;
	return fake_autorelease(&encoder->object);
}

static id compute_encoder(id self, SEL selector)
{
	(void)selector;
	return make_encoder(self, &compute_class);
}

static id blit_encoder(id self, SEL selector)
{
	(void)selector;
	return make_encoder(self, &blit_class);
}

static struct encoder *open_encoder(id self)
{
	struct encoder *encoder = (struct encoder *)(void *)self;

	if (encoder->ended)
		fake_die("an encoder is used after endEncoding");
	return encoder;
}

static void end_encoding(id self, SEL selector)
{
	struct encoder *encoder = open_encoder(self);

	(void)selector;
	encoder->ended = true;
	encoder->owner->encoding = false;
}

static void encoder_dealloc(id self)
{
	struct encoder *encoder = (struct encoder *)(void *)self;

	if (!encoder->ended)
		fake_die("an encoder is freed before endEncoding");
	clear_command(&encoder->now);
	fake_release(&encoder->owner->object);
}

static void set_pipeline(id self, SEL selector, id pipeline)
{
	struct encoder *encoder = open_encoder(self);

	(void)selector;
	if (!pipeline)
		fake_die("no pipeline");
	fake_retain(pipeline);
	fake_release(encoder->now.pipeline);
	encoder->now.pipeline = pipeline;
}

static struct binding *binding_at(struct encoder *encoder, NSUInteger index)
{
	if (index >= LANES_BINDING)
		fake_die("binding %lu", index);
	clear_binding(&encoder->now.bindings[index]);
	return &encoder->now.bindings[index];
}

static void set_buffer(id self, SEL selector, id buffer, NSUInteger offset,
		       NSUInteger index)
{
	struct encoder *encoder = open_encoder(self);

	(void)selector;
	if (!buffer)
		fake_die("no buffer for binding %lu", index);
	if (offset % 4 != 0 ||
	    offset >= ((struct fake_buffer *)(void *)buffer)->size)
		fake_die("offset %lu at binding %lu", offset, index);
	fake_retain(buffer);
	*binding_at(encoder, index) =
	    (struct binding){ .buffer = buffer, .offset = offset };
}

static void set_bytes(id self, SEL selector, const void *bytes, NSUInteger size,
		      NSUInteger index)
{
	struct binding *binding = binding_at(open_encoder(self), index);

	(void)selector;
	if (size == 0 || size > BYTES_MAX)
		fake_die("%lu bytes", size);
	binding->bytes = guarded_create(size);
	memcpy(binding->bytes.data, bytes, size);
}

static void set_memory(id self, SEL selector, NSUInteger size, NSUInteger index)
{
	(void)selector;
	if (index >= LANES_BINDING || size % 16 != 0 ||
	    size > fake_metal.max_memory)
		fake_die("%lu bytes of threadgroup memory", size);
	open_encoder(self)->now.grid.memory_size[index] = size;
}

static struct command *append(struct encoder *encoder)
{
	struct command *command = malloc(sizeof(*command));

	if (!command)
		abort();
	*command = encoder->now;
	command->next = NULL;
	fake_retain(command->pipeline);
	for (int i = 0; i < LANES_BINDING; i++)
		copy_binding(&command->bindings[i], &encoder->now.bindings[i]);
	*encoder->owner->last = command;
	encoder->owner->last = &command->next;
	return command;
}

static void dispatch(id self, SEL selector, MTLSize groups, MTLSize threads)
{
	struct encoder *encoder = open_encoder(self);
	struct lanes_grid *grid = &encoder->now.grid;

	(void)selector;
	if (!encoder->now.pipeline)
		fake_die("dispatch without a pipeline");
	if (groups.width == 0 || groups.height == 0 || groups.depth == 0 ||
	    threads.width == 0 || threads.height != 1 || threads.depth != 1 ||
	    threads.width > fake_metal.max_threads)
		fake_die("a dispatch that does nothing, or too much");
	grid->groups[0] = (uint32_t)groups.width;
	grid->groups[1] = (uint32_t)groups.height;
	grid->groups[2] = (uint32_t)groups.depth;
	grid->threads = (uint32_t)threads.width;
	append(encoder);
}

static void copy_buffer(id self, SEL selector, id from, NSUInteger from_offset,
			id to, NSUInteger to_offset, NSUInteger size)
{
	struct encoder *encoder = open_encoder(self);

	(void)selector;
	if (!from || !to ||
	    from_offset + size > ((struct fake_buffer *)(void *)from)->size ||
	    to_offset + size > ((struct fake_buffer *)(void *)to)->size)
		fake_die("a copy beyond a buffer");
	*binding_at(encoder, 0) = (struct binding){ .buffer = fake_retain(from),
						    .offset = from_offset };
	*binding_at(encoder, 1) =
	    (struct binding){ .buffer = fake_retain(to), .offset = to_offset };
	append(encoder)->copy_size = size;
}

static const struct fake_method queue_methods[] = {
	FAKE_METHOD(command_buffer, "commandBuffer", command_buffer),
	FAKE_METHODS_END,
};
static const struct fake_method command_buffer_methods[] = {
	FAKE_METHOD(compute_encoder, "computeCommandEncoder", compute_encoder),
	FAKE_METHOD(blit_encoder, "blitCommandEncoder", blit_encoder),
	FAKE_METHOD(commit, "commit", commit),
	FAKE_METHOD(wait, "waitUntilCompleted", wait_until_completed),
	FAKE_METHOD(status, "status", status),
	FAKE_METHOD(error, "error", error),
	FAKE_METHODS_END,
};
static const struct fake_method compute_methods[] = {
	FAKE_METHOD(set_pipeline, "setComputePipelineState:", set_pipeline),
	FAKE_METHOD(set_buffer, "setBuffer:offset:atIndex:", set_buffer),
	FAKE_METHOD(set_bytes, "setBytes:length:atIndex:", set_bytes),
	FAKE_METHOD(set_memory,
		    "setThreadgroupMemoryLength:atIndex:", set_memory),
	FAKE_METHOD(dispatch,
		    "dispatchThreadgroups:threadsPerThreadgroup:", dispatch),
	FAKE_METHOD(end_encoding, "endEncoding", end_encoding),
	FAKE_METHODS_END,
};
static const struct fake_method blit_methods[] = {
	FAKE_METHOD(
	    copy_buffer,
	    "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:",
	    copy_buffer),
	FAKE_METHOD(end_encoding, "endEncoding", end_encoding),
	FAKE_METHODS_END,
};

static struct objc_class queue_class = {
	.name = "MTLCommandQueue",
	.methods = queue_methods,
	.dealloc = queue_dealloc,
	.size = sizeof(struct queue),
};
static struct objc_class command_buffer_class = {
	.name = "MTLCommandBuffer",
	.methods = command_buffer_methods,
	.dealloc = command_buffer_dealloc,
	.size = sizeof(struct command_buffer),
};
static struct objc_class compute_class = {
	.name = "MTLComputeCommandEncoder",
	.methods = compute_methods,
	.dealloc = encoder_dealloc,
	.size = sizeof(struct encoder),
};
static struct objc_class blit_class = {
	.name = "MTLBlitCommandEncoder",
	.methods = blit_methods,
	.dealloc = encoder_dealloc,
	.size = sizeof(struct encoder),
};

const Class fake_command_classes[] = { &queue_class, &command_buffer_class,
				       &compute_class, &blit_class, NULL };
