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

/* Every kind but data is a note: of length 0, at the place in the log of which it tells. */
enum log_kind {
	LOG_DATA = 0,
	LOG_MEMORY = 1,	  /* what comes from here on is kept in memory */
	LOG_SPILL = 2,	  /* … in another place */
	LOG_DISK = 3,	  /* all is on the disk again */
	LOG_SAMPLED = 16, /* plus n: of the lines that came here one of 10^n was kept; plus 0: none */
};

/* One read(2) takes at most this much; a pipe holds 64 KiB unless it was enlarged. */
enum { LOG_CHUNK_BYTES = 128 * 1024 };

struct log_record {
	uint64_t time_ns; /* since the epoch: when the chunk was read */
	uint64_t offset;  /* of its first byte in the log */
	uint32_t length;
	uint16_t stream, kind;
	union {
		struct {
			uint32_t crc32;	    /* of its bytes */
			uint32_t has_crc32; /* 1; 0 in what a monitor wrote whose index had none */
		};
		struct {
			uint32_t lines, bytes; /* that are missing: of LOG_SAMPLED */
		};
	};
};

struct log {
	int data, index; /* both −1: a replay, whose output goes to our own standard streams */
	uint64_t bytes;  /* that the log holds */
	uint64_t records;
	/* What is being written, kept until every byte of it is. */
	struct log_record chunk;
	uint32_t written;
	bool indexed;
	uint8_t *buffer; /* LOG_CHUNK_BYTES, of which a quiet job touches nothing */
};

/* Opens both files in the job's folder, or creates them; after an attempt before, output goes on where it ended. −1 with errno. */
int log_open(struct log *log, int folder);

/* What is to be written next: time, stream, kind and length, and the bytes in the buffer. Only when the one before is. */
void log_begin(struct log *log, const struct log_record *record);

/*
 * Writes it: its index record first, then its bytes. May wait as long as the disk does. False with errno, ENOSPC for want of room; it goes on where it
 * was when it is called again.
 */
bool log_write(struct log *log);

/* To the disk. False with errno. */
bool log_sync(const struct log *log);

#endif
