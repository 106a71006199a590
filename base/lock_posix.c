/*
 * lock_posix.c - lock.h by flock, which is not POSIX but exists on every Unix.
 */
#include "base/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

bool quire_lock_take(int file)
{
	return flock(file, LOCK_EX | LOCK_NB) == 0;
}

bool quire_lock_is_taken(const char *path)
{
	const int file =
	    open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool taken;

	if (file < 0)
		return false;
	taken = !quire_lock_take(file);
	close(file);
	return taken;
}
