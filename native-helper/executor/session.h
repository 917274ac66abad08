/*
 * Sessions: what somebody does with a job while it runs. One attached to the job writes its input and sizes its terminal; one with a command
 * of its own (exec) has its input and output. Each has a connection, bounded buffers, and waits for nobody but its own client: neither the
 * job nor its log waits for a session.
 */
#ifndef JOBLET_SESSION_H
#define JOBLET_SESSION_H

#include "failure.h"
#include "session-order.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { SESSIONS_MAXIMUM = 16, WAITS_OF_SESSION = 4 };

struct job;

/* The way into the job's own standard input. */
struct job_input {
	int descriptor; /* the pipe's write end, or the terminal's master; −1: there is none, or it has ended */
	int terminal;	/* the terminal's master, for its size; −1: none */
	uint64_t taken; /* bytes that were written */
};

enum session_state {
	SESSION_NEW,	  /* has not said what it is for */
	SESSION_ATTACHED, /* writes the job's input */
	SESSION_STARTING, /* init starts its command */
	SESSION_RUNNING,
	SESSION_DRAINING, /* the command has ended, and what it wrote is on its way */
	SESSION_OVER,	  /* the last frame is on its way */
};

/* A page and more each, and mapped only while a session lasts. */
struct session_buffers {
	uint8_t received[SESSION_HEADER_BYTES + SESSION_PAYLOAD_MAXIMUM];
	uint8_t sent[SESSION_HEADER_BYTES + SESSION_PAYLOAD_MAXIMUM];
};

struct session {
	struct session_buffers *buffers; /* NULL: a free place */
	int connection;
	enum session_state state;
	uint32_t number; /* by which init knows it */
	bool has_terminal;
	int input;	/* of the command; −1: none, or ended */
	int outputs[2]; /* of the command; of a terminal only the first; −1: read to the end */
	int status;	/* of wait(2), once the command has ended */
	uint32_t unread;   /* bytes of output that are still to be looked for then */
	uint32_t received; /* bytes of the order that is coming in */
	uint32_t written;  /* bytes of its payload that the input has taken; only of SESSION_INPUT */
	uint32_t to_send, sent;
	bool owes_taken; /* the client has not been told how far its input was taken */
	bool owes_closed; /* … that the input has ended */
};

/* Takes a new connection, or closes it when all places are taken. */
void session_open(struct job *job, int connection);

/* Fills `waits`, which has room for all. @returns how many there are. */
nfds_t sessions_prepare(const struct job *job, struct pollfd *waits);
void sessions_serve(struct job *job, const struct pollfd *waits);

/* What init says of the command of a session; `master` is the terminal's, or −1. */
void session_started(struct job *job, uint32_t number, int master);
void session_refused(struct job *job, uint32_t number, int exit_code, const struct failure *failure);
void session_ended(struct job *job, uint32_t number, int status);

/* The job has ended, and every command in it: tells all what they can still take in, and closes. */
void sessions_close(struct job *job);

#endif
