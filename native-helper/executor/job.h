/* One job as its monitor holds it. */
#ifndef JOBLET_JOB_H
#define JOBLET_JOB_H

#include "cgroup.h"
#include "control.h"
#include "denials.h"
#include "failure.h"
#include "freezer.h"
#include "plan.h"
#include "record.h"
#include "session.h"
#include "writer.h"

#include <sys/types.h>

/* Of docs/monitor-protocol.md; 2 knows sessions and pauses, 3 overflow of the log. */
enum { MONITOR_VERSION = 3 };

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_ENDED };

/* Why the monitor ended the job; NOTHING: the job ended by itself. The first reason stays. */
enum reason { REASON_NOTHING, REASON_TIMEOUT, REASON_STOP, REASON_KILL };

struct job {
	const struct plan *plan;
	const char *build; /* hexadecimal */
	int folder;	   /* of the job; −1 in a replay */
	int adoption;	   /* folder of adoption sockets; −1 in a replay */
	struct cgroup cgroup;
	struct freezer freezer;
	struct control control;
	struct writer writer;
	struct denials denials;

	int record_file; /* exit.json before it has its name; −1: there was no room for it, or a replay */

	pid_t init; /* 0: not made yet */
	/*
	 * Held so that init's end doesn't have to take the mounts apart, for which the kernel waits (synchronize_rcu). That comes with our
	 * own end, when everyone knows already how the job ended.
	 */
	int mount_namespace;
	int pidfd, init_socket;
	struct job_input input;
	struct session sessions[SESSIONS_MAXIMUM];
	uint32_t sessions_begun; /* the number of the last one */
	int timer;	/* of the timeout, then of the grace time */

	enum phase phase;
	enum reason reason;
	bool init_ended;
	struct log_state told; /* of the log, to whoever listens */
	uint64_t told_ms;
	bool abandoned; /* somebody ended the job, and the last of its output can't be written */
	bool command_ended;
	int command_status; /* of wait(2), once command_ended */
	bool refused;	    /* init has said that its way to the command failed */
	int refusal_code;   /* the exit code when the command never ran */
	uint64_t started_us;
	bool has_failure;
	struct failure failure;
};

/* start.c: everything up to the clone, and init on its way. False with job->failure. */
bool job_start(struct job *job);

/* supervise.c: until init has ended and all output is in the log. */
void job_supervise(struct job *job);
/* All that init has said by now. */
void job_hear_init(struct job *job);
/* Tells a new connection where the job stands. */
void job_greet(struct job *job);

/* finish.c: evidence, cgroup, record. @returns the exit code that a shell would show. */
int job_finish(struct job *job);

/* finish.c: one line on standard error, which is the helper's log. */
void log_failure(const struct failure *failure);

#endif
