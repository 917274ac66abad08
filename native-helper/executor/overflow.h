/*
 * What becomes of output that the disk does not take in time: it waits in memory, then in another place. When there is little room left, and
 * the disk takes nothing, only one line of ten is kept, of a hundred, of a thousand. Each step is a note in the log, at its place. What waits goes into the log in
 * order as soon as the disk takes it. Touched under the lock of writer.h.
 */
#ifndef JOBLET_OVERFLOW_H
#define JOBLET_OVERFLOW_H

#include "backlog.h"
#include "sampler.h"

enum log_place { PLACE_DISK, PLACE_MEMORY, PLACE_SPILL };

struct overflow {
	bool blocks;  /* by the job's choice: it waits, and nothing is kept elsewhere or lost */
	bool failing; /* the disk takes nothing, so that waiting for it would have no end */
	struct backlog backlog;
	enum log_place place; /* where what is read now goes; farther only until all is on the disk again */
	unsigned power;	      /* of what is read now, see sampler.h */
	struct sampler samplers[2];
	struct lost lost; /* of the whole job */
};

/* What the plan allows. @param spill a file in another place, or −1 */
void overflow_open(struct overflow *overflow, bool blocks, uint64_t memory_bytes, int spill, uint64_t spill_bytes);

/* The disk has failed, or has let us wait: notes that from here on output is kept in memory. */
void overflow_begin(struct overflow *overflow);

/*
 * Keeps what was read, or what of it there is room for; the bytes are moved about. @param record time, stream and length
 */
void overflow_keep(struct overflow *overflow, const struct log_record *record, uint8_t *bytes);

/* Nothing waits any more: notes that, if there was a note that something does. @returns whether all is over: what is read next may go to the disk. */
bool overflow_end(struct overflow *overflow);

/* Notes what is missing up to here: no more output comes. */
void overflow_close(struct overflow *overflow);

/* False where it is better to let the job wait: for a disk that takes what waits, if slowly. */
bool overflow_has_room(const struct overflow *overflow);

/* One line of so many is kept; 0: none. */
uint32_t overflow_every(const struct overflow *overflow);
#endif
