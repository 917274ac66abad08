#define _GNU_SOURCE
#include "command.h"

#include "layer.h"
#include "record.h"
#include "sys.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

enum { STACK_BYTES = 32 * 1024 };

/* The value of a variable in the plan's environment, or NULL. As getenv(3), the first of that name counts. */
static const char *variable(const struct plan *plan, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = 0; i < plan->environment_count; i++)
		if (strncmp(plan->environment[i], name, length) == 0 && plan->environment[i][length] == '=')
			return plan->environment[i] + length + 1;
	return NULL;
}

static void execute(const struct command *command, const char *path)
{
	char *const *arguments = (char *const *)command->arguments;

	execve(path, arguments, LAYER("environment") ? (char *const *)command->environment : environ);
}

/* As execvp(3), but in the job's own PATH, and never by a shell. Returns only on failure, with errno. */
static void execute_by_name(const struct command *command)
{
	const char *program = command->arguments[0];
	const char *folders = variable(command->plan, "PATH");
	size_t program_bytes = strlen(program) + 1;
	bool forbidden = false;
	char path[PLAN_PATH_MAXIMUM + 1];

	if (strchr(program, '/')) {
		execute(command, program);
		return;
	}
	errno = ENOENT;
	for (const char *folder = folders; folder; folder = strchr(folder, ':')) {
		size_t length;

		folder += folder != folders;
		length = strcspn(folder, ":");
		/* POSIX takes an empty entry as the current folder. Nobody means that; it is passed over. */
		if (length == 0 || length + 1 + program_bytes > sizeof path)
			continue;
		memcpy(path, folder, length);
		path[length] = '/';
		memcpy(path + length + 1, program, program_bytes);
		execute(command, path);
		forbidden |= errno == EACCES;
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return;
		errno = forbidden ? EACCES : ENOENT;
	}
}

struct attempt {
	const struct command *command;
	struct failure *failure;
	int exit_code; /* that a failure gives; 0: the program was executed */
};

static bool take_streams(const int streams[3], struct failure *failure)
{
	for (int number = 0; streams && number < 3; number++)
		if (dup2(streams[number], number) < 0)
			return failed(failure, "process", "dup2", "streams of the command");
	return true;
}

static bool take_last_steps(const struct command *command, struct failure *failure)
{
	sigset_t none;

	sigemptyset(&none);
	if (!take_streams(command->streams, failure))
		return false;
	if (LAYER("session") && setsid() < 0)
		return failed(failure, "process", "setsid", "session of the command");
	if (command->has_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return failed(failure, "terminal", "ioctl TIOCSCTTY", "terminal of the command");
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return failed(failure, "process", "sigprocmask", "signals of the command");
	return !LAYER("descriptors") || sys_close_range(STDERR_FILENO + 1, ~0U) == 0 ||
	       failed(failure, "process", "close_range", "descriptors of the command");
}

/* A program that isn't one has the code that shells give. What the machine has run out of is no fault of the program. */
static int judge_execution(const char *program, struct failure *failure)
{
	bool exhausted = errno == EAGAIN || errno == ENOMEM || errno == ENFILE;
	int shell_code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;

	failed(failure, exhausted ? "process" : "exec", "execve", program);
	return exhausted ? EXIT_REFUSED : shell_code;
}

static int become_command(void *argument)
{
	struct attempt *attempt = argument;

	attempt->exit_code = EXIT_REFUSED;
	if (!take_last_steps(attempt->command, attempt->failure))
		_exit(EXIT_REFUSED);
	attempt->exit_code = 0;
	execute_by_name(attempt->command);
	attempt->exit_code = judge_execution(attempt->command->arguments[0], attempt->failure);
	_exit(attempt->exit_code);
}

pid_t command_start(const struct command *command, int *exit_code, struct failure *failure)
{
	static _Alignas(16) char stack[STACK_BYTES];
	struct attempt attempt = {.command = command, .failure = failure};
	/*
	 * The child borrows our memory until it has executed the program, so nothing is copied, and it leaves the reason of a failure right
	 * here. It only makes system calls on its own process. Not by vfork(2), which is fork(2) in the musl of some architectures.
	 */
	pid_t pid = clone(become_command, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &attempt);

	if (pid < 0) {
		failed(failure, "process", "clone", command->arguments[0]);
		attempt.exit_code = EXIT_REFUSED;
	} else if (attempt.exit_code == 0) {
		return pid;
	} else {
		waitpid(pid, NULL, 0);
	}
	*exit_code = attempt.exit_code;
	return 0;
}
