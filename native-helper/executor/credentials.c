#define _GNU_SOURCE
#include "credentials.h"

#include "layer.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool credentials_failed(struct failure *failure, const char *operation, const char *object)
{
	return failed(failure, "credentials", operation, object);
}

/* What this process may use now: all of it goes on to the command in the escape test's build. */
static uint64_t permitted_set(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	syscall(SYS_capget, &header, data);
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Every capability that this kernel knows, which may be more than our headers do. */
static bool drop_bounding_set(uint64_t kept, struct failure *failure)
{
	for (unsigned long capability = 0; capability < 64; capability++) {
		if (kept >> capability & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
			continue;
		return errno == EINVAL || credentials_failed(failure, "prctl PR_CAPBSET_DROP", "bounding set");
	}
	return true;
}

static bool set_capabilities(uint64_t permitted, uint64_t inheritable, struct failure *failure)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &header, data) == 0 || credentials_failed(failure, "capset", "permitted, inheritable");
}

/* Capabilities that an ordinary program keeps over execve(2) have to be ambient. */
static bool raise_ambient_set(uint64_t kept, struct failure *failure)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return credentials_failed(failure, "prctl PR_CAP_AMBIENT_CLEAR_ALL", "ambient set");
	for (unsigned long capability = 0; capability < 64; capability++)
		if (kept >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
			return credentials_failed(failure, "prctl PR_CAP_AMBIENT_RAISE", "ambient set");
	return true;
}

static bool set_securebits(unsigned long bits, struct failure *failure)
{
	return !LAYER("securebits") || prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) == 0 ||
	       credentials_failed(failure, "prctl PR_SET_SECUREBITS", "securebits");
}

static bool change_ids(const struct plan *plan, struct failure *failure)
{
	if (!LAYER("credentials"))
		return true;
	if (setgroups(plan->group_count, plan->groups) < 0)
		return credentials_failed(failure, "setgroups", "supplementary groups");
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0)
		return credentials_failed(failure, "setresgid", "gid");
	return setresuid(plan->uid, plan->uid, plan->uid) == 0 || credentials_failed(failure, "setresuid", "uid");
}

bool credentials_drop(const struct plan *plan, struct failure *failure)
{
	const unsigned long ambient = SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	uint64_t kept = LAYER("capabilities") ? plan->capabilities : permitted_set();

	/*
	 * NO_SETUID_FIXUP first: the change of ids then leaves the capabilities alone, which the steps after it still need. All of them
	 * go with the capset, which is why it comes last.
	 */
	if (!set_securebits(LOCKED_SECUREBITS & ~ambient, failure) || !drop_bounding_set(kept, failure) ||
	    !change_ids(plan, failure))
		return false;
	if (kept != 0 && !set_capabilities(kept | 1ULL << CAP_SETPCAP, kept, failure))
		return false;
	if (!raise_ambient_set(kept, failure) || !set_securebits(LOCKED_SECUREBITS, failure) ||
	    !set_capabilities(kept, kept, failure))
		return false;
	return !LAYER("no-new-privs") || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
	       credentials_failed(failure, "prctl PR_SET_NO_NEW_PRIVS", "no_new_privs");
}
