#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *const EXPECTED[] = {
	"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
};

static void only_minimal(char **arguments)
{
	(void)arguments;
	DIR *dev = opendir("/dev");
	if (dev == NULL)
		failed("opendir", "/dev");
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(dev)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		size_t index = 0;
		while (index < sizeof EXPECTED / sizeof *EXPECTED && strcmp(EXPECTED[index], entry->d_name) != 0)
			index++;
		if (index == sizeof EXPECTED / sizeof *EXPECTED)
			escaped("has /dev/%s", entry->d_name);
		count++;
	}
	if (count != sizeof EXPECTED / sizeof *EXPECTED)
		broken("/dev has %zu entries instead of %zu", count, sizeof EXPECTED / sizeof *EXPECTED);
	held("/dev has its %zu entries and no more", count);
}

/* Makes a node of device 1:1, physical memory. */
static void make(char **arguments)
{
	(void)arguments;
	if (mknod("/tmp/memory", S_IFCHR | 0600, makedev(1, 1)) < 0)
		refused("mknod", "/tmp/memory");
	unlink("/tmp/memory");
	escaped("made a node of the machine's memory");
}

/* PATH is a device node that root has left where the job can reach it. */
static void open_node(char **arguments)
{
	if (open(arguments[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC) < 0)
		refused("open", arguments[0]);
	escaped("opened %s", arguments[0]);
}

/* Puts a link in the place of PATH, whether something is there or not. */
static void replace(char **arguments)
{
	if (unlink(arguments[0]) < 0 && errno != ENOENT)
		refused("unlink", arguments[0]);
	if (symlink("/etc/passwd", arguments[0]) < 0)
		refused("symlink", arguments[0]);
	escaped("%s leads where the job likes", arguments[0]);
}

const struct program DEVICES[] = {
	{ "devices.only-minimal", 0, only_minimal },
	{ "devices.make", 0, make },
	{ "devices.open", 1, open_node },
	{ "devices.replace", 1, replace },
	{ 0 },
};
