/* From the end of init to the record of the job. */
#define _GNU_SOURCE
#include "clock.h"
#include "job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORD_RETRY_MS = 1000 };

void log_failure(const struct failure *failure)
{
	char buffer[4096];
	struct text line = TEXT_IN(buffer);

	line.fd = STDERR_FILENO;
	text_add(&line, "{");
	json_name(&line, "error");
	failure_as_json(failure, &line);
	text_add(&line, "}\n");
	text_flush(&line);
}

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* @returns init's wait status. Its times hold those of all that it has reaped: the fallback where no cgroup counted. */
static int reap_init(const struct job *job, struct cgroup_usage *usage)
{
	struct rusage times = {0};
	int status = 0;

	while (wait4(job->init, &status, __WALL, &times) < 0 && errno == EINTR)
		;
	usage->cpu_user_us.value = microseconds(&times.ru_utime);
	usage->cpu_system_us.value = microseconds(&times.ru_stime);
	return status;
}

/* Evidence first: it goes with the cgroup. */
static void end_cgroup(struct job *job, struct cgroup_usage *usage)
{
	struct cgroup_usage counted;
	struct failure failure;

	if (job->cgroup.folder < 0)
		return;
	if (!cgroup_kill(&job->cgroup)) {
		failed(&failure, "cgroup", "cgroup.kill", job->cgroup.name);
		log_failure(&failure);
	}
	cgroup_read_usage(&job->cgroup, &counted);
	if (!counted.cpu_user_us.present)
		counted.cpu_user_us = usage->cpu_user_us;
	if (!counted.cpu_system_us.present)
		counted.cpu_system_us = usage->cpu_system_us;
	*usage = counted;
}

static void remove_cgroup(struct job *job)
{
	struct failure failure;

	if (!cgroup_remove(&job->cgroup)) {
		failed(&failure, "cgroup", "rmdir", job->cgroup.name);
		log_failure(&failure);
	}
}

/* The kernel's count says that something was killed; that it was what ended the job, the signal says. */
static bool killed_by_oom(const struct record *record)
{
	return record->usage.oom_kills.present && record->usage.oom_kills.value > 0 &&
	       (record->signal == SIGKILL || record->exit_code == EXIT_SIGNAL_BASE + SIGKILL);
}

static void judge_run(const struct job *job, int init_status, struct record *record)
{
	int status = job->command_ended ? job->command_status : init_status;

	if (WIFSIGNALED(status))
		record->signal = WTERMSIG(status);
	else
		record->exit_code = WEXITSTATUS(status);
	record->ended_by = WIFSIGNALED(status) ? ENDED_SIGNAL : ENDED_EXIT;
	if (job->reason == REASON_TIMEOUT) {
		record->ended_by = ENDED_TIMEOUT;
		record->exit_code = EXIT_TIMEOUT;
	} else if (job->reason != REASON_NOTHING) {
		record->ended_by = job->reason == REASON_STOP ? ENDED_STOP : ENDED_KILL;
	} else if (killed_by_oom(record)) {
		record->ended_by = ENDED_OOM;
		record->exit_code = EXIT_SIGNAL_BASE + SIGKILL;
		record->signal = SIGKILL;
	}
}

static void judge_refusal(const struct job *job, struct record *record)
{
	record->ended_by = ENDED_REFUSED;
	if (job->reason == REASON_STOP)
		record->ended_by = ENDED_STOP;
	else if (job->reason == REASON_KILL)
		record->ended_by = ENDED_KILL;
	record->exit_code = job->refusal_code;
}

/* Killed while it built the sandbox, init could not say why; the kernel's count does. */
static bool starved(const struct job *job, const struct cgroup_usage *usage, int init_status)
{
	return job->phase == PHASE_STARTING && WIFSIGNALED(init_status) && usage->oom_kills.present && usage->oom_kills.value > 0;
}

