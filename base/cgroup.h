/*
 * cgroup.h - the CPU time that Linux's control groups allow this process.
 */
#ifndef QUIRE_BASE_CGROUP_H
#define QUIRE_BASE_CGROUP_H

#include <stdint.h>

/*
 * The least quota of the process's group and of each group above it that can be
 * seen, of versions 1 and 2, in thousandths of one CPU's time, rounded up. 0:
 * there is no quota, or no file that says so.
 *
 * `root` is put before the path of every file: "" for the system's own, or a
 * folder that is laid out like it. Allocates nothing; any thread may call it.
 */
uint64_t quire_cgroup_quota(const char *root);

#endif
