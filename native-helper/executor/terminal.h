/* Terminals of a job: pairs of its own devpts, made by its init as the job's user. */
#ifndef JOBLET_TERMINAL_H
#define JOBLET_TERMINAL_H

#include "failure.h"

#include <stdint.h>

/* Cells; 0 × 0 is a terminal of unknown size, as that of a new pair. */
struct terminal_size {
	uint32_t columns, rows;
};

struct terminal {
	int master; /* for the monitor */
	int slave;  /* for the command; the controlling terminal of nobody yet */
};

/* Both ends close-on-exec. False with nothing open. */
bool terminal_open(struct terminal *terminal, struct terminal_size size, struct failure *failure);

/* From either end; the processes in front are told by SIGWINCH. */
void terminal_resize(int descriptor, struct terminal_size size);

#endif
