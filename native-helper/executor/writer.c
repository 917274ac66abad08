#define _GNU_SOURCE
#include "writer.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	STALL_MS = 200,	 /* a write that takes longer lets nobody wait any more */
	STUCK_MS = 10000, /* a disk that has taken nothing for so long is as good as full */
	CALM_MS = 5000,	 /* after the last slow one the writer reads the streams again */
	WATCH_MS = 1000, /* after the last output */
	RETRY_MS = 250,	 /* after a write that failed */
};
/* The last of a job's output has room in any case: that of two pipes (start.c) and a terminal. */
enum { LAST_BYTES = 4 * 1024 * 1024 };
/* More than a terminal holds for its reader: 8 KiB on their way and 4 KiB there (drivers/tty/pty.c, n_tty.c). */
enum { TERMINAL_BYTES = 64 * 1024 };

static void ring(int bell)
{
	eventfd_write(bell, 1);
}

static void close_stream(struct writer *writer, int stream)
{
	close(writer->streams[stream]);
	writer->streams[stream] = -1;
}

/* @returns whether there was something; it is in `buffer` now. At its end the stream is closed. */
static bool read_stream(struct writer *writer, int stream, uint8_t *buffer, struct log_record *record)
{
	ssize_t count = read(writer->streams[stream], buffer, LOG_CHUNK_BYTES);

	if (count == 0)
		close_stream(writer, stream);
	if (count <= 0)
		return false;
	*record = (struct log_record){
		.time_ns = realtime_ns(),
		.length = (uint32_t)count,
		.stream = (uint16_t)(LOG_STDOUT + stream),
	};
	return true;
}

/* From here on the monitor reads in the writer's place. */
static void relieve(struct writer *writer)
{
	writer->slow_ms = monotonic_ms();
	if (writer->overflow.blocks)
		return;
	overflow_begin(&writer->overflow);
	writer->relieved = true;
}

static bool try_write(struct writer *writer)
{
	int error;

	writer->writing = true;
	writer->writes++;
	pthread_mutex_unlock(&writer->lock);
	error = log_write(&writer->log) ? 0 : errno;
	pthread_mutex_lock(&writer->lock);
	writer->writing = false;
	writer->error = error;
	writer->written = writer->log.bytes;
	return error == 0;
}

static void wait_to_retry(struct writer *writer)
{
	relieve(writer);
	ring(writer->to_monitor);
	pthread_mutex_unlock(&writer->lock);
	poll(NULL, 0, RETRY_MS);
	pthread_mutex_lock(&writer->lock);
}

/* What can't be written is not lost: the disk may have room later. */
static void write_chunk(struct writer *writer, const struct log_record *record, bool direct)
{
	log_begin(&writer->log, record);
	writer->holding = true;
	writer->direct = direct;
	if (!writer->watched)
		ring(writer->to_monitor);
	writer->watched = true;
	while (!try_write(writer))
		wait_to_retry(writer);
	writer->holding = false;
	if (writer->finishing)
		ring(writer->to_monitor);
}

static void write_first_of_backlog(struct writer *writer)
{
	struct backlog *backlog = &writer->overflow.backlog;
	struct log_record record;
	enum backlog_tier tier;
	struct backlog_file file;
	int error;

	if (backlog_first(backlog, &tier) < 0) {
		writer->error = errno;
		wait_to_retry(writer);
		return;
	}
	file = backlog->files[tier];
	pthread_mutex_unlock(&writer->lock);
	error = backlog_read(file.file, file.head, &record, writer->log.buffer) < 0 ? errno : 0;
	pthread_mutex_lock(&writer->lock);
	if (error != 0) {
		writer->error = error;
		wait_to_retry(writer);
		return;
	}
	write_chunk(writer, &record, false);
	backlog_take(backlog, tier, &record, writer->log.buffer);
}

