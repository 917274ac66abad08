/* The plan's seccomp filter: the last thing that init puts on. */
#ifndef JOBLET_FILTER_H
#define JOBLET_FILTER_H

#include "failure.h"
#include "plan.h"

#include <stdbool.h>

/*
 * Puts the filter on, and hands its listener, when the plan wants one, to the monitor in a message of its own (INIT_LISTENER). After it
 * only the calls that the filter allows can be made.
 */
bool filter_install(const struct plan *plan, int monitor, struct failure *failure);

/* The same without a word to anybody. @returns the listener when the plan wants one, else 0; −1 with errno. */
int filter_put_on(const struct plan *plan);

#endif
