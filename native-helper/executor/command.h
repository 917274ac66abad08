/* From init to a command of the job: fork, the last settings, execve. */
#ifndef JOBLET_COMMAND_H
#define JOBLET_COMMAND_H

#include "failure.h"
#include "plan.h"

#include <sys/types.h>

struct command {
	const struct plan *plan; /* the program is looked up in its PATH */
	const char *const *arguments, *const *environment;
	/* What it gets as 0, 1 and 2; NULL: what its starter has there. */
	const int *streams;
	bool has_terminal; /* 0 becomes its controlling terminal */
};

/*
 * Starts a command in a session of its own.
 * @returns its pid when it has been executed. Otherwise 0, with the reason in `failure` and the exit code for it in `exit_code`: as in
 * a shell 127 when there is no such program and 126 when it can't be executed, and 125 when a step before that failed.
 */
pid_t command_start(const struct command *command, int *exit_code, struct failure *failure);

#endif
