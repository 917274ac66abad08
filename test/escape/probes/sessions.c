/* What `job exec` brings into a running job: the command itself, and the moment in which it is still the executor. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* One refusal says little: it may have been the very end of the process. */
enum { PATIENCE_SECONDS = 20, ENOUGH = 300 };

static const char *const NAMESPACES[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
static const char *const FILES[] = { "cgroup", "limits", "mountinfo", "oom_score_adj", "environ", "loginuid" };
/* The lines of /proc/self/status that differ between any two processes. */
static const char *const OWN[] = {
	"Name:", "State:", "Tgid:", "Ngid:", "Pid:", "PPid:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "Vm", "Rss", "Hugetlb", "Shd", "SigQ:",
	"voluntary", "nonvoluntary", "Cpus_allowed", "FDSize:", "THP_enabled", "untag_mask",
};

static void print_status(void)
{
	static char status[16384];
	if (read_file("/proc/self/status", status, sizeof status) < 0)
		failed("read", "/proc/self/status");
	char *rest = status;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		size_t i = 0;
		while (i < sizeof OWN / sizeof *OWN && strncmp(line, OWN[i], strlen(OWN[i])) != 0)
			i++;
		if (i == sizeof OWN / sizeof *OWN)
			printf("status %s\n", line);
	}
}

static void print_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	if (folder == NULL)
		failed("opendir", "/proc/self/fd");
	int count = 0;
	while (readdir(folder) != NULL)
		count++;
	printf("descriptors %d\n", count - 3); /* two dots and the folder itself */
	closedir(folder);
}

/* All that the kernel says of how this process is confined, whatever its number, then END. */
static void confinement(char **arguments)
{
	static char text[262144];
	char path[64], folder[4096];
	print_status();
	for (size_t i = 0; i < sizeof NAMESPACES / sizeof *NAMESPACES; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", NAMESPACES[i]);
		ssize_t length = readlink(path, text, sizeof text);
		printf("namespace %s %.*s\n", NAMESPACES[i], (int)(length < 0 ? 0 : length), text);
	}
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		snprintf(path, sizeof path, "/proc/self/%s", FILES[i]);
		long length = read_file(path, text, sizeof text);
		printf("file %s %ld ", FILES[i], length);
		for (long j = 0; j < length; j++)
			putchar(text[j] == '\0' ? ' ' : text[j]);
		putchar('\n');
	}
	print_descriptors();
	printf("securebits %x, nice %d, scheduler %d, dumpable %d, personality %x, timer slack %d\n", prctl(PR_GET_SECUREBITS),
	       getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), prctl(PR_GET_DUMPABLE), (unsigned)personality(0xffffffff),
	       prctl(PR_GET_TIMERSLACK));
	printf("keyring %ld\n", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	printf("leads its session: %d, in %s\n", getsid(0) == getpid(), getcwd(folder, sizeof folder));
	printf("END\n");
	fflush(stdout);
	if (strcmp(arguments[0], "wait") == 0)
		for (;;)
			pause();
	_exit(0);
}

/* Calls `look` with the path of each process of this namespace but init and ourselves, again and again. */
static void watch(void (*look)(const char *process), const char *what)
{
	for (time_t end = time(NULL) + PATIENCE_SECONDS; time(NULL) < end;) {
		DIR *proc = opendir("/proc");
		for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
			char path[300];
			int pid = atoi(entry->d_name);
			if (pid <= 1 || pid == getpid())
				continue;
			snprintf(path, sizeof path, "/proc/%d", pid);
			look(path);
		}
		closedir(proc);
	}
	broken("saw no %s in %d s", what, PATIENCE_SECONDS);
}

/* One that is ending has none, and is closed to everybody for that. */
static int has_memory(const char *process)
{
	char path[340], pages[128];
	snprintf(path, sizeof path, "%s/statm", process);
	return read_file(path, pages, sizeof pages) > 0 && strncmp(pages, "0 ", 2) != 0;
}

/* A process that init has made and that has not executed its command yet has what init has: CVE-2016-9962. */
static void look_for_start(const char *process)
{
	static int refusals;
	char path[340], name[64];
	snprintf(path, sizeof path, "%s/comm", process);
	if (read_file(path, name, sizeof name) < 0 || strcmp(name, "joblet-init\n") != 0)
		return;
	snprintf(path, sizeof path, "%s/fd/3", process);
	ssize_t length = readlink(path, name, sizeof name - 1);
	int cause = errno;
	if (length < 0 && cause == EACCES && has_memory(process) && ++refusals == ENOUGH) {
		errno = cause;
		refused("readlink", path);
	}
	if (length > 0)
		escaped("%s leads to init's %.*s", path, (int)length, name);
}

static void watch_start(char **arguments)
{
	(void)arguments;
	watch(look_for_start, "start of a command");
}

static void look_for_executor(const char *process)
{
	char path[340], program[4096];
	snprintf(path, sizeof path, "%s/exe", process);
	ssize_t length = readlink(path, program, sizeof program - 1);
	if (length < 0 || memmem(program, (size_t)length, "executor", 8) == NULL)
		return;
	int executable = open(path, O_RDONLY | O_CLOEXEC);
	if (executable >= 0)
		judge_executor(executable);
}

static void watch_executor(char **arguments)
{
	(void)arguments;
	watch(look_for_executor, "executor");
}

/* Types into its own terminal, standard input. */
static void type(char **arguments)
{
	(void)arguments;
	if (ioctl(STDIN_FILENO, TIOCSTI, "x") < 0)
		refused("ioctl", "TIOCSTI");
	escaped("typed into its terminal");
}

const struct program SESSIONS[] = {
	{ "sessions.confinement", 1, confinement },
	{ "sessions.watch-start", 0, watch_start },
	{ "sessions.watch-executor", 0, watch_executor },
	{ "sessions.type", 0, type },
	{ 0 },
};
