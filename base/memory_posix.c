/*
 * memory_posix.c - memory.h over POSIX mmap. What Linux has beyond POSIX is
 * used where it is there.
 */
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"

/* Linux, from 5.14; the C library's headers may be older. */
#define POPULATE_READ 22

size_t quire_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map(size_t size, int access, int flags, int file)
{
	void *memory = mmap(NULL, size, access, flags, file, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void *quire_memory_map(int file, size_t size)
{
	return map(size, PROT_READ, MAP_SHARED, file);
}

void *quire_memory_take(size_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1);
}

void quire_memory_give(void *memory, size_t size)
{
	munmap(memory, size);
}

void quire_memory_protect(void *memory, size_t size)
{
	(void)mprotect(memory, size, PROT_READ);
}

bool quire_memory_lock(const void *memory, size_t size)
{
	return size == 0 || mlock(memory, size) == 0;
}

bool quire_memory_lock_limit(uint64_t *size)
{
	const int reason = errno;
	struct rlimit limit;
	const bool known = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
			   limit.rlim_cur != RLIM_INFINITY;

	errno = reason;
	if (known)
		*size = (uint64_t)limit.rlim_cur;
	return known;
}

/* For systems that have no call for it: reads a byte of each page. */
static void touch_pages(const void *memory, size_t size)
{
	const volatile unsigned char *bytes = memory;
	const size_t page = quire_page_size();

	for (size_t at = 0; at < size; at += page)
		(void)bytes[at];
}

bool quire_memory_populate(void *memory, size_t size)
{
#ifdef __linux__
	if (madvise(memory, size, POPULATE_READ) == 0)
		return true;
	if (errno != EINVAL)
		return false;
#endif
	touch_pages(memory, size);
	return true;
}

void quire_memory_read_ahead(const void *memory, size_t size)
{
	const uintptr_t page = (uintptr_t)quire_page_size();
	const uintptr_t start = (uintptr_t)memory / page * page;

	/* A hint: it may fail. */
	(void)posix_madvise((void *)start, size + ((uintptr_t)memory - start),
			    POSIX_MADV_WILLNEED);
}

void quire_memory_use_huge_pages(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
	(void)madvise(memory, size, MADV_HUGEPAGE);
#else
	(void)memory;
	(void)size;
#endif
}

void quire_memory_use_small_pages(void *memory, size_t size)
{
#ifdef MADV_NOHUGEPAGE
	(void)madvise(memory, size, MADV_NOHUGEPAGE);
#else
	(void)memory;
	(void)size;
#endif
}

void *quire_aligned_alloc(size_t alignment, size_t size)
{
	uint64_t padded;

	if (!checked_pad(size, alignment, &padded) || padded > SIZE_MAX)
		return NULL;
	return aligned_alloc(alignment, (size_t)padded);
}

void quire_aligned_free(void *memory)
{
	free(memory);
}
