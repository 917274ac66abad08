/*
 * joblet-executor: the monitor of one job, and the job's init (docs/monitor-protocol.md).
 *
 *	monitor  started by the helper, with its descriptors
 *	replay   the same job by hand: a plan on standard input, output and record on standard output and error
 *	open     what a job shall see of its user's files, with the rights of that user
 *	search   grep(1) without rights, on a log
 *	tables   when tables of the packet filter come and go
 *	cost     what a seccomp program on standard input costs here
 *	version  what this build is and which formats it speaks
 */
#define _GNU_SOURCE
#include "cost.h"
#include "job.h"
#include "open.h"
#include "plan-load.h"
#include "search.h"
#include "sys.h"
#include "tables.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

enum descriptor { FD_PLAN = 0, FD_CONTROL = 3, FD_FOLDER = 4, FD_CGROUP = 5, FD_ADOPTION = 6, FD_LAST = 9 };

static const char BUILD[] = JOBLET_BUILD_ID;
static_assert(sizeof BUILD == 2 * BUILD_ID_BYTES + 1, "the build id is a SHA-256 in hexadecimal");

static uint8_t hexadecimal_digit(char digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void decode_build(uint8_t build[BUILD_ID_BYTES])
{
	for (size_t i = 0; i < BUILD_ID_BYTES; i++)
		build[i] = (uint8_t)(hexadecimal_digit(BUILD[2 * i]) << 4 | hexadecimal_digit(BUILD[2 * i + 1]));
}

static int print_version(void)
{
	char buffer[256];
	struct text line = TEXT_IN(buffer);

	line.fd = STDOUT_FILENO;
	text_add(&line, "{");
	json_string_field(&line, "build", BUILD);
	json_number_field(&line, "plan", PLAN_VERSION);
	json_number_field(&line, "monitor", MONITOR_VERSION);
	text_add(&line, "}\n");
	return text_flush(&line) ? 0 : 1;
}

static int print_usage(void)
{
	char buffer[192];
	struct text line = TEXT_IN(buffer);

	line.fd = STDERR_FILENO;
	text_add(&line, "usage: joblet-executor monitor | replay | open UID GID GROUPS PATH... | search OFFSET ARGUMENT... | tables PREFIX | cost | version\n");
	text_flush(&line);
	return EXIT_USAGE;
}

static bool is_open(int descriptor)
{
	return fcntl(descriptor, F_GETFD) >= 0;
}

/*
 * Numbers below 10 have meanings, so nothing that is opened later may get one. And no signal but SIGKILL ends a monitor, because the
 * job would end with it; SIGPIPE becomes EPIPE. Its memory holds the job's secrets, which no core dump shall keep.
 */
static void settle(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	sys_block_all_signals();
	umask(077);
	for (int descriptor = 0; descriptor <= FD_LAST; descriptor++)
		if (!is_open(descriptor))
			open("/", O_PATH | O_CLOEXEC);
}

/* Away from its number, which then stays taken when the helper goes and the connection is closed. */
static int move_control(void)
{
	int connection = fcntl(FD_CONTROL, F_DUPFD_CLOEXEC, FD_LAST + 1);

	close(FD_CONTROL);
	return connection;
}

static bool load_plan(struct job *job, struct plan *plan)
{
	uint8_t build[BUILD_ID_BYTES];

	decode_build(build);
	return plan_load(FD_PLAN, build, plan, &job->failure);
}

static int run(bool replay)
{
	static struct plan plan;
	static uint8_t buffers[2][LOG_CHUNK_BYTES];
	int code;
	struct job job = {
		.plan = &plan,
		.build = BUILD,
		.folder = replay ? -1 : FD_FOLDER,
		.adoption = replay ? -1 : FD_ADOPTION,
		.cgroup = {.parent = is_open(FD_CGROUP) ? FD_CGROUP : -1, .folder = -1},
		.control = {.connection = replay ? -1 : move_control(), .listener = -1, .passed = -1},
		.writer = {.log = {.data = -1, .index = -1, .buffer = buffers[0]}, .lock = PTHREAD_MUTEX_INITIALIZER, .streams = {-1, -1},
			   .to_writer = -1, .to_monitor = -1, .buffer = buffers[1]},
		.told = {.every = 1},
		.denials = {.listener = -1},
		.record_file = -1,
		.mount_namespace = -1,
		.pidfd = -1,
		.init_socket = -1,
		.input = {.descriptor = -1, .terminal = -1},
		.timer = -1,
		.freezer = {.events = -1},
		.refusal_code = EXIT_REFUSED,
	};
	settle();
	if (!replay && job.control.connection < 0)
		return EXIT_REFUSED; /* nobody could stop the job, or be told of it */
	if (!load_plan(&job, &plan)) {
		log_failure(&job.failure);
		return EXIT_REFUSED;
	}
	job_greet(&job);
	if (job_start(&job)) {
		job_supervise(&job);
	} else {
		job.has_failure = true;
		if (job.init > 0)
			kill(job.init, SIGKILL);
		job_hear_init(&job); /* when it had ended before us, its reason is the true one */
	}
	code = job_finish(&job);
	if (!replay)
		unlinkat(FD_ADOPTION, plan.uuid, 0);
	return code;
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";

	if (argc > 2 && strcmp(argv[1], "open") == 0)
		return open_as_user(argc, argv);
	if (argc > 2 && strcmp(argv[1], "search") == 0)
		return search(argc, argv);
	if (argc == 3 && strcmp(argv[1], "tables") == 0)
		return tables_watch(argv[2]);
	if (strcmp(mode, "monitor") == 0)
		return run(false) >= 0 ? 0 : 1;
	if (strcmp(mode, "replay") == 0)
		return run(true);
	if (strcmp(mode, "cost") == 0)
		return measure_cost();
	if (strcmp(mode, "version") == 0)
		return print_version();
	return print_usage();
}
