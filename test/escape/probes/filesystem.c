#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* PATH is a file of the host that anyone may read there. */
static void read_host(char **arguments)
{
	char text[256];
	if (read_file(arguments[0], text, sizeof text) < 0)
		refused("open", arguments[0]);
	text[strcspn(text, "\n")] = '\0';
	escaped("read %s of the host: %s", arguments[0], text);
}

/* PATH of the host: is it there at all? */
static void see(char **arguments)
{
	struct stat status;
	if (lstat(arguments[0], &status) < 0)
		refused("lstat", arguments[0]);
	escaped("%s is there", arguments[0]);
}

static void append(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		refused("open", path);
	if (write(fd, "escaped\n", 8) < 0)
		refused("write", path);
	escaped("wrote to %s of the host", path);
}

/* PATH is a file of the system that anyone may write there. */
static void write_host(char **arguments)
{
	append(arguments[0]);
}

/* The same as root of a user namespace, who may remount what is not locked. */
static void remount(char **arguments)
{
	become_root_in_user_namespace(CLONE_NEWNS);
	mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL);
	append(arguments[0]);
}

static const char *const WRITABLE[] = { "/work", "/tmp", "/dev/shm", "/dev/mqueue", "/dev/pts", "/dev", "/proc", };

/* The mount options of each line of /proc/self/mountinfo that a job has no business to write to. */
static void mounts_read_only(char **arguments)
{
	(void)arguments;
	static char table[262144];
	if (read_file("/proc/self/mountinfo", table, sizeof table) < 0)
		failed("read", "/proc/self/mountinfo");
	int count = 0;
	char *rest = table;
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0'; count++) {
		char point[4096], options[256];
		if (sscanf(line, "%*d %*d %*s %*s %4095s %255s", point, options) != 2)
			broken("mountinfo: %s", line);
		size_t index = 0;
		while (index < sizeof WRITABLE / sizeof *WRITABLE && strcmp(WRITABLE[index], point) != 0)
			index++;
		/* A cover on a file of /proc is the job's own /dev/null. */
		if (index == sizeof WRITABLE / sizeof *WRITABLE && strncmp(options, "ro", 2) != 0 &&
		    strstr(line, " /null ") == NULL)
			escaped("%s is mounted %s", point, options);
	}
	held("%d mounts, all but the job's own read-only", count);
}

/* The classic way out of chroot(2), which pivot_root(2) does not leave open; PATH is a file of the host. */
static void climb_out_of_root(char **arguments)
{
	char text[256];
	char trap[] = "/tmp/joblet-escape-XXXXXX";
	become_root_in_user_namespace(CLONE_NEWNS);
	if (mkdtemp(trap) == NULL || chroot(trap) < 0)
		failed("chroot", trap);
	for (int step = 0; step < 64; step++)
		if (chdir("..") < 0)
			failed("chdir", "..");
	if (chroot(".") < 0)
		failed("chroot", ".");
	rmdir(trap);
	if (read_file(arguments[0], text, sizeof text) < 0)
		refused("open", arguments[0]);
	escaped("climbed to %s of the host", arguments[0]);
}

/* PATH is a Unix socket of the host to which anyone may connect. */
static void connect_host(char **arguments)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0 || strlen(arguments[0]) >= sizeof address.sun_path)
		failed("socket", arguments[0]);
	strcpy(address.sun_path, arguments[0]);
	if (connect(socket_fd, (struct sockaddr *)&address, sizeof address) < 0)
		refused("connect", arguments[0]);
	escaped("connected to %s", arguments[0]);
}

const struct program FILESYSTEM[] = {
	{ "filesystem.read", 1, read_host },
	{ "filesystem.see", 1, see },
	{ "filesystem.write", 1, write_host },
	{ "filesystem.remount", 1, remount },
	{ "filesystem.mounts-read-only", 0, mounts_read_only },
	{ "filesystem.climb-out-of-root", 1, climb_out_of_root },
	{ "filesystem.connect", 1, connect_host },
	{ 0 },
};
