/* The monitor's two sockets: the helper that started it, and any later helper that adopts it. */
#ifndef JOBLET_CONTROL_H
#define JOBLET_CONTROL_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control {
	int connection; /* −1: nobody listens, which harms nothing */
	int listener;
	char line[64]; /* the longest order is "memory " and twenty digits */
	size_t line_bytes;
	int passed; /* the descriptor that came last and no order has taken yet; −1: none */
};

enum control_order { ORDER_NONE, ORDER_STOP, ORDER_KILL, ORDER_PAUSE, ORDER_RESUME, ORDER_SESSION, ORDER_MEMORY };

struct control_arguments {
	uint64_t number; /* of ORDER_STOP: the grace time in ms; of ORDER_MEMORY: bytes */
	int session;	   /* of ORDER_SESSION: the connection, now the caller's to close */
};

/* Binds and listens on the adoption socket `name` in the folder. */
bool control_listen(struct control *control, int folder, const char *name, struct failure *failure);

/* Takes a waiting connection in place of the present one. @returns whether there is a new one. */
bool control_accept(struct control *control);

/* Sends a whole line, or closes the connection: a helper that doesn't read is not waited for. */
void control_send(struct control *control, const struct text *line);

/* The next order that has come. What isn't an order closes the connection. */
enum control_order control_receive(struct control *control, struct control_arguments *arguments);

void control_close(struct control *control);

#endif
