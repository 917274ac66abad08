/* How a job ended: exit.json, and the message `exited`. */
#ifndef JOBLET_RECORD_H
#define JOBLET_RECORD_H

#include "cgroup.h"
#include "denials.h"
#include "failure.h"
#include "sampler.h"

enum ended_by { ENDED_EXIT, ENDED_SIGNAL, ENDED_OOM, ENDED_TIMEOUT, ENDED_STOP, ENDED_KILL, ENDED_REFUSED };

/* As `timeout`, `env` and the shells give them. */
enum {
	EXIT_TIMEOUT = 124,
	EXIT_REFUSED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

enum { RECORD_BYTES_MAXIMUM = 8 * 1024 };

struct record {
	const char *uuid;
	bool ran;
	int exit_code; /* −1: none */
	int signal;    /* 0: none */
	enum ended_by ended_by;
	uint64_t started_us, ended_us; /* since the epoch; started 0: it never did */
	struct cgroup_usage usage;
	const struct failure *failure; /* NULL: none */
	uint64_t log_bytes;
	struct lost log_lost;
	uint32_t seccomp_level;
	const struct denials *denials;
};

/* The fields of exit.json, without the braces. */
void record_fields(const struct record *record, struct text *text);

/* The exit code that a shell would show: the command's own, or 128 + the signal. */
int record_shell_code(const struct record *record);

/* The record's name until it is whole. */
#define RECORD_WRITTEN "exit.json.new"

/*
 * Makes the file that record_write fills and takes room on the disk for the longest record: so a job that has filled the disk can
 * end, and be deleted. −1 with errno; then there is no such file.
 */
int record_reserve(int folder);

/*
 * Writes the record into `file` (−1: there was no room for it yet) and renames it to exit.json, which is whole whenever it is there.
 * False with errno; it can be tried again.
 */
bool record_write(const struct record *record, int folder, int *file);

/* The record, once written, and its folder to the disk. False with errno. */
bool record_sync(int folder, int file);

#endif
