/* The job's Landlock domain (landlock(7)): what the namespaces leave open on the host's network. */
#ifndef JOBLET_LANDLOCK_H
#define JOBLET_LANDLOCK_H

#include "failure.h"
#include "plan.h"

#include <stdbool.h>

/*
 * The kernel doesn't tell what a domain forbids, so init tries it: errno of each attempt, 0 when it was let through,
 * LANDLOCK_NOT_TRIED when nothing was asked for.
 */
enum { LANDLOCK_NOT_TRIED = -1 };
struct landlock_facts {
	int abstract_socket, bind, connect;
};

/* By the monitor, before the clone: a socket of its own for init to try. Nothing, unless the plan asks for scopes. */
bool landlock_prepare(const struct plan *plan, struct failure *failure);
/* By the monitor, when init has tried. */
void landlock_forget(void);

/* By init, once it can't gain privileges: enters the domain that the plan asks for, if it asks for one. */
bool landlock_enter(const struct plan *plan, struct failure *failure);
void landlock_try(const struct plan *plan, struct landlock_facts *facts);

#endif
