/*
 * The monitor's life while the job has one: orders, time, what init says, and output that its writer can't take. It sleeps in one poll(2),
 * so a quiet job costs nothing, and it never waits for anything else: neither for the helper nor for the disk of the log.
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
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { LINE_BYTES = 512 };
/* What is lost is counted on; it is told anew after so long. */
enum { TELL_LOST_MS = 5000 };

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
	WAIT_WRITER,
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

static void send_log(struct job *job)
{
	static const char *const PLACES[] = {"disk", "memory", "spill"};
	const struct log_state *log = &job->told;
	char buffer[LINE_BYTES];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", "log");
	json_string_field(&line, "place", PLACES[log->place]);
	json_name(&line, "blocked");
	text_add(&line, log->blocked ? "true" : "false");
	json_number_field(&line, "every", log->every);
	json_number_field(&line, "errno", log->error);
	json_number_field(&line, "waiting_bytes", (int64_t)log->waiting_bytes);
	json_number_field(&line, "lost_lines", (int64_t)log->lost.lines);
	json_number_field(&line, "lost_bytes", (int64_t)log->lost.bytes);
	send_event(job, &line);
}

static bool is_as_usual(const struct log_state *log)
{
	return log->place == PLACE_DISK && !log->blocked && log->error == 0 && log->lost.bytes == 0;
}

void job_greet(struct job *job)
{
	send_hello(job);
	if (job->phase != PHASE_RUNNING)
		return;
	send_running(job);
	for (uint32_t i = 0; i < job->denials.kinds; i++)
		send_denied(job, &job->denials.list[i]);
	if (!is_as_usual(&job->told))
		send_log(job);
}

/* Each step is told, and how much is lost now and then. */
static void tell_of_log(struct job *job)
{
	struct log_state log = writer_state(&job->writer);
	const struct log_state *told = &job->told;
	bool steps = log.place != told->place || log.blocked != told->blocked || log.every != told->every || log.error != told->error;

	if (!steps && (log.lost.bytes == told->lost.bytes || monotonic_ms() - job->told_ms < TELL_LOST_MS))
		return;
	job->told = log;
	job->told_ms = monotonic_ms();
	send_log(job);
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
	static const char OBJECT[] = "the last of its output, which is lost";

	job->abandoned = true;
	job->has_failure = true;
	errno = writer_give_up(&job->writer);
	if (errno != 0)
		failed(&job->failure, "log", "write", OBJECT);
	else
		refused(&job->failure, "log", "write", OBJECT, "the disk had not taken it yet");
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
	job->writer.streams[0] = master;
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
		else if (order == ORDER_MEMORY)
			writer_set_memory(&job->writer, arguments.number);
		else
			end_job(job, order == ORDER_KILL ? REASON_KILL : REASON_STOP, arguments.number);
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
	writer_finish(&job->writer, job->plan->input == INPUT_TERMINAL);
}

/* Also of a stop that came while it still ran: nobody shall have to ask again. */
static bool wants_to_give_up(const struct job *job)
{
	return job->init_ended && job->told.error != 0 && (job->reason == REASON_STOP || job->reason == REASON_KILL);
}

static bool is_over(struct job *job)
{
	return job->init_ended && (job->abandoned || writer_is_done(&job->writer));
}

static void prepare_waits(struct job *job, struct pollfd waits[WAITS])
{
	int streams[2];

	writer_streams(&job->writer, streams);
	const int files[WAITS] = {
		[WAIT_STDOUT] = streams[0],
		[WAIT_STDERR] = streams[1],
		[WAIT_INIT] = job->init_socket,
		[WAIT_PIDFD] = job->init_ended ? -1 : job->pidfd,
		[WAIT_CONTROL] = job->control.connection,
		[WAIT_LISTENER] = job->control.listener,
		[WAIT_TIMER] = job->timer,
		[WAIT_FREEZER] = job->init_ended ? -1 : job->freezer.events,
		[WAIT_DENIALS] = denials_rest_ms(&job->denials) > 0 ? -1 : job->denials.listener,
		[WAIT_WRITER] = job->writer.to_monitor,
	};

	for (int i = 0; i < WAITS; i++)
		waits[i] = (struct pollfd){.fd = files[i], .events = i == WAIT_FREEZER ? POLLPRI : POLLIN};
}

static void serve(struct job *job, const struct pollfd waits[WAITS])
{
	eventfd_t count;

	sessions_serve(job, waits + WAITS); /* before anything can end or begin one, of which the waits know nothing */
	for (int stream = 0; stream < 2; stream++)
		if (waits[WAIT_STDOUT + stream].revents)
			writer_relieve(&job->writer, stream, waits[WAIT_STDOUT + stream].revents & POLLIN);
	if (waits[WAIT_WRITER].revents)
		eventfd_read(job->writer.to_monitor, &count);
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
	tell_of_log(job);
	if (wants_to_give_up(job))
		give_up_output(job);
}

/* Of two times in ms the shorter; −1 is none. */
static int sooner(int one, int other)
{
	return one >= 0 && (other < 0 || one < other) ? one : other;
}

void job_supervise(struct job *job)
{
	struct pollfd waits[WAITS + SESSIONS_MAXIMUM * WAITS_OF_SESSION];
	int patience = IDLE_AFTER_MS;

	while (!is_over(job)) {
		int rest = denials_rest_ms(&job->denials);
		int again = sooner(rest > 0 ? rest : -1, writer_watch(&job->writer));
		int ready;

		prepare_waits(job, waits);
		ready = poll(waits, WAITS + sessions_prepare(job, waits + WAITS), sooner(again, patience));
		if (ready == 0 && patience > 0 && again < 0) {
			idle_release_code();
			patience = -1;
		}
		if (ready >= 0)
			serve(job, waits);
	}
}
