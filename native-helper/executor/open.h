/* Opens what a job shall see of its user's files with no more rights than the user has (docs/monitor-protocol.md). */
#ifndef JOBLET_OPEN_H
#define JOBLET_OPEN_H

/*
 * `joblet-executor open UID GID GROUPS PATH…`: becomes that user, opens each path and answers on the socket that is descriptor 3.
 * GROUPS are supplementary groups with commas between them, or empty. @returns the exit code.
 */
int open_as_user(int argc, char **argv);

#endif
