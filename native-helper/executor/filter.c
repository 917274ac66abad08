#define _GNU_SOURCE
#include "filter.h"

#include "init.h"
#include "layer.h"
#include "pass.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.19; older headers don't have it. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* @returns the listener if the flags ask for one, else 0; −1 with errno. */
static int set_filter(const struct plan *plan, unsigned long flags)
{
	struct sock_fprog program = {.len = (unsigned short)plan->seccomp_count, .filter = (struct sock_filter *)plan->seccomp};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/*
 * Where the kernel can, only a deadly signal ends the wait for an answer. Else each signal has the call begin anew, and it would be
 * counted again.
 */
static int set_listening_filter(const struct plan *plan)
{
	int listener = set_filter(plan, plan->seccomp_flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	return listener >= 0 || errno != EINVAL ? listener : set_filter(plan, plan->seccomp_flags);
}

/* In a message of its own, so that the descriptor is closed here before anybody looks at what init has open. */
static bool hand_over(int listener, int monitor, struct failure *failure)
{
	const struct init_message message = {.event = INIT_LISTENER};
	bool sent = pass_send(monitor, &message, sizeof message, &listener, 1, 0) == sizeof message;

	return (sent && close(listener) == 0) || failed(failure, "seccomp", "sendmsg", "listener of the filter");
}

int filter_put_on(const struct plan *plan)
{
	bool listens = plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;

	return listens ? set_listening_filter(plan) : set_filter(plan, plan->seccomp_flags);
}

bool filter_install(const struct plan *plan, int monitor, struct failure *failure)
{
	bool listens = plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	int listener;

	if (plan->seccomp_count == 0 || !LAYER("seccomp"))
		return true;
	listener = filter_put_on(plan);
	if (listener < 0)
		return failed(failure, "seccomp", "seccomp", "filter");
	return !listens || hand_over(listener, monitor, failure);
}
