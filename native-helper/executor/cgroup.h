/* The job's cgroup (v2): made with its limits before the job exists, asked for evidence and removed after it. */
#ifndef JOBLET_CGROUP_H
#define JOBLET_CGROUP_H

#include "failure.h"
#include "plan.h"

#include <linux/limits.h>

struct cgroup {
	int parent; /* the jobs' cgroup; −1: the job has no cgroup of its own */
	int folder;
	char name[sizeof "job-" + UUID_BYTES]; /* empty: there is none of ours */
};

/* Counts are absent where the kernel keeps none: its controller is missing, or it is too old. */
struct count {
	bool present;
	uint64_t value;
};

struct cgroup_usage {
	struct count cpu_user_us, cpu_system_us, cpu_throttled_us;
	struct count memory_peak, memory_high_hits, memory_max_hits, oom_kills;
	struct count pids_peak, pids_max_hits;
	struct count io_read_bytes, io_written_bytes;
	struct count cpu_pressure_us, memory_pressure_us, io_pressure_us;
	uint64_t paused_us; /* counted by the monitor */
};

/* Makes the cgroup below `parent`, writes every limit and reads it back. A plan with limits and no `parent` is refused. */
bool cgroup_create(struct cgroup *cgroup, int parent, const struct plan *plan, struct failure *failure);

/* Kills every process in it, those that are being forked too (cgroup.kill, Linux 5.14). False with errno. */
bool cgroup_kill(const struct cgroup *cgroup);

/* What the kernel has counted; call it before cgroup_remove. */
void cgroup_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage);

/* Removes it, waiting for the last processes to leave. False with errno when that takes longer than a few seconds. */
bool cgroup_remove(struct cgroup *cgroup);

#endif
