/* What the job will see of the host, detached from it before the job exists. */
#ifndef JOBLET_SOURCES_H
#define JOBLET_SOURCES_H

#include "failure.h"
#include "plan.h"

enum { NO_DESCRIPTOR = -1 };

/* One detached mount for each bind of a plan, by the bind's place among the mounts; NO_DESCRIPTOR for every other kind. */
struct sources {
	int detached[MOUNTS_MAXIMUM];
	int devices[DEVICES_MAXIMUM];
};

/*
 * Clones every bind source, as a mount that hangs nowhere, with the plan's attributes, and cut off from the host's propagation.
 * It is done here, by descriptor, in the mount namespace that the source belongs to: no path is looked up while the root is
 * built, so there is nothing to race (CVE-2024-21626, CVE-2025-31133 and their family).
 */
bool sources_detach(const struct plan *plan, struct sources *sources, struct failure *failure);

/* Closes the monitor's own, once init has its copies. */
void sources_close(const struct plan *plan, const struct sources *sources);

/* The plan's attributes as the MOUNT_ATTR_* of mount_setattr(2). */
uint64_t mount_attributes(uint32_t plan_attributes);

#endif
