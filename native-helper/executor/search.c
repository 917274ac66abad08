#define _GNU_SOURCE
#include "search.h"

#include "files.h"
#include "layer.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	FIRST_ARGUMENT = 3,
	NOBODY = 65534,
	NICENESS = 10, /* as a job's */
	EXIT_ARGUMENTS = 125,
	EXIT_NOT_CONFINED = 126,
	EXIT_NO_GREP = 127,
};

static const struct bound {
	int resource;
	rlim_t limit;
} BOUNDS[] = {
	/* grep(1) holds a line whole, and what it makes of a pattern. */
	{RLIMIT_AS, 512UL * 1024 * 1024},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, 16},
	{RLIMIT_CORE, 0},
};

static bool set_bounds(void)
{
	for (size_t i = 0; i < sizeof BOUNDS / sizeof *BOUNDS; i++) {
		const struct rlimit limit = {.rlim_cur = BOUNDS[i].limit, .rlim_max = BOUNDS[i].limit};

		if (setrlimit(BOUNDS[i].resource, &limit) < 0)
			return false;
	}
	return setpriority(PRIO_PROCESS, 0, NICENESS) == 0;
}

/* The parent-death signal comes last: a change of ids takes it away (prctl(2)). */
static bool confine(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	if (LAYER("search-rights") &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return false;
	return set_bounds() && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

int search(int argc, char **argv)
{
	static const char *const PROGRAMS[] = {"/usr/bin/grep", "/bin/grep"};
	static char name[] = "grep";
	uint64_t offset;

	if (argc <= FIRST_ARGUMENT || !parse_unsigned(argv[2], &offset) || offset > INT64_MAX)
		return EXIT_ARGUMENTS;
	if (lseek(STDIN_FILENO, (off_t)offset, SEEK_SET) < 0 && errno != ESPIPE)
		return EXIT_ARGUMENTS;
	if (!confine())
		return EXIT_NOT_CONFINED;
	argv[2] = name;
	for (size_t i = 0; i < sizeof PROGRAMS / sizeof *PROGRAMS; i++)
		execv(PROGRAMS[i], argv + 2);
	return EXIT_NO_GREP;
}
