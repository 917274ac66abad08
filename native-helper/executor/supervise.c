/*
 * The monitor's life while the job has one: output, orders, time, and what init says. It sleeps in one poll(2), so a quiet job
 * costs nothing, and it never waits for anything else: neither for the helper nor for a reader of the log.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "idle.h"
#include "init.h"
#include "job.h"
#include "pass.h"
#include "report.h"
#include "sys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { LOG_RETRY_MS = 250, LINE_BYTES = 512 };
/* More than a terminal holds for its reader: 8 KiB on their way and 4 KiB there (drivers/tty/pty.c, n_tty.c). */
enum { TERMINAL_BYTES = 64 * 1024 };

enum wait {
	WAIT_STDOUT,
	WAIT_STDERR,
	WAIT_INIT,
	WAIT_PIDFD,
	WAIT_CONTROL,
	WAIT_LISTENER,
	WAIT_TIMER,
	WAIT_FREEZER,
	WAIT_DENIALS,
	WAITS
};

static void send_event(struct job *job, struct text *line)
{
	text_add(line, "}\n");
	control_send(&job->control, line);
}

static void send_hello(struct job *job)
{
	static const char *const PHASES[] = {"starting", "running", "ended"};
	char buffer[LINE_BYTES];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", "hello");
	json_number_field(&line, "monitor", MONITOR_VERSION);
	json_string_field(&line, "build", job->build);
	json_string_field(&line, "job", job->plan->uuid);
	json_number_field(&line, "pid", getpid());
	json_string_field(&line, "phase", PHASES[job->phase]);
	send_event(job, &line);
}

static void send_running(struct job *job)
{
	char buffer[LINE_BYTES];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", "running");
	json_number_field(&line, "init_pid", job->init);
	json_number_field(&line, "started_us", (int64_t)job->started_us);
	json_name(&line, "paused");
	text_add(&line, job->freezer.frozen ? "true" : "false");
	send_event(job, &line);
}

static void send_frozen(struct job *job)
{
	char buffer[LINE_BYTES];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", job->freezer.frozen ? "paused" : "resumed");
	send_event(job, &line);
}

static void send_denied(struct job *job, const struct denial *denial)
{
	char buffer[LINE_BYTES];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", "denied");
	json_number_field(&line, "level", job->plan->seccomp_level);
	json_number_field(&line, "call", denial->call);
	json_number_field(&line, "first_us", (int64_t)denial->first_us);
	send_event(job, &line);
}

void job_greet(struct job *job)
{
	send_hello(job);
	if (job->phase != PHASE_RUNNING)
		return;
	send_running(job);
	for (uint32_t i = 0; i < job->denials.kinds; i++)
		send_denied(job, &job->denials.list[i]);
}

/* Whether it is running and ends first; 0 is a timer that does not run. */
static bool is_before(const struct timespec *one, const struct timespec *other)
{
	if (one->tv_sec == 0 && one->tv_nsec == 0)
		return false;
	return one->tv_sec < other->tv_sec || (one->tv_sec == other->tv_sec && one->tv_nsec < other->tv_nsec);
}

/*
 * A time beyond what the kernel can count never comes. What would come sooner
 * stays: nobody gets more than the timeout by a stop with a long grace time.
 */
static void arm_timer(struct job *job, uint64_t after_ms)
{
	const uint64_t a_century_ms = 100ULL * 366 * 24 * 3600 * 1000;
	uint64_t ms = after_ms < a_century_ms ? after_ms : a_century_ms;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000}};
	struct itimerspec left = {0};

	timerfd_gettime(job->timer, &left);
	if (!is_before(&left.it_value, &when.it_value))
		timerfd_settime(job->timer, 0, &when, NULL);
}

/* The whole job at once. Without a cgroup by PID 1, with which its namespace ends. */
static void kill_job(struct job *job)
{
	if (job->cgroup.folder < 0 || !cgroup_kill(&job->cgroup))
		sys_pidfd_send_signal(job->pidfd, SIGKILL);
}

