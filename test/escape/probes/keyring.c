#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void join_session_with(const char *description)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		failed("keyctl", "JOIN_SESSION_KEYRING");
	if (syscall(SYS_add_key, "user", description, "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
		failed("add_key", description);
}

/* On the host: starts the lent program in a session keyring that holds a key of this DESCRIPTION. */
static void lend(char **arguments)
{
	join_session_with(arguments[0]);
	run_lent_program();
}

/* On the host: holds a key of this DESCRIPTION until it is ended. */
static void hold(char **arguments)
{
	join_session_with(arguments[0]);
	for (;;)
		pause();
}

/* In one job: leaves a key of this DESCRIPTION where all processes of its uid find it, says so and stays. */
static void leave(char **arguments)
{
	if (syscall(SYS_add_key, "user", arguments[0], "secret", 6, KEY_SPEC_USER_KEYRING) < 0)
		failed("add_key", arguments[0]);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* In another: looks for it there, and removes it. */
static void find(char **arguments)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", arguments[0], 0);
	if (key < 0)
		refused("keyctl SEARCH", arguments[0]);
	syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
	escaped("found the key of another job");
}

static void session(char **arguments)
{
	char value[64] = "";
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", arguments[0], 0);
	if (key < 0)
		refused("keyctl SEARCH", arguments[0]);
	if (syscall(SYS_keyctl, KEYCTL_READ, key, value, sizeof value - 1) < 0)
		refused("keyctl READ", arguments[0]);
	escaped("read a key of the caller: %s", value);
}

const struct program KEYRING[] = {
	{ "keyring.lend", 1, lend },
	{ "keyring.hold", 1, hold },
	{ "keyring.leave", 1, leave },
	{ "keyring.find", 1, find },
	{ "keyring.session", 1, session },
	{ 0 },
};
