#define _GNU_SOURCE
#include "probe.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_for_ever(char **arguments)
{
	(void)arguments;
	for (;;)
		pause();
}

/* The same, and says when it has come so far. */
static void wait_ready(char **arguments)
{
	printf("ready\n");
	fflush(stdout);
	wait_for_ever(arguments);
}

/* Ends after MILLISECONDS. */
static void sleep_for(char **arguments)
{
	usleep((useconds_t)number(arguments[0]) * 1000);
	_exit(0);
}

/*
 * Leaves a process behind as daemons do: forked twice, in a session of its own, deaf to what can be ignored. The test
 * knows it by MARKER in its arguments, and gives the verdict.
 */
static void daemonize(char **arguments)
{
	char *const command[] = { "/proc/self/exe", "lifetime.wait", arguments[0], NULL };
	for (int generation = 0; generation < 2; generation++) {
		pid_t child = fork();
		if (child < 0)
			failed("fork", "");
		if (child > 0)
			_exit(0);
		setsid();
	}
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* The monitor would wait for them to be closed. */
	for (int stream = 0; stream < 3; stream++)
		close(stream);
	execv(command[0], command);
	failed("execv", command[0]);
}

const struct program LIFETIME[] = {
	{ "lifetime.wait", 1, wait_for_ever },
	{ "lifetime.wait-ready", 1, wait_ready },
	{ "lifetime.sleep", 1, sleep_for },
	{ "lifetime.daemonize", 1, daemonize },
	{ 0 },
};
