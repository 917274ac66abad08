#define _GNU_SOURCE
#include "pipe.h"

#include <fcntl.h>
#include <unistd.h>

bool make_pipe(const struct plan *plan, int ends[2], enum pipe_end ours, struct failure *failure)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return failed(failure, "monitor", "pipe2", "stream of the job");
	if (fchown(ends[0], plan_outside_id(plan, ID_USER, plan->uid), plan_outside_id(plan, ID_GROUP, plan->gid)) < 0)
		return failed(failure, "monitor", "fchown", "stream of the job");
	return fcntl(ends[ours], F_SETFL, O_NONBLOCK) == 0 || failed(failure, "monitor", "fcntl O_NONBLOCK", "stream of the job");
}
