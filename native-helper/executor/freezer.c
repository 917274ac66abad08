#define _GNU_SOURCE
#include "freezer.h"

#include "clock.h"
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS_BYTES = 256 };

static bool read_frozen(int events, bool *frozen)
{
	char content[EVENTS_BYTES];
	ssize_t length = pread(events, content, sizeof content - 1, 0);
	const char *value;

	if (length < 0)
		return false;
	content[length] = '\0';
	value = find_line(content, "frozen ");
	*frozen = value && *value == '1';
	return true;
}

bool freezer_pause(struct freezer *freezer, const struct cgroup *cgroup, int timer, bool has_timeout)
{
	const struct itimerspec off = {0};
	struct itimerspec left = {0};

	if (freezer->asked)
		return true;
	if (freezer->events < 0)
		freezer->events = openat(cgroup->folder, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (freezer->events < 0 || file_write(cgroup->folder, "cgroup.freeze", "1") < 0)
		return false;
	timerfd_settime(timer, 0, &off, &left);
	freezer->left = left.it_value;
	/* It was up, and nobody has read it yet. */
	if (has_timeout && left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0)
		freezer->left.tv_nsec = 1;
	freezer->since_us = boottime_us();
	freezer->asked = true;
	return true;
}

uint64_t freezer_paused_us(const struct freezer *freezer)
{
	return freezer->paused_us + (freezer->asked ? boottime_us() - freezer->since_us : 0);
}

bool freezer_resume(struct freezer *freezer, const struct cgroup *cgroup, int timer)
{
	const struct itimerspec on = {.it_value = freezer->left};

	if (!freezer->asked)
		return true;
	if (file_write(cgroup->folder, "cgroup.freeze", "0") < 0)
		return false;
	timerfd_settime(timer, 0, &on, NULL);
	freezer->paused_us = freezer_paused_us(freezer);
	freezer->asked = false;
	return true;
}

bool freezer_has_changed(struct freezer *freezer)
{
	bool before = freezer->frozen;

	return read_frozen(freezer->events, &freezer->frozen) && freezer->frozen != before;
}
