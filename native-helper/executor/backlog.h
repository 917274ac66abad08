/*
 * Output that waits for the disk of the log, in the order it was read: in memory, and where that is full, in a file in another place.
 * Both hold entries one behind the other, and give up what has been taken.
 */
#ifndef JOBLET_BACKLOG_H
#define JOBLET_BACKLOG_H

#include "log.h"

#include <stdbool.h>
#include <stdint.h>

enum backlog_tier { TIER_MEMORY, TIER_SPILL, TIERS };

struct backlog_file {
	int file;	     /* −1: none yet, or none at all */
	uint64_t limit;	     /* bytes */
	uint64_t head, tail; /* of what waits */
	uint64_t freed;	     /* what lies before takes no place any more */
	bool refused;	     /* it took no more when it was written last; until it is empty it is not asked again */
};

struct backlog {
	struct backlog_file files[TIERS];
	uint64_t put, taken;   /* entries */
	uint64_t bytes, lines; /* of output that waits; lines are counted by their ends */
};

struct backlog_entry {
	uint64_t number; /* from 0 on, over both files */
	struct log_record record;
};

/* Bytes that can still be put, and that all together may take; with what entries take themselves. */
uint64_t backlog_room(const struct backlog *backlog);
uint64_t backlog_limit(const struct backlog *backlog);

/* Where so many bytes would go, or TIERS: there is no room. */
enum backlog_tier backlog_tier_for(const struct backlog *backlog, uint32_t length);

bool backlog_is_empty(const struct backlog *backlog);

/* Puts it behind all others. A note takes next to nothing, and is put where bytes would not be. False when there is no room. */
bool backlog_put(struct backlog *backlog, const struct log_record *record, const uint8_t *bytes);

/* The first entry's file, whose place is its head; not of an empty backlog. −1 with errno when it can't be read. */
int backlog_first(const struct backlog *backlog, enum backlog_tier *tier);

/* Reads the entry there with its bytes, LOG_CHUNK_BYTES at most. Nothing but `file` and `head` is looked at. −1 with errno. */
int backlog_read(int file, uint64_t head, struct log_record *record, uint8_t *bytes);

/* The first entry, which was read from `tier`, waits no longer. */
void backlog_take(struct backlog *backlog, enum backlog_tier tier, const struct log_record *record, const uint8_t *bytes);

/* Ends of lines. */
uint64_t lines_in(const uint8_t *bytes, size_t count);

#endif