/* A job that ended without a word of why, before its command ran or while it did. */
static void note_silent_end(struct job *job, const struct cgroup_usage *usage, int init_status)
{
	bool told = job->refused || job->command_ended || job->reason != REASON_NOTHING || job->init == 0;

	if (!told && starved(job, usage, init_status)) {
		job->has_failure = true;
		refused(&job->failure, "memory", "allocate", "init", "was killed by the kernel for want of memory");
		return;
	}
	if (told || job->has_failure || (job->phase == PHASE_RUNNING && WIFSIGNALED(init_status)))
		return;
	job->has_failure = true;
	refused(&job->failure, "monitor", "wait", "init", WIFSIGNALED(init_status) ? "was killed" : "ended without a word");
}

static void send_exited(struct job *job, const struct record *record)
{
	char buffer[RECORD_BYTES_MAXIMUM];
	struct text line = TEXT_IN(buffer);

	text_add(&line, "{");
	json_string_field(&line, "event", "exited");
	record_fields(record, &line);
	text_add(&line, "}\n");
	control_send(&job->control, &line);
}

/*
 * A disk that is full now may have room later, and without its record a job whose end no helper has written down would be lost: try
 * again until it is written. Meanwhile every helper that connects is told the end, and its `kill` ends the waiting.
 * @returns whether it is written.
 */
static bool wait_for_room(struct job *job, const struct record *record)
{
	do {
		struct pollfd waits[] = {{.fd = job->control.listener, .events = POLLIN},
					 {.fd = job->control.connection, .events = POLLIN}};
		struct control_arguments arguments = {.session = -1};

		poll(waits, 2, RECORD_RETRY_MS);
		if (waits[0].revents && control_accept(&job->control)) {
			job_greet(job);
			send_exited(job, record);
		} else if (waits[1].revents && control_receive(&job->control, &arguments) == ORDER_KILL) {
			return false;
		}
		if (arguments.session >= 0)
			close(arguments.session);
	} while (!record_write(record, job->folder, &job->record_file));
	return true;
}

static void publish(struct job *job, const struct record *record)
{
	struct failure failure;
	bool written;

	if (job->folder < 0) {
		char buffer[RECORD_BYTES_MAXIMUM];
		struct text line = TEXT_IN(buffer);

		line.fd = STDERR_FILENO;
		text_add(&line, "{");
		record_fields(record, &line);
		text_add(&line, "}\n");
		text_flush(&line);
		return;
	}
	written = record_write(record, job->folder, &job->record_file);
	if (!written) {
		failed(&failure, "record", "write", "exit.json");
		log_failure(&failure);
	}
	send_exited(job, record);
	if (!written && !wait_for_room(job, record))
		return;
	if (!record_sync(job->folder, job->record_file) || !log_sync(&job->writer.log)) {
		failed(&failure, "record", "fsync", "exit.json");
		log_failure(&failure);
	}
}

int job_finish(struct job *job)
{
	struct record record = {.uuid = job->plan->uuid, .exit_code = -1, .started_us = job->started_us};
	struct log_state log;
	int init_status = 0;

	if (job->init > 0)
		init_status = reap_init(job, &record.usage);
	record.ended_us = realtime_us();
	end_cgroup(job, &record.usage);
	record.usage.paused_us = freezer_paused_us(&job->freezer);
	remove_cgroup(job);
	note_silent_end(job, &record.usage, init_status);
	record.ran = job->phase == PHASE_RUNNING && !job->refused;
	if (record.ran)
		judge_run(job, init_status, &record);
	else
		judge_refusal(job, &record);
	record.failure = job->has_failure ? &job->failure : NULL;
	log = writer_state(&job->writer);
	record.log_bytes = log.written;
	record.log_lost = log.lost;
	record.seccomp_level = job->plan->seccomp_level;
	record.denials = &job->denials;
	job->phase = PHASE_ENDED;
	publish(job, &record);
	return record_shell_code(&record);
}
