/* From init to the job's command: fork, the last settings, execve. */
#ifndef JOBLET_COMMAND_H
#define JOBLET_COMMAND_H

#include "failure.h"
#include "plan.h"

#include <sys/types.h>

/*
 * Starts the command in a session of its own.
 * @returns its pid when it has been executed. Otherwise 0, with the reason in `failure` and the exit code for it in `exit_code`: as in
 * a shell 127 when there is no such program and 126 when it can't be executed, and 125 when a step before that failed.
 */
pid_t command_start(const struct plan *plan, int *exit_code, struct failure *failure);

#endif
