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

	if (file_write(cgroup->folder, limit->file, limit->written) < 0)
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

/* The value after `key` in a flat keyed file, or the whole of a file with one value (key ""). */
static struct count read_count(const struct cgroup *cgroup, const char *file, const char *key)
{
	char content[VALUE_BYTES];
	struct count count = {0};
	const char *value;

	if (file_read(cgroup->folder, file, content, sizeof content) < 0)
		return count;
	value = find_line(content, key);
	count.present = value && parse_unsigned(value, &count.value);
	return count;
}

void cgroup_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	usage->cpu_user_us = read_count(cgroup, "cpu.stat", "user_usec ");
	usage->cpu_system_us = read_count(cgroup, "cpu.stat", "system_usec ");
	usage->memory_peak = read_count(cgroup, "memory.peak", "");
	usage->pids_peak = read_count(cgroup, "pids.peak", "");
	usage->oom_kills = read_count(cgroup, "memory.events", "oom_kill ");
	usage->pids_max_hits = read_count(cgroup, "pids.events", "max ");
}

bool cgroup_remove(struct cgroup *cgroup)
{
	const struct timespec interval = {.tv_nsec = 1000 * 1000};
	enum { ATTEMPTS = 5000 };

	if (cgroup->name[0] == '\0')
		return true;
	if (cgroup->folder >= 0)
		close(cgroup->folder);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (unlinkat(cgroup->parent, cgroup->name, AT_REMOVEDIR) == 0)
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&interval, NULL);
	}
	return false;
}
