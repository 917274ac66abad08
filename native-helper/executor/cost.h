/* What a filter costs on this machine. */
#ifndef JOBLET_COST_H
#define JOBLET_COST_H

/*
 * Reads a seccomp program from standard input, times a cheap system call without it and, once it is on as jobs have it, with it, and
 * writes both as JSON. @returns the exit code.
 */
int measure_cost(void);

#endif
