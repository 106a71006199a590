/*
 * options.h - rows that several commands have in their tables of options, and
 * the checks of their values. `values` is the command's own struct, in which a
 * member has the option's name: `threads` for --threads, `alignment` for
 * --align. A check that returns false has printed why.
 */
#ifndef QUIRE_CLI_UI_OPTIONS_H
#define QUIRE_CLI_UI_OPTIONS_H

#include "cli/ui/args.h"
#include "quire.h"

/* uint32_t; what the threads do is "to use" or "that hash". */
#define OPTION_THREADS(values, what_they_do)                                   \
	{                                                                      \
		.name = "threads", .value = "N", .type = ARGS_NUMBER,          \
		.offset = offsetof(values, threads), .max = ARGS_THREADS_MAX,  \
		.help = "threads " what_they_do                                \
			"; 0, the default: one for each usable CPU"            \
	}

/* const char *; `file` is its name in the help. */
#define OPTION_OUTPUT(values, is_required, file, text)                         \
	{                                                                      \
		.name = "output", .letter = 'o', .value = file,                \
		.type = ARGS_TEXT, .required = is_required,                    \
		.offset = offsetof(values, output), .help = text               \
	}

/* bool */
#define OPTION_FORCE(values, text)                                             \
	{                                                                      \
		.name = "force", .type = ARGS_FLAG,                            \
		.offset = offsetof(values, force), .help = text                \
	}

/* bool */
#define OPTION_JSON(values, text)                                              \
	{                                                                      \
		.name = "json", .type = ARGS_FLAG,                             \
		.offset = offsetof(values, json), .help = text                 \
	}

/* uint32_t `alignment`; its value is checked with option_alignment_fits. */
#define OPTION_ALIGN(values, least, usual)                                     \
	{                                                                      \
		.name = "align", .value = "N", .type = ARGS_NUMBER,            \
		.offset = offsetof(values, alignment), .min = least,           \
		.max = 65536,                                                  \
		.help = "alignment of tensors in bytes, a power of two; "      \
			"default: " usual                                      \
	}

/* const char * */
#define OPTION_KERNELS(values)                                                 \
	{                                                                      \
		.name = "kernels", .value = "NAME", .type = ARGS_TEXT,         \
		.offset = offsetof(values, kernels),                           \
		.help = "the kernel set to use; default: the fastest"          \
	}

/* const char *; its value is read with option_device. */
#define OPTION_DEVICE(values)                                                  \
	{                                                                      \
		.name = "device", .value = "NAME", .type = ARGS_TEXT,          \
		.offset = offsetof(values, device),                            \
		.help = "cpu, metal, or best: metal where there is one; "      \
			"default: cpu"                                         \
	}

/* Whether the alignment is a power of two. `command` is for the message. */
bool option_alignment_fits(const char *command, uint32_t alignment);

/* *device = what `name` says; NULL says the CPU. False if there is no such
 * device. `command` is for the message. */
bool option_device(const char *command, const char *name, quire_device *device);

/* --max-memory SIZE, a uint64_t that is 0 if it is not given: for commands that
 * read an ONNX model. */
#define OPTION_MAX_MEMORY(values)                                              \
	{                                                                      \
		.name = "max-memory", .value = "SIZE", .type = ARGS_SIZE,      \
		.offset = offsetof(values, max_memory),                        \
		.help = "memory that the model's graph may take [1Gi]"         \
	}

#endif
