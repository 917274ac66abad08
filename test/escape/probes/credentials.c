#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <linux/securebits.h>
#include <unistd.h>

/* Real, effective, saved and file system ids, all of them UID and GID. */
static void ids(char **arguments)
{
	char status[8192], expected[128];
	if (read_file("/proc/self/status", status, sizeof status) < 0)
		failed("read", "/proc/self/status");
	const char *u = arguments[0], *g = arguments[1];
	snprintf(expected, sizeof expected, "\nUid:\t%s\t%s\t%s\t%s\nGid:\t%s\t%s\t%s\t%s\n", u, u, u, u, g, g, g, g);
	if (strstr(status, expected) == NULL)
		escaped("runs as uid %u, gid %u", geteuid(), getegid());
	held("runs as %s:%s only", u, g);
}

static void groups(char **arguments)
{
	(void)arguments;
	int count = getgroups(0, NULL);
	if (count < 0)
		failed("getgroups", "");
	if (count > 0)
		escaped("is in %d more groups", count);
	held("is in no other group");
}

/* With these locked, uid 0 (should a job ever be it) means nothing to the kernel's capabilities. */
static void secure_bits(char **arguments)
{
	(void)arguments;
	const int wanted = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
		SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	int bits = prctl(PR_GET_SECUREBITS);
	if (bits < 0)
		failed("prctl", "PR_GET_SECUREBITS");
	if ((bits & wanted) != wanted)
		escaped("securebits are %x", (unsigned)bits);
	held("securebits are %x", (unsigned)bits);
}

/* A core dump would leave memory of the job wherever the host collects them. */
static void core_dumps(char **arguments)
{
	(void)arguments;
	const struct rlimit wanted = { 1 << 20, 1 << 20 };
	if (setrlimit(RLIMIT_CORE, &wanted) < 0)
		refused("setrlimit", "RLIMIT_CORE");
	escaped("can have core dumps written");
}

/* TEXT, which stands in the environment of whoever started the job. */
static void environment(char **arguments)
{
	char text[65536];
	long length = read_file("/proc/self/environ", text, sizeof text);
	if (length < 0)
		failed("read", "/proc/self/environ");
	if (memmem(text, (size_t)length, arguments[0], strlen(arguments[0])) != NULL)
		escaped("has the environment of the monitor");
	held("%ld bytes of environment, nothing of the monitor's", length);
}

const struct program CREDENTIALS[] = {
	{ "credentials.ids", 2, ids },
	{ "credentials.groups", 0, groups },
	{ "credentials.secure-bits", 0, secure_bits },
	{ "credentials.core-dumps", 0, core_dumps },
	{ "credentials.environment", 1, environment },
	{ 0 },
};
