/*
 * memory.h - memory by the page: mapped files, pages of zeros, and hints to the
 * system about both; and aligned allocations.
 *
 * What returns a bool or a pointer fails with false or NULL, and errno says
 * why. Sizes need not be whole pages.
 */
#ifndef QUIRE_BASE_MEMORY_H
#define QUIRE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Huge pages of x86-64, and of arm64 with pages of 4 KiB. */
#define QUIRE_HUGE_PAGE_SIZE ((size_t)2 << 20)

size_t quire_page_size(void);

/* The first `size` bytes of a file, to be read, shared with every process that
 * maps them. `size` is not 0. Where the file system has no shared mappings
 * (FUSE with direct_io), a private one. */
void *quire_memory_map(int file, size_t size);
/* Whether errno, after a failure, says that the file system maps no files. */
bool quire_memory_map_refused(void);
/* Pages of zeros, to be read and written. */
void *quire_memory_take(size_t size);
/* Frees what either returned. */
void quire_memory_give(void *memory, size_t size);

/* Makes the pages read-only: writing to them is a fault. A failure is
 * ignored. */
void quire_memory_protect(void *memory, size_t size);

/* Keeps the bytes in memory. */
bool quire_memory_lock(const void *memory, size_t size);
/* How many bytes the process may lock, and how large its address space may be
 * (ulimit -v); false: no limit is known. errno stays as it was. */
bool quire_memory_lock_limit(uint64_t *size);
bool quire_memory_space_limit(uint64_t *size);

/* Reads pages of a mapped file before it returns. `memory` is the start of a
 * page. False, and errno: EFAULT where the file has become shorter, ENOSYS
 * where the system has no call for it. */
bool quire_memory_populate(const void *memory, size_t size);
/* Starts reading them, so that the first access is fast. Waits where the disk
 * has as many requests as it takes. */
void quire_memory_read_ahead(const void *memory, size_t size);
/* *resident = how many bytes of these pages are in memory. `memory` is the
 * start of a page. Of a file that the process may not write, Linux says that
 * all are. */
bool quire_memory_resident(const void *memory, size_t size, uint64_t *resident);

/* Hints: the system may have no huge pages. */
void quire_memory_use_huge_pages(void *memory, size_t size);
void quire_memory_use_small_pages(void *memory, size_t size);

/* `alignment` is a power of two; `size` is rounded up to it. Freed with
 * quire_aligned_free, to which NULL is fine. */
void *quire_aligned_alloc(size_t alignment, size_t size);
void quire_aligned_free(void *memory);

#endif
