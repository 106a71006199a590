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

#define HINT_SIZE ((uintptr_t)128 << 10)

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
	void *memory = map(size, PROT_READ, MAP_SHARED, file);

	if (!memory && quire_memory_map_refused())
		memory = map(size, PROT_READ, MAP_PRIVATE, file);
	return memory;
}

bool quire_memory_map_refused(void)
{
	return errno == ENODEV || errno == EINVAL || errno == ENOSYS ||
	       errno == EOPNOTSUPP || errno == ENOTSUP || errno == EPERM ||
	       errno == EACCES;
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

static bool find_limit(int resource, uint64_t *size)
{
	const int reason = errno;
	struct rlimit limit;
	const bool known =
	    getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;

	errno = reason;
	if (known)
		*size = (uint64_t)limit.rlim_cur;
	return known;
}

bool quire_memory_lock_limit(uint64_t *size)
{
	return find_limit(RLIMIT_MEMLOCK, size);
}

bool quire_memory_space_limit(uint64_t *size)
{
	return find_limit(RLIMIT_AS, size);
}

bool quire_memory_populate(const void *memory, size_t size)
{
#ifdef __linux__
	if (madvise((void *)memory, size, POPULATE_READ) == 0)
		return true;
	if (errno == EINVAL) /* an older Linux */
		errno = ENOSYS;
#else
	(void)memory;
	(void)size;
	errno = ENOSYS;
#endif
	return false;
}

/* Of one hint Linux reads no more than the device's read-ahead size or its
 * largest request, whichever is more, and ignores the rest. The read-ahead size
 * is 128 KiB unless somebody has changed it. */
void quire_memory_read_ahead(const void *memory, size_t size)
{
	const uintptr_t page = (uintptr_t)quire_page_size();
	const uintptr_t end = (uintptr_t)memory + size;
	uintptr_t at = (uintptr_t)memory / page * page;

	for (; at < end; at += HINT_SIZE)
		/* A hint: it may fail. */
		(void)posix_madvise((void *)at,
				    end - at < HINT_SIZE ? end - at : HINT_SIZE,
				    POSIX_MADV_WILLNEED);
}

bool quire_memory_resident(const void *memory, size_t size, uint64_t *resident)
{
	const size_t page = quire_page_size();
	const unsigned char *bytes = memory;
	unsigned char states[1024] = { 0 };
	uint64_t count = 0;

	for (size_t at = 0; at < size; at += page * sizeof(states)) {
		const size_t rest = size - at;
		const size_t part =
		    rest < page * sizeof(states) ? rest : page * sizeof(states);

		if (mincore((void *)(bytes + at), part, (void *)states) != 0)
			return false;
		for (size_t i = 0; i * page < part; i++)
			count += states[i] & 1;
	}
	*resident = count * page < size ? count * page : size;
	return true;
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
