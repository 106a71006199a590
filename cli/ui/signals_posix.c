/*
 * signals_posix.c - signals.h over POSIX signals. Signals that are held are
 * blocked, and their number is looked up among the pending ones: that needs no
 * handler and no global variable. The handler of SIGBUS finds the file in
 * /proc/self/maps, for the same reason, and calls only what a handler may call.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/ui/signals.h"
#include "cli/ui/trouble.h"

static const int held[] = { SIGINT, SIGTERM, SIGHUP };

#define HELD_COUNT (sizeof(held) / sizeof(*held))

/* An ignored signal would be pending while it is blocked. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

static sigset_t held_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < HELD_COUNT; i++)
		if (!is_ignored(held[i]))
			sigaddset(&set, held[i]);
	return set;
}

void signals_hold(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool signals_pending(void)
{
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < HELD_COUNT; i++)
		if (sigismember(&pending, held[i]) == 1)
			return true;
	return false;
}

void signals_release(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ------------------------------------------------------------- bus errors */

/* A path of PATH_MAX (4096) bytes, and the words around it. */
#define LINE_CAPACITY 4608

struct line {
	char text[LINE_CAPACITY];
	size_t size;
};

static void put(struct line *line, const char *text, size_t size)
{
	for (size_t i = 0; i < size && line->size < LINE_CAPACITY; i++) {
		const char c = text[i];

		line->text[line->size++] =
		    (unsigned char)c < ' ' || c == 0x7F ? '?' : c;
	}
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(line, digits + at, sizeof(digits) - at);
}

/* A path, as text_print would print it. */
static void put_name(struct line *line, const char *name)
{
	static const char digits[] = "0123456789abcdef";

	while (*name) {
		size_t length = quire_utf8_size(name, strlen(name));
		const bool whole =
		    length > 0 && !quire_utf8_hides(name, length);

		if (length == 0)
			length = 1;
		for (size_t i = 0; i < length && !whole; i++) {
			const unsigned char byte = (unsigned char)name[i];
			const char escaped[] = { '\\', 'x', digits[byte >> 4],
						 digits[byte & 15] };

			put(line, escaped, sizeof(escaped));
		}
		if (whole)
			put(line, name, length);
		name += length;
	}
}

/* Reads a hexadecimal number and skips the character that follows it. */
static uint64_t take_hex(const char **text)
{
	uint64_t number = 0;

	for (;; (*text)++) {
		const char c = **text;

		if (c >= '0' && c <= '9')
			number = number * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			number = number * 16 + (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (**text)
		(*text)++;
	return number;
}

/* Whether a line of /proc/self/maps (proc(5): "start-end mode offset device
 * inode path") is about a file at `address`; if so, puts its path and the place
 * in it into the message. */
static bool put_if_mapped(struct line *message, const char *text,
			  uintptr_t address)
{
	const uint64_t start = take_hex(&text);
	const uint64_t end = take_hex(&text);
	uint64_t offset;

	if (address < start || address >= end || strlen(text) < 5)
		return false;
	text += 5; /* "r--s " */
	offset = take_hex(&text);
	text = strchr(text, '/');
	if (!text)
		return false;
	put_name(message, text);
	put_text(message, ": cannot be read at byte ");
	put_number(message, offset + (address - start));
	return true;
}

static bool put_place(struct line *message, const void *address)
{
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char chunk[512], text[LINE_CAPACITY];
	size_t size = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		for (ssize_t i = 0; i < got; i++) {
			if (chunk[i] != '\n') {
				if (size < sizeof(text) - 1)
					text[size++] = chunk[i];
				continue;
			}
			text[size] = '\0';
			size = 0;
			if (!put_if_mapped(message, text, (uintptr_t)address))
				continue;
			close(fd);
			return true;
		}
	close(fd);
	return false;
}

/* For a second thread with a bus error: the first thread ends the program. */
static void await_end(int number)
{
	(void)number;
	for (;;)
		pause();
}

static void explain(int number, siginfo_t *info, void *context)
{
	struct sigaction await = { .sa_handler = await_end }, before;
	struct line message = { .size = 0 };
	ssize_t written;

	(void)context;
	/* Of several threads that are here at once, one removes explain. */
	sigemptyset(&await.sa_mask);
	if (sigaction(number, &await, &before) != 0 ||
	    before.sa_sigaction != explain)
		await_end(number);
	put_text(&message, "quire: ");
	if (!put_place(&message, info->si_addr))
		put_text(&message, "a file cannot be read");
	put_text(&message, ": it shrank, or its disk failed; replace files by "
			   "renaming, and check the disk");
	if (message.size == LINE_CAPACITY)
		message.size--;
	message.text[message.size++] = '\n';
	written = write(STDERR_FILENO, message.text, message.size);
	(void)written; /* nothing can be done about a failure */
	_exit(EXIT_TROUBLE);
}

void signals_explain_bus_error(void)
{
	struct sigaction action = { .sa_sigaction = explain,
				    .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
