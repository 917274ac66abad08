#define _GNU_SOURCE
#include "record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void optional(struct text *text, const char *name, bool present, uint64_t value)
{
	json_name(text, name);
	if (present)
		text_add_unsigned(text, value);
	else
		text_add(text, "null");
}

static void optional_count(struct text *text, const char *name, struct count count)
{
	optional(text, name, count.present, count.value);
}

static void add_usage(const struct cgroup_usage *usage, struct text *text)
{
	json_name(text, "usage");
	text_add(text, "{");
	optional(text, "cpu_user_us", true, usage->cpu_user_us.value);
	optional(text, "cpu_system_us", true, usage->cpu_system_us.value);
	optional_count(text, "memory_peak_bytes", usage->memory_peak);
	optional_count(text, "pids_peak", usage->pids_peak);
	optional_count(text, "oom_kills", usage->oom_kills);
	optional_count(text, "pids_max_hits", usage->pids_max_hits);
	optional_count(text, "cpu_throttled_us", usage->cpu_throttled_us);
	optional_count(text, "memory_high_hits", usage->memory_high_hits);
	optional_count(text, "memory_max_hits", usage->memory_max_hits);
	optional_count(text, "io_read_bytes", usage->io_read_bytes);
	optional_count(text, "io_written_bytes", usage->io_written_bytes);
	optional_count(text, "cpu_pressure_us", usage->cpu_pressure_us);
	optional_count(text, "memory_pressure_us", usage->memory_pressure_us);
	optional_count(text, "io_pressure_us", usage->io_pressure_us);
	json_number_field(text, "paused_us", (int64_t)usage->paused_us);
	text_add(text, "}");
}

static void add_denials(const struct record *record, struct text *text)
{
	json_name(text, "denials");
	text_add(text, "{");
	json_number_field(text, "level", record->seccomp_level);
	json_name(text, "calls");
	denials_as_json(record->denials, text);
	json_name(text, "others");
	text_add_unsigned(text, record->denials->others);
	text_add(text, "}");
}

static void add_lost(const struct lost *lost, struct text *text)
{
	json_name(text, "log_lost");
	text_add(text, "{");
	json_number_field(text, "lines", (int64_t)lost->lines);
	json_number_field(text, "bytes", (int64_t)lost->bytes);
	text_add(text, "}");
}

void record_fields(const struct record *record, struct text *text)
{
	static const char *const ENDED_BY[] = {"exit", "signal", "oom", "timeout", "stop", "kill", "refused"};

	json_number_field(text, "version", 1);
	json_string_field(text, "job", record->uuid);
	json_name(text, "ran");
	text_add(text, record->ran ? "true" : "false");
	optional(text, "exit_code", record->exit_code >= 0, (uint64_t)record->exit_code);
	optional(text, "signal", record->signal > 0, (uint64_t)record->signal);
	json_string_field(text, "ended_by", ENDED_BY[record->ended_by]);
	json_number_field(text, "started_us", (int64_t)record->started_us);
	json_number_field(text, "ended_us", (int64_t)record->ended_us);
	add_usage(&record->usage, text);
	json_name(text, "error");
	if (record->failure)
		failure_as_json(record->failure, text);
	else
		text_add(text, "null");
	json_number_field(text, "log_bytes", (int64_t)record->log_bytes);
	add_lost(&record->log_lost, text);
	add_denials(record, text);
}

int record_shell_code(const struct record *record)
{
	return record->exit_code >= 0 ? record->exit_code : EXIT_SIGNAL_BASE + record->signal;
}

static_assert(6 * sizeof(struct failure) + DENIALS_MAXIMUM * DENIAL_BYTES_MAXIMUM + 1024 <= RECORD_BYTES_MAXIMUM,
	      "a failure has room when each byte of it becomes \\u00XX, and so have all denials");

static const char WHOLE[] = "exit.json";

/*
 * Zeroes, on a file system that can't take room without them: ext2, ext3, NFS before 4.2. Where what was written is written elsewhere
 * the next time (btrfs, zfs), they keep no room; but btrfs knows fallocate.
 */
static int take_room(int file)
{
	static const char ZEROES[RECORD_BYTES_MAXIMUM];

	if (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, sizeof ZEROES) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	errno = ENOSPC; /* what a short write means */
	return pwrite(file, ZEROES, sizeof ZEROES, 0) == sizeof ZEROES ? 0 : -1;
}

int record_reserve(int folder)
{
	int file = openat(folder, RECORD_WRITTEN, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (file < 0 || take_room(file) == 0)
		return file;
	error = errno;
	close(file);
	unlinkat(folder, RECORD_WRITTEN, 0);
	errno = error;
	return -1;
}

bool record_write(const struct record *record, int folder, int *file)
{
	char buffer[RECORD_BYTES_MAXIMUM];
	struct text text = TEXT_IN(buffer);

	if (*file < 0)
		*file = record_reserve(folder);
	if (*file < 0)
		return false;
	text_add(&text, "{");
	record_fields(record, &text);
	text_add(&text, "}\n");
	errno = ENOSPC; /* what a short write means */
	if (pwrite(*file, text.buffer, text.length, 0) != (ssize_t)text.length || ftruncate(*file, (off_t)text.length) < 0)
		return false;
	return renameat(folder, RECORD_WRITTEN, folder, WHOLE) == 0;
}

bool record_sync(int folder, int file)
{
	return fsync(file) == 0 && fsync(folder) == 0;
}
