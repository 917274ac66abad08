#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* MARKER, which stands in the arguments of a process outside: in any /proc/<pid>/cmdline but our own? */
static void see(char **arguments)
{
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		failed("opendir", "/proc");
	int seen = 0;
	for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		char path[280], text[4096];
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
		    strtoul(entry->d_name, NULL, 10) == (unsigned long)getpid())
			continue;
		seen++;
		snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
		long length = read_file(path, text, sizeof text);
		if (length > 0 && memmem(text, (size_t)length, arguments[0], strlen(arguments[0])) != NULL)
			escaped("%s is a process of the host", path);
	}
	held("%d other processes in /proc, none of the host", seen);
}

/* Ends process PID, which has our uid. */
static void end(char **arguments)
{
	if (kill((pid_t)number(arguments[0]), SIGKILL) < 0)
		refused("kill", arguments[0]);
	escaped("ended process %s", arguments[0]);
}

/* A descriptor of process PID, from which pidfd_getfd(2) and pidfd_send_signal(2) would go on. */
static void pidfd(char **arguments)
{
	if (syscall(SYS_pidfd_open, (pid_t)number(arguments[0]), 0) < 0)
		refused("pidfd_open", arguments[0]);
	escaped("holds a pidfd of process %s", arguments[0]);
}

/* Whoever traces process PID does what it likes in it. */
static void trace(char **arguments)
{
	pid_t pid = (pid_t)number(arguments[0]);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		refused("ptrace", arguments[0]);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	escaped("traced process %s", arguments[0]);
}

/* Opens /proc/1/FILE, through which init's memory, descriptors or environment could be had. */
static void open_of_init(char **arguments)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/1/%s", arguments[0]);
	if (open(path, O_RDONLY | O_CLOEXEC) < 0)
		refused("open", path);
	escaped("opened %s", path);
}

const struct program PROCESSES[] = {
	{ "processes.see", 1, see },
	{ "processes.end", 1, end },
	{ "processes.pidfd", 1, pidfd },
	{ "processes.trace", 1, trace },
	{ "processes.open-of-init", 1, open_of_init },
	{ 0 },
};
