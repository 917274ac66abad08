/* The report's lines about the process: namespaces, user, capabilities, seccomp, limits, devices, descriptors. */
#define _GNU_SOURCE
#include "report.h"

#include "credentials.h"
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { STATUS_BYTES = 16 * 1024, WORDS_BYTES = 512, NUMBER_BYTES = 24 };

/* A namespace is "pid:[4026531836]": two processes are in the same one if their links read the same (namespaces(7)). */
static const char *read_link(int folder, const char *path, char *buffer, size_t capacity)
{
	ssize_t length = readlinkat(folder, path, buffer, capacity - 1);

	if (length < 0)
		return error_name(errno);
	buffer[length] = '\0';
	return buffer;
}

static void namespace_line(struct report *report, const struct report_subject *subject, const char *item, const char *file,
			   bool own)
{
	char ours[64], theirs[64], path_buffer[32];
	struct text own_path = TEXT_IN(path_buffer);
	const char *path, *link;
	bool differs;

	text_add(&own_path, "/proc/self/ns/");
	text_add(&own_path, file);
	path = text_string(&own_path);
	link = read_link(subject->process, path + strlen("/proc/self/"), theirs, sizeof theirs);
	differs = strcmp(link, read_link(AT_FDCWD, path, ours, sizeof ours)) != 0;
	report_line(report, "namespace", item, own ? "own" : "host", link, differs == own && strchr(link, '['));
}

static void joined_network_line(struct report *report, const struct report_subject *subject)
{
	struct stat asked, found;
	char link[64];
	bool same = fstat(subject->plan->network_source, &asked) == 0 && fstatat(subject->process, "ns/net", &found, 0) == 0 &&
		    asked.st_ino == found.st_ino && asked.st_dev == found.st_dev;

	report_line(report, "namespace", "network", "joined", read_link(subject->process, "ns/net", link, sizeof link), same);
}

static void namespaces(struct report *report, const struct report_subject *subject)
{
	static const struct {
		enum plan_namespace flag;
		const char *item, *file;
	} KINDS[] = {
		{NAMESPACE_PID, "pid", "pid"}, {NAMESPACE_MOUNT, "mount", "mnt"},	  {NAMESPACE_IPC, "ipc", "ipc"},
		{NAMESPACE_UTS, "uts", "uts"}, {NAMESPACE_CGROUP, "cgroup", "cgroup"}, {NAMESPACE_USER, "user", "user"},
	};
	const struct plan *plan = subject->plan;

	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
		namespace_line(report, subject, KINDS[i].item, KINDS[i].file, plan->namespaces & KINDS[i].flag);
	if (plan->network == NETWORK_JOIN)
		joined_network_line(report, subject);
	else
		namespace_line(report, subject, "network", "net", plan->network == NETWORK_NEW);
	if (plan->hostname)
		report_equal(report, "namespace", "hostname", plan->hostname, subject->facts->hostname);
}

/* The first words of the line that begins with `key`, with single blanks between them. */
static const char *line_words(const char *content, const char *key, int count, char *buffer, size_t capacity)
{
	const char *line = find_line(content, key);
	struct text words = {.buffer = buffer, .capacity = capacity, .fd = -1};

	for (; line && count > 0 && *line != '\0' && *line != '\n'; count--) {
		size_t length = strcspn(line, " \t\n");

		if (words.length > 0)
			text_add(&words, " ");
		text_add_bytes(&words, line, length);
		line += length + strspn(line + length, " \t");
	}
	return line ? text_string(&words) : "not known";
}

/* A whole line of /proc/<init>/status. */
static const char *status_line(const char *status, const char *key, char *buffer, size_t capacity)
{
	return line_words(status, key, INT_MAX, buffer, capacity);
}

static void status_equal(struct report *report, const char *status, const char *layer, const char *key, const char *item,
			 const char *asked)
{
	char buffer[2 * WORDS_BYTES];

	report_equal(report, layer, item, asked, status_line(status, key, buffer, sizeof buffer));
}

