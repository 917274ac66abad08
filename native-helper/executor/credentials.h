/* Everything that makes a process powerful, given up for good. */
#ifndef JOBLET_CREDENTIALS_H
#define JOBLET_CREDENTIALS_H

#include "failure.h"
#include "plan.h"

/* What credentials_drop locks: root is nobody special, an id change gives nothing, and no capability becomes ambient. */
#define LOCKED_SECUREBITS                                                                                            \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |             \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/*
 * Becomes the plan's user with the plan's groups, keeps the plan's capabilities (none) in every set, locks securebits and sets
 * no_new_privs.
 */
bool credentials_drop(const struct plan *plan, struct failure *failure);

#endif
