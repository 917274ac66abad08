#define _GNU_SOURCE
#include "cgroup.h"

#include "files.h"
#include "layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { VALUE_BYTES = 4096 };

static bool apply(const struct cgroup *cgroup, const struct plan_limit *limit, struct failure *failure)
{
	char found[VALUE_BYTES], message[160];
	struct text text = TEXT_IN(message);

	if (limit->written[0] != '\0' && file_write(cgroup->folder, limit->file, limit->written) < 0)
		return failed(failure, "limit", "write", limit->file);
	if (file_read(cgroup->folder, limit->file, found, sizeof found) < 0)
		return failed(failure, "limit", "read", limit->file);
	if (strcmp(found, limit->expected) == 0)
		return true;
	text_add(&text, "wrote \"");
	text_add(&text, limit->written);
	text_add(&text, "\", the kernel keeps \"");
	text_add(&text, found);
	text_add(&text, "\"");
	return refused(failure, "limit", "read back", limit->file, text_string(&text));
}

bool cgroup_create(struct cgroup *cgroup, int parent, const struct plan *plan, struct failure *failure)
{
	*cgroup = (struct cgroup){.parent = parent, .folder = -1};
	if (parent < 0)
		return plan->limit_count == 0 ||
		       refused(failure, "limit", "write", plan->limits[0].file, "the monitor was given no cgroup");
	memcpy(cgroup->name, "job-", 4);
	memcpy(cgroup->name + 4, plan->uuid, UUID_BYTES + 1);
	if (mkdirat(parent, cgroup->name, 0755) < 0) {
		failed(failure, "cgroup", "mkdir", cgroup->name);
		cgroup->name[0] = '\0'; /* whose it is, is not known: it is not ours to remove */
		return false;
	}
	cgroup->folder = openat(parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->folder < 0)
		return failed(failure, "cgroup", "open", cgroup->name);
	for (uint32_t i = 0; i < plan->limit_count; i++)
		if (!apply(cgroup, &plan->limits[i], failure))
			return false;
	return true;
}

bool cgroup_kill(const struct cgroup *cgroup)
{
	return !LAYER("cgroup-kill") || file_write(cgroup->folder, "cgroup.kill", "1") == 0;
}

/* A count of a flat keyed file, by the key before it; the whole of a file with one value has the key "". */
struct field {
	const char *key;
	struct count *count;
};

/* Nothing is counted where the file is not there. */
static void read_counts(const struct cgroup *cgroup, const char *file, const struct field *fields, size_t field_count)
{
	char content[VALUE_BYTES];

	if (file_read(cgroup->folder, file, content, sizeof content) < 0)
		return;
	for (size_t i = 0; i < field_count; i++) {
		const char *value = find_line(content, fields[i].key);

		fields[i].count->present = value && parse_unsigned(value, &fields[i].count->value);
	}
}

#define READ_COUNTS(cgroup, file, ...)                                                                                                 \
	do {                                                                                                                           \
		const struct field fields[] = {__VA_ARGS__};                                                                           \
                                                                                                                                       \
		read_counts(cgroup, file, fields, sizeof fields / sizeof fields[0]);                                                   \
	} while (0)

static struct count sum_fields(const char *text, const char *name)
{
	struct count sum = {.present = true};
	uint64_t value;

	while ((text = strstr(text, name))) {
		text += strlen(name);
		if (parse_unsigned(text, &value))
			sum.value += value;
	}
	return sum;
}

/* Of all disks together: a line each, such as `8:0 rbytes=90430464 wbytes=299008000 rios=…`. */
static void read_io(const struct cgroup *cgroup, struct count *read, struct count *written)
{
	char content[VALUE_BYTES];

	if (file_read(cgroup->folder, "io.stat", content, sizeof content) < 0)
		return;
	*read = sum_fields(content, " rbytes=");
	*written = sum_fields(content, " wbytes=");
}

/* How long some process of the job has waited, μs, from `some avg10=… avg60=… avg300=… total=N`. */
static struct count read_pressure(const struct cgroup *cgroup, const char *file)
{
	char content[VALUE_BYTES];
	struct count count = {0};
	const char *total;

	if (file_read(cgroup->folder, file, content, sizeof content) < 0)
		return count;
	total = strstr(content, " total=");
	count.present = total && parse_unsigned(total + strlen(" total="), &count.value);
	return count;
}

void cgroup_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	*usage = (struct cgroup_usage){0};
	READ_COUNTS(cgroup, "cpu.stat", {"user_usec ", &usage->cpu_user_us}, {"system_usec ", &usage->cpu_system_us},
		    {"throttled_usec ", &usage->cpu_throttled_us});
	READ_COUNTS(cgroup, "memory.peak", {"", &usage->memory_peak});
	READ_COUNTS(cgroup, "memory.events", {"high ", &usage->memory_high_hits}, {"max ", &usage->memory_max_hits},
		    {"oom_kill ", &usage->oom_kills});
	READ_COUNTS(cgroup, "pids.peak", {"", &usage->pids_peak});
	READ_COUNTS(cgroup, "pids.events", {"max ", &usage->pids_max_hits});
	read_io(cgroup, &usage->io_read_bytes, &usage->io_written_bytes);
	usage->cpu_pressure_us = read_pressure(cgroup, "cpu.pressure");
	usage->memory_pressure_us = read_pressure(cgroup, "memory.pressure");
	usage->io_pressure_us = read_pressure(cgroup, "io.pressure");
}

bool cgroup_remove(struct cgroup *cgroup)
{
	const struct timespec interval = {.tv_nsec = 1000 * 1000};
	const int attempts = LAYER("cgroup-kill") ? 5000 : 1; /* what nobody has killed stays */

	if (cgroup->name[0] == '\0')
		return true;
	if (cgroup->folder >= 0)
		close(cgroup->folder);
	for (int attempt = 0; attempt < attempts; attempt++) {
		if (unlinkat(cgroup->parent, cgroup->name, AT_REMOVEDIR) == 0)
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&interval, NULL);
	}
	return false;
}
