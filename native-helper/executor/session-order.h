/*
 * What is said on the connection of a session, read strictly (docs/monitor-protocol.md has the bytes). Pure, bounded, without I/O; fuzzed
 * (fuzz/). The monitor and init read a request for a command with the same function.
 */
#ifndef JOBLET_SESSION_ORDER_H
#define JOBLET_SESSION_ORDER_H

#include "terminal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SESSION_HEADER_BYTES = 8,
	SESSION_PAYLOAD_MAXIMUM = 64 * 1024,
	REQUEST_ARGUMENTS_MAXIMUM = 1024,
	REQUEST_TERM_MAXIMUM = 64,
	TERMINAL_CELLS_MAXIMUM = 65535, /* struct winsize */
};

/* From the helper. */
enum session_order {
	SESSION_ATTACH = 1, /* what follows as input is for the job itself */
	SESSION_EXEC,
	SESSION_INPUT,
	SESSION_END_OF_INPUT,
	SESSION_RESIZE,
	SESSION_ORDERS_END,
};

/* From the monitor. */
enum session_event {
	SESSION_STARTED = 1,
	SESSION_STDOUT,
	SESSION_STDERR,
	SESSION_EXITED,
	SESSION_REFUSED,
	SESSION_INPUT_CLOSED,
	SESSION_TAKEN,
};

/* The head of each frame as it lies, little-endian. */
struct session_header {
	uint32_t type, size; /* of the payload that follows */
};

/* A command to be started in a running job. All pointers lead into the payload that it was read from. */
struct exec_request {
	bool has_terminal, has_input;
	struct terminal_size size;
	const char *term; /* the value of TERM; empty: as the job's own */
	uint32_t argument_count;
	const char *arguments[REQUEST_ARGUMENTS_MAXIMUM + 1]; /* ends with NULL */
};

/* Whether such an order can have a payload of that size: so that a reader knows before it waits for it. */
bool session_order_fits(const struct session_header *header);

/* False when the payload is not exactly that of SESSION_EXEC; `request` must not be used then. */
bool session_read_request(const uint8_t *payload, size_t size, struct exec_request *request);

/* The same for SESSION_RESIZE. */
bool session_read_size(const uint8_t *payload, size_t size, struct terminal_size *cells);

#endif
