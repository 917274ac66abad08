/* From a plan to a process that builds its own sandbox. */
#define _GNU_SOURCE
#include "files.h"
#include "idmap.h"
#include "init.h"
#include "job.h"
#include "layer.h"
#include "pipe.h"
#include "sources.h"
#include "sys.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/* A burst that the pipe takes is a burst that the job doesn't wait for. 1 MiB is what fs.pipe-max-size allows everyone. */
enum { PIPE_BYTES = 1024 * 1024 };

/* The job's end of each channel is for init, and is closed here once it has it. */
struct channels {
	int ours, init;
	int input[2];		/* read and write end; −1: the job has no such input */
	int read[2], write[2];	/* of stdout and stderr; −1: it has a terminal */
};

static bool make_output(const struct plan *plan, struct channels *channels, int stream, struct failure *failure)
{
	int ends[2];

	if (!make_pipe(plan, ends, READ_END, failure))
		return false;
	channels->read[stream] = ends[READ_END];
	channels->write[stream] = ends[WRITE_END];
	return true;
}

static bool make_channels(const struct plan *plan, struct channels *channels, struct failure *failure)
{
	int ends[2];

	*channels = (struct channels){.input = {-1, -1}, .read = {-1, -1}, .write = {-1, -1}};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return failed(failure, "monitor", "socketpair", "init");
	channels->ours = ends[0];
	channels->init = ends[1];
	if (plan->input == INPUT_TERMINAL)
		return true;
	if (plan->input == INPUT_PIPE && !make_pipe(plan, channels->input, WRITE_END, failure))
		return false;
	return make_output(plan, channels, 0, failure) && make_output(plan, channels, 1, failure);
}

/* The ends that are init's alone from now on. */
static void close_given(const struct channels *channels)
{
	const int given[] = {channels->init, channels->input[READ_END], channels->write[0], channels->write[1]};

	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		if (given[i] >= 0)
			close(given[i]);
}

/* CLONE_NEWCGROUP is not among them: init enters that one itself. */
static uint64_t namespace_flags(const struct plan *plan)
{
	uint64_t flags = 0;

	if (plan->namespaces & NAMESPACE_PID && LAYER("pid-namespace"))
		flags |= CLONE_NEWPID;
	if (plan->namespaces & NAMESPACE_MOUNT && LAYER("mount-namespace"))
		flags |= CLONE_NEWNS;
	if (plan->namespaces & NAMESPACE_IPC && LAYER("ipc"))
		flags |= CLONE_NEWIPC;
	if (plan->namespaces & NAMESPACE_UTS && LAYER("uts"))
		flags |= CLONE_NEWUTS;
	if (plan->namespaces & NAMESPACE_USER)
		flags |= CLONE_NEWUSER;
	if (plan->network == NETWORK_NEW && LAYER("network"))
		flags |= CLONE_NEWNET;
	return flags;
}

/* One call for many parts of the kernel; its error says which of them has refused (clone(2)). */
static const char *layer_of_clone(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOMEM:
		return "process";
	case EACCES:
	case EBUSY:
	case EOPNOTSUPP:
		return "cgroup";
	default:
		return "namespace";
	}
}

/*
 * clone3 with fork semantics (no CLONE_VM): the child goes on with a copy of our memory, so it has the plan and the sources. It is
 * born in the job's cgroup, so that its limits hold from the first instruction.
 */
