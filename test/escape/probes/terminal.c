#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* On the host: starts the lent program in a session whose terminal is a new one; says what is typed there. */
static void lend(char **arguments)
{
	(void)arguments;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		failed("posix_openpt", "");
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		failed("open", ptsname(master));
	pid_t child = fork();
	if (child < 0)
		failed("fork", "");
	if (child == 0) {
		/* This process leads the session that its spawner made, so the child can make one. */
		if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
			failed("ioctl", "TIOCSCTTY");
		run_lent_program();
	}
	close(LENT_PROGRAM);
	int status;
	waitpid(child, &status, 0);
	/* What was pushed is echoed, as if it had been typed. */
	char typed;
	struct pollfd ready = { .fd = master, .events = POLLIN };
	if (poll(&ready, 1, 0) > 0 && read(master, &typed, 1) == 1)
		dprintf(STDERR_FILENO, "typed: %c\n", typed);
	_exit(0);
}

/* CVE-2017-5226: pushes a character into the caller's terminal, which the caller's shell would read. */
static void push(char **arguments)
{
	(void)arguments;
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (terminal < 0)
		refused("open", "/dev/tty");
	if (ioctl(terminal, TIOCSTI, "x") < 0)
		refused("ioctl", "TIOCSTI");
	escaped("typed into the caller's terminal");
}

/* The job's session must be its own: signals and terminals go by it. */
static void session(char **arguments)
{
	(void)arguments;
	pid_t leader = getsid(0);
	if (leader == 0)
		escaped("is in a session of the host");
	held("is in the session of process %d", (int)leader);
}

const struct program TERMINAL[] = {
	{ "terminal.lend", 0, lend },
	{ "terminal.push", 0, push },
	{ "terminal.session", 0, session },
	{ 0 },
};
