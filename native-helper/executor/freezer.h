/* Pause and resume of a whole job, by cgroup.freeze (cgroup v2, Linux 5.2). */
#ifndef JOBLET_FREEZER_H
#define JOBLET_FREEZER_H

#include "cgroup.h"

#include <time.h>

struct freezer {
	int events;	      /* cgroup.events of a job that was ever paused, for poll(2) with POLLPRI; −1: it never was */
	bool asked;	      /* for the freeze; the processes stand still when the kernel says so */
	bool frozen;	      /* what the kernel has said last */
	struct timespec left; /* of the job's timeout when it was asked for; 0: none runs */
	uint64_t since_us;    /* of CLOCK_BOOTTIME; when it was asked for */
	uint64_t paused_us;   /* all pauses that are over */
};

/* Asks the kernel to freeze the job, and takes what is left of the timeout off the timer. False with errno. */
bool freezer_pause(struct freezer *freezer, const struct cgroup *cgroup, int timer, bool has_timeout);

/* Lets it go on, and its timeout with it. Nothing happens to one that isn't paused. False with errno. */
bool freezer_resume(struct freezer *freezer, const struct cgroup *cgroup, int timer);

/* All that it was paused up to now, μs. */
uint64_t freezer_paused_us(const struct freezer *freezer);

/* After poll(2): whether it has frozen, or thawed, since the last call. */
bool freezer_has_changed(struct freezer *freezer);

#endif