/* Reads what has come, or returns when the monitor wants something, or when the time is up. */
static void wait_for_output(struct writer *writer, int timeout_ms)
{
	bool reads = !writer->relieved;
	struct pollfd waits[] = {
		{.fd = reads ? writer->streams[0] : -1, .events = POLLIN},
		{.fd = reads ? writer->streams[1] : -1, .events = POLLIN},
		{.fd = writer->to_writer, .events = POLLIN},
	};
	struct log_record record;
	eventfd_t count;

	writer->waiting = true;
	pthread_mutex_unlock(&writer->lock);
	poll(waits, sizeof waits / sizeof *waits, timeout_ms);
	pthread_mutex_lock(&writer->lock);
	writer->waiting = false;
	if (waits[2].revents)
		eventfd_read(writer->to_writer, &count);
	for (int stream = 0; stream < 2; stream++)
		if (!writer->relieved && waits[stream].revents && read_stream(writer, stream, writer->log.buffer, &record))
			write_chunk(writer, &record, true);
}

/* Nothing waits. Whether the writer reads the streams again; not for a moment, or a disk that is slow now and then would let the job wait each time. */
static bool is_calm(struct writer *writer)
{
	return overflow_end(&writer->overflow) && !writer->finishing && monotonic_ms() - writer->slow_ms >= CALM_MS;
}

static void *write_output(void *argument)
{
	struct writer *writer = argument;

	pthread_mutex_lock(&writer->lock);
	for (;;)
		if (!backlog_is_empty(&writer->overflow.backlog))
			write_first_of_backlog(writer);
		else if (!writer->relieved)
			wait_for_output(writer, -1);
		else if (is_calm(writer))
			writer->relieved = false;
		else if (backlog_is_empty(&writer->overflow.backlog))
			wait_for_output(writer, CALM_MS);
	return NULL;
}

int writer_open(struct writer *writer, int folder)
{
	if (folder >= 0 && log_open(&writer->log, folder) < 0)
		return -1;
	writer->written = writer->log.bytes;
	writer->to_writer = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	writer->to_monitor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return writer->to_writer < 0 || writer->to_monitor < 0 ? -1 : 0;
}

/* Where no thread can be had, it is tried again later; the output waits in its pipe. */
static void start(struct writer *writer)
{
	pthread_t thread;

	writer->error = pthread_create(&thread, NULL, write_output, writer);
	writer->started = writer->error == 0;
	writer->slow_ms = monotonic_ms();
}

static bool is_stalled(const struct writer *writer, uint64_t ms)
{
	return writer->writing && writer->writes == writer->seen_writes && monotonic_ms() - writer->seen_ms >= ms;
}

void writer_streams(struct writer *writer, int streams[2])
{
	bool reads;

	pthread_mutex_lock(&writer->lock);
	writer->overflow.failing = !writer->overflow.blocks && (writer->error != 0 || is_stalled(writer, STUCK_MS));
	reads = writer->relieved ? overflow_has_room(&writer->overflow) : !writer->started && writer->error == 0;
	for (int stream = 0; stream < 2; stream++)
		streams[stream] = reads ? writer->streams[stream] : -1;
	pthread_mutex_unlock(&writer->lock);
}

static void read_instead(struct writer *writer, int stream)
{
	struct log_record record;

	if (read_stream(writer, stream, writer->buffer, &record))
		overflow_keep(&writer->overflow, &record, writer->buffer);
	if (writer->waiting)
		ring(writer->to_writer);
}

void writer_relieve(struct writer *writer, int stream, bool is_output)
{
	pthread_mutex_lock(&writer->lock);
	if (writer->relieved)
		read_instead(writer, stream);
	else if (!writer->started && is_output)
		start(writer);
	else if (!writer->started)
		close_stream(writer, stream);
	pthread_mutex_unlock(&writer->lock);
}