/* Real, effective, saved and file system id. */
static void id_line(struct report *report, const char *status, const char *key, const char *item, uint32_t id)
{
	char buffer[4 * NUMBER_BYTES];
	struct text asked = TEXT_IN(buffer);

	for (int i = 0; i < 4; i++) {
		text_add(&asked, i > 0 ? " " : "");
		text_add_unsigned(&asked, id);
	}
	status_equal(report, status, "user", key, item, text_string(&asked));
}

/* The kernel keeps groups in order of their ids. */
static void groups_line(struct report *report, const char *status, const struct plan *plan)
{
	uint32_t sorted[GROUPS_MAXIMUM];
	char buffer[GROUPS_MAXIMUM * NUMBER_BYTES];
	struct text asked = TEXT_IN(buffer);

	for (uint32_t i = 0; i < plan->group_count; i++) {
		uint32_t group = plan_outside_id(plan, ID_GROUP, plan->groups[i]);
		uint32_t at = i;

		for (; at > 0 && sorted[at - 1] > group; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = group;
	}
	for (uint32_t i = 0; i < plan->group_count; i++) {
		text_add(&asked, i > 0 ? " " : "");
		text_add_unsigned(&asked, sorted[i]);
	}
	status_equal(report, status, "user", "Groups:", "groups", text_string(&asked));
}

static void hexadecimal_line(struct report *report, const char *layer, const char *item, uint64_t asked, uint64_t kernel)
{
	char ask[NUMBER_BYTES], say[NUMBER_BYTES];
	struct text ask_text = TEXT_IN(ask), say_text = TEXT_IN(say);

	text_add_digits(&ask_text, asked, 16, 4);
	text_add_digits(&say_text, kernel, 16, 4);
	report_equal(report, layer, item, text_string(&ask_text), text_string(&say_text));
}

static void decimal_line(struct report *report, const char *layer, const char *item, int64_t asked, int64_t kernel)
{
	char ask[NUMBER_BYTES], say[NUMBER_BYTES];
	struct text ask_text = TEXT_IN(ask), say_text = TEXT_IN(say);

	text_add_signed(&ask_text, asked);
	text_add_signed(&say_text, kernel);
	report_equal(report, layer, item, text_string(&ask_text), text_string(&say_text));
}

static void capabilities(struct report *report, const char *status, const struct report_subject *subject)
{
	static const char *const SETS[][2] = {{"CapInh:", "inheritable"}, {"CapPrm:", "permitted"}, {"CapEff:", "effective"},
					      {"CapBnd:", "bounding"},	  {"CapAmb:", "ambient"}};
	char buffer[NUMBER_BYTES];
	struct text asked = TEXT_IN(buffer);

	text_add_digits(&asked, subject->plan->capabilities, 16, 16);
	for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++)
		status_equal(report, status, "capabilities", SETS[i][0], SETS[i][1], text_string(&asked));
	hexadecimal_line(report, "capabilities", "securebits", LOCKED_SECUREBITS, (uint64_t)subject->facts->securebits);
	status_equal(report, status, "capabilities", "NoNewPrivs:", "no_new_privs", "1");
}

/* The filters on a process: its own and those that it was born with. 0 where the kernel doesn't say (before 5.9). */
static int64_t filter_count(const char *status)
{
	char found[NUMBER_BYTES];
	uint64_t filters = 0;

	parse_unsigned(status_line(status, "Seccomp_filters:", found, sizeof found), &filters);
	return (int64_t)filters;
}

/* Most machines have none on the helper, which is asked for cheaply. */
static int64_t own_filter_count(void)
{
	char status[STATUS_BYTES];

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_DISABLED)
		return 0;
	return file_read(AT_FDCWD, "/proc/self/status", status, sizeof status) < 0 ? 0 : filter_count(status);
}

/* A filter that was on the helper already stays on its jobs; that is more than was asked for, not less. */
static void seccomp(struct report *report, const char *status, const struct plan *plan)
{
	char found[NUMBER_BYTES], level[NUMBER_BYTES];
	const char *mode = status_line(status, "Seccomp:", found, sizeof found);
	bool asked = plan->seccomp_count > 0, found_filter = strcmp(mode, "2") == 0;
	struct text level_text = TEXT_IN(level);

	text_add_unsigned(&level_text, plan->seccomp_level);
	report_line(report, "seccomp", "level", asked ? text_string(&level_text) : "0", found_filter ? "filter" : "none",
		    !asked || found_filter);
	if (asked)
		decimal_line(report, "seccomp", "filters", own_filter_count() + 1, filter_count(status));
}

