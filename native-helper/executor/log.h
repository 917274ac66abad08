/*
 * The job's output: from its pipes into the log, nothing in between.
 * The format of both files is in docs/monitor-protocol.md.
 */
#ifndef JOBLET_LOG_H
#define JOBLET_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/* Every other kind is a note: of length 0, at the place in the log of which it tells. */
enum log_kind { LOG_DATA = 0 };

/* One read(2) takes at most this much; a pipe holds 64 KiB unless it was enlarged. */
enum { LOG_CHUNK_BYTES = 128 * 1024 };

struct log_record {
	uint64_t time_ns; /* since the epoch: when the chunk was read */
	uint64_t offset;  /* of its first byte in the log */
	uint32_t length;
	uint16_t stream, kind;
	uint32_t crc32;	       /* of its bytes */
	uint32_t has_crc32;    /* 1; 0 in what a monitor wrote whose index had none */
};

struct log {
	int data, index; /* both −1: a replay, whose output goes to our own standard streams */
	uint64_t bytes;  /* that the log holds */
	uint64_t records;
	int error; /* errno of the last write; 0: nothing waits */
	/* The chunk that was read last, kept until every byte of it is written. */
	struct log_record chunk;
	uint32_t written;
	bool indexed;
	uint8_t *buffer; /* LOG_CHUNK_BYTES, of which a quiet job touches nothing */
};

enum log_progress {
	LOG_WRITTEN, /* a chunk went from the pipe to the log */
	LOG_EMPTY,   /* nothing to read now */
	LOG_AT_END,  /* nobody has the pipe's other end any more */
	LOG_BLOCKED, /* the log could not be written (`error`): the chunk is kept, call log_retry later */
};

/* Opens both files in the job's folder, or creates them; after an attempt before, output goes on where it ended. −1 with errno. */
int log_open(struct log *log, int folder);

/* Reads one chunk from a non-blocking pipe and writes it: its index record first, then its bytes. Only when nothing waits. */
enum log_progress log_pump(struct log *log, int pipe, enum log_stream stream);

/* Goes on with the chunk that waits: LOG_WRITTEN or LOG_BLOCKED. */
enum log_progress log_retry(struct log *log);

/* To the disk. False with errno. */
bool log_sync(const struct log *log);

#endif
