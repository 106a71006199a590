/*
 * fuzz_cgroup.c - any text to the reader of control groups. Sections that end
 * with a zero byte are the files of a tree: /proc/self/cgroup and mountinfo,
 * and the quotas of the group /g.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

static const char *const folders[] = { "proc", "proc/self", "g" };

static const char *const files[] = {
	"proc/self/cgroup",   "proc/self/mountinfo", "g/cpu.max",
	"g/cpu.cfs_quota_us", "g/cpu.cfs_period_us",
};

#define FOLDER_COUNT (sizeof(folders) / sizeof(folders[0]))
#define FILE_COUNT   (sizeof(files) / sizeof(files[0]))

static void remove_tree(void)
{
	char path[FUZZ_PATH_SIZE];

	for (size_t i = 0; i < FILE_COUNT; i++) {
		fuzz_path(path, files[i]);
		unlink(path);
	}
	for (size_t i = FOLDER_COUNT; i-- > 0;) {
		fuzz_path(path, folders[i]);
		rmdir(path);
	}
}

/* Before the folder that the tree is in is removed: atexit's order is the
 * reverse. */
static void make_tree(void)
{
	char path[FUZZ_PATH_SIZE];

	for (size_t i = 0; i < FOLDER_COUNT; i++) {
		fuzz_path(path, folders[i]);
		FUZZ_CHECK(mkdir(path, 0700) == 0);
	}
	FUZZ_CHECK(atexit(remove_tree) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char root[FUZZ_PATH_SIZE];
	char path[FUZZ_PATH_SIZE];
	uint64_t quota;

	if (!root[0]) {
		make_tree();
		fuzz_path(root, "");
		root[strlen(root) - 1] = '\0';
	}
	for (size_t i = 0; i < FILE_COUNT; i++) {
		const uint8_t *end = size ? memchr(data, 0, size) : NULL;
		const size_t length = end ? (size_t)(end - data) : size;

		fuzz_path(path, files[i]);
		fuzz_write_file(path, length ? data : (const void *)"", length);
		data += length + (end != NULL);
		size -= length + (end != NULL);
	}
	quota = quire_cgroup_quota(root);
	FUZZ_CHECK(quire_cgroup_quota(root) == quota);
	return 0;
}
