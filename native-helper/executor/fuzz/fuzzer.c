/*
 * libFuzzer harness of the parsers: of plans, and of what is said in sessions (run.ts builds and runs it). Each input is given to all of them.
 * Besides the sanitizers, which watch every access, it checks what they promise: a refused plan has a named fault, and what is accepted keeps
 * to its bounds.
 */
#include "../plan.h"
#include "../session-order.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_OFFSET = 4, RECORD_HEADER_BYTES = 8, RECORD_MAXIMUM = 4096, HEADER_SIZE_OFFSET = 12, HEADER_RECORDS_OFFSET = 16 };

static const uint8_t BUILD[BUILD_ID_BYTES];

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint32_t read_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof value);
	return value;
}

static void write_u32(uint8_t *bytes, uint32_t value)
{
	memcpy(bytes, &value, sizeof value);
}

static size_t record_bytes(const uint8_t *record)
{
	size_t payload = read_u32(record + SIZE_OFFSET);

	return RECORD_HEADER_BYTES + payload + (-payload & 7);
}

static uint32_t count_records(const uint8_t *data, size_t size)
{
	uint32_t count = 0;

	for (size_t at = PLAN_HEADER_BYTES; at + RECORD_HEADER_BYTES <= size; count++)
		at += record_bytes(data + at);
	return count;
}

/* The mutator's own chance, so that a run can be repeated from libFuzzer's seed (xorshift). */
static uint32_t draw(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/* One more or one less in some word: where bounds are, faults are. */
static void nudge(uint8_t *data, size_t size, uint32_t *chance)
{
	uint8_t *word = data + PLAN_HEADER_BYTES + 4 * draw(chance, (uint32_t)(size - PLAN_HEADER_BYTES) / 4);

	write_u32(word, read_u32(word) + (draw(chance, 2) ? 1 : UINT32_MAX));
}

/* Some record becomes the last, behind which nothing may be read. */
static void move_to_end(uint8_t *data, size_t size, uint32_t *chance)
{
	uint32_t chosen = draw(chance, count_records(data, size) + 1);
	size_t at = PLAN_HEADER_BYTES, record = 0;
	uint8_t copy[RECORD_MAXIMUM];

	for (uint32_t i = 0; i <= chosen; i++) {
		at += record;
		if (at + RECORD_HEADER_BYTES > size)
			return;
		record = record_bytes(data + at);
	}
	if (record > sizeof copy || at + record > size)
		return;
	memcpy(copy, data + at, record);
	memmove(data + at, data + at + record, size - at - record);
	memcpy(data + size - record, copy, record);
}

static bool is_plan(const uint8_t *data, size_t size)
{
	return size >= PLAN_HEADER_BYTES && memcmp(data, "JOBLPLAN", 8) == 0;
}

/*
 * libFuzzer's own mutations, and two that know the format of plans. Most of them change the length; without the repair of the header nearly all
 * of them would end at its size.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned int seed)
{
	uint32_t chance = seed | 1;
	bool whole = is_plan(data, size) && size >= PLAN_HEADER_BYTES + 4;

	if (whole && draw(&chance, 2))
		nudge(data, size, &chance);
	else
		size = LLVMFuzzerMutate(data, size, maximum);
	if (!is_plan(data, size) || draw(&chance, 8) == 0)
		return size;
	if (draw(&chance, 4) == 0)
		move_to_end(data, size, &chance);
	write_u32(data + HEADER_SIZE_OFFSET, (uint32_t)size);
	if (draw(&chance, 8) != 0)
		write_u32(data + HEADER_RECORDS_OFFSET, count_records(data, size));
	return size;
}

static void check_accepted(const struct plan *plan)
{
	require(plan->mount_count >= 1 && plan->mount_count <= MOUNTS_MAXIMUM);
	require(plan->argument_count >= 1 && plan->argument_count <= ARGUMENTS_MAXIMUM);
	require(plan->environment_count <= ENVIRONMENT_MAXIMUM);
	require(plan->arguments[plan->argument_count] == NULL && plan->environment[plan->environment_count] == NULL);
	require(strlen(plan->uuid) == UUID_BYTES && plan->work_directory[0] == '/');
	require(plan->mounts[0].kind == MOUNT_TMPFS && strcmp(plan->mounts[0].target, "/") == 0);
	for (uint32_t i = 1; i < plan->mount_count; i++)
		require(plan->mounts[i].target[0] == '/' && !strstr(plan->mounts[i].target, "/../") &&
			plan->mounts[i].target[1] != '\0');
	for (uint32_t i = 0; i < plan->argument_count; i++)
		require(strlen(plan->arguments[i]) <= PLAN_STRING_MAXIMUM);
	require(plan->uid != UINT32_MAX && plan->gid != UINT32_MAX);
}

static void parse_as_plan(const uint8_t *bytes, size_t size)
{
	static struct plan plan;
	struct plan_error error = {0};

	memset(&plan, 0, sizeof plan);
	if (plan_parse(bytes, size, BUILD, &plan, &error))
		check_accepted(&plan);
	else
		require(error.fault > 0 && error.fault < PLAN_FAULTS_END && plan_fault_text(error.fault) &&
			plan_record_name(error.record) && error.offset <= size);
}

static void parse_as_header(const uint8_t *bytes, size_t size)
{
	struct session_header header;

	if (size != sizeof header)
		return;
	memcpy(&header, bytes, sizeof header);
	require(!session_order_fits(&header) || (header.type < SESSION_ORDERS_END && header.size <= SESSION_PAYLOAD_MAXIMUM));
}

static void check_size(struct terminal_size cells)
{
	require(cells.columns <= TERMINAL_CELLS_MAXIMUM && cells.rows <= TERMINAL_CELLS_MAXIMUM);
}

static void parse_as_size(const uint8_t *bytes, size_t size)
{
	struct terminal_size cells;

	if (session_read_size(bytes, size, &cells))
		check_size(cells);
}

static void parse_as_request(const uint8_t *bytes, size_t size)
{
	const struct session_header header = {.type = SESSION_EXEC, .size = (uint32_t)size};
	static struct exec_request request;

	if (!session_read_request(bytes, size, &request))
		return;
	/* The header is looked at first, and must refuse none that is whole. */
	require(session_order_fits(&header));
	check_size(request.size);
	require(strlen(request.term) <= REQUEST_TERM_MAXIMUM && !strchr(request.term, '/'));
	require(request.argument_count >= 1 && request.argument_count <= REQUEST_ARGUMENTS_MAXIMUM);
	require(request.arguments[0][0] != '\0' && request.arguments[request.argument_count] == NULL);
	for (uint32_t i = 0; i < request.argument_count; i++)
		require(strlen(request.arguments[i]) < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own block of exactly this size, so that one byte too far is seen. */
	uint8_t *bytes = malloc(size);

	require(bytes || size == 0);
	if (size > 0)
		memcpy(bytes, data, size);
	parse_as_plan(bytes, size);
	parse_as_header(bytes, size);
	parse_as_size(bytes, size);
	parse_as_request(bytes, size);
	free(bytes);
	return 0;
}
