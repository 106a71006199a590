/*
 * interposer.h - makes one system call fail or do less than it was asked. For
 * programs linked by quire_inject_faults (tests/support/CMakeLists.txt), which
 * puts these functions before the C library's. Calls by any thread count.
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
	FAULT_FSYNC,
	FAULT_LINK,
	FAULT_UNLINK,
	FAULT_RENAME,
	FAULT_MMAP,
	FAULT_CALL_COUNT
};

/* "open", "fsync" and so on. */
const char *fault_call_name(enum fault_call call);

/* As error numbers: transfers a part of what was asked, once; and ends the
 * process by SIGKILL, before the call. */
#define FAULT_SHORT 0
#define FAULT_KILL  -1

/*
 * From now on `call` number `at`, from 0, fails with that error number
 * and only that one; with FAULT_SHORT a read or a write of more than one byte
 * transfers half.
 */
void fault_arm(enum fault_call call, long at, int error_number);

/* None fails any more. Returns whether the armed call was reached. */
bool fault_disarm(void);

#endif
