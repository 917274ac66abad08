/* PID 1 of a job: builds the sandbox around itself, gives everything up, then starts, reaps and signals the command. */
#ifndef JOBLET_INIT_H
#define JOBLET_INIT_H

#include "failure.h"
#include "plan.h"
#include "sources.h"

#include <stdnoreturn.h>

/* What init says to the monitor: one message of a sequenced-packet socket each, in this order. */
enum init_event {
	INIT_READY,  /* the sandbox stands and nothing is left to be given up; init waits for INIT_GO */
	INIT_FAILED, /* a step on the way to the command failed, the sandbox's or the command's own; init ends */
	INIT_ENDED,  /* the command ended with `status`; init ends, and with it all that is left of the job */
};

/* What the monitor says to init, one byte each. */
enum init_order {
	INIT_GO_ON = 'm', /* the id maps of the user namespace are written */
	INIT_GO = 'g',	  /* all was read back and found right: start the command */
	INIT_TERMINATE = 't', /* SIGTERM to the command's process group */
};

/* What only a process itself can ask the kernel, for the report. */
struct init_facts {
	char hostname[HOSTNAME_MAXIMUM + 1];
	int securebits, dumpable, death_signal;
};

struct init_message {
	enum init_event event;
	int status; /* of wait(2) for INIT_ENDED, the job's exit code for INIT_FAILED */
	struct init_facts facts;
	struct failure failure;
};

/* The descriptors that init starts with; all others are closed before it is ready. */
struct init_descriptors {
	int monitor; /* sequenced-packet socket */
	int output, error; /* the write ends of the job's pipes */
};

/* The child's side of clone3(2). */
noreturn void init_run(const struct plan *plan, const struct sources *sources, struct init_descriptors *descriptors);

#endif
