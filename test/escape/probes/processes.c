#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

/* WAY into process PID of another job, which has our uid: its memory, its descriptors, its namespaces, its limits. */
static void reach(char **arguments)
{
	const char *way = arguments[0];
	pid_t pid = (pid_t)number(arguments[1]);
	char path[64], byte = 0;
	struct iovec ours = { &byte, 1 }, theirs = { &byte, 1 };
	const struct rlimit limit = { 512, 512 };
	long result = -1;
	if (strcmp(way, "mem") == 0) {
		snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
		result = open(path, O_RDWR | O_CLOEXEC);
	} else if (strcmp(way, "root") == 0) {
		snprintf(path, sizeof path, "/proc/%d/root/work", (int)pid);
		result = open(path, O_PATH | O_CLOEXEC);
	} else if (strcmp(way, "vm-read") == 0) {
		/* The same program stands at the same address: it is not position-independent. */
		theirs.iov_base = (void *)reach;
		result = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);
	} else if (strcmp(way, "kcmp") == 0) {
		result = syscall(SYS_kcmp, getpid(), pid, 2 /* KCMP_VM */, 0, 0);
	} else if (strcmp(way, "prlimit") == 0) {
		result = prlimit(pid, RLIMIT_NOFILE, &limit, NULL);
	} else if (strcmp(way, "getfd") == 0) {
		int process = (int)syscall(SYS_pidfd_open, pid, 0);
		result = process < 0 ? -1 : syscall(SYS_pidfd_getfd, process, STDOUT_FILENO, 0);
	} else if (strcmp(way, "setns") == 0) {
		int process = (int)syscall(SYS_pidfd_open, pid, 0);
		become_root_in_user_namespace(0);
		result = process < 0 ? -1 : setns(process, CLONE_NEWUTS);
		/* A process that is there refuses for another reason than one that isn't. */
		if (process >= 0 && result < 0 && errno == EPERM)
			result = 0;
		if (process < 0)
			errno = ESRCH;
	} else {
		broken("there is no way %s", way);
	}
	if (result < 0)
		refused(way, arguments[1]);
	escaped("%s reaches process %s", way, arguments[1]);
}

/* Gives all processes of our uid less of the processor. The test sees whom it has reached. */
static void slow_down(char **arguments)
{
	(void)arguments;
	if (setpriority(PRIO_USER, 0, 15) < 0)
		failed("setpriority", "PRIO_USER");
	held("asked for it");
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
	{ "processes.reach", 2, reach },
	{ "processes.slow-down", 0, slow_down },
	{ "processes.open-of-init", 1, open_of_init },
	{ 0 },
};