/* Field `number` of /proc/<pid>/stat, counted from 1 as in proc_pid_stat(5); the name in field 2 may hold blanks and brackets. */
static const char *stat_field(const char *stat, int number)
{
	const char *at = strrchr(stat, ')');

	for (int i = 2; at && i < number; i++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at ? at : "";
}

static int64_t number_at(const char *text)
{
	bool negative = *text == '-';
	uint64_t value = 0;

	if (!parse_unsigned(text + negative, &value))
		return INT64_MIN;
	return negative ? -(int64_t)value : (int64_t)value;
}

static void scheduling(struct report *report, const struct report_subject *subject)
{
	enum { FIELD_SESSION = 6, FIELD_TERMINAL = 7, FIELD_NICE = 19 };
	char stat[1024], score[NUMBER_BYTES];
	int64_t session;

	if (file_read(subject->process, "stat", stat, sizeof stat) < 0)
		stat[0] = '\0';
	session = number_at(stat_field(stat, FIELD_SESSION));
	report_line(report, "process", "session", "own", session == subject->init ? "own" : "another's", session == subject->init);
	decimal_line(report, "process", "controlling terminal", 0, number_at(stat_field(stat, FIELD_TERMINAL)));
	decimal_line(report, "process", "nice", subject->plan->nice, number_at(stat_field(stat, FIELD_NICE)));
	if (file_read(subject->process, "oom_score_adj", score, sizeof score) < 0)
		score[0] = '\0';
	decimal_line(report, "process", "oom_score_adj", subject->plan->oom_score_adj, number_at(score));
}

/* The names in /proc/<init>/fd: 0 … 2 are the command's, 3 leads to the monitor, 4 tells of children. */
static void descriptors(struct report *report, const struct report_subject *subject)
{
	struct entry {
		uint64_t inode, next;
		unsigned short bytes;
		unsigned char type;
		char name[];
	};
	_Alignas(struct entry) char entries[4096];
	char found[WORDS_BYTES];
	struct text names = TEXT_IN(found);
	int folder = openat(subject->process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long bytes;

	while (folder >= 0 && (bytes = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0) {
		for (long at = 0; at < bytes; at += ((const struct entry *)(entries + at))->bytes) {
			const char *name = ((const struct entry *)(entries + at))->name;

			if (name[0] == '.')
				continue;
			text_add(&names, names.length > 0 ? " " : "");
			text_add(&names, name);
		}
	}
	if (folder >= 0)
		close(folder);
	report_equal(report, "process", "descriptors of init", "0 1 2 3 4", text_string(&names));
}

static void add_rlimit(struct text *text, uint64_t value)
{
	if (value == UINT64_MAX)
		text_add(text, "unlimited");
	else
		text_add_unsigned(text, value);
}

/* From /proc/<init>/limits: prlimit(2) of another user's process wants CAP_SYS_RESOURCE, which a monitor need not have. */
static void rlimits(struct report *report, const struct report_subject *subject)
{
	static const char *const NAMES[RLIMITS_MAXIMUM] = {
		"Max cpu time",	     "Max file size",	     "Max data size",	 "Max stack size",
		"Max core file size", "Max resident set",     "Max processes",	 "Max open files",
		"Max locked memory", "Max address space",    "Max file locks",	 "Max pending signals",
		"Max msgqueue size", "Max nice priority",    "Max realtime priority", "Max realtime timeout",
	};
	char found[4096], words[WORDS_BYTES];

	if (file_read(subject->process, "limits", found, sizeof found) < 0)
		found[0] = '\0';
	for (uint32_t i = 0; i < subject->plan->rlimit_count; i++) {
		const struct plan_rlimit *rlimit = &subject->plan->rlimits[i];
		char buffer[2 * NUMBER_BYTES];
		struct text asked = TEXT_IN(buffer);

		add_rlimit(&asked, rlimit->soft);
		text_add(&asked, " ");
		add_rlimit(&asked, rlimit->hard);
		report_equal(report, "rlimit", NAMES[rlimit->resource] + strlen("Max "), text_string(&asked),
			     line_words(found, NAMES[rlimit->resource], 2, words, sizeof words));
	}
}

static void limits(struct report *report, const struct report_subject *subject)
{
	const struct cgroup *cgroup = subject->cgroup;
	char found[4096];
	const char *path;
	size_t length;

	if (cgroup->folder < 0)
		return;
	if (file_read(subject->process, "cgroup", found, sizeof found) < 0)
		found[0] = '\0';
	path = find_line(found, "0::");
	length = path ? strcspn(path, "\n") : 0;
	report_line(report, "limit", "cgroup", cgroup->name, length ? cgroup->name : "none",
		    length > strlen(cgroup->name) &&
			    strncmp(path + length - strlen(cgroup->name), cgroup->name, strlen(cgroup->name)) == 0);
	for (uint32_t i = 0; i < subject->plan->limit_count; i++) {
		const struct plan_limit *limit = &subject->plan->limits[i];
		bool is_read = file_read(cgroup->folder, limit->file, found, sizeof found) >= 0;

		report_equal(report, "limit", limit->file, limit->expected, is_read ? found : error_name(errno));
	}
}

static void add_device(struct text *text, char type, unsigned int major_number, unsigned int minor_number)
{
	text_add_bytes(text, &type, 1);
	text_add(text, " ");
	text_add_unsigned(text, major_number);
	text_add(text, ":");
	text_add_unsigned(text, minor_number);
}

static void device_line(struct report *report, const struct report_subject *subject, const struct plan_device *device)
{
	int node = report_open(subject, device->path);
	char ask[64], say[64];
	struct text ask_text = TEXT_IN(ask), say_text = TEXT_IN(say);
	struct stat found = {0};

	add_device(&ask_text, device->type == DEVICE_BLOCK ? 'b' : 'c', device->major, device->minor);
	if (node >= 0 && fstat(node, &found) == 0)
		add_device(&say_text, S_ISBLK(found.st_mode) ? 'b' : S_ISCHR(found.st_mode) ? 'c' : '?', major(found.st_rdev),
			   minor(found.st_rdev));
	if (node >= 0)
		close(node);
	report_equal(report, "device", device->path, text_string(&ask_text), text_string(&say_text));
}

static void devices(struct report *report, const struct report_subject *subject)
{
	for (uint32_t i = 0; i < subject->plan->device_count; i++)
		device_line(report, subject, &subject->plan->devices[i]);
}

void report_process(struct report *report, const struct report_subject *subject)
{
	const struct plan *plan = subject->plan;
	char status[STATUS_BYTES], directory[PATH_MAX];
	const char *entered;

	if (file_read(subject->process, "status", status, sizeof status) < 0)
		status[0] = '\0';
	namespaces(report, subject);
	id_line(report, status, "Uid:", "uid", plan_outside_id(plan, ID_USER, plan->uid));
	id_line(report, status, "Gid:", "gid", plan_outside_id(plan, ID_GROUP, plan->gid));
	groups_line(report, status, plan);
	capabilities(report, status, subject);
	seccomp(report, status, plan);
	scheduling(report, subject);
	decimal_line(report, "process", "dumpable", 0, subject->facts->dumpable);
	decimal_line(report, "process", "signal when the monitor ends", SIGKILL, subject->facts->death_signal);
	status_equal(report, status, "process", "Umask:", "umask", "0022");
	status_equal(report, status, "process", "SigIgn:", "ignored signals", "0000000000000000");
	descriptors(report, subject);
	/* A plan may name a link; that there is no way out of the root is for the mounts to say. */
	entered = read_link(subject->process, "cwd", directory, sizeof directory);
	report_line(report, "process", "working directory", plan->work_directory, entered, entered[0] == '/');
	rlimits(report, subject);
	limits(report, subject);
	devices(report, subject);
}
