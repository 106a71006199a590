/*
 * interrupt.c - blocks signals and asks which are pending, instead of
 * catching them: that needs no handler and no global variable.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/ui/interrupt.h"

static const int held[] = { SIGINT, SIGTERM, SIGHUP };

#define HELD_COUNT (sizeof(held) / sizeof(*held))

/* One that is ignored, as nohup has it, would be pending while it is blocked:
 * it is left alone, and so stays ignored. */
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

void interrupt_hold(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool interrupt_waits(void)
{
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < HELD_COUNT; i++)
		if (sigismember(&pending, held[i]) == 1)
			return true;
	return false;
}

void interrupt_release(void)
{
	const sigset_t set = held_set();

	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
