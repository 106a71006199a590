/*
 * cgroup.c - finds the control groups of this process and reads their quotas of
 * CPU time. cgroups(7), proc_pid_cgroup(5) and proc_pid_mountinfo(5) describe
 * the files, the kernel's admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst
 * the quotas.
 *
 * /proc/self/cgroup names the group in each hierarchy, /proc/self/mountinfo
 * says where a hierarchy is mounted and which of its groups is at that place.
 * Both are untrusted text: a container's names may be anybody's. Whatever does
 * not read as it should counts as no limit. What is read, opened and kept is
 * bounded.
 */
#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cpu_limits.h"
#include "base/file.h"

enum {
	PATH_SIZE = 4096, /* the kernel's PATH_MAX */

	/* A line of mountinfo has two paths and options, of up to a page each.
	 * A line that is longer is passed over. */
	LINE_SIZE = 3 * PATH_SIZE,
	TEXT_SIZE = 8 << 20, /* of a file; what follows is not read */

	MOUNTS_MAX = 16,  /* mounts of groups that are looked at */
	LEVELS_MAX = 256, /* groups on a way up */
};

/* --------------------------------------------------------- lines of a file */

struct lines {
	int file;
	uint64_t offset;   /* of the next byte to be read */
	size_t begin, end; /* of the text that was not returned yet */
	char text[LINE_SIZE];
};

static bool join(char *path, size_t size, const char *first, const char *second)
{
	const int length = snprintf(path, size, "%s%s", first, second);

	return length >= 0 && (size_t)length < size;
}

static bool lines_open(struct lines *lines, const char *root, const char *name)
{
	char path[PATH_SIZE];

	lines->offset = 0;
	lines->begin = lines->end = 0;
	if (!join(path, sizeof(path), root, name))
		return false;
	lines->file = quire_file_open(path);
	return lines->file >= 0;
}

/* Moves what is left to the front and reads on. False: nothing was added. */
static bool lines_read(struct lines *lines)
{
	size_t got;

	lines->end -= lines->begin;
	memmove(lines->text, lines->text + lines->begin, lines->end);
	lines->begin = 0;
	if (lines->offset >= TEXT_SIZE)
		return false;
	(void)quire_file_read(lines->file, lines->offset,
			      lines->text + lines->end, LINE_SIZE - lines->end,
			      &got);
	lines->offset += got;
	lines->end += got;
	return got > 0;
}

/* The next line, without its end; NULL: there is none. A line that does not fit
 * is passed over, and so is one without an end. */
static char *lines_next(struct lines *lines)
{
	bool passing = false;

	for (;;) {
		char *line = lines->text + lines->begin;
		char *end = memchr(line, '\n', lines->end - lines->begin);

		if (!end) {
			if (lines->begin == 0 && lines->end == LINE_SIZE) {
				passing = true;
				lines->begin = lines->end;
			}
			if (!lines_read(lines))
				return NULL;
			continue;
		}
		lines->begin = (size_t)(end - lines->text) + 1;
		*end = '\0';
		/* A NUL within would hide what follows it. */
		if (!passing && strlen(line) == (size_t)(end - line))
			return line;
		passing = false;
	}
}

/* ----------------------------------------------------------------- numbers */

/* Decimal digits at *text, which moves behind them. */
static bool take_number(const char **text, uint64_t *number)
{
	const char *at = *text;
	uint64_t value = 0;

	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++)
		if (!checked_mul(value, 10, &value) ||
		    !checked_add(value, (uint64_t)(*at - '0'), &value))
			return false;
	*text = at;
	*number = value;
	return true;
}

/* A quota of a period, both in microseconds, in thousandths of a CPU. 0: not a
 * limit. */