static bool clone_init(struct job *job, const struct sources *sources, const struct channels *channels)
{
	struct clone_args arguments = {
		.flags = CLONE_PIDFD | namespace_flags(job->plan),
		.pidfd = (uint64_t)(uintptr_t)&job->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (job->cgroup.folder >= 0) {
		arguments.flags |= CLONE_INTO_CGROUP;
		arguments.cgroup = (uint64_t)job->cgroup.folder;
	}
	pid = sys_clone3(&arguments);
	if (pid < 0)
		return failed(&job->failure, layer_of_clone(errno), "clone3", "init");
	if (pid == 0) {
		struct init_descriptors descriptors = {channels->init, channels->input[READ_END], channels->write[0], channels->write[1]};

		close(channels->ours); /* so that the socket ends when the monitor does */
		init_run(job->plan, sources, &descriptors);
	}
	job->init = (pid_t)pid;
	return true;
}

/* The path of a file of /proc/<init>. */
static const char *init_path(const struct job *job, const char *file, char *buffer, size_t capacity)
{
	struct text path = {.buffer = buffer, .capacity = capacity, .fd = -1};

	text_add(&path, "/proc/");
	text_add_unsigned(&path, (uint64_t)job->init);
	text_add(&path, file);
	return text_string(&path);
}

static bool set_up_init(const struct job *job, const char *file, const char *value, const char *layer, struct failure *failure)
{
	char buffer[48];
	const char *path = init_path(job, file, buffer, sizeof buffer);

	return file_write(AT_FDCWD, path, value) == 0 || failed(failure, layer, "write", path);
}

/* By us, because lowering it needs a capability that init doesn't have in a user namespace. */
static bool set_oom_score(const struct job *job, struct failure *failure)
{
	char buffer[16];
	struct text value = TEXT_IN(buffer);

	text_add_signed(&value, job->plan->oom_score_adj);
	return set_up_init(job, "/oom_score_adj", text_string(&value), "process", failure);
}

static bool map_ids(struct job *job)
{
	const char order = INIT_GO_ON;

	if (!(job->plan->namespaces & NAMESPACE_USER))
		return true;
	if (!idmap_write(job->init, job->plan->id_ranges, job->plan->id_range_count, &job->failure))
		return false;
	return send(job->init_socket, &order, sizeof order, MSG_NOSIGNAL) == sizeof order ||
	       failed(&job->failure, "namespace", "send", "init");
}

/*
 * Here and not in init: in a user namespace of its own init may not. The monitor goes back, since its clone is all that has to
 * be there.
 */
static bool clone_in_network(struct job *job, const struct sources *sources, const struct channels *channels)
{
	int own;
	bool cloned;

	if (job->plan->network != NETWORK_JOIN || !LAYER("network"))
		return clone_init(job, sources, channels);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(job->plan->network_source, CLONE_NEWNET) < 0)
		return failed(&job->failure, "network", "setns", "network of the plan");
	cloned = clone_init(job, sources, channels);
	if (cloned && setns(own, CLONE_NEWNET) < 0)
		return failed(&job->failure, "network", "setns", "the monitor's own network");
	close(own);
	return cloned;
}

/*
 * Before the command runs, or one that can't be had would leave a job without its time limit. On CLOCK_BOOTTIME: time that the machine
 * slept counts.
 */
static bool make_timer(struct job *job)
{
	job->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return job->timer >= 0 || failed(&job->failure, "monitor", "timerfd_create", "time limit");
}

/* A replay has nobody who would look after what it could not write. */
static void open_overflow(struct job *job)
{
	const struct plan_log *log = &job->plan->log;

	overflow_open(&job->writer.overflow, log->blocks || job->folder < 0, log->memory_bytes, log->spill, log->spill_bytes);
}

static bool prepare_folder(struct job *job)
{
	job->record_file = record_reserve(job->folder);
	if (job->record_file < 0)
		return failed(&job->failure, "record", "reserve", RECORD_WRITTEN);
	return control_listen(&job->control, job->adoption, job->plan->uuid, &job->failure);
}

/* What init doesn't wait for is done while it builds the root. */
static bool prepare_meanwhile(struct job *job)
{
	char path[48];

	if (!make_timer(job))
		return false;
	for (int stream = 0; stream < 2; stream++)
		fcntl(job->writer.streams[stream], F_SETPIPE_SZ, PIPE_BYTES); /* as large as it is, it works; a terminal has none yet */
	job->mount_namespace = open(init_path(job, "/ns/mnt", path, sizeof path), O_RDONLY | O_CLOEXEC);
	if (job->mount_namespace < 0)
		return failed(&job->failure, "namespace", "open", "mount namespace of init");
	if (job->folder >= 0 && !prepare_folder(job))
		return false;
	if (writer_open(&job->writer, job->folder) < 0)
		return failed(&job->failure, "log", "open", "log");
	open_overflow(job);
	return true;
}

bool job_start(struct job *job)
{
	static struct sources sources;
	struct channels channels;

	if (!landlock_prepare(job->plan, &job->failure) || !sources_detach(job->plan, &sources, &job->failure) ||
	    !cgroup_create(&job->cgroup, job->cgroup.parent, job->plan, &job->failure) ||
	    !make_channels(job->plan, &channels, &job->failure) || !clone_in_network(job, &sources, &channels))
		return false;
	close_given(&channels);
	sources_close(job->plan, &sources);
	job->init_socket = channels.ours;
	job->writer.streams[0] = channels.read[0];
	job->writer.streams[1] = channels.read[1];
	job->input.descriptor = channels.input[WRITE_END];
	return map_ids(job) && set_oom_score(job, &job->failure) && prepare_meanwhile(job);
}
