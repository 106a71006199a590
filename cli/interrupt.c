/*
 * interrupt.c - blocks signals and asks which are pending, instead of
 * catching them: that needs no handler and no global variable.
 */
#include "cli/interrupt.h"
#include "cli/trouble.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int held[] = { SIGINT, SIGTERM, SIGHUP };

#define HELD_COUNT (sizeof(held) / sizeof(*held))

static sigset_t held_set(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < HELD_COUNT; i++)
		sigaddset(&set, held[i]);
	return set;
}

void interrupt_hold(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool interrupt_waits(void)
{
	sigset_t pending;
	size_t i;

	if (sigpending(&pending) != 0)
		return false;
	for (i = 0; i < HELD_COUNT; i++)
		if (sigismember(&pending, held[i]) == 1)
			return true;
	return false;
}

void interrupt_release(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void explain_bus_error(int number)
{
	static const char line[] =
	    "quire: a file that was being read shrank, or its disk failed; "
	    "replace files by renaming, and check the disk\n";

	(void)number;
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(EXIT_TROUBLE);
	_exit(EXIT_TROUBLE);
}

void interrupt_explain_bus_errors(void)
{
	struct sigaction action = { .sa_handler = explain_bus_error };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
