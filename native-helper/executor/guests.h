/* Commands that init starts in its running job for a session (exec): the same way as the job's own, so that the same confinement holds. */
#ifndef JOBLET_GUESTS_H
#define JOBLET_GUESTS_H

#include "init.h"

#include <sys/types.h>

enum { GUESTS_MAXIMUM = 16 };

/*
 * Starts one as the order says. `descriptors` are its input (if the request has one), output and error; with a terminal none. Init's own
 * copies are closed. The answer is in `message`: INIT_GUEST_STARTED, or INIT_GUEST_REFUSED. *master is the terminal's, or −1.
 */
void guests_start(const struct plan *plan, const struct init_request *request, size_t payload_bytes, const int *descriptors,
		  struct init_message *message, int *master);

/* Whether the process that has ended was one of them; then `message` says so: INIT_GUEST_ENDED. */
bool guests_ended(pid_t pid, int status, struct init_message *message);

/* Whoever it was for has gone: SIGHUP to its process group, as when a terminal is hung up. */
void guests_hang_up(uint32_t session);

#endif
