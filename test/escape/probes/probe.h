/*
 * A probe runs inside a job and tries one way out. Its last line on standard output is its verdict:
 *
 *   held: …      the way is shut; says what the kernel answered
 *   escaped: …   the probe got what a job must not have; says what
 *   broken: …    the probe itself could not be carried out, so it has shown nothing
 *
 * A probe that ends without a verdict has shown nothing either. Some programs here are no probes: they run on the host
 * and prepare what a probe looks for.
 */
#pragma once

#include <stddef.h>

#define VERDICT(name) \
	void name(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)))
VERDICT(held);
VERDICT(escaped);
VERDICT(broken);

/* `held` with what was done, to what, and errno. */
void refused(const char *operation, const char *object) __attribute__((noreturn));
/* `broken` with the same. */
void failed(const char *operation, const char *object) __attribute__((noreturn));

struct program {
	const char *name;
	int arguments; /* how many it takes; it gets them as an array */
	void (*run)(char **arguments);
};

/* Each topic's programs; the last one has no name. */
extern const struct program CAPABILITIES[], CREDENTIALS[], DESCRIPTORS[], DEVICES[], EXECUTOR[], FILESYSTEM[], IPC[],
	KERNEL[], KEYRING[], LIFETIME[], LIMITS[], NETWORK[], PROCESSES[], SECCOMP[], SESSIONS[],
	TERMINAL[];

/* The unsigned decimal number that `text` is; else broken. */
unsigned long number(const char *text);

/* Reads the whole file, at most size - 1 bytes, and ends it with NUL. Gives the number of bytes, -1 with errno. */
long read_file(const char *path, char *buffer, size_t size);

/* Root in a user namespace of its own, which any process may become, with new namespaces `flags` (CLONE_NEW*). */
void become_root_in_user_namespace(int flags);

/* A verdict on the executor that is open for reading as `program`. */
void judge_executor(int program) __attribute__((noreturn));

/* Executes the program that the test left at descriptor LENT_PROGRAM, as `joblet-executor monitor`. */
#define LENT_PROGRAM 200
void run_lent_program(void) __attribute__((noreturn));
