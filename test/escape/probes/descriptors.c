#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Deeper than any path. */
#define CLIMB 64

/* Calls `visit` for each open descriptor but the one that lists them. */
static int each_descriptor(void (*visit)(int fd, const char *leads_to, char **arguments), char **arguments)
{
	DIR *folder = opendir("/proc/self/fd");
	if (folder == NULL)
		failed("opendir", "/proc/self/fd");
	int count = 0;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		int fd = atoi(entry->d_name);
		if (entry->d_name[0] == '.' || fd == dirfd(folder))
			continue;
		char leads_to[4096];
		ssize_t length = readlinkat(dirfd(folder), entry->d_name, leads_to, sizeof leads_to - 1);
		leads_to[length < 0 ? 0 : length] = '\0';
		count++;
		visit(fd, leads_to, arguments);
	}
	closedir(folder);
	return count;
}

static void must_be_standard(int fd, const char *leads_to, char **arguments)
{
	(void)arguments;
	if (fd > 2)
		escaped("has descriptor %d: %s", fd, leads_to);
}

static void only_three(char **arguments)
{
	int count = each_descriptor(must_be_standard, arguments);
	if (count != 3)
		broken("has %d descriptors", count);
	held("has exactly descriptors 0, 1, 2");
}

static void write_to(int fd, const char *leads_to, char **arguments)
{
	(void)leads_to;
	if (fd > 2)
		dprintf(fd, "%s\n", arguments[0]);
}

/* Writes TEXT to all that it has beside its own streams. The test sees what has come of it. */
static void write_everywhere(char **arguments)
{
	int count = each_descriptor(write_to, arguments);
	held("has %d descriptors", count);
}

/* From the working directory up as far as it goes, then to `path` on the host. */
static void climb_to(const char *path)
{
	char text[256];
	for (int step = 0; step < CLIMB; step++)
		if (chdir("..") < 0)
			return;
	if (read_file(path[0] == '/' ? path + 1 : path, text, sizeof text) > 0)
		escaped("climbed to %s of the host", path);
}

static void climb_from(int fd, const char *leads_to, char **arguments)
{
	(void)leads_to;
	if (fd > 2 && fchdir(fd) == 0)
		climb_to(arguments[0]);
}

/* PATH of a file of the host: reachable upwards from any open directory? (CVE-2024-21626) */
static void climb(char **arguments)
{
	int count = each_descriptor(climb_from, arguments);
	held("none of %d descriptors leads to %s", count, arguments[0]);
}

/* PATH of a file of the host: reachable upwards from where the job was started? (CVE-2024-21626) */
static void climb_from_work_directory(char **arguments)
{
	char here[4096];
	if (getcwd(here, sizeof here) == NULL)
		snprintf(here, sizeof here, "%s", strerrorname_np(errno));
	climb_to(arguments[0]);
	held("no way from %s to %s", here, arguments[0]);
}

const struct program DESCRIPTORS[] = {
	{ "descriptors.only-three", 0, only_three },
	{ "descriptors.write-everywhere", 1, write_everywhere },
	{ "descriptors.climb", 1, climb },
	{ "descriptors.climb-from-work-directory", 1, climb_from_work_directory },
	{ 0 },
};
