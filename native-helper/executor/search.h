/* A search of a log, by grep(1): patterns of users run in no process that could do more than read what it is given. */
#ifndef JOBLET_SEARCH_H
#define JOBLET_SEARCH_H

/*
 * `search OFFSET ARGUMENT...`: gives everything up that root has, bounds memory and processes, and becomes grep with these arguments, which reads
 * standard input: from OFFSET on, where it is a file. @returns the exit code when that failed: one that grep doesn't have.
 */
int search(int argc, char **argv);

#endif
