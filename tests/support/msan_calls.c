/*
 * msan_calls.c - reports to MemorySanitizer what fstat, stat and lstat wrote.
 * With offsets of 64 bits these are fstat64 and so on of glibc 2.33 and later,
 * which clang 14 does not intercept. The linker's --wrap leads here.
 */
#include <sanitizer/msan_interface.h>
#include <sys/stat.h>

int __real_fstat64(int fd, struct stat *file);
int __wrap_fstat64(int fd, struct stat *file);

int __wrap_fstat64(int fd, struct stat *file)
{
	const int result = __real_fstat64(fd, file);

	if (result == 0)
		__msan_unpoison(file, sizeof(*file));
	return result;
}

int __real_stat64(const char *path, struct stat *file);
int __wrap_stat64(const char *path, struct stat *file);

int __wrap_stat64(const char *path, struct stat *file)
{
	const int result = __real_stat64(path, file);

	if (result == 0)
		__msan_unpoison(file, sizeof(*file));
	return result;
}

int __real_lstat64(const char *path, struct stat *file);
int __wrap_lstat64(const char *path, struct stat *file);

int __wrap_lstat64(const char *path, struct stat *file)
{
	const int result = __real_lstat64(path, file);

	if (result == 0)
		__msan_unpoison(file, sizeof(*file));
	return result;
}
