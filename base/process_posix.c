/*
 * process_posix.c - process.h by fork and pipes.
 */
#include "base/process.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_link(const struct process_link *link)
{
	close(link->to);
	close(link->from);
}

/* Two links whose ends are each other's. */
static bool make_links(struct process_link *a, struct process_link *b)
{
	int there[2], back[2];

	if (pipe(there) != 0)
		return false;
	if (pipe(back) != 0) {
		close(there[0]);
		close(there[1]);
		return false;
	}
	*a = (struct process_link){ .to = there[1], .from = back[0] };
	*b = (struct process_link){ .to = back[1], .from = there[0] };
	return true;
}

bool quire_process_start(struct process *process,
			 bool (*run)(void *context,
				     const struct process_link *link),
			 void *context)
{
	struct process_link its;
	pid_t number;

	if (!make_links(&process->link, &its))
		return false;
	fflush(NULL); /* else the copy would write it too */
	number = fork();
	if (number == 0) {
		close_link(&process->link);
		_exit(run(context, &its) ? 0 : 2);
	}
	close_link(&its);
	if (number < 0)
		close_link(&process->link);
	process->number = number;
	return number > 0;
}

static bool wait_for(pid_t number)
{
	int status = 1;

	while (waitpid(number, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return status == 0;
}

bool quire_process_join(struct process *process)
{
	close_link(&process->link);
	return wait_for((pid_t)process->number);
}

bool quire_process_send(const struct process_link *link, const void *data,
			size_t size)
{
	const unsigned char *bytes = data;

	while (size > 0) {
		const ssize_t done = write(link->to, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return true;
}

bool quire_process_receive(const struct process_link *link, void *data,
			   size_t size)
{
	unsigned char *bytes = data;

	while (size > 0) {
		const ssize_t done = read(link->from, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return true;
}

bool quire_process_run(char *const argv[])
{
	pid_t number;

	fflush(NULL);
	number = fork();
	if (number == 0) {
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(2);
		execvp(argv[0], argv);
		_exit(2);
	}
	return number > 0 && wait_for(number);
}
