/*
 * lock_posix.c - lock.h by flock, which is not POSIX but exists on every Unix.
 */
#include "base/lock.h"

#include <errno.h>
#include <sys/file.h>

#include "base/file.h"

enum lock quire_lock_take(int file)
{
	while (flock(file, LOCK_EX | LOCK_NB) != 0)
		switch (errno) {
		case EINTR:
			continue;
		case EWOULDBLOCK:
			return LOCK_HELD;
		case ENOLCK:
		case ENOSYS:
		case EOPNOTSUPP:
		case EINVAL:
		case EBADF: /* NFS, of a file that may only be read */
			return LOCK_NONE;
		default: /* where this is another number: as above */
			return errno == ENOTSUP ? LOCK_NONE : LOCK_FAILED;
		}
	return LOCK_TAKEN;
}

bool quire_lock_is_taken(const char *path)
{
	const int file = quire_file_open_to_lock(path);
	enum lock lock;

	if (file < 0)
		return errno != ENOENT;
	lock = quire_lock_take(file);
	quire_file_close(file);
	return lock == LOCK_HELD || lock == LOCK_FAILED;
}