static uint64_t scale(uint64_t quota, uint64_t period)
{
	uint64_t scaled;

	if (quota == 0 || period == 0 ||
	    !checked_mul(quota, QUIRE_CPU_QUOTA_UNIT, &scaled))
		return 0;
	return scaled / period + (scaled % period != 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* The first line of a file of a group. */
static bool read_value(const char *group, const char *name, char *value,
		       size_t size)
{
	char path[PATH_SIZE];
	size_t got;
	int file;
	bool done;

	if (!join(path, sizeof(path), group, name))
		return false;
	file = quire_file_open(path);
	if (file < 0)
		return false;
	done = quire_file_read(file, 0, value, size - 1, &got);
	quire_file_close(file);
	value[got] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return done && got > 0 && got < size - 1;
}

/* "QUOTA PERIOD", or "max PERIOD". */
static uint64_t read_quota_v2(const char *group)
{
	uint64_t quota, period;
	const char *at;
	char value[64];

	if (!read_value(group, "/cpu.max", value, sizeof(value)))
		return 0;
	at = value;
	if (!take_number(&at, &quota) || *at++ != ' ' ||
	    !take_number(&at, &period) || *at != '\0')
		return 0;
	return scale(quota, period);
}

static bool read_number(const char *group, const char *name, uint64_t *number)
{
	const char *at;
	char value[64];

	if (!read_value(group, name, value, sizeof(value)))
		return false;
	at = value;
	return take_number(&at, number) && *at == '\0';
}

/* A quota of -1 is none. */
static uint64_t read_quota_v1(const char *group)
{
	uint64_t quota, period;

	if (!read_number(group, "/cpu.cfs_quota_us", &quota) ||
	    !read_number(group, "/cpu.cfs_period_us", &period))
		return 0;
	return scale(quota, period);
}

/* ------------------------------------------------------------------ groups */

/* The process's groups that can have a quota, as the hierarchies name them;
 * empty: none. */
struct groups {
	char v1[PATH_SIZE]; /* of the hierarchy with the controller cpu */
	char v2[PATH_SIZE];
};

/* Whether a list with commas has the word. */
static bool has_word(const char *list, const char *word)
{
	const size_t size = strlen(word);

	for (;;) {
		const size_t next = strcspn(list, ",");

		if (next == size && memcmp(list, word, size) == 0)
			return true;
		if (list[next] == '\0')
			return false;
		list += next + 1;
	}
}

/* Whether a part of the path is "..", as of a group that is not below what the
 * process sees as the root. */
static bool goes_up(const char *path)
{
	while (*path != '\0') {
		const size_t size = strcspn(path, "/");

		if (size == 2 && memcmp(path, "..", 2) == 0)
			return true;
		path += size + (path[size] == '/');
	}
	return false;
}

/* "ID:CONTROLLERS:PATH"; version 2 has the ID 0 and no controllers. */
static void take_group(struct groups *groups, char *line)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path || path[1] != '/')
		return;
	*controllers++ = '\0';
	*path++ = '\0';
	if (strlen(path) >= PATH_SIZE)
		return;
	if (strcmp(line, "0") == 0 && *controllers == '\0')
		strcpy(groups->v2, path);
	else if (has_word(controllers, "cpu"))
		strcpy(groups->v1, path);
}

static bool find_groups(struct groups *groups, struct lines *lines,
			const char *root)
{
	char *line;

	groups->v1[0] = groups->v2[0] = '\0';
	if (!lines_open(lines, root, "/proc/self/cgroup"))
		return false;
	while ((line = lines_next(lines)))
		take_group(groups, line);
	quire_file_close(lines->file);
	return groups->v1[0] != '\0' || groups->v2[0] != '\0';
}

/* ------------------------------------------------------------------ mounts */

struct mount {
	char *group; /* which group is at the place */
	char *place;
	bool is_v2;
};

/* Cuts off a field, which ends with a space and may be empty; NULL: there is
 * none. */
