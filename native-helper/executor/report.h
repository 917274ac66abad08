/*
 * The isolation report: what the plan asked for beside what the kernel says of init. It is written while init waits, has given up
 * everything, and has run none of the job's code. A line that differs stops the job.
 */
#ifndef JOBLET_REPORT_H
#define JOBLET_REPORT_H

#include "cgroup.h"
#include "failure.h"
#include "init.h"
#include "plan.h"

#include <sys/types.h>

struct report {
	struct text *text;
	struct failure *failure; /* set by the first line that differs */
	bool ok;
};

/* Everything that the report is made from. */
struct report_subject {
	const struct plan *plan;
	const struct cgroup *cgroup;
	const struct init_facts *facts;
	pid_t init;
	int process; /* open folder /proc/<init> */
	int root;    /* the job's root folder, as init sees it */
	int terminal; /* the master of the job's terminal; −1: it has none */
};

void report_line(struct report *report, const char *layer, const char *item, const char *asked, const char *kernel, bool ok);
/* A line that is right when both are the same. */
void report_equal(struct report *report, const char *layer, const char *item, const char *asked, const char *kernel);

/*
 * Opens a path (O_PATH) as init would, but without going through links. @returns −1 with errno.
 */
int report_open(const struct report_subject *subject, const char *path);

/* The parts, by file. */
void report_process(struct report *report, const struct report_subject *subject);
void report_landlock(struct report *report, const struct report_subject *subject);
void report_mounts(struct report *report, const struct report_subject *subject);
void report_terminal(struct report *report, const struct report_subject *subject);

/*
 * Compares, and puts the report into `text`. False when the kernel says something else than the plan, or when it can't be asked; a text
 * that overflows counts as that.
 */
bool report_compare(const struct report_subject *subject, struct text *text, struct failure *failure);

/* Writes the text into the job's folder as report.json, which is whole whenever it is there. */
bool report_publish(struct text *text, int folder, struct failure *failure);

#endif
