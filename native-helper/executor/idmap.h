/* Which ids stand for which: maps of user namespaces, for the job's own and for its idmapped mounts. */
#ifndef JOBLET_IDMAP_H
#define JOBLET_IDMAP_H

#include "failure.h"
#include "plan.h"

#include <sys/types.h>

/* Writes /proc/<pid>/uid_map and gid_map of a process that was just born into a user namespace. */
bool idmap_write(pid_t pid, const struct plan_id_range *ranges, uint32_t count, struct failure *failure);

/*
 * @returns a user namespace that only holds the plan's IDMAP records, for mount_setattr(2): an id `inside` of the file system is
 * shown as `outside`. −1 when it can't be had.
 */
int idmap_open(const struct plan *plan, struct failure *failure);

#endif
