#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct program *const TOPICS[] = {
	CAPABILITIES, CREDENTIALS, DESCRIPTORS, DEVICES, EXECUTOR, FILESYSTEM, IPC, KERNEL, KEYRING, LIFETIME, LIMITS,
	NETWORK, PROCESSES, SECCOMP, SESSIONS, TERMINAL,
};

#define DEFINE_VERDICT(name, code) \
	void name(const char *format, ...) \
	{ \
		va_list values; \
		va_start(values, format); \
		printf(#name ": "); \
		vprintf(format, values); \
		putchar('\n'); \
		fflush(stdout); \
		_exit(code); \
	}
DEFINE_VERDICT(held, 0)
DEFINE_VERDICT(escaped, 0)
DEFINE_VERDICT(broken, 1)

void refused(const char *operation, const char *object)
{
	held("%s %s: %s", operation, object, strerrorname_np(errno));
}

void failed(const char *operation, const char *object)
{
	broken("%s %s: %s", operation, object, strerrorname_np(errno));
}

unsigned long number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		broken("%s is not a number", text);
	return value;
}

long read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	size_t length = 0;
	while (length < size - 1) {
		ssize_t count = read(fd, buffer + length, size - 1 - length);
		if (count < 0) {
			int cause = errno;
			close(fd);
			errno = cause;
			return -1;
		}
		if (count == 0)
			break;
		length += (size_t)count;
	}
	close(fd);
	buffer[length] = '\0';
	return (long)length;
}

static void write_own(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		failed("write", path);
	close(fd);
}

void become_root_in_user_namespace(int flags)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(CLONE_NEWUSER | flags) < 0)
		failed("unshare", "user namespace");
	write_own("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	write_own("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	write_own("/proc/self/gid_map", map);
}

void run_lent_program(void)
{
	char path[32];
	char *const arguments[] = { "joblet-executor", "monitor", NULL };
	if (fcntl(LENT_PROGRAM, F_SETFD, FD_CLOEXEC) < 0)
		failed("fcntl", "the lent program");
	snprintf(path, sizeof path, "/proc/self/fd/%d", LENT_PROGRAM);
	execv(path, arguments);
	failed("execv", path);
}

int main(int count, char **arguments)
{
	if (count < 2)
		broken("usage: probe NAME arguments…");
	for (size_t topic = 0; topic < sizeof TOPICS / sizeof *TOPICS; topic++) {
		for (const struct program *program = TOPICS[topic]; program->name != NULL; program++) {
			if (strcmp(program->name, arguments[1]) != 0)
				continue;
			if (count - 2 != program->arguments)
				broken("%s takes %d arguments", program->name, program->arguments);
			program->run(arguments + 2);
			broken("%s came to no verdict", program->name);
		}
	}
	broken("there is no probe %s", arguments[1]);
}
