/*
 * Init lives between clone3 and the job's end. Until it says INIT_READY it is root in the job's namespaces; from then on it is the job's
 * user without any privilege, and stays only because a PID namespace needs a process that reaps.
 *
 * The command can't reach it: signals from inside the namespace don't kill PID 1, init isn't dumpable, so that ptrace, /proc/1/fd, /proc/1/mem
 * and pidfd_getfd are refused to processes of its own uid, and the socket to the monitor is in no other process.
 */
#define _GNU_SOURCE
#include "init.h"

#include "command.h"
#include "credentials.h"
#include "filter.h"
#include "guests.h"
#include "idle.h"
#include "landlock.h"
#include "layer.h"
#include "pass.h"
#include "record.h"
#include "root.h"
#include "sys.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

/* Where they lie once init has its own /dev/null, and all other descriptors are closed. */
enum { MONITOR = 3, CHILDREN };

/* The monitor may be gone; then the parent-death signal is on its way and nobody needs the message. */
static void tell(int monitor, const struct init_message *message)
{
	send(monitor, message, sizeof *message, MSG_NOSIGNAL);
}

/* Blocks until the monitor has said something. When it is gone there is nothing to live for. */
static void wait_for(int monitor, enum init_order expected)
{
	char order = 0;
	ssize_t received;

	do
		received = recv(monitor, &order, sizeof order, 0);
	while (received < 0 && errno == EINTR);
	if (received != sizeof order || order != (char)expected)
		_exit(0);
}

/* A session without a controlling terminal: nothing to push characters into (TIOCSTI, CVE-2017-5226). */
static bool leave_session(struct failure *failure)
{
	return !LAYER("session") || setsid() >= 0 || failed(failure, "process", "setsid", "session");
}

/*
 * Not by clone3: there the new cgroup namespace's root would be the monitor's cgroup instead of the job's, because CLONE_INTO_CGROUP
 * moves the child only afterwards (cgroup_namespaces(7), kernel/fork.c).
 */
static bool enter_cgroup_namespace(const struct plan *plan, struct failure *failure)
{
	return !(plan->namespaces & NAMESPACE_CGROUP) || unshare(CLONE_NEWCGROUP) == 0 ||
	       failed(failure, "namespace", "unshare", "cgroup");
}

static bool set_hostname(const struct plan *plan, struct failure *failure)
{
	if (!plan->hostname || !LAYER("uts"))
		return true;
	return sethostname(plan->hostname, strlen(plan->hostname)) == 0 ||
	       failed(failure, "namespace", "sethostname", plan->hostname);
}

/* A new network namespace has a loopback interface that is down; programs expect 127.0.0.1 to be there. */
static bool raise_loopback(const struct plan *plan, struct failure *failure)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int device;
	bool raised;

	if (plan->network != NETWORK_NEW || !LAYER("network"))
		return true;
	device = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	raised = device >= 0 && ioctl(device, SIOCSIFFLAGS, &request) == 0;
	return (raised && close(device) == 0) || failed(failure, "network", "ioctl SIOCSIFFLAGS", "lo");
}

/*
 * Before the change of uid, so that it counts as root's: the keys of one ordinary uid are limited to 200 in all (keyrings(7)), and the
 * job possesses its keyring whoever owns it. A kernel without keys has no keyring to share.
 */
static bool join_new_keyring(struct failure *failure)
{
	return !LAYER("keyring") || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS ||
	       failed(failure, "process", "keyctl", "session keyring");
}

static bool build_root(const struct plan *plan, const struct sources *sources, struct failure *failure)
{
	return !LAYER("mount-namespace") || root_build(plan, sources, failure);
}

static bool take_as(int descriptor, int null, int number)
{
	return dup2(descriptor >= 0 ? descriptor : null, number) >= 0;
}

/*
 * 0 is the job's own /dev/null, unless it has an input; everything but 0 … 2 and the socket is closed, the plan's sources and the
 * monitor's sockets too (CVE-2024-21626). A terminal takes its places later, since the job's user opens it.
 */
