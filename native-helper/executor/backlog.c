#define _GNU_SOURCE
#include "backlog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As much at once is given back to the machine. */
enum { FREED_AT_ONCE = 1024 * 1024 };

static uint64_t size_of(uint32_t length)
{
	return sizeof(struct backlog_entry) + length;
}

static uint64_t room_in(const struct backlog_file *file)
{
	uint64_t used = file->tail - file->head;

	return file->refused || used >= file->limit ? 0 : file->limit - used;
}

uint64_t backlog_room(const struct backlog *backlog)
{
	return room_in(&backlog->files[TIER_MEMORY]) + room_in(&backlog->files[TIER_SPILL]);
}

uint64_t backlog_limit(const struct backlog *backlog)
{
	return backlog->files[TIER_MEMORY].limit + backlog->files[TIER_SPILL].limit;
}

bool backlog_is_empty(const struct backlog *backlog)
{
	return backlog->put == backlog->taken;
}

uint64_t lines_in(const uint8_t *bytes, size_t count)
{
	const uint8_t *end = bytes + count;
	uint64_t lines = 0;

	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes)))) {
		lines++;
		bytes++;
	}
	return lines;
}

static bool write_at(int file, const void *bytes, size_t count, uint64_t at)
{
	return pwrite(file, bytes, count, (off_t)at) == (ssize_t)count;
}

/* What a write in vain has taken is given back, since it would be missing elsewhere. */
static bool append(struct backlog_file *file, const struct backlog_entry *entry, const uint8_t *bytes)
{
	if (file->file >= 0 && write_at(file->file, entry, sizeof *entry, file->tail) &&
	    write_at(file->file, bytes, entry->record.length, file->tail + sizeof *entry)) {
		file->tail += size_of(entry->record.length);
		return true;
	}
	if (file->file >= 0)
		(void)!ftruncate(file->file, (off_t)file->tail);
	file->refused = true;
	return false;
}

enum backlog_tier backlog_tier_for(const struct backlog *backlog, uint32_t length)
{
	enum backlog_tier tier = TIER_MEMORY;

	while (tier < TIERS && room_in(&backlog->files[tier]) < size_of(length))
		tier++;
	return tier;
}

bool backlog_put(struct backlog *backlog, const struct log_record *record, const uint8_t *bytes)
{
	const struct backlog_entry entry = {.number = backlog->put, .record = *record};
	struct backlog_file *memory = &backlog->files[TIER_MEMORY];
	enum backlog_tier tier = record->length == 0 ? TIER_MEMORY : backlog_tier_for(backlog, record->length);

	if (memory->file < 0)
		memory->file = memfd_create("joblet-log", MFD_CLOEXEC);
	/* One that has refused has no room any more. */
	while (tier < TIERS && !append(&backlog->files[tier], &entry, bytes))
		tier = backlog_tier_for(backlog, record->length);
	if (tier == TIERS)
		return false;
	backlog->put++;
	backlog->bytes += record->length;
	backlog->lines += lines_in(bytes, record->length);
	return true;
}

/* Entries have numbers without a gap, so one that isn't first in memory is first in the other file. */
int backlog_first(const struct backlog *backlog, enum backlog_tier *tier)
{
	const struct backlog_file *memory = &backlog->files[TIER_MEMORY];
	struct backlog_entry entry = {0};

	*tier = TIER_SPILL;
	if (memory->head == memory->tail)
		return 0;
	if (pread(memory->file, &entry, sizeof entry, (off_t)memory->head) != sizeof entry)
		return -1;
	if (entry.number == backlog->taken)
		*tier = TIER_MEMORY;
	return 0;
}

int backlog_read(int file, uint64_t head, struct log_record *record, uint8_t *bytes)
{
	struct backlog_entry entry;

	errno = EIO; /* what a short read means: somebody has cut the file */
	if (pread(file, &entry, sizeof entry, (off_t)head) != sizeof entry || entry.record.length > LOG_CHUNK_BYTES ||
	    pread(file, bytes, entry.record.length, (off_t)(head + sizeof entry)) != (ssize_t)entry.record.length)
		return -1;
	*record = entry.record;
	return 0;
}

static void give_back(struct backlog_file *file)
{
	if (file->head == file->tail) {
		if (ftruncate(file->file, 0) == 0)
			file->head = file->tail = file->freed = 0;
		file->refused = false;
	} else if (file->head - file->freed >= FREED_AT_ONCE) {
		fallocate(file->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)file->freed,
			  (off_t)(file->head - file->freed));
		file->freed = file->head;
	}
}

void backlog_take(struct backlog *backlog, enum backlog_tier tier, const struct log_record *record, const uint8_t *bytes)
{
	struct backlog_file *file = &backlog->files[tier];

	backlog->taken++;
	backlog->bytes -= record->length;
	backlog->lines -= lines_in(bytes, record->length);
	file->head += size_of(record->length);
	give_back(file);
}