static char *take_field(char **line)
{
	char *field = *line;
	const size_t size = strcspn(field, " ");

	if (*field == '\0')
		return NULL;
	*line = field + size + (field[size] == ' ');
	field[size] = '\0';
	return field;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* A space, tab, newline or backslash of a path is written as a backslash and
 * three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && is_octal(text[1]) && text[1] < '4' &&
		    is_octal(text[2]) && is_octal(text[3])) {
			const int code = (text[1] - '0') * 64 +
					 (text[2] - '0') * 8 + (text[3] - '0');

			*to++ = (char)code;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* "ID PARENT DEVICE GROUP PLACE OPTIONS [TAG...] - TYPE SOURCE OPTIONS" */
static bool read_mount(char *line, struct mount *mount)
{
	const char *type, *options = NULL;
	char *field;

	for (int i = 0; i < 3; i++)
		if (!take_field(&line))
			return false;
	mount->group = take_field(&line);
	mount->place = take_field(&line);
	if (!mount->group || !mount->place)
		return false;
	do
		field = take_field(&line);
	while (field && strcmp(field, "-") != 0);
	type = field ? take_field(&line) : NULL;
	if (!type || !take_field(&line))
		return false;
	options = take_field(&line);
	mount->is_v2 = strcmp(type, "cgroup2") == 0;
	if (!mount->is_v2 && (strcmp(type, "cgroup") != 0 || !options ||
			      !has_word(options, "cpu")))
		return false;
	unescape(mount->group);
	unescape(mount->place);
	return mount->place[0] == '/' && !goes_up(mount->place);
}

/* The way from the group of the mount to a group below it: "" or "/a/b". NULL:
 * it is not below. */
static const char *way_to(const char *group, const char *mounted)
{
	size_t size = strlen(mounted);

	if (size == 1 && mounted[0] == '/')
		size = 0;
	if (strncmp(group, mounted, size) != 0 ||
	    (group[size] != '/' && group[size] != '\0'))
		return NULL;
	return strcmp(group + size, "/") == 0 ? "" : group + size;
}

/* The least quota from the group at `path`, and above it, to the group whose
 * path has `top_size` bytes. */
static uint64_t climb(char *path, size_t top_size, bool is_v2)
{
	uint64_t quota = 0;

	for (int i = 0; i < LEVELS_MAX; i++) {
		size_t size = strlen(path);

		quota = least(quota, is_v2 ? read_quota_v2(path)
					   : read_quota_v1(path));
		while (size > top_size && path[size - 1] != '/')
			size--;
		if (size <= top_size)
			break;
		path[size - 1] = '\0';
	}
	return quota;
}

/* The quotas of one hierarchy. */
struct quotas {
	bool found;	  /* a mount that shows the process's group */
	uint64_t sure;	  /* by such mounts */
	uint64_t assumed; /* by others */
};

/* Adds the quota by a mount of the hierarchy. */
static void take_mount(struct quotas *quotas, const struct mount *mount,
		       const char *group, const char *root)
{
	const char *way = way_to(group, mount->group);
	char path[PATH_SIZE];
	uint64_t quota;
	size_t top_size;

	if (way && goes_up(way))
		return;
	if (!join(path, sizeof(path), root, mount->place))
		return;
	top_size = strlen(path);
	if (!join(path + top_size, sizeof(path) - top_size, way ? way : "", ""))
		return;
	quota = climb(path, top_size, mount->is_v2);
	if (way) {
		quotas->found = true;
		quotas->sure = least(quotas->sure, quota);
	} else {
		quotas->assumed = least(quotas->assumed, quota);
	}
}

/* A container may see the name that its group has outside, and one mount, of
 * another name: what is at that place is then its own group or one above it. */
static uint64_t conclude(const struct quotas *quotas)
{
	return quotas->found ? quotas->sure : quotas->assumed;
}

uint64_t quire_cgroup_quota(const char *root)
{
	struct quotas v1 = { .found = false }, v2 = v1;
	struct groups groups;
	struct lines lines;
	struct mount mount;
	int mounts = 0;
	char *line;

	if (!find_groups(&groups, &lines, root) ||
	    !lines_open(&lines, root, "/proc/self/mountinfo"))
		return 0;
	while (mounts < MOUNTS_MAX && (line = lines_next(&lines))) {
		const char *group;

		if (!read_mount(line, &mount))
			continue;
		group = mount.is_v2 ? groups.v2 : groups.v1;
		if (group[0] == '\0')
			continue;
		mounts++;
		take_mount(mount.is_v2 ? &v2 : &v1, &mount, group, root);
	}
	quire_file_close(lines.file);
	return least(conclude(&v1), conclude(&v2));
}
