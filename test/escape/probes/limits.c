#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Takes MEBIBYTES of memory and writes to each page. */
static void allocate(char **arguments)
{
	size_t size = number(arguments[0]) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		refused("mmap", arguments[0]);
	for (size_t offset = 0; offset < size; offset += 4096)
		memory[offset] = 1;
	escaped("holds %s MiB", arguments[0]);
}

/* Each process forks as often as it can, for ever: only pids.max stops them. */
static void fork_bomb(char **arguments)
{
	(void)arguments;
	for (;;) {
		if (fork() < 0)
			usleep(1000);
	}
}

/* Writes 0: whoever has that is not ended first when memory runs out. */
static void oom_score(char **arguments)
{
	(void)arguments;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		refused("open", "/proc/self/oom_score_adj");
	if (write(fd, "0", 1) < 0)
		refused("write", "/proc/self/oom_score_adj");
	escaped("is spared when memory runs out");
}

/* On the host: starts the lent program with what a sound server's user may do. */
static void lend_realtime(char **arguments)
{
	(void)arguments;
	const struct rlimit priority = { 50, 50 }, nice = { 40, 40 };
	if (setrlimit(RLIMIT_RTPRIO, &priority) < 0 || setrlimit(RLIMIT_NICE, &nice) < 0)
		failed("setrlimit", "RLIMIT_RTPRIO, RLIMIT_NICE");
	run_lent_program();
}

/* In real time it would run before all that the desktop has, and no share of a cgroup holds it back. */
static void realtime(char **arguments)
{
	(void)arguments;
	const struct sched_param priority = { .sched_priority = 10 };
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		refused("sched_setscheduler", "SCHED_FIFO");
	escaped("runs in real time");
}

static void nice_less(char **arguments)
{
	(void)arguments;
	if (setpriority(PRIO_PROCESS, 0, -5) < 0)
		refused("setpriority", "-5");
	escaped("runs before others");
}

static double seconds(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Computes for MILLISECONDS of wall time; says how much CPU time it got meanwhile. */
static void spin(char **arguments)
{
	double duration = (double)number(arguments[0]) / 1e3;
	double start = seconds(CLOCK_MONOTONIC);
	while (seconds(CLOCK_MONOTONIC) < start + duration)
		;
	printf("%.3f of %.3f s\n", seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC) - start);
	exit(0);
}

const struct program LIMITS[] = {
	{ "limits.allocate", 1, allocate },
	{ "limits.fork-bomb", 0, fork_bomb },
	{ "limits.oom-score", 0, oom_score },
	{ "limits.lend-realtime", 0, lend_realtime },
	{ "limits.realtime", 0, realtime },
	{ "limits.nice", 0, nice_less },
	{ "limits.spin", 1, spin },
	{ 0 },
};