static bool arrange_descriptors(struct init_descriptors *descriptors, struct failure *failure)
{
	int null = open("/dev/null", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat found;

	if (null < 0 || fstat(null, &found) < 0)
		return failed(failure, "process", "open", "/dev/null");
	if (!S_ISCHR(found.st_mode))
		return refused(failure, "process", "open", "/dev/null", "not a device");
	if (!take_as(descriptors->input, null, STDIN_FILENO) || !take_as(descriptors->output, null, STDOUT_FILENO) ||
	    !take_as(descriptors->error, null, STDERR_FILENO) || dup3(descriptors->monitor, MONITOR, O_CLOEXEC) < 0)
		return failed(failure, "process", "dup2", "standard streams");
	descriptors->monitor = MONITOR;
	if (!LAYER("descriptors"))
		return close(CHILDREN) == 0 || errno == EBADF;
	return sys_close_range(MONITOR + 1, ~0U) == 0 || failed(failure, "process", "close_range", "descriptors");
}

static bool set_resource_limits(const struct plan *plan, struct failure *failure)
{
	if (!LAYER("rlimits"))
		return true;
	for (uint32_t i = 0; i < plan->rlimit_count; i++) {
		const struct rlimit limit = {.rlim_cur = plan->rlimits[i].soft, .rlim_max = plan->rlimits[i].hard};

		if (setrlimit((int)plan->rlimits[i].resource, &limit) < 0)
			return failed(failure, "process", "setrlimit", "resource limit of the plan");
	}
	return setpriority(PRIO_PROCESS, 0, plan->nice) == 0 || failed(failure, "process", "setpriority", "nice");
}

/*
 * After the change of ids, because that clears the parent-death signal and sets the dumpable flag to what fs.suid_dumpable says.
 * If the monitor has died before, the wait for INIT_GO ends with the socket's end of file.
 */
static bool tie_to_monitor(struct failure *failure)
{
	if (prctl(PR_SET_DUMPABLE, LAYER("dumpable") ? 0 : 1, 0, 0, 0) < 0)
		return failed(failure, "process", "prctl PR_SET_DUMPABLE", "init");
	return !LAYER("parent-death") || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ||
	       failed(failure, "process", "prctl PR_SET_PDEATHSIG", "init");
}

/* As the job's user: what it may not enter, it may not be put into. */
static bool enter_work_directory(const struct plan *plan, struct failure *failure)
{
	return !LAYER("working-directory") || chdir(plan->work_directory) == 0 ||
	       failed(failure, "workdir", "chdir", plan->work_directory);
}

/* Ignored signals would be inherited over execve(2); blocked ones stay blocked until command_start. */
static void reset_signals(void)
{
	for (int number = 1; number <= KERNEL_SIGNALS; number++)
		if (number != SIGKILL && number != SIGSTOP)
			sys_default_action(number);
}

static bool watch_children(struct failure *failure)
{
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK) == CHILDREN ||
	       failed(failure, "process", "signalfd", "SIGCHLD");
}

/*
 * By the job's user, so that the terminal is its own. Init keeps the slave as long as it lives: the log's reader must not see an end of
 * file when the command closes it and opens /dev/tty again.
 */
static bool open_terminal(const struct plan *plan, struct failure *failure)
{
	const struct init_message message = {.event = INIT_TERMINAL};
	struct terminal terminal;

	if (plan->input != INPUT_TERMINAL)
		return true;
	if (!terminal_open(&terminal, plan->terminal_size, failure))
		return false;
	for (int number = 0; number < 3; number++)
		if (dup2(terminal.slave, number) < 0)
			return failed(failure, "terminal", "dup2", "standard streams");
	if (pass_send(MONITOR, &message, sizeof message, &terminal.master, 1, 0) != sizeof message)
		return failed(failure, "terminal", "sendmsg", "monitor");
	return close(terminal.slave) == 0 && close(terminal.master) == 0;
}

static bool build_sandbox(const struct plan *plan, const struct sources *sources, struct init_descriptors *descriptors,
			  struct failure *failure)
{
	umask(0); /* modes are the plan's */
	if (!leave_session(failure) || !enter_cgroup_namespace(plan, failure) || !set_hostname(plan, failure) ||
	    !raise_loopback(plan, failure) || !join_new_keyring(failure) || !build_root(plan, sources, failure) ||
	    !arrange_descriptors(descriptors, failure))
		return false;
	umask(022);
	reset_signals();
	return set_resource_limits(plan, failure) && credentials_drop(plan, failure) && tie_to_monitor(failure) &&
	       enter_work_directory(plan, failure) && watch_children(failure) && open_terminal(plan, failure) &&
	       landlock_enter(plan, failure) && filter_install(plan, MONITOR, failure);
}

static void gather_facts(const struct plan *plan, struct init_facts *facts)
{
	struct utsname names;

	uname(&names);
	memcpy(facts->hostname, names.nodename, sizeof facts->hostname - 1);
	facts->securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	facts->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_GET_PDEATHSIG, &facts->death_signal, 0, 0, 0);
	landlock_try(plan, &facts->landlock);
}

