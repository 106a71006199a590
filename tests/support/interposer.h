/*
 * interposer.h - makes one system call fail, or transfer less than it should.
 * For programs linked by quire_inject_faults (tests/support/CMakeLists.txt),
 * which puts these functions before the C library's. Calls of all threads
 * count.
 */
#ifndef QUIRE_TESTS_INTERPOSER_H
#define QUIRE_TESTS_INTERPOSER_H

#include <stdbool.h>

enum fault_call {
	FAULT_OPEN,
	FAULT_FSTAT,
	FAULT_READ,
	FAULT_PREAD,
	FAULT_WRITE,
	FAULT_PWRITE,
	FAULT_FTRUNCATE,
	FAULT_FSYNC,	    /* of a file */
	FAULT_FSYNC_FOLDER, /* of a folder */
	FAULT_LINK,
	FAULT_UNLINK,
	FAULT_RENAME,
	FAULT_RENAMEAT2,
	FAULT_FLOCK,
	FAULT_FCHMOD,
	FAULT_FCHOWN,
	FAULT_COPY_FILE_RANGE,
	FAULT_MMAP,	   /* of a file */
	FAULT_MMAP_MEMORY, /* of none */
	FAULT_CALL_COUNT
};

/* "open", "fsync" and so on. */
const char *fault_call_name(enum fault_call call);

/* In place of an error number. FAULT_SHORT: the call transfers only a part,
 * once. FAULT_KILL: SIGKILL ends the process before the call. */
#define FAULT_SHORT 0
#define FAULT_KILL  -1

/*
 * From now on only `call` number `at`, counted from 0, fails with that error
 * number. With FAULT_SHORT, a read or a write of more than one byte transfers
 * half of it.
 */
void fault_arm(enum fault_call call, long at, int error_number);

/* No call fails any more. Returns whether the armed one was reached. */
bool fault_disarm(void);

/* From now on every such call fails, as on a file system that does not have it.
 * Several kinds may be refused at once. */
void fault_refuse(enum fault_call call, int error_number);
/* None is refused any more. Returns how many calls were. */
long fault_allow(void);

#endif
