/* The pipes between a job's programs and its monitor. */
#ifndef JOBLET_PIPE_H
#define JOBLET_PIPE_H

#include "failure.h"
#include "plan.h"

enum pipe_end { READ_END, WRITE_END };

/*
 * Close-on-exec. It becomes the job's user's, or its programs couldn't open /dev/stdin, /dev/stdout and /dev/stderr, which lead to it.
 * Only our end is non-blocking: it is the job that waits when nobody takes what it writes.
 */
bool make_pipe(const struct plan *plan, int ends[2], enum pipe_end ours, struct failure *failure);

#endif
