/*
 * signals_posix.c - the handler of SIGBUS. It asks /proc/self/maps which file lies
 * at the address, so that nobody need keep a list of maps in a global variable;
 * and calls only what a handler may.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/ui/signals.h"
#include "cli/ui/trouble.h"

/* PATH_MAX and what stands beside it. */
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

/* Reads a hexadecimal number and goes past it and one character more. */
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
 * inode path") is of a file at `address`; if so, puts its path and the place
 * in it into *told. */
static bool tell_map(struct line *told, const char *text, uintptr_t address)
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
	put_text(told, text);
	put_text(told, ": cannot be read at byte ");
	put_number(told, offset + (address - start));
	return true;
}

static bool tell_place(struct line *told, const void *address)
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
			if (!tell_map(told, text, (uintptr_t)address))
				continue;
			close(fd);
			return true;
		}
	close(fd);
	return false;
}

/* What a second thread that meets the same does: the first one ends all. */
static void await_end(int number)
{
	(void)number;
	for (;;)
		pause();
}

static void explain(int number, siginfo_t *info, void *context)
{
	struct sigaction await = { .sa_handler = await_end }, before;
	struct line told = { .size = 0 };
	ssize_t written;

	(void)context;
	/* Of threads that are here at once one takes explain away. */
	sigemptyset(&await.sa_mask);
	if (sigaction(number, &await, &before) != 0 ||
	    before.sa_sigaction != explain)
		await_end(number);
	put_text(&told, "quire: ");
	if (!tell_place(&told, info->si_addr))
		put_text(&told, "a file that was being read is not all there");
	put_text(&told, ": it shrank, or its disk failed; replace files by "
			"renaming, and check the disk");
	if (told.size == LINE_CAPACITY)
		told.size--;
	told.text[told.size++] = '\n';
	written = write(STDERR_FILENO, told.text, told.size);
	(void)written; /* nothing is left to be done about it */
	_exit(EXIT_TROUBLE);
}

void bus_error_explain(void)
{
	struct sigaction action = { .sa_sigaction = explain,
				    .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
