/*
 * The way of a job's output into its log, and the thread that goes it: reads a pipe, writes the log. A disk lets whoever writes wait as long
 * as it likes. While this one waits, the monitor goes on: it serves its orders, and reads the pipes in the writer's place, into memory; the
 * writer takes it from there, until nothing waits and the disk has been quick for a while. So the usual way costs no hand-over.
 */
#ifndef JOBLET_WRITER_H
#define JOBLET_WRITER_H

#include "log.h"
#include "overflow.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct writer {
	struct log log; /* of the writer's thread alone, once it runs */

	pthread_mutex_t lock; /* of all that follows */
	bool started;
	struct overflow overflow;
	int streams[2]; /* the read ends of stdout and stderr, or the terminal's master and −1; −1 when they are read to their end */
	bool relieved;	/* the monitor reads the streams */
	bool finishing; /* no more output comes, and the monitor waits for the last of it to be written */
	bool waiting;	/* the writer, for something to write */
	bool holding;	/* it has a chunk that is not wholly written … */
	bool direct;	/* … and that is not the backlog's first … */
	bool writing;	/* … and is in a call that may take as long as the disk likes */
	uint64_t writes;   /* such calls begun */
	uint64_t slow_ms;  /* when one was last found to take long, or failed */
	uint64_t written;  /* bytes in the log */
	int error;	   /* errno of the last such call; 0: it worked */
	bool watched;	   /* the monitor looks after the writer */
	uint64_t seen_writes, seen_ms; /* what it saw, and since when */

	int to_writer, to_monitor; /* eventfd(2): something to do */
	uint8_t *buffer;	   /* of the monitor, LOG_CHUNK_BYTES */
};

/* What is told of a log outside. */
struct log_state {
	enum log_place place;
	uint32_t every; /* one line of so many is kept; 0: none */
	int error;	/* of the last write; 0: it worked */
	bool blocked;	/* the job waits for the disk, because it has chosen so */
	uint64_t written, waiting_bytes;
	struct lost lost;
};

/*
 * Opens the log in the job's folder (−1: a replay), and what else is needed but the thread, which begins with the first output. −1 with
 * errno.
 */
int writer_open(struct writer *writer, int folder);

/* What the monitor has to poll: the streams, or −1 where the writer does, or there is no room for what is in them. */
void writer_streams(struct writer *writer, int streams[2]);

/* Something has come in a stream that the monitor polls. @param is_output else its end */
void writer_relieve(struct writer *writer, int stream, bool is_output);

/* Looks after the writer. @returns in how many ms to look again, −1: when `to_monitor` says so. */
int writer_watch(struct writer *writer);

/*
 * Every process of the job is dead, so what is in the streams is all that will ever be. Not up to the end of file: a job may have sent its
 * end of a pipe to a process elsewhere, which would keep us here. @param terminal they are one
 */
void writer_finish(struct writer *writer, bool terminal);

/* Whether all output is in the log. */
bool writer_is_done(struct writer *writer);

/* What is not in the log by now is lost. @returns the errno for which, 0: the disk only takes long. */
int writer_give_up(struct writer *writer);

struct log_state writer_state(struct writer *writer);

void writer_set_memory(struct writer *writer, uint64_t bytes);

#endif
