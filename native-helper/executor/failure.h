/* Why a job did not start: which layer, what was done to what, and what the kernel said. */
#ifndef JOBLET_FAILURE_H
#define JOBLET_FAILURE_H

#include "text.h"

/* Fixed arrays instead of pointers: a failure crosses from init to the monitor in one message. */
struct failure {
	char layer[16];
	char operation[40];
	char object[512];
	char message[256];
	int error; /* errno, 0 when no system call failed */
};

/*
 * Notes a failed system call with errno as it is now. Always false, so that a step reads
 * `return operation(...) == 0 || failed(failure, "mount", "move_mount", path);`
 */
bool failed(struct failure *failure, const char *layer, const char *operation, const char *object);

/* Notes a failure that no system call reported. Always false. */
bool refused(struct failure *failure, const char *layer, const char *operation, const char *object, const char *message);

/* "ENOENT" for ENOENT; "unknown errno" for what errno(3) has no name for. Static. */
const char *error_name(int error);

/* `{"layer":…,"operation":…,"object":…,"errno":…,"message":…}` */
void failure_as_json(const struct failure *failure, struct text *text);

#endif
