/* PID 1 of a job: builds the sandbox around itself, gives everything up, then starts, reaps and signals the command. */
#ifndef JOBLET_INIT_H
#define JOBLET_INIT_H

#include "failure.h"
#include "landlock.h"
#include "plan.h"
#include "session-order.h"
#include "sources.h"

#include <stdnoreturn.h>

/* What init says to the monitor: one message of a sequenced-packet socket each; of the job itself in this order. */
enum init_event {
	INIT_TERMINAL, /* for a job with a terminal: its master is passed with the message */
	INIT_LISTENER, /* with the listener of the filter, if it has one */
	INIT_READY,  /* the sandbox stands and nothing is left to be given up; init waits for INIT_GO */
	INIT_FAILED, /* a step on the way to the command failed, the sandbox's or the command's own; init ends */
	INIT_ENDED,  /* the command ended with `status`; init ends, and with it all that is left of the job */

	INIT_GUEST_STARTED, /* the command of a session has been executed; the master of its terminal is passed with the message */
	INIT_GUEST_REFUSED, /* it has not, with `failure` and its exit code in `status` */
	INIT_GUEST_ENDED,   /* it has ended with `status` */
};

/* What the monitor says to init: one byte, or a struct init_request that begins with it. */
enum init_order {
	INIT_GO_ON = 'm', /* the id maps of the user namespace are written */
	INIT_GO = 'g',	  /* all was read back and found right: start the command */
	INIT_TERMINATE = 't', /* SIGTERM to the command's process group */
	INIT_EXEC = 'x',      /* a command for a session, in `payload` as SESSION_EXEC has it, with its descriptors */
	INIT_HANG_UP = 'h',   /* the session is gone */
};

struct init_request {
	char order;
	uint32_t session;
	uint8_t payload[SESSION_PAYLOAD_MAXIMUM];
};

/* What only a process itself can ask the kernel, for the report. */
struct init_facts {
	char hostname[HOSTNAME_MAXIMUM + 1];
	int securebits, dumpable, death_signal;
	struct landlock_facts landlock;
};

struct init_message {
	enum init_event event;
	uint32_t session; /* of a guest */
	int status; /* of wait(2) for what has ended, the exit code for what failed */
	struct init_facts facts;
	struct failure failure;
};

/* The descriptors that init starts with; all others are closed before it is ready. */
struct init_descriptors {
	int monitor; /* sequenced-packet socket */
	int input;	   /* the read end of the job's pipe, or −1 */
	int output, error; /* the write ends of the job's pipes; −1: the job has a terminal */
};

/* The child's side of clone3(2). */
noreturn void init_run(const struct plan *plan, const struct sources *sources, struct init_descriptors *descriptors);

#endif
