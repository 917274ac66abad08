#define _GNU_SOURCE
#include "overflow.h"

#include "clock.h"

/* A note counts to 2^32−1 only; a chunk more must not take it beyond. */
enum { NOTE_BYTES_MAXIMUM = 2147483647 };

void overflow_open(struct overflow *overflow, bool blocks, uint64_t memory_bytes, int spill, uint64_t spill_bytes)
{
	*overflow = (struct overflow){
		.blocks = blocks,
		.backlog.files = {
			[TIER_MEMORY] = {.file = -1, .limit = blocks ? 0 : memory_bytes},
			[TIER_SPILL] = {.file = spill, .limit = blocks || spill < 0 ? 0 : spill_bytes},
		},
	};
}

static bool note(struct overflow *overflow, uint16_t kind, enum log_stream stream, struct lost lost)
{
	const struct log_record record = {
		.time_ns = realtime_ns(),
		.stream = stream,
		.kind = kind,
		.lines = (uint32_t)lost.lines,
		.bytes = (uint32_t)lost.bytes,
	};

	return backlog_put(&overflow->backlog, &record, (const uint8_t *)"");
}

/* A place that is nearer is not told of before all is on the disk: the notes would come without end. */
static void move_to(struct overflow *overflow, enum log_place place)
{
	static const uint16_t KINDS[] = {LOG_DISK, LOG_MEMORY, LOG_SPILL};

	if (place != overflow->place && note(overflow, KINDS[place], LOG_STDOUT, (struct lost){0}))
		overflow->place = place;
}

void overflow_begin(struct overflow *overflow)
{
	if (overflow->place == PLACE_DISK && !overflow->blocks)
		move_to(overflow, PLACE_MEMORY);
}

/* What was counted is told, and counted anew. */
static void tell_lost(struct overflow *overflow, int stream)
{
	struct lost *lost = &overflow->samplers[stream].lost;
	uint16_t kind = overflow->power == SAMPLE_NONE ? LOG_SAMPLED : LOG_SAMPLED + (uint16_t)overflow->power;

	if (lost->bytes > 0 && note(overflow, kind, LOG_STDOUT + (enum log_stream)stream, *lost))
		*lost = (struct lost){0};
}

/*
 * The less room, the fewer lines: one of 10^n where less than 2^−(n+1) of it is free, none at the end of that. And back where twice as much
 * is, so that a disk that takes a little at a time does not make it change with each chunk.
 */
static unsigned power_for(const struct overflow *overflow)
{
	uint64_t limit = backlog_limit(&overflow->backlog), room = backlog_room(&overflow->backlog);
	unsigned power = overflow->power;

	if (!overflow->failing)
		return SAMPLE_ALL;
	while (power > SAMPLE_ALL && room >= limit >> power)
		power--;
	while (power < SAMPLE_NONE && room < limit >> (power + 2))
		power++;
	return power;
}

static void set_power(struct overflow *overflow, unsigned power)
{
	if (power == overflow->power)
		return;
	for (int stream = 0; stream < 2; stream++)
		tell_lost(overflow, stream);
	overflow->power = power;
}

static void count_lost(struct overflow *overflow, struct sampler *sampler, const struct lost *before)
{
	overflow->lost.lines += sampler->lost.lines - before->lines;
	overflow->lost.bytes += sampler->lost.bytes - before->bytes;
}

void overflow_keep(struct overflow *overflow, const struct log_record *read, uint8_t *bytes)
{
	int stream = read->stream - LOG_STDOUT;
	struct sampler *sampler = &overflow->samplers[stream];
	struct log_record record = *read;
	struct lost before;

	set_power(overflow, power_for(overflow));
	if (sampler->lost.bytes > NOTE_BYTES_MAXIMUM)
		tell_lost(overflow, stream);
	before = sampler->lost;
	record.length = sample(sampler, overflow->power, bytes, read->length);
	if (backlog_tier_for(&overflow->backlog, record.length) == TIER_SPILL)
		move_to(overflow, PLACE_SPILL);
	if (record.length > 0 && !backlog_put(&overflow->backlog, &record, bytes)) {
		sampler->lost.bytes += record.length;
		sampler->lost.lines += lines_in(bytes, record.length);
		sampler->dropping |= sampler->in_line;
	}
	count_lost(overflow, sampler, &before);
}

void overflow_close(struct overflow *overflow)
{
	for (int stream = 0; stream < 2; stream++)
		tell_lost(overflow, stream);
}

static bool drops(const struct overflow *overflow)
{
	return overflow->samplers[0].dropping || overflow->samplers[1].dropping;
}

bool overflow_end(struct overflow *overflow)
{
	set_power(overflow, power_for(overflow));
	if (overflow->power == SAMPLE_ALL && !drops(overflow))
		overflow_close(overflow);
	move_to(overflow, PLACE_DISK);
	return backlog_is_empty(&overflow->backlog) && !drops(overflow);
}

bool overflow_has_room(const struct overflow *overflow)
{
	return overflow->failing || backlog_room(&overflow->backlog) >= backlog_limit(&overflow->backlog) / 4;
}

uint32_t overflow_every(const struct overflow *overflow)
{
	uint32_t every = overflow->power == SAMPLE_NONE ? 0 : 1;

	for (unsigned power = overflow->power; every > 0 && power > 0; power--)
		every *= 10;
	return every;
}
