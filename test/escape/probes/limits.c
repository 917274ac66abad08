#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	{ "limits.spin", 1, spin },
	{ 0 },
};
