/*
 * test_cgroup.c - quotas of CPU time from trees of files as Linux lays them
 * out: version 1, version 2, both, inside of containers, and text that no
 * kernel writes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cgroup.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* The files of a tree that say which groups there are. */
#define GROUPS	  "proc/self/cgroup"
#define MOUNTS	  "proc/self/mountinfo"
#define V2_AT	  "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
#define V2	  "sys/fs/cgroup"
#define V1_CPU_AT "33 32 0:30 / /sys/fs/cgroup/cpu rw shared:9 - cgroup c "

static int set_up(void **state)
{
	*state = scratch_make();
	return 0;
}

static int tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

/* Writes "FOLDER/NAME" in the folder of a group. */
static void put(const char *root, const char *group, const char *name,
		const char *text)
{
	char *path = scratch_path(group, name);

	scratch_write_in(root, path, text);
	free(path);
}

static void test_no_files(void **state)
{
	const char *root = *state;

	assert_int_equal(quire_cgroup_quota(root), 0);
	scratch_write_in(root, GROUPS, "0::/\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	scratch_write_in(root, MOUNTS, V2_AT);
	assert_int_equal(quire_cgroup_quota(root), 0);
}

/* This machine's own files: whatever they say, it is the same twice. */
static void test_here(void **state)
{
	(void)state;
	assert_int_equal(quire_cgroup_quota(""), quire_cgroup_quota(""));
}

static void test_version_2(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "0::/user.slice/a.scope\n");
	scratch_write_in(root, MOUNTS, V2_AT);
	put(root, V2 "/user.slice/a.scope", "cpu.max", "150000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 1500);
	put(root, V2 "/user.slice/a.scope", "cpu.max", "100001 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 1001);
	put(root, V2 "/user.slice/a.scope", "cpu.max", "1000 1000000\n");
	assert_int_equal(quire_cgroup_quota(root), 1);
	put(root, V2 "/user.slice/a.scope", "cpu.max", "max 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
}

/* The least of all levels, wherever it is. */
static void test_nested(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "0::/a/b/c\n");
	scratch_write_in(root, MOUNTS, V2_AT);
	put(root, V2 "/a/b/c", "cpu.max", "400000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 4000);
	put(root, V2 "/a", "cpu.max", "250000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 2500);
	put(root, V2 "/a/b", "cpu.max", "max 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 2500);
	put(root, V2, "cpu.max", "30000 20000\n");
	assert_int_equal(quire_cgroup_quota(root), 1500);
	/* Neither above the mount nor beside the way. */
	put(root, "sys/fs", "cpu.max", "10000 100000\n");
	put(root, V2 "/a/other", "cpu.max", "10000 100000\n");
	put(root, V2 "/a/b/c/below", "cpu.max", "10000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 1500);
}

static void test_version_1(void **state)
{
	const char *root = *state;
	static const char at[] = "sys/fs/cgroup/cpu/box";

	scratch_write_in(root, GROUPS,
			 "5:cpuset:/elsewhere\n4:cpu,cpuacct:/box\n"
			 "1:name=systemd:/init.scope\n");
	scratch_write_in(root, MOUNTS,
			 "34 32 0:31 / /sys/fs/cgroup/cpuset rw - cgroup c "
			 "rw,cpuset\n" V1_CPU_AT "rw,cpu,cpuacct\n");
	put(root, at, "cpu.cfs_quota_us", "200000\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	put(root, at, "cpu.cfs_period_us", "100000\n");
	assert_int_equal(quire_cgroup_quota(root), 2000);
	put(root, "sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000\n");
	put(root, "sys/fs/cgroup/cpu", "cpu.cfs_period_us", "100000\n");
	assert_int_equal(quire_cgroup_quota(root), 500);
	put(root, "sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quire_cgroup_quota(root), 2000);
	put(root, at, "cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	/* Files of version 2 mean nothing here. */
	put(root, at, "cpu.max", "50000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
}

/* A controller of version 1 whose name only begins like cpu. */
static void test_other_controllers(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "3:cpuset,cpuacct:/\n2:xcpu,cpux:/\n");
	scratch_write_in(root, MOUNTS, V1_CPU_AT "rw,cpu\n");
	put(root, "sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000\n");
	put(root, "sys/fs/cgroup/cpu", "cpu.cfs_period_us", "100000\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	scratch_write_in(root, GROUPS, "3:cpuset,cpuacct,cpu:/\n");
	assert_int_equal(quire_cgroup_quota(root), 500);
	scratch_write_in(root, MOUNTS, V1_CPU_AT "rw,cpuacct\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
}

/* Both versions at once, as systemd's hybrid layout has them. */
static void test_hybrid(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "9:cpu,cpuacct:/job\n0::/session\n");
	scratch_write_in(
	    root, MOUNTS,
	    V1_CPU_AT
	    "rw,cpu,cpuacct\n"
	    "41 32 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put(root, "sys/fs/cgroup/cpu/job", "cpu.cfs_quota_us", "300000\n");
	put(root, "sys/fs/cgroup/cpu/job", "cpu.cfs_period_us", "100000\n");
	assert_int_equal(quire_cgroup_quota(root), 3000);
	put(root, "sys/fs/cgroup/unified/session", "cpu.max", "120000 100000");
	assert_int_equal(quire_cgroup_quota(root), 1200);
}

/* In a container the mount shows the container's own group, under the name that
 * the group has outside; and the process knows either name. */
static void test_container(void **state)
{
	const char *root = *state;

	scratch_write_in(
	    root, MOUNTS,
	    "700 690 0:26 /pod/box /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
	put(root, V2, "cpu.max", "220000 100000\n");
	put(root, V2 "/pod/box", "cpu.max", "10000 100000\n");
	put(root, V2 "/inner", "cpu.max", "180000 100000\n");
	scratch_write_in(root, GROUPS, "0::/pod/box\n");
	assert_int_equal(quire_cgroup_quota(root), 2200);
	scratch_write_in(root, GROUPS, "0::/pod/box/inner\n");
	assert_int_equal(quire_cgroup_quota(root), 1800);
	/* In a namespace of its own, or of another container. */
	scratch_write_in(root, GROUPS, "0::/\n");
	assert_int_equal(quire_cgroup_quota(root), 2200);
	scratch_write_in(root, GROUPS, "0::/pod/boxes\n");
	assert_int_equal(quire_cgroup_quota(root), 2200);
	/* A mount above the namespace's root. */
	scratch_write_in(
	    root, MOUNTS,
	    "700 690 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
	scratch_write_in(root, GROUPS, "0::/\n");
	assert_int_equal(quire_cgroup_quota(root), 2200);
}

/* A second mount that shows another group says nothing of this process. */
static void test_two_mounts(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "0::/mine\n");
	scratch_write_in(
	    root, MOUNTS,
	    "50 24 0:26 /theirs /mnt/theirs rw - cgroup2 cgroup2 rw\n" V2_AT);
	put(root, "mnt/theirs", "cpu.max", "10000 100000\n");
	put(root, V2 "/mine", "cpu.max", "max 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	put(root, V2 "/mine", "cpu.max", "190000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 1900);
}

/* A process outside of its namespace's root: its group is beside the mount. */
static void test_above_the_root(void **state)
{
	const char *root = *state;

	scratch_write_in(root, MOUNTS, V2_AT);
	put(root, V2, "cpu.max", "100000 100000\n");
	put(root, "sys/fs", "cpu.max", "100000 100000\n");
	scratch_write_in(root, GROUPS, "0::/../beside\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	scratch_write_in(root, GROUPS, "0::/..\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
	/* Two dots are a part of a name. */
	put(root, V2 "/..a..b", "cpu.max", "50000 100000\n");
	scratch_write_in(root, GROUPS, "0::/..a..b\n");
	assert_int_equal(quire_cgroup_quota(root), 500);
}

/* Names with a space, a backslash and colons. */
static void test_escapes(void **state)
{
	const char *root = *state;

	scratch_write_in(root, GROUPS, "0::/a b:c\\d\n");
	scratch_write_in(root, MOUNTS,
			 "30 24 0:26 /a\\040b:c\\134d /my\\040groups\\134x rw "
			 "master:1 - cgroup2 none rw\n");
	put(root, "my groups\\x", "cpu.max", "70000 100000\n");
	assert_int_equal(quire_cgroup_quota(root), 700);
	/* Not an escape: such a place is not there. */
	scratch_write_in(root, MOUNTS,
			 "30 24 0:26 / /my\\04groups\\9 rw - cgroup2 c rw\n"
			 "30 24 0:26 / /my\\477groups\\ rw - cgroup2 c rw\n");
	assert_int_equal(quire_cgroup_quota(root), 0);
}

static void check_cpu_max(const char *root, const char *text, uint64_t quota)
{
	put(root, V2, "cpu.max", text);
	if (quire_cgroup_quota(root) != quota)
		fail_msg("\"%.40s\" is not %llu", text,
			 (unsigned long long)quota);
}

static void test_numbers(void **state)
{
	const char *root = *state;
	char text[4096];

	scratch_write_in(root, GROUPS, "0::/\n");
	scratch_write_in(root, MOUNTS, V2_AT);
	check_cpu_max(root, "50000 100000\n", 500);
	check_cpu_max(root, "50000 100000", 500);
	check_cpu_max(root, "50000 100000\nrest", 500);
	check_cpu_max(root, "", 0);
	check_cpu_max(root, "\n", 0);
	check_cpu_max(root, "50000\n", 0);
	check_cpu_max(root, "50000 \n", 0);
	check_cpu_max(root, "50000  100000\n", 0);
	check_cpu_max(root, " 50000 100000\n", 0);
	check_cpu_max(root, "50000 100000 \n", 0);
	check_cpu_max(root, "+50000 100000\n", 0);
	check_cpu_max(root, "-1 100000\n", 0);
	check_cpu_max(root, "0 100000\n", 0);
	check_cpu_max(root, "50000 0\n", 0);
	check_cpu_max(root, "0 0\n", 0);
	check_cpu_max(root, "maximum 100000\n", 0);
	check_cpu_max(root, "0x10000 100000\n", 0);
	check_cpu_max(root, "5e4 100000\n", 0);
	check_cpu_max(root, "18446744073709551615 1\n", 0);
	check_cpu_max(root, "18446744073709551616 100000\n", 0);
	check_cpu_max(root, "9999999999999999999999999999 100000\n", 0);
	check_cpu_max(root, "18446744073709551 1\n", 18446744073709551000U);
	check_cpu_max(root, "1 18446744073709551615\n", 1);
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	check_cpu_max(root, text, 0);
	memset(text, '0', 70);
	strcpy(text + 70, "50000 100000\n");
	check_cpu_max(root, text, 0);
}

/* Lines that are not as they should be are passed over, and the rest is read.
 */
static void test_malformed_lines(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"     ",
		":",
		"::",
		"0",
		"0:",
		"0::",
		"0::no/slash",
		"0:cpu",
		":cpu:",
		"30",
		"30 24",
		"30 24 0:26",
		"30 24 0:26 /",
		"30 24 0:26 / /sys/fs/cgroup",
		"30 24 0:26 / /sys/fs/cgroup rw",
		"30 24 0:26 / /sys/fs/cgroup rw -",
		"30 24 0:26 / /sys/fs/cgroup rw - cgroup2",
		"30 24 0:26 / sys/fs/cgroup rw - cgroup2 c rw",
		"30 24 0:26 / /sys/../sys/fs/cgroup rw - cgroup2 c rw",
		"30 24 0:26 / /sys/fs/cgroup rw - cgroup2 c",
	};
	const char *root = *state;
	char text[256];

	put(root, V2, "cpu.max", "60000 100000\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* The last one is whole but for options, which version 2 does
		 * not need. */
		const bool whole = i + 1 == sizeof(bad) / sizeof(bad[0]);

		snprintf(text, sizeof(text), "%s\n0::/\n%s\n", bad[i], bad[i]);
		scratch_write_in(root, GROUPS, text);
		snprintf(text, sizeof(text), "%s\n", bad[i]);
		scratch_write_in(root, MOUNTS, text);
		if (quire_cgroup_quota(root) != (whole ? 600U : 0U))
			fail_msg("\"%s\"", bad[i]);
		snprintf(text, sizeof(text), "%s\n%s%s\n", bad[i], V2_AT,
			 bad[i]);
		scratch_write_in(root, MOUNTS, text);
		if (quire_cgroup_quota(root) != 600)
			fail_msg("after \"%s\"", bad[i]);
	}
}

/* `size` times the character, then the rest. */
static char *repeat(char c, size_t size, const char *rest)
{
	char *text = malloc(size + strlen(rest) + 1);

	assert_non_null(text);
	memset(text, c, size);
	strcpy(text + size, rest);
	return text;
}

static void test_long_lines(void **state)
{
	static const size_t sizes[] = { 4095,  4096,  12287,  12288,
					12289, 24576, 100000, 1000000 };
	const char *root = *state;

	put(root, V2, "cpu.max", "60000 100000\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *groups = repeat('x', sizes[i], "\n0::/\n");
		char *mounts = repeat('/', sizes[i], "\n" V2_AT);

		scratch_write_in(root, GROUPS, groups);
		scratch_write_in(root, MOUNTS, mounts);
		assert_int_equal(quire_cgroup_quota(root), 600);
		free(groups);
		free(mounts);
	}
}

/* Paths of more levels, and longer ones, than are followed. */
static void test_long_paths(void **state)
{
	const char *root = *state;
	char *deep = malloc(3000 + 16), *end = deep;
	char *groups;

	assert_non_null(deep);
	scratch_write_in(root, MOUNTS, V2_AT);
	put(root, V2, "cpu.max", "60000 100000\n");
	end += sprintf(end, "0::");
	for (int i = 0; i < 1500; i++)
		end += sprintf(end, "/a");
	sprintf(end, "\n");
	scratch_write_in(root, GROUPS, deep);
	assert_int_equal(quire_cgroup_quota(root), 0);
	free(deep);
	groups = repeat('/', 5000, "\n");
	memcpy(groups, "0::", 3);
	scratch_write_in(root, GROUPS, groups);
	assert_int_equal(quire_cgroup_quota(root), 0);
	free(groups);
}

/* `count` times the line, then the mount of version 2. */
static void put_mounts(const char *root, const char *line, size_t count)
{
	const size_t size = strlen(line);
	char *text = malloc(count * size + sizeof(V2_AT));

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * size, line, size);
	strcpy(text + count * size, V2_AT);
	scratch_write_in(root, MOUNTS, text);
	free(text);
}

/* Not more mounts than are looked at, and not more text than is read: 8 MiB. */
static void test_many_mounts(void **state)
{
	static const char group[] = "1 2 0:26 / /no rw - cgroup2 cgroup2 rw\n";
	static const char other[] = "1 2 0:26 / /xx rw - tmpfs xxx rw xxxx\n";
	const size_t held = ((size_t)8 << 20) / (sizeof(other) - 1);
	const char *root = *state;

	scratch_write_in(root, GROUPS, "0::/\n");
	put(root, V2, "cpu.max", "60000 100000\n");
	put_mounts(root, group, 15);
	assert_int_equal(quire_cgroup_quota(root), 600);
	put_mounts(root, group, 16);
	assert_int_equal(quire_cgroup_quota(root), 0);
	put_mounts(root, other, held - 2);
	assert_int_equal(quire_cgroup_quota(root), 600);
	put_mounts(root, other, 2 * held);
	assert_int_equal(quire_cgroup_quota(root), 0);
}

#define TREE_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown((test), &set_up, &tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_no_files),
		cmocka_unit_test(test_here),
		TREE_TEST(test_version_2),
		TREE_TEST(test_nested),
		TREE_TEST(test_version_1),
		TREE_TEST(test_other_controllers),
		TREE_TEST(test_hybrid),
		TREE_TEST(test_container),
		TREE_TEST(test_two_mounts),
		TREE_TEST(test_above_the_root),
		TREE_TEST(test_escapes),
		TREE_TEST(test_numbers),
		TREE_TEST(test_malformed_lines),
		TREE_TEST(test_long_lines),
		TREE_TEST(test_long_paths),
		TREE_TEST(test_many_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
