/* The job's root file system, built by init in its own mount namespace. */
#ifndef JOBLET_ROOT_H
#define JOBLET_ROOT_H

#include "failure.h"
#include "plan.h"
#include "sources.h"

/*
 * Builds the new root beside the old one, makes it the root of this mount namespace and detaches the old one. Afterwards the working
 * directory is the new root, and no path and no descriptor of ours but the plan's own binds leads to the host.
 */
bool root_build(const struct plan *plan, const struct sources *sources, struct failure *failure);

#endif