/* Who ends a job does not wait for a disk that has no room: what is left of its output is lost, and the record says so. */
static void give_up_output(struct job *job)
{
	job->abandoned = true;
	job->has_failure = true;
	errno = job->log.error;
	failed(&job->failure, "log", "write", "the last of its output, which is lost");
}

static void end_job(struct job *job, enum reason reason, uint64_t grace_ms)
{
	const char order = INIT_TERMINATE;

	if (job->init_ended) {
		give_up_output(job);
		return;
	}
	if (job->reason == REASON_NOTHING)
		job->reason = reason;
	/* What is frozen can be killed, but hears no signal. */
	if (reason != REASON_KILL && !freezer_resume(&job->freezer, &job->cgroup, job->timer))
		grace_ms = 0;
	/* Before its command runs a job has nothing that could use a grace time. */
	if (reason == REASON_KILL || grace_ms == 0 || job->phase != PHASE_RUNNING ||
	    send(job->init_socket, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof order)
		kill_job(job);
	else
		arm_timer(job, grace_ms);
}

static void fail_job(struct job *job)
{
	job->has_failure = true;
	kill_job(job);
}

/* More than a plan of the largest size can make of it; of the mapping, what isn't touched costs nothing. */
enum { REPORT_BYTES_MAXIMUM = 64 * 1024 * 1024 };

/*
 * Reads init back from the kernel; only when all is as the plan says, the command may run. What is written to disk is written while
 * it starts.
 */
static bool compare_and_go(struct job *job, const struct init_facts *facts, struct text *report)
{
	struct report_subject subject = {
		.plan = job->plan,
		.cgroup = &job->cgroup,
		.facts = facts,
		.init = job->init,
		.terminal = job->input.terminal,
	};
	const char order = INIT_GO;

	if (!report_compare(&subject, report, &job->failure))
		return false;
	job->started_us = realtime_us();
	if (send(job->init_socket, &order, sizeof order, MSG_NOSIGNAL) != sizeof order)
		return failed(&job->failure, "monitor", "send", "init");
	job->phase = PHASE_RUNNING;
	return true;
}

static void on_ready(struct job *job, const struct init_facts *facts)
{
	char *memory = mmap(NULL, REPORT_BYTES_MAXIMUM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct text report = {.buffer = memory, .capacity = REPORT_BYTES_MAXIMUM, .fd = -1};
	struct failure unwritten;
	bool ok;

	if (memory == MAP_FAILED) {
		failed(&job->failure, "monitor", "mmap", "report");
		fail_job(job);
		return;
	}
	landlock_forget();
	ok = compare_and_go(job, facts, &report);
	if (job->plan->network == NETWORK_JOIN)
		close(job->plan->network_source); /* from here on the network lasts as long as the job's processes */
	/* Why the job ends is worth more than that it could not be written. */
	if (job->folder >= 0 && !report_publish(&report, job->folder, ok ? &job->failure : &unwritten))
		ok = false;
	munmap(memory, REPORT_BYTES_MAXIMUM);
	if (!ok) {
		fail_job(job);
		return;
	}
	if (job->plan->timeout_ms > 0)
		arm_timer(job, job->plan->timeout_ms);
	send_running(job);
}

/* The log reads what the terminal shows. */
static void take_terminal(struct job *job, int master)
{
	fcntl(master, F_SETFL, O_NONBLOCK);
	job->streams[0] = master;
	job->input.terminal = master;
	job->input.descriptor = fcntl(master, F_DUPFD_CLOEXEC, 0);
}

/* @param passed a descriptor that came with the message, or −1; the caller closes what is not taken */
static void on_init_message(struct job *job, struct init_message *message, int *passed)
{
	switch (message->event) {
	case INIT_TERMINAL:
		take_terminal(job, *passed);
		*passed = -1;
		break;
	case INIT_LISTENER:
		if (job->denials.listener < 0) {
			job->denials.listener = *passed;
			*passed = -1;
		}
		break;
	case INIT_READY:
		message->facts.hostname[HOSTNAME_MAXIMUM] = '\0';
		if (job->phase == PHASE_STARTING && job->reason == REASON_NOTHING && !job->has_failure)
			on_ready(job, &message->facts);
		break;
	case INIT_ENDED:
		job->command_ended = true;
		job->command_status = message->status;
		break;
	case INIT_FAILED:
		job->refused = true;
		job->refusal_code = message->status;
		job->failure = message->failure;
		job->has_failure = true;
		break;
	case INIT_GUEST_STARTED:
		session_started(job, message->session, *passed);
		*passed = -1;
		break;
	case INIT_GUEST_REFUSED:
		session_refused(job, message->session, message->status, &message->failure);
		break;
	case INIT_GUEST_ENDED:
		session_ended(job, message->session, message->status);
		break;
	}
}

/* @returns whether there was a message. */
static bool receive_init_message(struct job *job)
{
	struct init_message message;
	int passed[PASS_MAXIMUM];
	ssize_t received = pass_receive(job->init_socket, &message, sizeof message, passed, MSG_DONTWAIT);

	if (received == sizeof message) {
		on_init_message(job, &message, &passed[0]);
		pass_close(passed);
		return true;
	}
	if (received >= 0 || (errno != EAGAIN && errno != EINTR)) {
		close(job->init_socket);
		job->init_socket = -1;
	}
	return false;
}

/* One that is being ended goes on to its end. */
static void pause_job(struct job *job)
{
	struct failure failure;

	if (job->phase != PHASE_RUNNING || job->reason != REASON_NOTHING || job->init_ended || job->cgroup.folder < 0)
		return;
	if (!freezer_pause(&job->freezer, &job->cgroup, job->timer, job->plan->timeout_ms > 0)) {
		failed(&failure, "cgroup", "cgroup.freeze", job->cgroup.name);
		log_failure(&failure);
	}
}

static void resume_job(struct job *job)
{
	struct failure failure;

	if (!freezer_resume(&job->freezer, &job->cgroup, job->timer)) {
		failed(&failure, "cgroup", "cgroup.freeze", job->cgroup.name);
		log_failure(&failure);
	}
}

/* Without a call that waits it is the end: nobody is left whom the filter holds. */
static void on_denial(struct job *job, short events)
{
	const struct denial *first;

	if (!(events & POLLIN)) {
		close(job->denials.listener);
		job->denials.listener = -1;
		return;
	}
	first = denials_answer(&job->denials);
	if (first)
		send_denied(job, first);
}

static void on_orders(struct job *job)
{
	struct control_arguments arguments;
	enum control_order order;

	while ((order = control_receive(&job->control, &arguments)) != ORDER_NONE)
		if (order == ORDER_SESSION)
			session_open(job, arguments.session);
		else if (order == ORDER_PAUSE)
			pause_job(job);
		else if (order == ORDER_RESUME)
			resume_job(job);
		else
			end_job(job, order == ORDER_KILL ? REASON_KILL : REASON_STOP, arguments.grace_ms);
}

/* First the timeout, then the end of the grace time. */
static void on_timer(struct job *job)
{
	uint64_t expirations;

	if (read(job->timer, &expirations, sizeof expirations) != sizeof expirations)
		return;
	if (job->reason == REASON_NOTHING)
		end_job(job, REASON_TIMEOUT, job->plan->grace_ms);
	else
		kill_job(job);
}

static void close_stream(struct job *job, int stream)
{
	close(job->streams[stream]);
	job->streams[stream] = -1;
}

static void pump(struct job *job, int stream)
{
	if (job->log.error == 0 && log_pump(&job->log, job->streams[stream], LOG_STDOUT + (enum log_stream)stream) == LOG_AT_END)
		close_stream(job, stream);
}

/*
 * Every process of the job is dead now, so what is in the pipe is all that will ever be. Not up to the end of file: a job may have sent its
 * end of the pipe to a process elsewhere, which would keep us here.
 */
static void drain(struct job *job, int stream)
{
	int waiting = TERMINAL_BYTES;

	if (job->streams[stream] < 0)
		return;
	if (job->plan->input != INPUT_TERMINAL)
		ioctl(job->streams[stream], FIONREAD, &waiting);
	while (waiting > 0 && job->log.error == 0) {
		enum log_progress progress = log_pump(&job->log, job->streams[stream], LOG_STDOUT + (enum log_stream)stream);

		waiting -= (int)job->log.chunk.length;
		if (progress != LOG_WRITTEN)
			break;
	}
	if (job->log.error == 0)
		close_stream(job, stream);
}

void job_hear_init(struct job *job)
{
	while (job->init_socket >= 0 && receive_init_message(job))
		;
}

static void on_init_end(struct job *job)
{
	job_hear_init(job);
	sessions_close(job);
	job->init_ended = true;
}

static bool is_over(const struct job *job)
{
	return job->init_ended && ((job->streams[0] < 0 && job->streams[1] < 0 && job->log.error == 0) || job->abandoned);
}

static void prepare_waits(const struct job *job, struct pollfd waits[WAITS])
{
	bool reading = job->log.error == 0 && !job->init_ended;
	const int files[WAITS] = {
		[WAIT_STDOUT] = reading ? job->streams[0] : -1,
		[WAIT_STDERR] = reading ? job->streams[1] : -1,
		[WAIT_INIT] = job->init_socket,
		[WAIT_PIDFD] = job->init_ended ? -1 : job->pidfd,
		[WAIT_CONTROL] = job->control.connection,
		[WAIT_LISTENER] = job->control.listener,
		[WAIT_TIMER] = job->timer,
		[WAIT_FREEZER] = job->init_ended ? -1 : job->freezer.events,
		[WAIT_DENIALS] = denials_rest_ms(&job->denials) > 0 ? -1 : job->denials.listener,
	};

	for (int i = 0; i < WAITS; i++)
		waits[i] = (struct pollfd){.fd = files[i], .events = i == WAIT_FREEZER ? POLLPRI : POLLIN};
}

static void serve(struct job *job, const struct pollfd waits[WAITS])
{
	sessions_serve(job, waits + WAITS); /* before anything can end or begin one, of which the waits know nothing */
	if (job->log.error != 0 && log_retry(&job->log) == LOG_BLOCKED && job->init_ended &&
	    (job->reason == REASON_STOP || job->reason == REASON_KILL))
		give_up_output(job);
	for (int stream = 0; stream < 2; stream++)
		if (waits[WAIT_STDOUT + stream].revents)
			pump(job, stream);
	if (waits[WAIT_INIT].revents)
		receive_init_message(job);
	if (waits[WAIT_DENIALS].revents)
		on_denial(job, waits[WAIT_DENIALS].revents);
	if (waits[WAIT_CONTROL].revents)
		on_orders(job);
	if (waits[WAIT_LISTENER].revents && control_accept(&job->control))
		job_greet(job);
	if (waits[WAIT_FREEZER].revents && freezer_has_changed(&job->freezer))
		send_frozen(job);
	if (waits[WAIT_TIMER].revents)
		on_timer(job);
	if (waits[WAIT_PIDFD].revents)
		on_init_end(job);
	if (job->init_ended)
		for (int stream = 0; stream < 2 && job->log.error == 0; stream++)
			drain(job, stream);
}

/* How long poll(2) may sleep, in ms. */
static int patience_of(const struct job *job, int patience)
{
	int rest = denials_rest_ms(&job->denials);

	if (rest > 0)
		return rest;
	return job->log.error != 0 ? LOG_RETRY_MS : patience;
}

void job_supervise(struct job *job)
{
	struct pollfd waits[WAITS + SESSIONS_MAXIMUM * WAITS_OF_SESSION];
	int patience = IDLE_AFTER_MS;

	while (!is_over(job)) {
		int ready;

		prepare_waits(job, waits);
		ready = poll(waits, WAITS + sessions_prepare(job, waits + WAITS), patience_of(job, patience));
		if (ready == 0 && patience > 0 && denials_rest_ms(&job->denials) == 0) {
			idle_release_code();
			patience = -1;
		}
		if (ready >= 0)
			serve(job, waits);
	}
}