int writer_watch(struct writer *writer)
{
	uint64_t now = monotonic_ms();
	bool watches;

	pthread_mutex_lock(&writer->lock);
	if (is_stalled(writer, STALL_MS))
		relieve(writer);
	if (writer->writes != writer->seen_writes) {
		writer->seen_writes = writer->writes;
		writer->seen_ms = now;
	}
	if (!writer->started && now - writer->slow_ms >= RETRY_MS)
		writer->error = 0;
	watches = writer->error != 0 || writer->holding || writer->relieved || (writer->started && now - writer->seen_ms < WATCH_MS);
	writer->watched = watches;
	pthread_mutex_unlock(&writer->lock);
	return watches ? STALL_MS : -1;
}

static void drain(struct writer *writer, int stream, bool terminal)
{
	int waiting = TERMINAL_BYTES;
	struct log_record record;

	if (!terminal)
		ioctl(writer->streams[stream], FIONREAD, &waiting);
	while (waiting > 0 && writer->streams[stream] >= 0 && read_stream(writer, stream, writer->buffer, &record)) {
		waiting -= (int)record.length;
		overflow_keep(&writer->overflow, &record, writer->buffer);
	}
	if (writer->streams[stream] >= 0)
		close_stream(writer, stream);
}

void writer_finish(struct writer *writer, bool terminal)
{
	pthread_mutex_lock(&writer->lock);
	writer->relieved = writer->finishing = true;
	writer->overflow.backlog.files[TIER_MEMORY].limit += LAST_BYTES;
	for (int stream = 0; stream < 2; stream++)
		if (writer->streams[stream] >= 0)
			drain(writer, stream, terminal);
	overflow_close(&writer->overflow);
	ring(writer->to_writer);
	pthread_mutex_unlock(&writer->lock);
}

bool writer_is_done(struct writer *writer)
{
	bool done;

	pthread_mutex_lock(&writer->lock);
	done = !writer->holding && backlog_is_empty(&writer->overflow.backlog);
	if (!done && !writer->started)
		start(writer);
	pthread_mutex_unlock(&writer->lock);
	return done;
}

/* Of a chunk whose writing may just go on nobody can say how much is written: then none of it is. */
static struct lost unwritten(const struct writer *writer)
{
	const struct log *log = &writer->log;
	struct lost lost = {.bytes = writer->overflow.backlog.bytes, .lines = writer->overflow.backlog.lines};

	if (writer->holding && writer->direct) {
		lost.bytes += log->chunk.length;
		lost.lines += lines_in(log->buffer, log->chunk.length);
	}
	if (writer->holding && !writer->writing) {
		lost.bytes -= log->written;
		lost.lines -= lines_in(log->buffer, log->written);
	}
	return lost;
}

int writer_give_up(struct writer *writer)
{
	struct lost lost;
	int error;

	pthread_mutex_lock(&writer->lock);
	lost = unwritten(writer);
	writer->overflow.lost.bytes += lost.bytes;
	writer->overflow.lost.lines += lost.lines;
	error = writer->error;
	pthread_mutex_unlock(&writer->lock);
	return error;
}

struct log_state writer_state(struct writer *writer)
{
	struct log_state state;

	pthread_mutex_lock(&writer->lock);
	state = (struct log_state){
		.place = writer->overflow.place,
		.every = overflow_every(&writer->overflow),
		.error = writer->error,
		.blocked = writer->overflow.blocks && (writer->error != 0 || is_stalled(writer, STALL_MS)),
		.waiting_bytes = unwritten(writer).bytes,
		.lost = writer->overflow.lost,
		.written = writer->written,
	};
	pthread_mutex_unlock(&writer->lock);
	return state;
}

void writer_set_memory(struct writer *writer, uint64_t bytes)
{
	pthread_mutex_lock(&writer->lock);
	if (!writer->overflow.blocks)
		writer->overflow.backlog.files[TIER_MEMORY].limit = bytes + (writer->finishing ? LAST_BYTES : 0);
	pthread_mutex_unlock(&writer->lock);
}
