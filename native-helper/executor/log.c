#define _GNU_SOURCE
#include "log.h"

#include "crc32.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(struct log_record) == 32, "the record is written as it lies");

static const struct log_header {
	char magic[8];
	uint32_t version, record_bytes;
	uint64_t reserved[2];
} HEADER = {.magic = "JOBLINDX", .version = 2, .record_bytes = sizeof(struct log_record)};
static_assert(sizeof HEADER == 32, "the header is written as it lies");

/* What the last attempt could not write, because there was no room, its last record must not promise, or ours would seem to leave a gap. */
static int cut_record(struct log *log, struct log_record *record)
{
	uint64_t there = log->bytes - record->offset;

	if (log->bytes < record->offset || there > record->length || there > LOG_CHUNK_BYTES)
		return -1;
	record->length = (uint32_t)there;
	if (record->kind == LOG_DATA && record->has_crc32) {
		if (pread(log->data, log->buffer, there, (off_t)record->offset) != (ssize_t)there)
			return -1;
		record->crc32 = crc32_of(log->buffer, there);
	}
	return 0;
}

/* Goes on after the attempts before, whose records may be those of version 1: that they have no checksum they say themselves. */
static int go_on(struct log *log, uint64_t bytes, uint64_t index_bytes)
{
	struct log_record last;
	off_t at;

	log->bytes = bytes;
	log->records = (index_bytes - sizeof HEADER) / sizeof last;
	if (pwrite(log->index, &HEADER, sizeof HEADER, 0) != sizeof HEADER)
		return -1;
	if (log->records == 0)
		return bytes == 0 ? 0 : -1;
	at = (off_t)(sizeof HEADER + (log->records - 1) * sizeof last);
	if (pread(log->index, &last, sizeof last, at) != sizeof last || cut_record(log, &last) < 0)
		return -1;
	return pwrite(log->index, &last, sizeof last, at) == sizeof last ? 0 : -1;
}

int log_open(struct log *log, int folder)
{
	const int flags = O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	struct stat data, index;

	log->data = openat(folder, "log", O_RDWR | flags, 0600);
	log->index = openat(folder, "log.index", O_RDWR | flags, 0600);
	if (log->data < 0 || log->index < 0 || fstat(log->data, &data) < 0 || fstat(log->index, &index) < 0)
		return -1;
	if (index.st_size > 0) {
		errno = EINVAL; /* what is there fits together, or there was another writer than a monitor */
		return index.st_size >= (off_t)sizeof HEADER ? go_on(log, (uint64_t)data.st_size, (uint64_t)index.st_size) : -1;
	}
	return pwrite(log->index, &HEADER, sizeof HEADER, 0) == sizeof HEADER ? 0 : -1;
}

/* All of it, or −1 with errno; *done says how far it came, so that a retry goes on there. `file` −1 is a stream of a replay. */
static int write_all(int file, int stream, const uint8_t *bytes, uint32_t count, uint32_t *done, uint64_t offset)
{
	while (*done < count) {
		ssize_t written = file < 0 ? write(stream, bytes + *done, count - *done)
					   : pwrite(file, bytes + *done, count - *done, (off_t)(offset + *done));

		if (written >= 0)
			*done += (uint32_t)written;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int write_index(struct log *log)
{
	uint32_t done = 0;

	if (log->indexed || log->index < 0)
		return 0;
	if (write_all(log->index, -1, (const uint8_t *)&log->chunk, sizeof log->chunk, &done,
		      sizeof HEADER + log->records * sizeof log->chunk) < 0)
		return -1;
	log->indexed = true;
	log->records++;
	return 0;
}

bool log_write(struct log *log)
{
	bool lost_reader;

	if (write_index(log) < 0 || write_all(log->data, log->chunk.stream, log->buffer, log->chunk.length, &log->written,
					      log->chunk.offset) < 0) {
		lost_reader = log->data < 0 && errno != EAGAIN; /* a replay into a pipe that was closed */
		if (!lost_reader)
			return false;
	}
	log->bytes += log->chunk.length;
	return true;
}

void log_begin(struct log *log, const struct log_record *record)
{
	log->chunk = *record;
	log->chunk.offset = log->bytes;
	if (record->kind == LOG_DATA) {
		log->chunk.crc32 = crc32_of(log->buffer, record->length);
		log->chunk.has_crc32 = 1;
	}
	log->written = 0;
	log->indexed = false;
}

bool log_sync(const struct log *log)
{
	return log->data < 0 || (fdatasync(log->data) == 0 && fdatasync(log->index) == 0);
}
