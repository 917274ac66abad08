#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* PATH is a setting of the kernel; it gets the value that it has, so that a probe that gets through does no harm. */
static void write_setting(char **arguments)
{
	char value[4096];
	long length = read_file(arguments[0], value, sizeof value);
	if (length < 0)
		refused("open", arguments[0]);
	int fd = open(arguments[0], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		refused("open", arguments[0]);
	if (write(fd, value, (size_t)length) < 0)
		refused("write", arguments[0]);
	escaped("wrote %s", arguments[0]);
}

/* PATH of /proc tells of the host. */
static void read_masked(char **arguments)
{
	char text[4096];
	long length = read_file(arguments[0], text, sizeof text);
	if (length < 0)
		refused("open", arguments[0]);
	if (length == 0)
		held("%s is covered", arguments[0]);
	escaped("read %ld bytes of %s", length, arguments[0]);
}

/* PATH of /proc takes commands: nothing is written to it, only what lies there is looked at. */
static void covered(char **arguments)
{
	struct stat status;
	if (stat(arguments[0], &status) < 0)
		refused("stat", arguments[0]);
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
		held("%s is the null device", arguments[0]);
	escaped("%s is the kernel's", arguments[0]);
}

/* A new proc file system would have no masks. The kernel allows one only where a whole one is in sight already. */
static void fresh_proc(char **arguments)
{
	(void)arguments;
	become_root_in_user_namespace(CLONE_NEWNS | CLONE_NEWPID);
	pid_t child = fork(); /* the first process in the new PID namespace */
	if (child < 0)
		failed("fork", "");
	if (child > 0) {
		waitpid(child, NULL, 0);
		_exit(0);
	}
	if (mount("proc", "/tmp", "proc", 0, NULL) < 0)
		refused("mount", "proc");
	escaped("mounted a /proc without masks");
}

static void fresh_sys(char **arguments)
{
	(void)arguments;
	become_root_in_user_namespace(CLONE_NEWNS | CLONE_NEWNET);
	if (mount("sysfs", "/tmp", "sysfs", 0, NULL) < 0)
		refused("mount", "sysfs");
	escaped("mounted a /sys");
}

/* In a user namespace of its own: takes the cover off PATH, which is locked to what lies under it. */
static void uncover(char **arguments)
{
	become_root_in_user_namespace(CLONE_NEWNS);
	umount2(arguments[0], MNT_DETACH);
	covered(arguments);
}

/* As before, by showing /proc elsewhere without what is mounted in it. */
static void show_elsewhere(char **arguments)
{
	(void)arguments;
	become_root_in_user_namespace(CLONE_NEWNS);
	if (mount("/proc", "/tmp", NULL, MS_BIND, NULL) < 0)
		refused("mount", "/proc");
	char *const path[] = { "/tmp/kcore", NULL };
	covered((char **)path);
}

/* A program for files of a kind, which the kernel starts for whoever executes one: in the first user namespace for all of the host. */
static void binary_format(char **arguments)
{
	(void)arguments;
	if (mount("binfmt_misc", "/tmp", "binfmt_misc", 0, NULL) < 0)
		refused("mount", "binfmt_misc");
	escaped("mounted binfmt_misc");
}

/* Raises a limit of its own cgroup: by the file system that root may mount, and every user namespace. */
static void cgroup_limit(char **arguments)
{
	(void)arguments;
	if (mount("none", "/tmp", "cgroup2", 0, NULL) < 0) {
		become_root_in_user_namespace(CLONE_NEWNS | CLONE_NEWCGROUP);
		if (mount("none", "/tmp", "cgroup2", 0, NULL) < 0)
			refused("mount", "cgroup2");
	}
	int fd = open("/tmp/cgroup.max.depth", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		refused("open", "cgroup.max.depth");
	if (write(fd, "7", 1) < 0)
		refused("write", "cgroup.max.depth");
	escaped("wrote to its own cgroup");
}

/*
 * CVE-2022-0492: a cgroup v1 hierarchy names a program that the kernel starts, as root and on the host, when a cgroup
 * has become empty. HIERARCHY is one that no one uses.
 */
static void release_agent(char **arguments)
{
	char options[64];
	snprintf(options, sizeof options, "none,name=%s", arguments[0]);
	if (mount("none", "/tmp", "cgroup", 0, options) < 0)
		refused("mount", options);
	int fd = open("/tmp/release_agent", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		refused("open", "release_agent");
	if (write(fd, "/bin/true", 9) < 0)
		refused("write", "release_agent");
	escaped("the kernel would run /bin/true on the host");
}

/* NAME is the host's own. */
static void host_name(char **arguments)
{
	struct utsname names;
	uname(&names);
	if (strcmp(names.nodename, arguments[0]) == 0)
		escaped("is on the host's name, %s", names.nodename);
	held("is on a name of its own, %s", names.nodename);
}

const struct program KERNEL[] = {
	{ "kernel.write-setting", 1, write_setting },
	{ "kernel.read-masked", 1, read_masked },
	{ "kernel.covered", 1, covered },
	{ "kernel.fresh-proc", 0, fresh_proc },
	{ "kernel.fresh-sys", 0, fresh_sys },
	{ "kernel.uncover", 1, uncover },
	{ "kernel.show-elsewhere", 0, show_elsewhere },
	{ "kernel.binary-format", 0, binary_format },
	{ "kernel.cgroup-limit", 0, cgroup_limit },
	{ "kernel.release-agent", 1, release_agent },
	{ "kernel.host-name", 1, host_name },
	{ 0 },
};