/* Reaps whatever has ended, guests and orphans of the job too. @returns whether the command was among it. */
static bool reap(pid_t command, int *status)
{
	struct init_message message;
	bool ended = false;
	int its_status;
	pid_t pid;

	while ((pid = waitpid(-1, &its_status, WNOHANG)) > 0) {
		if (pid == command) {
			*status = its_status;
			ended = true;
		} else if (guests_ended(pid, its_status, &message)) {
			tell(MONITOR, &message);
		}
	}
	return ended;
}

static void drain_signals(void)
{
	struct signalfd_siginfo signals[8];

	while (read(CHILDREN, signals, sizeof signals) > 0)
		;
}

static void start_guest(const struct plan *plan, const struct init_request *request, size_t payload_bytes, const int *descriptors)
{
	struct init_message message;
	int master = -1;

	guests_start(plan, request, payload_bytes, descriptors, &message, &master);
	pass_send(MONITOR, &message, sizeof message, &master, message.event == INIT_GUEST_STARTED && master >= 0 ? 1 : 0, 0);
	if (master >= 0)
		close(master);
}

/* A shell that somebody sits before passes over SIGTERM; that its terminal goes away it understands. */
static void terminate(const struct plan *plan, pid_t command)
{
	kill(-command, SIGTERM);
	if (plan->input == INPUT_TERMINAL)
		kill(-command, SIGHUP);
}

/* One order of the monitor. False when there is no monitor any more. */
static bool obey(const struct plan *plan, pid_t command)
{
	static struct init_request request;
	const ssize_t head = offsetof(struct init_request, payload);
	int descriptors[PASS_MAXIMUM];
	ssize_t received = pass_receive(MONITOR, &request, sizeof request, descriptors, MSG_DONTWAIT);

	if (received == sizeof request.order && request.order == INIT_TERMINATE)
		terminate(plan, command);
	else if (received == head && request.order == INIT_HANG_UP)
		guests_hang_up(request.session);
	else if (received > head && request.order == INIT_EXEC)
		start_guest(plan, &request, (size_t)(received - head), descriptors);
	pass_close(descriptors);
	return received != 0;
}

static int wait_for_command(const struct plan *plan, pid_t command)
{
	struct pollfd waits[] = {{.fd = CHILDREN, .events = POLLIN}, {.fd = MONITOR, .events = POLLIN}};
	int status = 0, patience = IDLE_AFTER_MS;

	while (!reap(command, &status)) {
		int ready = poll(waits, 2, patience);

		if (ready == 0) {
			idle_release_code();
			patience = -1;
		}
		if (ready <= 0)
			continue;
		if (waits[0].revents)
			drain_signals();
		if (waits[1].revents && !obey(plan, command)) {
			if (LAYER("parent-death"))
				_exit(0);
			waits[1].fd = -1;
		}
	}
	return status;
}

/* The reader of the job's input is the job alone: that it has closed it must show. */
static void let_go_of_input(const struct plan *plan)
{
	if (plan->input == INPUT_PIPE) {
		close(STDIN_FILENO);
		open("/dev/null", O_RDWR | O_NOFOLLOW);
	}
}

static pid_t start_command(const struct plan *plan, int *exit_code, struct failure *failure)
{
	const struct command command = {
		.plan = plan,
		.arguments = plan->arguments,
		.environment = plan->environment,
		.has_terminal = plan->input == INPUT_TERMINAL,
	};
	pid_t pid = command_start(&command, exit_code, failure);

	let_go_of_input(plan);
	return pid;
}

noreturn void init_run(const struct plan *plan, const struct sources *sources, struct init_descriptors *descriptors)
{
	struct init_message message = {.event = INIT_FAILED, .status = EXIT_REFUSED};
	pid_t command;

	prctl(PR_SET_NAME, "joblet-init");
	if (plan->namespaces & NAMESPACE_USER)
		wait_for(descriptors->monitor, INIT_GO_ON);
	if (!build_sandbox(plan, sources, descriptors, &message.failure)) {
		tell(descriptors->monitor, &message);
		_exit(1);
	}
	message.event = INIT_READY;
	gather_facts(plan, &message.facts);
	tell(MONITOR, &message);
	wait_for(MONITOR, INIT_GO);
	command = start_command(plan, &message.status, &message.failure);
	message.event = command > 0 ? INIT_ENDED : INIT_FAILED;
	if (command > 0)
		message.status = wait_for_command(plan, command);
	tell(MONITOR, &message);
	_exit(0);
}
