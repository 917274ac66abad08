/* The report's lines about the terminal of a job that has one: whose it is, and how large. */
#define _GNU_SOURCE
#include "report.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_folder(int one, int other)
{
	struct stat first, second;

	return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev;
}

/* Init's standard input lies on the devpts that the job sees at /dev/pts, and that is not the host's. */
static const char *owner_of(const struct report_subject *subject)
{
	int slave = openat(subject->process, "fd/0", O_PATH | O_CLOEXEC);
	int job = report_open(subject, "/dev/pts"), host = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *owner = "nobody's";

	if (slave >= 0 && job >= 0 && is_same_folder(slave, job))
		owner = host >= 0 && is_same_folder(slave, host) ? "the host's" : "the job's";
	for (int i = 0; i < 3; i++) {
		int descriptor = (const int[]){slave, job, host}[i];

		if (descriptor >= 0)
			close(descriptor);
	}
	return owner;
}

static void add_size(struct text *text, uint32_t columns, uint32_t rows)
{
	text_add_unsigned(text, columns);
	text_add(text, " x ");
	text_add_unsigned(text, rows);
}

void report_terminal(struct report *report, const struct report_subject *subject)
{
	const struct plan *plan = subject->plan;
	char ask[32], say[32];
	struct text ask_text = TEXT_IN(ask), say_text = TEXT_IN(say);
	struct winsize found = {0};

	if (plan->input != INPUT_TERMINAL)
		return;
	ioctl(subject->terminal, TIOCGWINSZ, &found);
	add_size(&ask_text, plan->terminal_size.columns, plan->terminal_size.rows);
	add_size(&say_text, found.ws_col, found.ws_row);
	report_equal(report, "terminal", "devpts", "the job's", owner_of(subject));
	report_equal(report, "terminal", "columns and rows", text_string(&ask_text), text_string(&say_text));
}
