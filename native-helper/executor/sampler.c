#define _GNU_SOURCE
#include "sampler.h"

#include <string.h>

static uint64_t lines_to_skip(unsigned power)
{
	uint64_t every = 1;

	while (power-- > 0)
		every *= 10;
	return every - 1;
}

static void begin_line(struct sampler *sampler, unsigned power)
{
	sampler->kept = 0;
	sampler->cut = false;
	sampler->dropping = power == SAMPLE_NONE || sampler->skipped < lines_to_skip(power);
	sampler->skipped = sampler->dropping ? sampler->skipped + 1 : 0;
}

/* Whether a line that was kept up to here is from here on. */
static bool goes_on(struct sampler *sampler, unsigned power, uint32_t count)
{
	if (power == SAMPLE_ALL)
		return true;
	sampler->kept += count;
	return power != SAMPLE_NONE && sampler->kept <= SAMPLED_LINE_BYTES;
}

/* @param count of the line, or of what has come of it. @returns how many of its last bytes are kept: all, its end, or none. */
static uint32_t keep_part(struct sampler *sampler, unsigned power, bool ends, uint32_t count)
{
	uint32_t kept = 0;

	if (!sampler->in_line)
		begin_line(sampler, power);
	if (!sampler->dropping && !goes_on(sampler, power, count)) {
		sampler->dropping = true;
		sampler->cut = sampler->in_line;
	}
	sampler->in_line = !ends;
	if (!sampler->dropping)
		return count;
	if (ends && sampler->cut && power != SAMPLE_NONE)
		kept = 1;
	sampler->lost.bytes += count - kept;
	sampler->lost.lines += ends;
	return kept;
}

uint32_t sample(struct sampler *sampler, unsigned power, uint8_t *bytes, uint32_t count)
{
	uint8_t *to = bytes, *end = bytes + count;

	for (uint8_t *from = bytes; from < end;) {
		uint8_t *newline = memchr(from, '\n', (size_t)(end - from));
		uint8_t *next = newline ? newline + 1 : end;
		uint32_t kept = keep_part(sampler, power, newline != NULL, (uint32_t)(next - from));

		memmove(to, next - kept, kept);
		to += kept;
		from = next;
	}
	return (uint32_t)(to - bytes);
}
