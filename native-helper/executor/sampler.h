/* Which lines of a stream are kept where there is no room for all. */
#ifndef JOBLET_SAMPLER_H
#define JOBLET_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

/* One line of 10^power is kept: 0, all; SAMPLE_NONE, none. */
enum { SAMPLE_ALL = 0, SAMPLE_POWER_MAXIMUM = 4, SAMPLE_NONE = SAMPLE_POWER_MAXIMUM + 1 };

/* Of a line that is kept while others are not, at most so much is. */
enum { SAMPLED_LINE_BYTES = 64 * 1024 };

struct lost {
	uint64_t lines; /* that are not there as a whole, counted by their ends */
	uint64_t bytes;
};

struct sampler {
	bool in_line;	  /* the last byte that came ended no line */
	bool dropping;	  /* what comes of this line is not kept */
	bool cut;	  /* of this line a part was kept: its end shall be, or the next would seem to be its rest */
	uint64_t skipped; /* lines since the last that was kept */
	uint32_t kept;	  /* bytes of this line, while others are not kept */
	struct lost lost; /* since somebody set it to 0 */
};

/*
 * Moves what is kept of the bytes to their front. Whole lines only: what is longer than SAMPLED_LINE_BYTES, or went on when there was no room
 * at all, is cut, and keeps its end. @returns how much is kept.
 */
uint32_t sample(struct sampler *sampler, unsigned power, uint8_t *bytes, uint32_t count);

#endif
