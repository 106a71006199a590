/*
 * cpu_load_posix.c - reads Linux's /proc/loadavg (proc_loadavg(5)): three
 * averages of the last minutes, and the threads that run or wait now, of those
 * that exist.
 */
#include "base/cpu_load.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum {
	AVERAGES = 3,
	TEXT_SIZE = 128,
	DIGITS_MAX = 9,
};

void quire_cpu_load_open(struct cpu_load *load)
{
	load->file = quire_file_open("/proc/loadavg");
}

void quire_cpu_load_close(struct cpu_load *load)
{
	if (load->file >= 0)
		quire_file_close(load->file);
	load->file = -1;
}

uint32_t quire_cpu_load_parse(const char *text)
{
	uint32_t count = 0;
	int digits = 0;

	for (int i = 0; i < AVERAGES; i++) {
		text += strspn(text, "0123456789.");
		if (*text++ != ' ')
			return 0;
	}
	for (; *text >= '0' && *text <= '9'; text++) {
		if (++digits > DIGITS_MAX)
			return 0;
		count = count * 10 + (uint32_t)(*text - '0');
	}
	return *text == '/' ? count : 0;
}

uint32_t quire_cpu_load_read(const struct cpu_load *load)
{
	char text[TEXT_SIZE];
	ssize_t got;

	if (load->file < 0)
		return 0;
	/* One call, as each call makes the kernel count again. */
	got = pread(load->file, text, sizeof(text) - 1, 0);
	if (got < 0)
		return 0;
	text[got] = '\0';
	return quire_cpu_load_parse(text);
}
