/*
 * paced-writer BEGIN_MS LINES_PER_SECOND SECONDS: from a time since the epoch on, prints so many lines of 64 bytes a second, each by a write(2)
 * that does not block. Then says on standard error how many it wrote, for how many there was no room at first, and how late it was at the end:
 * `WRITTEN REFUSED LATE_MS`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 64
/* What is due is written at each: a wake-up for each line would be measured instead of the pipe. */
#define TICKS_PER_SECOND 100

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec until = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) != 0)
		;
}

/* Returns whether there was no room at first. */
static int write_line(const char *line)
{
	struct pollfd pipe = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int refused = 0;

	while (write(STDOUT_FILENO, line, LINE) != LINE) {
		if (errno != EAGAIN)
			exit(1);
		refused = 1;
		poll(&pipe, 1, -1);
	}
	return refused;
}

int main(int argc, char **argv)
{
	char line[LINE];
	int64_t begin, ticks, written = 0, refused = 0;

	if (argc != 4)
		return 2;
	begin = atoll(argv[1]) * 1000000;
	ticks = atoll(argv[3]) * TICKS_PER_SECOND;
	memset(line, 'x', LINE - 1);
	line[LINE - 1] = '\n';
	fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
	for (int64_t tick = 1; tick <= ticks; tick++) {
		sleep_until(begin + tick * (1000000000 / TICKS_PER_SECOND));
		for (int64_t due = tick * atoll(argv[2]) / TICKS_PER_SECOND; written < due; written++)
			refused += write_line(line);
	}
	dprintf(STDERR_FILENO, "%lld %lld %lld\n", (long long)written, (long long)refused,
		(long long)((now_ns() - begin) / 1000000 - ticks * 1000 / TICKS_PER_SECOND));
	return 0;
}
